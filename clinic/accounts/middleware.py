from django.utils.cache import add_never_cache_headers


class NoStoreMiddleware:
    """What a signed-in person sees stays in no cache (the browser's back button included)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        signed_in = "Authorization" in request.headers or request.user.is_authenticated
        if signed_in and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

"""A request's body."""


def checked(serializer_class, request, **options) -> dict:
    body = serializer_class(data=request.data, **options)
    body.is_valid(raise_exception=True)
    return body.validated_data

from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.providers import provider
from billing.services.online import receive_event


class ProviderEvents(APIView):
    """Where the payment provider tells of money that it took. Its signature over the body is the only key; see `billing.providers`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request):
        sender = provider()
        paid = sender.read_event(request.headers, request.body, now=timezone.now())
        event = receive_event(provider_name=sender.name, paid=paid)
        return Response({"event": event.event_id, "outcome": event.outcome})

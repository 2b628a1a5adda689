"""The second person, in a request's body."""

import functools

from rest_framework.exceptions import ValidationError

from clinic.accounts.origin import origin_of
from pharmacy.api.serializers import WitnessInput
from pharmacy.services.witnessing import confirm_witness


def witnessed(action):
    """Decorate a view's POST method, outside `idempotent`: takes `witness` {username, password} out of the body.

    Sets `request.witness` to the confirmed User, or None. The password is checked each time the request is
    sent, and goes no further: not into the fingerprint of an idempotency key either.
    """

    @functools.wraps(action)
    def run(view, request, *args, **kwargs):
        request.witness = None
        given = request.data.pop("witness", None) if isinstance(request.data, dict) else None
        if given is not None:
            body = WitnessInput(data=given)
            if not body.is_valid():
                raise ValidationError({"witness": body.errors})
            request.witness = confirm_witness(**body.validated_data, origin=origin_of(request), by=request.user)
        return action(view, request, *args, **kwargs)

    return run

from django.db.models import QuerySet

from clinic.accounts.models import SignUp
from patients.models import Patient

MOST_LINKED = 20


def waiting_sign_ups() -> QuerySet[SignUp]:
    """Confirmed accounts of which nobody said yet which patient it is, the oldest first. 1 query."""
    confirmed = SignUp.objects.filter(link__used_at__isnull=False, dismissed_at=None, link__user__patient=None)
    return confirmed.select_related("link__user").order_by("link__used_at", "id")


def linked_lately(user) -> QuerySet[Patient]:
    """Patients whose account signed up by mail, the newest first. 1 query."""
    ours = Patient.objects.visible_to(user).filter(user__in=SignUp.objects.values("link__user"))
    return ours.select_related("user").order_by("-updated_at", "-id")[:MOST_LINKED]

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from billing.models import Invoice
from clinic.core.together import read_at_once
from patients.models import Encounter, Patient
from pharmacy.models import Prescription
from scheduling.models import Appointment, Token
from scheduling.selectors.place import place_of


def patient_home(user, *, now: datetime) -> dict:
    """What a patient sees first: what is next, what was done and prescribed, what is owed. The own rows only."""
    appointments = Appointment.objects.visible_to(user).select_related("doctor__user", "doctor__department")
    signed_visits = Encounter.objects.visible_to(user).filter(signed_at__isnull=False).select_related("doctor__user")
    upcoming = appointments.live().filter(during__endswith__gt=now).order_by("during")[:5]
    visits, invoices = signed_visits.order_by("-signed_at", "-id")[:5], Invoice.objects.visible_to(user)[:5]
    read_at_once([upcoming, visits, invoices])
    return {
        "patient": Patient.objects.visible_to(user).first(),
        "places": [place_of(token) for token in Token.objects.visible_to(user).open().filter(on=timezone.localdate(now))],
        "upcoming": upcoming,
        "visits": visits,
        "prescriptions": Prescription.objects.visible_to(user).select_related("prescriber__user").prefetch_related("items__medicine")[:5],
        "invoices": invoices,
        "online_payments": bool(settings.PAYMENT_PROVIDER),
    }

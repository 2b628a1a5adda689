"""What the demo's portal patients and the one in the consulting room agreed to."""

from datetime import timedelta

from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ids import seed_id
from patients.models import Consent
from patients.services.consents import record_consent

# The patient's number, what about, decision, days before today, days that it lasts, its bounds.
_DECISIONS = [
    (1, "treatment", "active", 200, None, ""),
    (1, "data_sharing", "active", 200, None, "With the family doctor; not with the insurer beyond what a claim needs."),
    (1, "research", "active", 200, None, ""),
    (1, "research", "inactive", 60, None, ""),
    (2, "treatment", "active", 150, None, ""),
    (2, "research", "active", 150, 730, "Anonymous figures only."),
    (3, "treatment", "active", 90, None, ""),
    (3, "data_sharing", "rejected", 90, None, ""),
]


def seed_consents(demo: Demo) -> Tally:
    before = Consent.objects.count()
    for at, (number, category, status, ago, lasts, detail) in enumerate(_DECISIONS):
        day = demo.today - timedelta(days=ago)
        until = day + timedelta(days=lasts) if lasts else None
        values = {"category": category, "status": status, "given_on": day, "valid_until": until, "detail": detail}
        patient, key = demo.patient(number), seed_id("consent", at)
        record_consent(patient_id=patient.pk, values=values, by=demo.user("reception"), on=demo.today, request_id=key)
    made = Consent.objects.count() - before
    return Tally(made, len(_DECISIONS) - made)

"""What the prescribing part of a consultation shows."""

from django.utils import timezone

from pharmacy.models import Favourite, Medicine, Prescription, PrescriptionStatus
from pharmacy.permissions import PRESCRIBE
from pharmacy.rules.quantities import FREQUENCIES, ROUTES
from pharmacy.selectors.safety import current_items, safety_of

MOST_FAVOURITES = 40


def prescribing_context(encounter, user, **shown) -> dict:
    """{"prescribing": what pharmacy/_prescribing.html needs}. At most 10 queries.

    `shown` is what a form that comes back adds: line (what was typed), errors, refusal, refused.
    """
    on = timezone.localdate()
    written = list(Prescription.objects.filter(encounter=encounter).with_details().order_by("id"))
    draft = next((each for each in reversed(written) if each.is_draft), None)
    report = safety_of(draft, on=on) if draft else None
    current = [item for item in current_items([encounter.patient_id], on=on) if item.prescription.encounter_id != encounter.pk]
    can_prescribe = encounter.is_open and user.has_perm(PRESCRIBE) and hasattr(user, "doctor")
    return {
        "prescribing": {
            "encounter": encounter,
            "can_prescribe": can_prescribe,
            "favourites": list(Favourite.objects.visible_to(user).offered()[:MOST_FAVOURITES]) if can_prescribe else [],
            "last": Prescription.objects.visible_to(user).last_before(encounter) if can_prescribe and not draft else None,
            "draft": draft,
            "report": report,
            "earlier": [each for each in written if not each.is_draft and each.status != PrescriptionStatus.CANCELLED],
            "current": current,
            "frequencies": FREQUENCIES,
            "routes": ROUTES,
            "line": {},
        }
        | shown
    }


def medicines_to_choose(words: str, *, limit: int = 10):
    """For search as you type; the name that begins with the words first."""
    found = Medicine.objects.active().matching(words).with_on_hand(timezone.localdate())
    return sorted(found.order_by("name", "id")[:50], key=lambda each: not each.name.lower().startswith(words.lower().strip()))[:limit]

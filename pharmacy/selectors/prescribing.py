"""What the prescribing part of a consultation shows."""

from itertools import groupby

from django.db.models import Q, QuerySet
from django.utils import timezone

from clinic.core.together import Reader, read, side_by_side
from pharmacy.models import Favourite, Medicine, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.permissions import PRESCRIBE
from pharmacy.rules.quantities import FREQUENCIES, ROUTES
from pharmacy.selectors.safety import items_and_current, safety_of

MOST_FAVOURITES = 40


def prescribing_context(encounter, user, **shown) -> Reader:
    """{"prescribing": what pharmacy/_prescribing.html needs}. `encounter` has its doctor at hand; with its patient's
    allergies at hand too, at most one more query than its one step.

    `shown` is what a form that comes back adds: line (what was typed), errors, refusal, refused.
    """
    on = timezone.localdate()
    last, favourites = _last_lines(encounter, user), Favourite.objects.visible_to(user).offered()[:MOST_FAVOURITES]
    items = items_and_current(Q(prescription__encounter=encounter), patient_id=encounter.patient_id, on=on)
    [(own, current), _] = yield from side_by_side([items, read(last, favourites)])
    written = _prescriptions_of(own, encounter)
    draft = next((each for each in reversed(written) if each.is_draft), None)
    report = safety_of(draft, on=on, items=draft.lines, taken=current) if draft else None
    is_doctor = encounter.doctor.user_id == user.pk or hasattr(user, "doctor")
    can_prescribe = encounter.is_open and user.has_perm(PRESCRIBE) and is_doctor
    return {
        "prescribing": {
            "encounter": encounter,
            "can_prescribe": can_prescribe,
            "favourites": favourites if can_prescribe else [],
            "last": last if can_prescribe and not draft else [],
            "draft": draft,
            "report": report,
            "earlier": [each for each in written if not each.is_draft and each.status != PrescriptionStatus.CANCELLED],
            "current": [item for item in current if item.prescription.encounter_id != encounter.pk],
            "frequencies": FREQUENCIES,
            "routes": ROUTES,
            "line": {},
        }
        | shown
    }


def _prescriptions_of(items: list[PrescriptionItem], encounter) -> list[Prescription]:
    """Those that the items stand on, each with its own as `lines`, of the encounter and the patient that are at hand."""
    written = []
    for _, lines in groupby(items, key=lambda item: item.prescription_id):
        lines = list(lines)
        prescription = lines[0].prescription
        prescription.encounter, prescription.patient, prescription.lines = encounter, encounter.patient, lines
        written.append(prescription)
    return written


def _last_lines(encounter, user) -> QuerySet:
    """What repeating the patient's last prescription would put on the draft."""
    last = Prescription.objects.visible_to(user).of_other_visits(encounter).values("pk")[:1]
    return PrescriptionItem.objects.filter(prescription__in=last).select_related("medicine", "prescription").order_by("id")


def medicines_to_choose(words: str, *, limit: int = 10):
    """For search as you type; the name that begins with the words first."""
    found = Medicine.objects.active().matching(words).with_on_hand(timezone.localdate())
    return sorted(found.order_by("name", "id")[:50], key=lambda each: not each.name.lower().startswith(words.lower().strip()))[:limit]

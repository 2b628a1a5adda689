"""Medicines that the demo's pharmacist gives for each other when one is out."""

from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.shelf import medicine_id
from pharmacy.models import Equivalent, Medicine
from pharmacy.services.equivalents import approve_equivalent

_PAIRS = [
    (("Cetirizine 10 mg", "tablet"), ("Loratadine 10 mg", "tablet"), "Both for hay fever and itching, one tablet once a day."),
    (("Enalapril 10 mg", "tablet"), ("Lisinopril 10 mg", "tablet"), "Same class and strength, both once a day. Agreed with the doctors."),
]


def seed_equivalents(demo: Demo) -> Tally:
    """A pair that was withdrawn stays so."""
    there = set(Equivalent.objects.values_list("first", "second"))
    made = 0
    for one, other, reason in _PAIRS:
        medicine, stands = (Medicine.objects.get(public_id=medicine_id(*each)) for each in (one, other))
        if tuple(sorted((medicine.pk, stands.pk))) not in there:
            approve_equivalent(medicine=medicine, other=stands, reason=reason, by=demo.user("pharmacist"))
            made += 1
    return Tally(made, len(_PAIRS) - made)

"""Lines that the demo's doctors keep at hand: some of their own, some for everyone."""

from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.shelf import medicine_id
from pharmacy.models import Favourite, Medicine
from pharmacy.services.favourites import keep_favourite

# Whose, or '' for everyone; medicine, form, dose, frequency, days, what the patient is told.
_FAVOURITES = [
    ("", "Paracetamol 500 mg", "tablet", "1 tablet", "QID", 5, "Not more than 8 tablets in a day."),
    ("", "Ibuprofen 400 mg", "tablet", "1 tablet", "TDS", 5, "With food."),
    ("doctor", "Amoxicillin 500 mg", "capsule", "1 capsule", "TDS", 7, "To the end of the course."),
    ("doctor", "Nitrofurantoin 100 mg", "capsule", "1 capsule", "BD", 5, "With food, to the end."),
    ("doctor2", "Paracetamol 120 mg/5 ml", "syrup", "5 ml", "QID", 3, ""),
]


def seed_favourites(demo: Demo) -> Tally:
    before = Favourite.objects.count()
    for whose, name, form, dose, frequency, days, told in _FAVOURITES:
        line = {"dose": dose, "frequency": frequency, "duration_days": days, "instructions": told}
        medicine = Medicine.objects.get(public_id=medicine_id(name, form))
        keep_favourite(item=line | {"medicine": medicine}, by=demo.user(whose or "doctor"), for_everyone=not whose)
    return Tally(Favourite.objects.count() - before, before)

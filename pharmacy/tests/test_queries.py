"""Every page of the pharmacy: at most 10 queries, and no more for 20 rows than for one."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from patients.models import Allergy
from patients.services.access import break_glass, set_restricted
from patients.tests.factories import EncounterFactory
from pharmacy.models import MovementKind, Prescription
from pharmacy.services.favourites import keep_favourite
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import adjust_batch
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
MOST = 10


def lines(count: int) -> list[dict]:
    return [line_of(MedicineFactory()) for _ in range(count)]


def in_stock(medicine=None, *, quantity=50):
    on = timezone.localdate()
    return stocked(quantity, medicine=medicine, on=on, expires_on=soon(400, on))


def queries_of(client, url) -> int:
    with CaptureQueriesContext(connection) as counted:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(counted)


class World:
    """What the pages show, with `count` of each thing."""

    def __init__(self, count: int):
        self.visit = EncounterFactory()
        self.patient, self.doctor = self.visit.patient, self.visit.doctor
        for number in range(count):
            Allergy.objects.create(patient=self.patient, substance=f"Somethingorother {number}")
        signed(*lines(count), encounter=EncounterFactory(patient=self.patient))
        for line in lines(count):
            keep_favourite(item=line, by=self.doctor.user)
        self.count = count

    def again(self):
        """Another visit of the same patient with the same doctor."""
        return EncounterFactory(patient=self.patient, doctor=self.doctor)


def prescribing_with_a_draft(world):
    drafted(*lines(world.count), encounter=world.visit)
    signed(*lines(world.count), encounter=world.visit)
    return world.doctor.user, reverse("pharmacy:prescribing", args=[world.visit.public_id])


def prescribing_without_a_draft(world):
    return world.doctor.user, reverse("pharmacy:prescribing", args=[world.visit.public_id])


def prescribing_by_another_doctor(world):
    _, url = prescribing_with_a_draft(world)
    return DoctorFactory().user, url


def prescribing_on_a_restricted_chart(world):
    set_restricted(patient_id=world.patient.pk, is_restricted=True, by=None)
    return prescribing_with_a_draft(world)


def worklist(world):
    for _ in range(world.count):
        signed(*lines(world.count), encounter=world.again())
    return pharmacist(), reverse("pharmacy:worklist")


def worklist_searched(world):
    user, url = worklist(world)
    return user, f"{url}?q={world.patient.mrn}"


def counter(world):
    batches = [in_stock() for _ in range(world.count)]
    prescription = signed(*(line_of(batch.medicine, 3) for batch in batches), encounter=world.again(), reason="known")
    return pharmacist(), reverse("pharmacy:dispense", args=[prescription.public_id])


def counter_after_returns(world):
    """Short of stock, with others of the same, partly handed out, partly brought back."""
    batches = [in_stock(quantity=3) for _ in range(world.count)]
    for batch in batches:
        in_stock(MedicineFactory(generic_name=batch.medicine.generic_name))
    items = [line_of(batch.medicine, 3, repeats=2) for batch in batches]
    prescription = signed(*items, encounter=world.again(), reason="known")
    for _ in range(2):
        made = dispensed(prescription, on=timezone.localdate(), override_reason="known")
        return_dispensed(dispense_id=made.pk, to="batch", reason="wrong", by=pharmacist(), request_id=uuid4())
    return pharmacist(), reverse("pharmacy:dispense", args=[prescription.public_id])


def counter_of_a_restricted_chart(world):
    user, url = counter(world)
    set_restricted(patient_id=world.patient.pk, is_restricted=True, by=None)
    break_glass(patient_id=world.patient.pk, reason="at the counter", by=user, now=timezone.now())
    return user, url


def labels(world):
    user, _ = counter(world)
    made = dispensed(Prescription.objects.latest("pk"), on=timezone.localdate(), override_reason="known")
    return user, reverse("pharmacy:labels", args=[made.public_id])


def stock(world):
    for _ in range(world.count):
        in_stock()
    return pharmacist(), reverse("pharmacy:stock")


def medicine(world):
    shelf = MedicineFactory()
    for _ in range(world.count):
        adjust_batch(batch_id=in_stock(shelf).pk, quantity=-1, reason="broken", kind=MovementKind.WASTE, by=pharmacist())
    return pharmacist(), reverse("pharmacy:medicine", args=[shelf.public_id])


def reorder(world):
    user, _ = stock(world)
    return user, reverse("pharmacy:reorder") + "?show=all"


PAGES = [
    prescribing_with_a_draft,
    prescribing_without_a_draft,
    prescribing_by_another_doctor,
    prescribing_on_a_restricted_chart,
    worklist,
    worklist_searched,
    counter,
    counter_after_returns,
    counter_of_a_restricted_chart,
    labels,
    stock,
    medicine,
    reorder,
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_at_most_ten_queries_whatever_stands_on_it(page, client_as):
    counts = {}
    for rows in (1, 20):
        user, url = page(World(rows))
        counts[rows] = queries_of(client_as(user), url)

    assert counts[20] <= counts[1]
    assert counts[20] <= MOST

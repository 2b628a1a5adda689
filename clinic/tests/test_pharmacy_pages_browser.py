"""Every page of the counter and of the stockroom in the states that staff meet, held to axe by light and dark, wide and narrow."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import Allergy
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.models import Batch, DispenseLine, Medicine, Supplier
from pharmacy.services.equivalents import approve_equivalent
from pharmacy.services.leaflets import load_leaflets
from pharmacy.services.purchasing import place_order, receive_order
from pharmacy.services.recall import record_call
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state
from pharmacy.services.stocktaking import open_stock_take, write_counts
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, signed, soon, stocked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LEAFLET = ("what_for", "how_to_take", "when_not", "side_effects", "storage", "source")


@pytest.fixture
def person():
    return user(Role.PHARMACIST)


def in_stock(units: int, medicine: Medicine | None = None, *, days: int = 400) -> Batch:
    on = timezone.localdate()
    return stocked(units, medicine=medicine, on=on, expires_on=soon(days, on))


def asked_patient():
    return PatientFactory(allergies_reviewed_at=timezone.now(), phone="+41446681800")


def with_leaflet(medicine: Medicine, by) -> None:
    texts = dict.fromkeys(LEAFLET, "Plain words about it.") | {"reviewed_on": "2026-01-15"}
    load_leaflets(leaflets=[texts | {"name": medicine.name, "form": medicine.form}], on=timezone.localdate(), by=by)


def visit(page, axe_clean, *pages):
    for name, *args in pages:
        page.goto(reverse(f"pharmacy:{name}", args=args))
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the window"
        axe_clean(page)


def test_the_counter(page_as, axe_clean, person, look):
    """A warning, a shortage with its equivalents, a return; what is printed; and the paper that anyone may check."""
    short, like, told = MedicineFactory(generic_name="amoxicillin"), MedicineFactory(), MedicineFactory()
    approve_equivalent(medicine=short, other=like, reason="of like effect", by=person)
    in_stock(4, short), in_stock(50, like), in_stock(50, told), in_stock(50, told)
    with_leaflet(told, person)
    patient = asked_patient()
    prescription = signed(line_of(short, 6), line_of(told, 6, repeats=2), encounter=EncounterFactory(patient=patient))
    lines = [{"item": item.public_id, "quantity": 3} for item in prescription.items.order_by("id")]
    made = dispensed(prescription, items=lines, by=person, on=timezone.localdate())
    [first] = DispenseLine.objects.filter(dispense=made, item__medicine=short)
    return_dispensed(
        dispense_id=made.pk, lines=[{"line": first.public_id, "quantity": 1}], to="batch", reason="Broken", by=person, request_id=uuid4()
    )
    Allergy.objects.create(patient=patient, substance="penicillin")
    signed(line_of(told), encounter=EncounterFactory(patient=asked_patient()), cleared=False)
    page = page_as(person, **look)

    visit(
        page, axe_clean, ("worklist",), ("labels", made.public_id), ("leaflet", made.public_id), ("verify", prescription.paper_code),
        ("verify", uuid4()), ("medicine_leaflet", told.public_id), ("medicine_leaflet", short.public_id),
        ("dispense", prescription.public_id),
    )  # fmt: skip
    for words in ("Give another (1 there)", "One that the doctor agreed to"):
        page.get_by_text(words).click()
    axe_clean(page)
    page.get_by_role("button", name="Hand out", exact=True).click()
    expect(page.locator(".error-summary")).to_be_visible()
    axe_clean(page)


def test_the_stockroom(page_as, axe_clean, person, look):
    """Batches of all states, their dialogs, the register, what is to order, a count that waits, and the call list of a recall."""
    medicine, controlled = MedicineFactory(reorder_level=60), MedicineFactory(is_controlled=True)
    recalled, _, held = in_stock(20, medicine), in_stock(20, medicine, days=20), in_stock(20, medicine)
    in_stock(20, controlled)
    prescription = signed(line_of(medicine, 6), encounter=EncounterFactory(patient=asked_patient()))
    items = [{"item": prescription.items.get().public_id, "quantity": 6, "batch": recalled.public_id}]
    dispensed(prescription, items=items, by=person, on=timezone.localdate())
    change_batch_state(batch_id=held.pk, to="quarantined", reason="Wet box", by=person)
    change_batch_state(batch_id=recalled.pk, to="recalled", reason="Letter of the maker", by=person)
    call = {"outcome": "no_answer", "by": person, "request_id": uuid4(), "note": "Again at noon"}
    record_call(batch_id=recalled.pk, patient_id=prescription.patient_id, **call)
    take = open_stock_take(which="all", by=person, request_id=uuid4())
    write_counts(take_id=take.pk, counts={line.public_id: 19 for line in take.lines.all()[:2]}, by=person)
    page = page_as(person, **look)

    visit(
        page, axe_clean, ("stock",), ("reorder",), ("register", controlled.public_id), ("stock_takes",), ("stock_take", take.public_id),
        ("recipients", recalled.public_id), ("recipients", held.public_id), ("equivalents", medicine.public_id),
        ("medicine", controlled.public_id), ("medicine", medicine.public_id),
    )  # fmt: skip
    page.get_by_role("button", name="Recall").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    axe_clean(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take into stock").click()
    expect(page.locator(".error-summary")).to_be_visible()
    axe_clean(page)


def test_orders_and_transfers(page_as, axe_clean, person, look):
    supplier = Supplier.objects.create(name="Medsupply", phone="+41446681800", email="orders@example.org")
    lines = [{"medicine": MedicineFactory(), "quantity": 10, "unit_cost": 1} for _ in range(2)]
    order = place_order(supplier_id=supplier.pk, lines=lines, by=person, request_id=uuid4())
    pack = {"lot": "L1", "expires_on": soon(300, timezone.localdate()), "quantity": 4}
    line = order.lines.order_by("pk")[0].public_id
    receive_order(order_id=order.pk, line=line, by=person, on=timezone.localdate(), request_id=uuid4(), **pack)
    page = page_as(person, **look)

    visit(page, axe_clean, ("orders",), ("new_order",), ("order", order.public_id), ("suppliers",), ("transfers",))

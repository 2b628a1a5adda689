import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from pharmacy.models import Medicine
from pharmacy.tests.factories import MedicineFactory, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client_as):
    return client_as(user(Role.PHARMACIST))


def form_of(medicine: Medicine, **changes):
    names = ["name", "generic_name", "form", "strength", "unit", "code_system", "code", "price", "reorder_level", "issue_policy"]
    return {name: getattr(medicine, name) for name in names} | {"prescription_required": "on", "is_active": "on"} | changes


def test_medicines_are_added_and_changed_through_the_service(office):
    draft = Medicine(name="New 5 mg", generic_name="new", form="tablet", unit="tablet", price="1.00", reorder_level=5)

    assert office.post(reverse("admin:pharmacy_medicine_add"), form_of(draft)).status_code == 302
    medicine = Medicine.objects.get()
    office.post(reverse("admin:pharmacy_medicine_change", args=[medicine.pk]), form_of(medicine, price="2.00"))

    medicine.refresh_from_db()
    assert (str(medicine.price), medicine.version) == ("2.00", 2)
    actions = OutboxEvent.objects.filter(resource_id=medicine.public_id).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["pharmacy.medicine.added", "pharmacy.medicine.updated"]


def test_a_name_given_twice_is_shown_in_the_form(office):
    medicine = MedicineFactory()

    answer = office.post(reverse("admin:pharmacy_medicine_add"), form_of(medicine))

    assert answer.status_code == 200
    assert Medicine.objects.count() == 1


@pytest.mark.parametrize("model", ["batch", "stockmovement"])
def test_stock_is_only_looked_at(office, model):
    batch = stocked(5)
    row = batch if model == "batch" else batch.movements.get()

    assert office.get(reverse(f"admin:pharmacy_{model}_changelist"), {"q": batch.lot}).status_code == 200
    assert office.get(reverse(f"admin:pharmacy_{model}_change", args=[row.pk])).status_code == 200
    assert office.post(reverse(f"admin:pharmacy_{model}_change", args=[row.pk]), {"on_hand": 99}).status_code == 403
    assert office.get(reverse(f"admin:pharmacy_{model}_add")).status_code == 403
    assert office.post(reverse(f"admin:pharmacy_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_others_see_no_stock_in_the_back_office(client_as):
    client = client_as(user(Role.RECEPTION))

    assert client.get(reverse("admin:pharmacy_batch_changelist")).status_code == 403

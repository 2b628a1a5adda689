import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.models import Allergy
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.models import Batch, Dispense, Medicine, Prescription, StockMovement, Supplier
from pharmacy.tests.factories import (
    MedicineFactory,
    dispensed,
    drafted,
    line_of,
    pharmacist,
    signed,
    soon,
    stocked,
)

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
NOBODY = "0b8a3f0e-4f8e-4f5d-9f43-6d0c3b3f0a11"


def today():
    return timezone.localdate()


def stock_now(quantity, **options):
    return stocked(quantity, on=today(), **({"expires_on": soon(400, today())} | options))


@pytest.fixture
def counter(api_as):
    return api_as(pharmacist())


# --- Medicines ---------------------------------------------------------------------------------


def medicine_body(**changes):
    return {"name": "Paracetamol 500 mg", "generic_name": "paracetamol", "form": "tablet", "unit": "tablet", "price": "0.05"} | changes


def test_a_pharmacist_adds_changes_and_retires_a_medicine(counter):
    made = counter.post(V1 + "medicines/", medicine_body())
    assert made.status_code == 201
    assert made.data["on_hand"] == 0
    url = f"{V1}medicines/{made.data['id']}/"

    changed = counter.patch(url, {"price": "0.07"}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.data["price"]) == (200, "0.07")
    stale = counter.patch(url, {"price": "0.09"}, headers={"If-Match": made.headers["ETag"]})
    assert (stale.status_code, stale.data["code"]) == (412, "stale_version")

    assert counter.delete(url).status_code == 204
    assert counter.get(url).data["is_active"] is False
    assert counter.get(url).data["price"] == "0.07"


def test_the_same_medicine_is_not_added_twice(counter):
    counter.post(V1 + "medicines/", medicine_body())

    again = counter.post(V1 + "medicines/", medicine_body(name="PARACETAMOL 500 mg"))

    assert (again.status_code, again.data["code"]) == (409, "medicine_exists")
    assert Medicine.objects.count() == 1


def test_on_hand_counts_what_may_go_out(counter):
    medicine = MedicineFactory()
    stock_now(5, medicine=medicine)
    stock_now(7, medicine=medicine)
    stocked(9, medicine=medicine, on=today(), expires_on=soon(1, today()))
    aside = stock_now(11, medicine=medicine)
    counter.post(f"{V1}batches/{aside.public_id}/quarantine/", {"reason": "damp"})

    [row] = counter.get(V1 + "medicines/", {"search": medicine.name}).data["results"]

    assert row["on_hand"] == 5 + 7 + 9


@pytest.mark.parametrize(
    "bad", [{"price": "-1"}, {"price": "NaN"}, {"name": ""}, {"name": "a\0b"}, {"generic_name": " + "}, {"reorder_level": 1.5}]
)
def test_a_bad_medicine_is_refused_by_field(counter, bad):
    answer = counter.post(V1 + "medicines/", medicine_body(**bad))

    assert answer.status_code == 400
    assert list(answer.data["errors"]) == list(bad)
    assert not Medicine.objects.exists()


def test_lists_stay_flat_in_queries(counter, django_assert_max_num_queries):
    for _ in range(3):
        stock_now(5)
    paths = ["medicines/", "batches/", "stock-movements/", "suppliers/", "inventory/low-stock/", "inventory/expiring/?days=999"]
    for rows in (3, 30):
        while Batch.objects.count() < rows:
            stock_now(5)
        for path in paths:
            with django_assert_max_num_queries(6):
                assert counter.get(V1 + path).status_code == 200


# --- Stock -------------------------------------------------------------------------------------


def receipt(medicine, /, **changes):
    return {
        "medicine": str(medicine.public_id), "lot": "A1", "expires_on": soon(300, today()).isoformat(), "quantity": 100,
        "unit_cost": "0.0150", "supplier": None,
    } | changes  # fmt: skip


def test_receiving_the_same_delivery_note_twice_with_one_key_counts_once(counter):
    medicine = MedicineFactory()

    answers = [counter.post(V1 + "batches/", receipt(medicine), headers={"Idempotency-Key": "note-1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].data["id"] == answers[1].data["id"]
    assert Batch.objects.get().on_hand == 100


def test_the_same_lot_adds_to_its_batch_and_another_expiry_makes_a_new_one(counter):
    medicine = MedicineFactory()
    supplier = Supplier.objects.create(name="Medstock")

    first = counter.post(V1 + "batches/", receipt(medicine, supplier=str(supplier.public_id)))
    second = counter.post(V1 + "batches/", receipt(medicine, lot="a1", quantity=20))
    third = counter.post(V1 + "batches/", receipt(medicine, expires_on=soon(301, today()).isoformat()))

    assert first.data["id"] == second.data["id"] != third.data["id"]
    assert (second.data["on_hand"], second.data["received_quantity"], second.data["supplier_name"]) == (120, 120, "Medstock")


@pytest.mark.parametrize(
    "bad",
    [{"quantity": value} for value in (0, -1, 1.5, "1.5", True, 10**12, None, "x")]
    + [{"expires_on": "2020-01-01"}, {"expires_on": "soon"}, {"lot": ""}, {"lot": "  "}, {"lot": "x" * 61}, {"unit_cost": "-1"}]
    + [{"medicine": NOBODY}, {"medicine": "x"}, {"medicine": 5}, {"medicine": ["x"]}, {"supplier": NOBODY}],
)
def test_a_bad_receipt_is_refused_by_field(counter, bad):
    answer = counter.post(V1 + "batches/", receipt(MedicineFactory(), **bad))

    assert answer.status_code == 400
    assert list(answer.data["errors"]) == list(bad)
    assert not Batch.objects.exists()
    assert not StockMovement.objects.exists()


def test_an_adjustment_needs_a_reason_and_never_goes_below_nothing(counter):
    batch = stock_now(10)
    url = f"{V1}batches/{batch.public_id}/adjust/"

    assert counter.post(url, {"quantity": -2, "reason": "two broken"}).data["on_hand"] == 8
    assert counter.post(url, {"quantity": -2}).status_code == 400
    assert counter.post(url, {"quantity": 0, "reason": "x"}).status_code == 400
    refused = counter.post(url, {"quantity": -9, "reason": "lost"})

    assert (refused.status_code, refused.data["code"], refused.data["on_hand"]) == (409, "not_on_hand", 8)
    assert list(batch.movements.values_list("quantity", flat=True)) == [10, -2]


def test_only_cost_and_supplier_of_a_batch_can_be_patched(counter):
    batch = stock_now(10)

    answer = counter.patch(f"{V1}batches/{batch.public_id}/", {"unit_cost": "0.5000", "on_hand": 999, "lot": "other", "state": "recalled"})

    assert (answer.status_code, answer.data["unit_cost"]) == (200, "0.5000")
    batch.refresh_from_db()
    assert (batch.on_hand, batch.state) == (10, "available")


def test_a_recalled_batch_is_frozen_for_good(counter):
    batch = stock_now(10)

    assert counter.post(f"{V1}batches/{batch.public_id}/recall/", {"reason": "maker's letter"}).data["state"] == "recalled"
    refused = counter.post(f"{V1}batches/{batch.public_id}/release/", {"reason": "fine again"})

    assert (refused.status_code, refused.data["code"]) == (409, "batch_state")


def test_low_and_expiring_stock_are_named(counter):
    low = MedicineFactory(reorder_level=5)
    stock_now(5, medicine=low)
    stock_now(500, medicine=MedicineFactory(reorder_level=5))
    near = stocked(5, on=today(), expires_on=soon(20, today()), medicine=MedicineFactory())

    assert [row["id"] for row in counter.get(V1 + "inventory/low-stock/").data["results"]] == [str(low.public_id)]
    assert [row["id"] for row in counter.get(V1 + "inventory/expiring/").data["results"]] == [str(near.public_id)]
    assert counter.get(V1 + "inventory/expiring/?days=10").data["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        "batches/?medicine=x", "batches/?state=gone", "stock-movements/?date_from=x", "stock-movements/?batch=%00",
        "stock-movements/?kind=in", "inventory/expiring/?days=-1", "inventory/expiring/?days=99999999999", "medicines/?search=%00",
        "prescriptions/?patient=1", "prescriptions/?status=lost", "dispensings/?prescription=x", "dispensings/?date_to=2026-02-30",
        "suppliers/?search=%00",
    ],
)  # fmt: skip
def test_a_bad_filter_is_a_bad_request(counter, query):
    answer = counter.get(V1 + query)

    assert answer.status_code == 400
    assert answer.data["errors"]


@pytest.mark.parametrize("query", ["date_from=0001-01-01&date_to=9999-12-31", "date_to=9999-12-31", "date_from=9999-12-31"])
def test_the_edges_of_the_calendar_are_fine(counter, query):
    stock_now(1)

    assert counter.get(V1 + "stock-movements/?" + query).status_code == 200


# --- Prescriptions -----------------------------------------------------------------------------


def item_body(medicine, /, **changes):
    return {"medicine": str(medicine.public_id), "dose": "1 tablet", "route": "oral", "frequency": "TDS", "duration_days": 7} | changes


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor(api_as, visit):
    return api_as(visit.doctor.user)


def test_a_doctor_writes_and_signs(doctor, visit):
    medicine = MedicineFactory()

    made = doctor.post(V1 + "prescriptions/", {"visit": str(visit.public_id), "items": [item_body(medicine, instructions="after food")]})

    assert made.status_code == 201
    [item] = made.data["items"]
    assert (item["quantity"], item["unit"], item["medicine_name"], item["dispensed_quantity"]) == (21, "tablet", medicine.name, 0)
    assert (made.data["status"], made.data["cleared"], made.data["patient"]) == ("draft", False, visit.patient.public_id)
    assert {name: made.data["checks"][name] for name in ("allergies", "duplicates", "interactions")} == {
        "allergies": "unknown",
        "duplicates": "checked",
        "interactions": "unknown",
    }
    assert not made.data["checks"]["unmatched_allergies"]
    assert not made.data["checks"]["without_ingredients"]
    signature = doctor.post(f"{V1}prescriptions/{made.data['id']}/sign/", {})
    assert (signature.status_code, signature.data["status"]) == (200, "signed")
    assert signature.data["signed_at"]
    assert signature.data["valid_until"]
    assert OutboxEvent.objects.filter(action="pharmacy.prescription.signed", patient_id=visit.patient.public_id).count() == 1


def test_a_warning_needs_a_reason(doctor, visit):
    Allergy.objects.create(patient=visit.patient, substance="Penicillin")
    medicine = MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin")
    made = doctor.post(V1 + "prescriptions/", {"visit": str(visit.public_id), "items": [item_body(medicine)]})
    assert [alert["kind"] for alert in made.data["alerts"]] == ["allergy"]
    url = f"{V1}prescriptions/{made.data['id']}/sign/"

    refused = doctor.post(url, {})
    assert (refused.status_code, refused.data["code"]) == (409, "safety_check")
    assert refused.data["alerts"] == made.data["alerts"]
    assert Prescription.objects.get().status == "draft"

    assert doctor.post(url, {"override_reason": "Test dose tolerated."}).data["status"] == "signed"


@pytest.mark.parametrize(
    "bad",
    [{"quantity": value} for value in (0, -1, 1.5, 10**12, "many")]
    + [{"duration_days": 0}, {"duration_days": 367}, {"duration_days": 2.5}, {"dose": ""}, {"dose": "x\0"}, {"frequency": "y" * 41}]
    + [{"medicine": NOBODY}, {"repeats": -1}, {"repeats": 13}, {"instructions": "x" * 301}],
)
def test_a_bad_line_is_refused(doctor, visit, bad):
    answer = doctor.post(V1 + "prescriptions/", {"visit": str(visit.public_id), "items": [item_body(MedicineFactory(), **bad)]})

    assert answer.status_code == 400
    assert list(answer.data["errors"]["items"][0]) == list(bad)
    assert not Prescription.objects.exists()


def test_words_that_cannot_be_counted_need_a_quantity(doctor, visit):
    body = {"visit": str(visit.public_id), "items": [item_body(MedicineFactory(), frequency="as the doctor said")]}

    answer = doctor.post(V1 + "prescriptions/", body)

    assert answer.status_code == 400
    assert "quantity" in answer.data["errors"]["items"][0]
    assert not Prescription.objects.exists()


@pytest.mark.parametrize("visit_id", [None, "x", NOBODY, 7])
def test_a_visit_that_is_not_there_is_refused(doctor, visit_id):
    answer = doctor.post(V1 + "prescriptions/", {"visit": visit_id, "items": [item_body(MedicineFactory())]})

    assert (answer.status_code, list(answer.data["errors"])) == (400, ["visit"])


def test_a_stale_edit_of_a_draft_is_refused(doctor, visit):
    medicine = MedicineFactory()
    draft = drafted(line_of(medicine), encounter=visit)
    url = f"{V1}prescriptions/{draft.public_id}/"
    etag = doctor.get(url).headers["ETag"]

    assert doctor.patch(url, {"items": [item_body(medicine, quantity=9)]}, headers={"If-Match": etag}).status_code == 200
    assert doctor.patch(url, {"items": [item_body(medicine, quantity=5)]}, headers={"If-Match": etag}).status_code == 412

    assert draft.items.get().quantity == 9


def test_a_signed_prescription_is_not_edited_or_signed_by_another(doctor, visit, api_as):
    prescription = signed(encounter=visit)
    url = f"{V1}prescriptions/{prescription.public_id}/"

    assert doctor.patch(url, {"items": [item_body(MedicineFactory())]}).data["code"] == "not_draft"
    assert doctor.post(url + "sign/", {}).status_code == 200
    other = api_as(EncounterFactory().doctor.user)
    assert other.post(url + "sign/", {}).data["code"] == "not_draft"


def test_cancelling_needs_a_reason_and_nothing_handed_out(doctor, visit):
    batch = stock_now(10)
    prescription = signed(line_of(batch.medicine, 4), encounter=visit)
    url = f"{V1}prescriptions/{prescription.public_id}/cancel/"

    assert doctor.post(url, {}).status_code == 400
    dispense = dispensed(prescription, on=today())
    assert dispense.lines.exists()
    refused = doctor.post(url, {"reason": "wrong"})

    assert (refused.status_code, refused.data["code"]) == (409, "not_cancellable")


def test_prints_a_signed_prescription_and_nothing_else(doctor, visit):
    draft = drafted(encounter=visit)
    assert doctor.get(f"{V1}prescriptions/{draft.public_id}/print/").data["code"] == "not_signed"
    doctor.post(f"{V1}prescriptions/{draft.public_id}/sign/", {})

    for accept in ("*/*", "application/pdf"):
        answer = doctor.get(f"{V1}prescriptions/{draft.public_id}/print/", headers={"Accept": accept})
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")


def test_a_patient_reads_own_signed_prescriptions_only(api_as):
    me = PatientFactory(user=user(Role.PATIENT))
    own, draft, other = signed(encounter=EncounterFactory(patient=me)), drafted(encounter=EncounterFactory(patient=me)), signed()
    portal = api_as(me.user)

    assert [row["id"] for row in portal.get(V1 + "prescriptions/").data["results"]] == [str(own.public_id)]
    assert portal.get(f"{V1}prescriptions/{own.public_id}/").status_code == 200
    assert portal.get(f"{V1}prescriptions/{own.public_id}/print/").status_code == 200
    for hidden in (draft, other):
        for path in ("", "print/"):
            assert portal.get(f"{V1}prescriptions/{hidden.public_id}/{path}").status_code == 404
    assert portal.get(V1 + "prescriptions/", {"patient": str(other.patient.public_id)}).data["results"] == []
    assert portal.get(V1 + "medicines/").status_code == 403
    assert portal.post(f"{V1}prescriptions/{own.public_id}/cancel/", {"reason": "x"}).status_code == 403


def test_prescriptions_stay_flat_in_queries(counter, django_assert_max_num_queries):
    batch = stock_now(500)
    for rows in (3, 30):
        while Prescription.objects.count() < rows:
            signed(line_of(batch.medicine, 4), line_of(MedicineFactory()))
        with django_assert_max_num_queries(12):
            assert len(counter.get(V1 + "prescriptions/").data["results"]) == rows


# --- Dispensing --------------------------------------------------------------------------------


def test_a_batch_that_changed_meanwhile_is_not_overwritten(counter):
    url = f"{V1}batches/{stock_now(30).public_id}/"
    seen = counter.get(url).headers["ETag"]

    assert counter.patch(url, {"unit_cost": "0.20"}, headers={"If-Match": seen}).status_code == 200
    stale = counter.patch(url, {"unit_cost": "0.30"}, headers={"If-Match": seen})

    assert (stale.status_code, stale.data["code"]) == (412, "stale_version")
    assert counter.get(url).data["unit_cost"] == "0.2000"


def test_reading_dispensings_is_written_down(counter):
    first, other = (dispensed(signed(line_of(stock_now(30).medicine, 10)), on=today()) for _ in range(2))
    patient = first.prescription.patient.public_id

    counter.get(f"{V1}dispensings/{first.public_id}/")
    read = OutboxEvent.objects.latest("id")
    assert (read.action, read.resource_id, read.patient_id) == ("patients.chart.read", first.public_id, patient)

    counter.get(f"{V1}dispensings/?patient={patient}")
    assert OutboxEvent.objects.latest("id").resource_id == patient

    counter.get(f"{V1}dispensings/")
    listed = OutboxEvent.objects.order_by("-id")[:2]
    assert {(event.action, event.patient_id, *event.document["changes"]["prescriptions"]) for event in listed} == {
        ("patients.chart.read", each.prescription.patient.public_id, str(each.prescription.public_id)) for each in (first, other)
    }


def test_hands_out_and_takes_back(counter):
    batch = stock_now(30, lot="LOT-7")
    prescription = signed(line_of(batch.medicine, 10))
    body = {"prescription": str(prescription.public_id)}

    first, second = (counter.post(V1 + "dispensings/", body, headers={"Idempotency-Key": "press"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["id"] == second.data["id"]
    [line] = first.data["lines"]
    assert (line["lot"], line["quantity"], line["returned_quantity"], line["medicine_name"]) == ("LOT-7", 10, 0, batch.medicine.name)
    assert counter.get(f"{V1}prescriptions/{prescription.public_id}/").data["status"] == "dispensed"

    back = counter.post(
        f"{V1}dispensings/{first.data['id']}/return/",
        {"lines": [{"line": line["id"], "quantity": 4}], "to": "batch", "reason": "not needed"},
    )
    assert (back.status_code, back.data["lines"][0]["returned_quantity"]) == (201, 4)
    batch.refresh_from_db()
    assert batch.on_hand == 24


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10**12, "two", None])
def test_a_quantity_that_is_no_count_is_refused(counter, quantity):
    batch = stock_now(30)
    prescription = signed(line_of(batch.medicine, 10))
    item = str(prescription.items.get().public_id)

    answer = counter.post(
        V1 + "dispensings/", {"prescription": str(prescription.public_id), "items": [{"item": item, "quantity": quantity}]}
    )

    assert answer.status_code == 400
    assert not Dispense.objects.exists()


def test_refusals_carry_their_code_and_what_helps(counter):
    batch = stock_now(3)
    unpaid = signed(line_of(batch.medicine, 4), cleared=False)
    short = signed(line_of(batch.medicine, 4))

    answer = counter.post(V1 + "dispensings/", {"prescription": str(unpaid.public_id)})
    assert (answer.status_code, answer.data["code"]) == (409, "payment_required")
    answer = counter.post(V1 + "dispensings/", {"prescription": str(short.public_id)})
    assert (answer.status_code, answer.data["code"]) == (409, "insufficient_stock")
    assert answer.data["shortages"][0]["available"] == 3
    over = {"prescription": str(short.public_id), "items": [{"item": str(short.items.get().public_id), "quantity": 5}]}
    assert counter.post(V1 + "dispensings/", over).data["code"] == "over_prescribed"
    wrong = {"prescription": str(short.public_id)} | {
        "items": [{"item": str(short.items.get().public_id), "quantity": 1, "batch": str(stock_now(5).public_id)}]
    }
    assert counter.post(V1 + "dispensings/", wrong).data["code"] == "wrong_batch"
    assert not Dispense.objects.exists()
    assert not StockMovement.objects.filter(kind="OUT").exists()


# --- Who may -----------------------------------------------------------------------------------

READS = [
    "medicines/",
    "batches/",
    "suppliers/",
    "stock-movements/",
    "inventory/low-stock/",
    "inventory/expiring/",
    "prescriptions/",
    "dispensings/",
]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.RECEPTION, set()),
        (Role.NURSE, {"medicines/", "prescriptions/", "dispensings/"}),
        (Role.DOCTOR, {"medicines/", "prescriptions/", "dispensings/"}),
        (Role.PHARMACIST, set(READS)),
        (Role.MANAGER, {"medicines/", "batches/", "suppliers/", "stock-movements/", "inventory/low-stock/", "inventory/expiring/"}),
        (Role.ADMIN, set(READS)),
        (Role.PATIENT, {"prescriptions/", "dispensings/"}),
    ],
)
def test_each_role_reads_what_it_works_with(api_as, role, allowed):
    client = api_as(user(role))

    assert {path for path in READS if client.get(V1 + path).status_code == 200} == allowed
    assert {client.get(V1 + path).status_code for path in set(READS) - allowed} <= {403}


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.NURSE, Role.MANAGER, Role.PATIENT])
def test_others_write_nothing(api_as, role):
    client = api_as(user(role))
    prescription, batch = signed(), stock_now(5)
    posts = ["medicines/", "batches/", "suppliers/", "prescriptions/", "dispensings/", f"batches/{batch.public_id}/adjust/"]
    posts += [f"batches/{batch.public_id}/recall/", f"prescriptions/{prescription.public_id}/sign/"]

    assert {path: client.post(V1 + path, {}).status_code for path in posts} == dict.fromkeys(posts, 403)


def test_a_stranger_is_asked_to_sign_in(api_as):
    assert {api_as().get(V1 + path).status_code for path in READS} == {401}


def test_a_doctor_does_not_hand_out_and_a_pharmacist_does_not_prescribe(api_as, counter, doctor, visit):
    assert doctor.post(V1 + "dispensings/", {}).status_code == 403
    assert counter.post(V1 + "prescriptions/", {}).status_code == 403


def test_an_administrator_without_a_licence_does_not_prescribe(api_as, visit):
    answer = api_as(user(Role.ADMIN)).post(V1 + "prescriptions/", {"visit": str(visit.public_id), "items": [item_body(MedicineFactory())]})

    assert (answer.status_code, answer.data["code"]) == (403, "not_a_prescriber")
    assert not Prescription.objects.exists()

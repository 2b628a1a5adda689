from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.models import Allergy
from patients.services.access import break_glass, set_restricted
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.models import Batch, Dispense, Prescription, StockMovement
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def today():
    return timezone.localdate()


def stock_now(quantity, **options):
    return stocked(quantity, on=today(), **({"expires_on": soon(400, today())} | options))


@pytest.fixture
def counter(client_as):
    return client_as(pharmacist())


def press(prescription, **changes):
    item = prescription.items.get()
    return {"request_id": str(uuid4()), f"quantity-{item.public_id}": str(item.quantity)} | changes


# --- The list ------------------------------------------------------------------------------------


def test_the_list_shows_who_waits_oldest_first_with_payment_and_allergies(counter):
    first, unpaid = signed(), signed(cleared=False)
    Allergy.objects.create(patient=first.patient, substance="Penicillin")
    drafted()

    page = counter.get(reverse("pharmacy:worklist")).content.decode()

    assert page.index(first.patient.full_name) < page.index(unpaid.patient.full_name)
    assert "Allergy: Penicillin" in page
    assert "Not paid" in page
    assert page.count("data-row-link") == 2


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_restricted_patient_waits_in_the_list_without_medicines_and_allergies(client_as, headers):
    mine, colleague = pharmacist(), pharmacist()
    prescription = signed(line_of(MedicineFactory(name="Secretol")))
    Allergy.objects.create(patient=prescription.patient, substance="Penicillin")
    set_restricted(patient_id=prescription.patient_id, is_restricted=True, by=None)

    closed = client_as(mine).get(reverse("pharmacy:worklist"), headers=headers).content.decode()
    break_glass(patient_id=prescription.patient_id, reason="Stands at the counter", by=mine, now=timezone.now())
    opened = client_as(mine).get(reverse("pharmacy:worklist"), headers=headers).content.decode()
    of_another = client_as(colleague).get(reverse("pharmacy:worklist"), headers=headers).content.decode()

    for page in (closed, of_another):
        assert prescription.patient.mrn in page
        assert "Restricted chart" in page
        assert "Secretol" not in page
        assert "Penicillin" not in page
    assert "Secretol" in opened
    assert "Allergy: Penicillin" in opened


def test_the_list_refreshes_by_itself_and_stays_flat_in_queries(counter, django_assert_max_num_queries):
    medicine = MedicineFactory()
    for rows in (3, 30):
        while Prescription.objects.count() < rows:
            Allergy.objects.create(patient=signed(line_of(medicine), line_of(MedicineFactory())).patient, substance="Latex")
        with django_assert_max_num_queries(10):
            part = counter.get(reverse("pharmacy:worklist"), headers=HTMX).content.decode()
    assert part.count("data-row-link") == 30
    assert "<html" not in part


def test_a_scanned_prescription_opens(counter):
    prescription = signed()

    answer = counter.get(reverse("pharmacy:worklist"), {"q": str(prescription.public_id)})

    assert answer.url == reverse("pharmacy:dispense", args=[prescription.public_id])


def test_a_patient_is_found_by_name_or_number(counter):
    wanted, other = signed(), signed()

    for words in (wanted.patient.last_name.upper(), wanted.patient.mrn):
        page = counter.get(reverse("pharmacy:worklist"), {"q": words}).content.decode()
        assert wanted.patient.full_name in page
        assert other.patient.full_name not in page


def test_repeats_and_returns_do_not_stand_among_those_who_wait(counter):
    batch = stock_now(90)
    repeat, returned = signed(line_of(batch.medicine, 4, repeats=1)), signed(line_of(batch.medicine, 4))
    dispensed(repeat, on=today())
    made = dispensed(returned, on=today())
    counter.post(
        reverse("pharmacy:return", args=[made.public_id]),
        {f"return-{made.lines.get().public_id}": "4", "to": "batch", "reason": "unused", "request_id": str(uuid4())},
    )

    waiting = counter.get(reverse("pharmacy:worklist")).content.decode()
    others = counter.get(reverse("pharmacy:worklist"), {"show": "repeats"}).content.decode()

    assert "Nobody is waiting" in waiting
    assert repeat.patient.full_name in others
    assert returned.patient.full_name in others


# --- The counter ---------------------------------------------------------------------------------


def test_one_press_hands_out_and_leads_to_the_labels(counter):
    batch = stock_now(30, lot="LOT-9")
    prescription = signed(line_of(batch.medicine, 10))
    url = reverse("pharmacy:dispense", args=[prescription.public_id])
    assert "LOT-9" in counter.get(url).content.decode()

    answer = counter.post(url, press(prescription), follow=True)

    made = Dispense.objects.get()
    page = answer.content.decode()
    assert "Handed out" in page
    assert reverse("pharmacy:labels", args=[made.public_id]) in page
    batch.refresh_from_db()
    assert batch.on_hand == 20
    assert "LOT-9" in counter.get(reverse("pharmacy:labels", args=[made.public_id])).content.decode()


def test_a_double_press_has_one_effect(counter):
    batch = stock_now(30)
    prescription = signed(line_of(batch.medicine, 5, repeats=3))
    body = press(prescription)
    url = reverse("pharmacy:dispense", args=[prescription.public_id])

    answers = [counter.post(url, body) for _ in range(2)]

    assert answers[0].url == answers[1].url
    batch.refresh_from_db()
    assert batch.on_hand == 25


@pytest.mark.parametrize(("headers", "status"), [({}, 409), (HTMX, 422)])
def test_a_refusal_stands_in_its_place_and_keeps_what_was_typed(counter, headers, status):
    batch = stock_now(3)
    prescription = signed(line_of(batch.medicine, 10))
    item = prescription.items.get()

    answer = counter.post(
        reverse("pharmacy:dispense", args=[prescription.public_id]),
        press(prescription, **{f"quantity-{item.public_id}": "7"}),
        headers=headers,
    )

    page = answer.content.decode()
    assert answer.status_code == status
    assert "3 of 7 tablets in stock" in page
    assert 'value="7"' in page
    assert not Dispense.objects.exists()


def test_what_is_there_goes_out_when_asked(counter):
    batch = stock_now(3)
    prescription = signed(line_of(batch.medicine, 10))

    counter.post(reverse("pharmacy:dispense", args=[prescription.public_id]), press(prescription, what_is_there="1"))

    assert prescription.items.get().dispensed_quantity == 3


@pytest.mark.parametrize("typed", ["-1", "1.5", "ten", "٣", "99999999999", ""])
def test_a_quantity_that_is_no_count_hands_out_nothing(counter, typed):
    batch = stock_now(30)
    prescription = signed(line_of(batch.medicine, 10))
    item = prescription.items.get()

    answer = counter.post(
        reverse("pharmacy:dispense", args=[prescription.public_id]), press(prescription, **{f"quantity-{item.public_id}": typed})
    )

    assert answer.status_code == 400
    assert not Dispense.objects.exists()


def test_an_unpaid_prescription_says_so_and_stays(counter):
    batch = stock_now(30)
    prescription = signed(line_of(batch.medicine, 10), cleared=False)
    url = reverse("pharmacy:dispense", args=[prescription.public_id])

    assert "Not paid yet" in counter.get(url).content.decode()
    assert counter.post(url, press(prescription)).status_code == 409
    assert not Dispense.objects.exists()


def test_a_warning_asks_for_a_reason_on_the_same_screen(counter):
    batch = stock_now(30, medicine=MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin"))
    prescription = signed(line_of(batch.medicine, 10))
    Allergy.objects.create(patient=prescription.patient, substance="Penicillin")
    url = reverse("pharmacy:dispense", args=[prescription.public_id])

    page = counter.get(url).content.decode()
    assert "one of the penicillins" in page
    assert "Interactions: not checked, unknown." in page
    assert counter.post(url, press(prescription)).status_code == 409
    assert counter.post(url, press(prescription, override_reason="Called the doctor.")).status_code == 302

    assert Dispense.objects.get().override_reason == "Called the doctor."


def test_opening_a_prescription_is_a_chart_read_and_writes_nothing_else(counter):
    prescription = signed()
    before = OutboxEvent.objects.count()

    counter.get(reverse("pharmacy:dispense", args=[prescription.public_id]))

    assert OutboxEvent.objects.count() == before + 1
    assert OutboxEvent.objects.latest("id").action == "patients.chart.read"


def test_a_return_without_a_reason_is_refused_in_its_place(counter):
    batch = stock_now(30)
    made = dispensed(signed(line_of(batch.medicine, 10)), on=today())

    answer = counter.post(reverse("pharmacy:return", args=[made.public_id]), {f"return-{made.lines.get().public_id}": "2", "to": "batch"})

    assert answer.status_code == 400
    assert "Reason" in answer.content.decode()
    assert not StockMovement.objects.filter(kind="RETURN").exists()


# --- The store room ------------------------------------------------------------------------------


def test_stock_names_what_is_low_out_and_expiring(counter):
    low, out = MedicineFactory(name="Lowazol", reorder_level=9), MedicineFactory(name="Outazol")
    stock_now(5, medicine=low)
    near = stocked(500, medicine=MedicineFactory(name="Nearazol"), on=today(), expires_on=soon(20, today()))
    url = reverse("pharmacy:stock")

    page = counter.get(url).content.decode()
    assert "Out of stock" in page
    assert "Expiring" in page
    assert near.medicine.name not in counter.get(url, {"only": "low"}).content.decode()
    assert near.medicine.name in counter.get(url, {"only": "expiring"}).content.decode()
    found = counter.get(url, {"q": "outaz"}, headers=HTMX).content.decode()
    assert out.name in found
    assert low.name not in found


@pytest.mark.parametrize(("days", "shown"), [("30", 1), ("60", 2), ("90", 3), ("", 3), ("7", 3), ("x", 3)])
def test_what_expires_is_shown_within_30_60_or_90_days(counter, days, shown):
    for ahead in (30, 60, 90, 91):
        stocked(5, medicine=MedicineFactory(), on=today(), expires_on=soon(ahead, today()))

    answer = counter.get(reverse("pharmacy:stock"), {"only": "expiring", "days": days})

    assert answer.content.decode().count("data-row-link") == shown
    assert f'<option value="{days if shown < 3 else 90}" selected>' in answer.content.decode()


def test_stock_stays_flat_in_queries(counter, django_assert_max_num_queries):
    for _ in range(30):
        stock_now(5)
    with django_assert_max_num_queries(8):
        counter.get(reverse("pharmacy:stock"))
    url = reverse("pharmacy:medicine", args=[Batch.objects.first().medicine.public_id])
    with django_assert_max_num_queries(10):
        counter.get(url)


@pytest.mark.parametrize(("unit", "units"), [("ml", "ml"), ("patch", "patches"), ("drops", "drops"), ("tablet", "tablets")])
def test_a_medicine_is_counted_in_words_that_exist(counter, unit, units):
    page = counter.get(reverse("pharmacy:medicine", args=[MedicineFactory(unit=unit).public_id])).content.decode()

    assert f"In {units}, the smallest" in page
    assert f'class="numeric">{units.capitalize()}</th>' in page


def delivery(**changes):
    values = {"lot": "N1", "expires_on": soon(200, today()).isoformat(), "quantity": "40", "unit_cost": "0.02", "request_id": str(uuid4())}
    return values | changes


def test_a_delivery_is_received_once_however_often_it_is_sent(counter):
    medicine = MedicineFactory()
    body = delivery()

    for _ in range(2):
        assert counter.post(reverse("pharmacy:receive", args=[medicine.public_id]), body).status_code == 302

    assert Batch.objects.get().on_hand == 40


def test_a_delivery_is_received_by_the_code_of_its_pack(counter):
    code = f"(01)09506000134352(17){soon(200, today()):%y%m%d}(10)AB-1"

    answer = counter.post(reverse("pharmacy:receive", args=[MedicineFactory().public_id]), delivery(lot="", expires_on="", code=code))

    assert answer.status_code == 302
    batch = Batch.objects.get()
    assert (batch.lot, batch.expires_on, batch.on_hand) == ("AB-1", soon(200, today()), 40)


@pytest.mark.parametrize(
    "bad", [{"quantity": "0"}, {"quantity": "1.5"}, {"expires_on": "2020-01-01"}, {"lot": ""}, {"lot": "a\0"}, {"unit_cost": "-1"}]
)
def test_a_bad_delivery_comes_back_with_its_errors(counter, bad):
    medicine = MedicineFactory()

    answer = counter.post(reverse("pharmacy:receive", args=[medicine.public_id]), delivery(**bad))

    assert answer.status_code == 400
    assert "field-error" in answer.content.decode()
    assert not Batch.objects.exists()


def test_adjusts_quarantines_releases_and_recalls(counter):
    batch = stock_now(30)

    counter.post(reverse("pharmacy:adjust", args=[batch.public_id]), {"quantity": "-3", "reason": "broken", "is_waste": "on"})
    for to in ("quarantined", "available", "recalled"):
        counter.post(reverse("pharmacy:change_batch_state", args=[batch.public_id, to]), {"reason": "letter"})

    batch.refresh_from_db()
    assert (batch.on_hand, batch.state, batch.movements.last().kind) == (27, "recalled", "WASTE")
    refused = counter.post(reverse("pharmacy:change_batch_state", args=[batch.public_id, "available"]), {"reason": "x"})
    assert refused.status_code == 409
    assert "stays so" in refused.content.decode()


def test_an_adjustment_below_nothing_says_what_is_there(counter):
    batch = stock_now(3, lot="LX")

    answer = counter.post(reverse("pharmacy:adjust", args=[batch.public_id]), {"quantity": "-4", "reason": "lost"})

    assert answer.status_code == 409
    assert "Batch LX has 3 on hand." in answer.content.decode()


# --- Prescribing ---------------------------------------------------------------------------------


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor(client_as, visit):
    return client_as(visit.doctor.user)


def typed(medicine, /, **changes):
    values = {"medicine": str(medicine.public_id), "medicine_text": medicine.name, "dose": "1", "frequency": "TDS", "duration_days": "7"}
    return values | {"request_id": str(uuid4())} | changes


def test_a_line_is_added_counted_and_signed(doctor, visit):
    medicine = MedicineFactory()

    added = doctor.post(reverse("pharmacy:add_line", args=[visit.public_id]), typed(medicine), headers=HTMX)
    assert added.status_code == 200
    assert "Take 1 tablet by mouth 3 times a day for 7 days." in added.content.decode()
    draft = Prescription.objects.get()
    assert draft.items.get().quantity == 21
    doctor.post(reverse("pharmacy:sign", args=[draft.public_id]))

    draft.refresh_from_db()
    assert draft.status == "signed"
    assert "Signed prescription" in doctor.get(reverse("pharmacy:prescribing", args=[visit.public_id])).content.decode()


def test_without_javascript_a_name_that_fits_one_medicine_is_enough(doctor, visit):
    MedicineFactory(name="Zyrtec 10 mg")
    MedicineFactory(name="Zyprexa 5 mg")
    url = reverse("pharmacy:add_line", args=[visit.public_id])

    assert doctor.post(url, typed(MedicineFactory(), medicine="", medicine_text="zyr")).status_code == 302
    several = doctor.post(url, typed(MedicineFactory(), medicine="", medicine_text="zy"))

    assert several.status_code == 400
    assert "Several medicines fit" in several.content.decode()
    assert [item.medicine.name for item in Prescription.objects.get().items.all()] == ["Zyrtec 10 mg"]


@pytest.mark.parametrize(
    "bad",
    [
        {"dose": ""},
        {"duration_days": "0"},
        {"frequency": ""},
        {"frequency": "X"},
        {"medicine": "x", "medicine_text": ""},
        {"quantity": "-1"},
    ],
)
def test_a_bad_line_comes_back_as_typed(doctor, visit, bad):
    answer = doctor.post(
        reverse("pharmacy:add_line", args=[visit.public_id]), typed(MedicineFactory(), instructions="keep me", **bad), headers=HTMX
    )

    assert answer.status_code == 422
    assert "keep me" in answer.content.decode()
    assert not Prescription.objects.exists()


def test_a_warning_stops_the_signature_on_the_page(doctor, visit):
    Allergy.objects.create(patient=visit.patient, substance="penicillin")
    draft = drafted(line_of(MedicineFactory(generic_name="amoxicillin")), encounter=visit)
    url = reverse("pharmacy:sign", args=[draft.public_id])

    refused = doctor.post(url, headers=HTMX)
    assert refused.status_code == 422
    assert "one of the penicillins" in refused.content.decode()
    assert doctor.post(url, {"override_reason": "known, mild"}, headers=HTMX).status_code == 200

    draft.refresh_from_db()
    assert (draft.status, draft.override_reason) == ("signed", "known, mild")


def test_lines_are_removed_and_signed_ones_cancelled(doctor, visit):
    draft = drafted(line_of(MedicineFactory()), line_of(MedicineFactory()), encounter=visit)
    doctor.post(reverse("pharmacy:remove_line", args=[draft.items.first().public_id]))
    assert draft.items.count() == 1
    doctor.post(reverse("pharmacy:sign", args=[draft.public_id]))

    assert doctor.post(reverse("pharmacy:cancel", args=[draft.public_id]), {"reason": ""}).status_code == 400
    doctor.post(reverse("pharmacy:cancel", args=[draft.public_id]), {"reason": "wrong patient"})

    draft.refresh_from_db()
    assert draft.status == "cancelled"


def test_medicines_are_suggested_with_what_is_in_stock(doctor):
    MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin")
    url = reverse("pharmacy:suggest")

    assert "out of stock" in doctor.get(url, {"medicine_text": "amox"}).content.decode()
    assert "No medicine fits" in doctor.get(url, {"medicine_text": "\0"}).content.decode()


def test_the_quantity_follows_what_is_typed(doctor):
    medicine = MedicineFactory(strength="500 mg")

    page = doctor.get(
        reverse("pharmacy:quantity"), {"medicine": str(medicine.public_id), "dose": "1 g", "frequency": "BD", "duration_days": "5"}
    )

    assert 'value="20"' in page.content.decode()
    assert 'value=""' in doctor.get(reverse("pharmacy:quantity"), {"dose": "1\0"}).content.decode()


# --- Who may -------------------------------------------------------------------------------------


def test_each_page_is_for_those_who_work_there(client_as, visit):
    batch = stock_now(5)
    prescription = signed(line_of(batch.medicine, 1), encounter=visit)
    made = dispensed(prescription, on=today())
    pages = {
        reverse("pharmacy:worklist"): {Role.PHARMACIST},
        reverse("pharmacy:dispense", args=[prescription.public_id]): {Role.PHARMACIST},
        reverse("pharmacy:labels", args=[made.public_id]): {Role.PHARMACIST},
        reverse("pharmacy:print", args=[prescription.public_id]): {Role.PHARMACIST, Role.DOCTOR, Role.NURSE},
        reverse("pharmacy:stock"): {Role.PHARMACIST, Role.MANAGER},
        reverse("pharmacy:medicine", args=[batch.medicine.public_id]): {Role.PHARMACIST, Role.MANAGER},
        reverse("pharmacy:prescribing", args=[visit.public_id]): {Role.DOCTOR},
    }
    for role in (role for role in Role if role not in {Role.ADMIN, Role.PATIENT}):
        client = client_as(user(role))
        for page, allowed in pages.items():
            assert client.get(page).status_code == (200 if role in allowed else 403), (role, page)


def test_a_patient_prints_the_own_prescription_only(client_as):
    me = PatientFactory(user=user(Role.PATIENT))
    own, other = signed(encounter=EncounterFactory(patient=me)), signed()
    client = client_as(me.user)

    assert client.get(reverse("pharmacy:print", args=[own.public_id])).content.startswith(b"%PDF-")
    assert client.get(reverse("pharmacy:print", args=[other.public_id])).status_code == 404


def test_pages_that_write_refuse_those_who_may_not(client_as, visit):
    batch = stock_now(5)
    draft = drafted(encounter=visit)
    client = client_as(user(Role.MANAGER))
    posts = [
        reverse("pharmacy:receive", args=[batch.medicine.public_id]),
        reverse("pharmacy:adjust", args=[batch.public_id]),
        reverse("pharmacy:change_batch_state", args=[batch.public_id, "recalled"]),
        reverse("pharmacy:dispense", args=[draft.public_id]),
        reverse("pharmacy:add_line", args=[visit.public_id]),
        reverse("pharmacy:remove_line", args=[draft.items.get().public_id]),
        reverse("pharmacy:sign", args=[draft.public_id]),
        reverse("pharmacy:cancel", args=[draft.public_id]),
    ]

    assert {client.post(url, {"reason": "x"}).status_code for url in posts} == {403}

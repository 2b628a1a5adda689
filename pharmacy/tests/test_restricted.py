"""On a restricted chart nothing is prescribed, handed out or taken back before it was opened for a reason; and nothing of it is shown."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from patients.models import Allergy, Treatment
from patients.services.access import break_glass, set_restricted
from patients.tests.factories import EncounterFactory, TreatmentTypeFactory
from pharmacy.models import DispenseReturn, Favourite, Medicine, Prescription, PrescriptionItem, StockMovement
from pharmacy.services.favourites import keep_favourite
from pharmacy.services.treating import give_treatment
from pharmacy.tests.conftest import V1, everything_in
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, stocked

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
LINE = {"dose": "1 tablet", "frequency": "OD", "duration_days": "3"}


class Chart:
    """A restricted patient with a last prescription, a visit in progress with a draft, and a doctor who does not treat them."""

    def __init__(self):
        last = signed(line_of(MedicineFactory(name="Secretol"), duration_days=300))
        self.patient, self.visit = last.patient, EncounterFactory(patient=last.patient)
        self.draft = drafted(encounter=self.visit)
        self.other_visit = EncounterFactory(patient=last.patient)
        self.stranger = DoctorFactory().user
        self.medicine = MedicineFactory()
        self.favourite = keep_favourite(item=line_of(self.medicine), by=self.stranger)
        Allergy.objects.create(patient=self.patient, substance="Penicillin")
        set_restricted(patient_id=self.patient.pk, is_restricted=True, by=None)


@pytest.fixture
def chart():
    return Chart()


def to_add_a_line(chart):
    return "add_line", [chart.visit.public_id], LINE | {"medicine": str(chart.medicine.public_id)}


def to_add_what_is_no_line(chart):
    return "add_line", [chart.visit.public_id], {}


def to_remove_a_line(chart):
    return "remove_line", [chart.draft.items.get().public_id], {}


def to_keep_a_line(chart):
    return "keep_favourite", [chart.draft.items.get().public_id], {}


def to_sign(chart):
    return "sign", [chart.draft.public_id], {"override_reason": "known"}


def to_cancel(chart):
    return "cancel", [chart.draft.public_id], {"reason": "mistaken"}


def to_repeat(chart):
    return "repeat_last", [chart.other_visit.public_id], {}


def to_use_a_favourite(chart):
    return "use_favourite", [chart.visit.public_id, chart.favourite.public_id], {}


def to_drop_a_favourite(chart):
    return "drop_favourite", [chart.visit.public_id, chart.favourite.public_id], {}


PAGES = [to_add_a_line, to_add_what_is_no_line, to_remove_a_line, to_keep_a_line, to_sign, to_cancel, to_repeat, to_use_a_favourite,
         to_drop_a_favourite]  # fmt: skip


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("posted", PAGES)
def test_what_is_posted_to_prescribing_is_refused_and_shows_nothing(client_as, chart, posted, headers):
    name, args, body = posted(chart)
    before = everything_in(Prescription, PrescriptionItem, Favourite, Medicine)

    answer = client_as(chart.stranger).post(reverse(f"pharmacy:{name}", args=args), body, headers=headers)

    assert answer.status_code == 403
    assert "Secretol" not in answer.content.decode()
    assert "Penicillin" not in answer.content.decode()
    assert everything_in(Prescription, PrescriptionItem, Favourite, Medicine) == before


def test_the_doctor_of_the_visit_and_who_opened_the_chart_prescribe_on_it(client_as, chart):
    name, args, body = to_add_a_line(chart)
    break_glass(patient_id=chart.patient.pk, reason="On call tonight", by=chart.stranger, now=timezone.now())

    for doctor in (chart.visit.doctor.user, chart.stranger):
        answer = client_as(doctor).post(reverse(f"pharmacy:{name}", args=args), body, headers=HTMX)
        assert answer.status_code == 200
        assert "Secretol" in answer.content.decode()


def to_write(chart):
    item = {"medicine": str(chart.medicine.public_id), "dose": "1 tablet", "frequency": "OD", "duration_days": 3}
    return "prescriptions/", {"visit": str(chart.visit.public_id), "items": [item]}


def to_repeat_last(chart):
    return "prescriptions/repeat-last/", {"visit": str(chart.other_visit.public_id)}


@pytest.mark.parametrize("keyed", [{}, {"HTTP_IDEMPOTENCY_KEY": "once"}], ids=["", "with a key"])
@pytest.mark.parametrize("sent", [to_write, to_repeat_last])
def test_the_api_writes_no_prescription_on_it(api_as, chart, sent, keyed):
    path, body = sent(chart)
    before = everything_in(Prescription, PrescriptionItem)

    answer = api_as(chart.stranger).post(V1 + path, body, format="json", **keyed)

    assert (answer.status_code, answer.json()["code"]) == (403, "break_glass_required")
    assert "Secretol" not in answer.content.decode()
    assert everything_in(Prescription, PrescriptionItem) == before

    assert api_as(chart.visit.doctor.user).post(V1 + path, body, format="json").status_code == 201


class AtTheCounter:
    """A restricted patient with a prescription that was filled once and has a repeat, a treatment, and who works there."""

    def __init__(self):
        on, medicine = timezone.localdate(), MedicineFactory(name="Secretol")
        stocked(50, medicine=medicine, on=on, expires_on=on + timedelta(days=300))
        self.visit = EncounterFactory()
        self.prescription = signed(line_of(medicine, 6, repeats=1), encounter=self.visit)
        self.dispense = dispensed(self.prescription, on=on)
        self.item, self.line = self.prescription.items.get(), self.dispense.lines.get()
        self.treatment_type = TreatmentTypeFactory()
        self.treatment = give_treatment(
            encounter_id=self.visit.pk, treatment_type=self.treatment_type, notes="", medicines=[], by=self.visit.doctor.user, on=on,
            request_id=uuid4(),
        )  # fmt: skip
        set_restricted(patient_id=self.visit.patient_id, is_restricted=True, by=None)


@pytest.fixture
def at_the_counter():
    return AtTheCounter()


def to_hand_out(at):
    return pharmacist(), reverse("pharmacy:dispense", args=[at.prescription.public_id]), {f"quantity-{at.item.public_id}": "6"}


def to_take_back(at):
    body = {f"return-{at.line.public_id}": "6", "to": "batch", "reason": "unopened"}
    return pharmacist(), reverse("pharmacy:return", args=[at.dispense.public_id]), body


def to_treat(at):
    body = {"treatment_type": at.treatment_type.public_id}
    return DoctorFactory().user, reverse("pharmacy:add_treatment", args=[at.visit.public_id]), body


def to_remove_a_treatment(at):
    return DoctorFactory().user, reverse("pharmacy:remove_treatment", args=[at.visit.public_id, at.treatment.public_id]), {}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("posted", [to_hand_out, to_take_back, to_treat, to_remove_a_treatment])
def test_no_page_hands_out_takes_back_or_treats(client_as, at_the_counter, posted, headers):
    who, url, body = posted(at_the_counter)
    before = everything_in(StockMovement, DispenseReturn, Treatment)

    answer = client_as(who).post(url, body, headers=headers)

    assert answer.status_code == 403
    assert "Secretol" not in answer.content.decode()
    assert everything_in(StockMovement, DispenseReturn, Treatment) == before

    break_glass(patient_id=at_the_counter.visit.patient_id, reason="At the counter", by=who, now=timezone.now())
    assert client_as(who).post(url, body).status_code == 302


def by_api_to_hand_out(at):
    return "dispensings/", {"prescription": str(at.prescription.public_id)}


def by_api_to_take_back(at):
    return f"dispensings/{at.dispense.public_id}/return/", {"to": "batch", "reason": "unopened"}


@pytest.mark.parametrize("sent", [by_api_to_hand_out, by_api_to_take_back])
def test_the_api_hands_out_and_takes_back_nothing(api_as, at_the_counter, sent):
    path, body = sent(at_the_counter)
    who, before = pharmacist(), everything_in(StockMovement, DispenseReturn)

    answer = api_as(who).post(V1 + path, body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "break_glass_required")
    assert everything_in(StockMovement, DispenseReturn) == before

    break_glass(patient_id=at_the_counter.visit.patient_id, reason="At the counter", by=who, now=timezone.now())
    assert api_as(who).post(V1 + path, body, format="json").status_code == 201

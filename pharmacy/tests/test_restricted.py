"""A restricted chart is not prescribed on, nor shown by prescribing, before it was opened for a reason."""

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from patients.models import Allergy
from patients.services.access import break_glass, set_restricted
from patients.tests.factories import EncounterFactory
from pharmacy.models import Favourite, Medicine, Prescription, PrescriptionItem
from pharmacy.services.favourites import keep_favourite
from pharmacy.tests.conftest import V1, everything_in
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

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

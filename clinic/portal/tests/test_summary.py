"""What a patient takes home of a visit."""

from datetime import date
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.portal import summary
from patients.services import addenda, encounters
from patients.tests.factories import DiagnosisFactory, EncounterFactory, PatientFactory, TreatmentFactory, VitalsFactory
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

pytestmark = pytest.mark.django_db
PARTS = ("visit_summary", "visit_summary_pdf")


@pytest.fixture
def visit():
    visit = EncounterFactory(reason="Cough for a week", diagnosis_text="Come back in ten days.", patient__user=user(Role.PATIENT))
    VitalsFactory(encounter=visit, temperature_c="38.4")
    DiagnosisFactory(encounter=visit, text="Acute bronchitis", code="J20")
    TreatmentFactory(encounter=visit, name="Inhalation")
    return visit


@pytest.fixture
def doctor(client_as, visit):
    return client_as(visit.doctor.user)


def sign(visit):
    encounters.complete_visit(encounter_id=visit.pk, by=visit.doctor.user)
    visit.refresh_from_db()
    return visit


def url_of(visit, name="visit_summary"):
    return reverse(f"portal:{name}", args=[visit.public_id])


def words_for(visit, who):
    return summary.words_of(summary.summarised(who).get(pk=visit.pk), who)


def test_signed_visit_is_there_with_who_signed_it_and_its_hash(doctor, visit):
    signed(line_of(MedicineFactory(name="Amoxicillin"), duration_days=7, instructions="After meals."), encounter=visit)
    sign(visit)

    page = doctor.get(url_of(visit)).content.decode()

    for shown in ("Cough for a week", "Acute bronchitis", "J20", "Temp. 38.4 °C", "Inhalation", "Amoxicillin", "After meals.",
                  "Come back in ten days.", str(visit.doctor.user), visit.content_sha256, visit.patient.full_name):  # fmt: skip
        assert shown in page
    assert "Draft" not in page


def test_open_visit_is_marked_a_draft_and_gives_out_no_unsigned_medicine(doctor, visit):
    drafted(line_of(MedicineFactory(name="Codeine")), encounter=visit)
    signed(line_of(MedicineFactory(name="Amoxicillin")), encounter=visit)

    page = doctor.get(url_of(visit)).content.decode()
    words = words_for(visit, visit.doctor.user)

    assert "This visit is not signed" in page
    assert "Codeine" not in page
    assert "Amoxicillin" in page
    assert (words["is_draft"], words["signature"]) == (True, None)


def test_cancelled_prescription_is_not_taken_home(doctor, visit):
    row = signed(line_of(MedicineFactory(name="Codeine")), encounter=visit, cleared=False)
    cancel_prescription(prescription_id=row.pk, reason="Rash", by=visit.doctor.user)

    assert b"Codeine" not in doctor.get(url_of(visit)).content


def test_corrections_since_the_signature_are_on_it(doctor, visit):
    sign(visit)
    addenda.add_addendum(encounter_id=visit.pk, author=visit.doctor.user, reason="Wrong side", text="The left lung.", request_id=uuid4())

    page = doctor.get(url_of(visit)).content.decode()

    assert "The left lung." in page
    assert "Wrong side" in page


def test_every_word_of_the_page_is_given_to_the_paper(doctor, visit, monkeypatch):
    signed(line_of(MedicineFactory(name="Amoxicillin")), encounter=visit)
    sign(visit)
    given = []
    monkeypatch.setattr("clinic.portal.views.summary.summary_pdf", lambda words: given.append(words) or b"%PDF-1.7")

    doctor.get(url_of(visit, "visit_summary_pdf"))

    words = words_for(visit, visit.doctor.user)
    assert given[0] | {"printed": ""} == words | {"printed": ""}
    assert [each["medicine"].split()[0] for each in words["prescribed"]] == ["Amoxicillin"]


def test_pdf_is_one_page_of_a4_and_names_nobody_outside(doctor, visit):
    sign(visit)

    answer = doctor.get(url_of(visit, "visit_summary_pdf"))

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"] == f'inline; filename="visit-{visit.public_id}.pdf"'
    pages = summary.summary_pdf(words_for(visit, visit.doctor.user), output_format="png")
    assert isinstance(pages, bytes), "several pages would be a list"


@pytest.mark.parametrize("text", ["#panic()", "*bold* _x_ $y$ \\ [", "<b>&", "מרים 李 ü", "x" * 300])
def test_paper_takes_any_words_as_words(visit, text):
    words = words_for(visit, visit.doctor.user) | {"reason": text, "plan": f"{text}\n{text}"}

    assert summary.summary_pdf(words).startswith(b"%PDF-")


def test_a_long_visit_goes_over_pages(visit):
    words = words_for(visit, visit.doctor.user)
    words["prescribed"] = [{"medicine": f"Medicine {n}", "quantity": "1", "directions": "Take it.", "instructions": "x"} for n in range(60)]

    assert len(summary.summary_pdf(words, output_format="png")) > 1


def test_a_draft_and_a_signed_visit_differ_on_paper(visit):
    words = words_for(visit, visit.doctor.user)

    assert summary.summary_pdf(words, output_format="svg") != summary.summary_pdf(words | {"is_draft": False}, output_format="svg")


@pytest.mark.parametrize("name", PARTS)
def test_visit_entered_in_error_has_none(doctor, visit, name):
    encounters.mark_entered_in_error(encounter_id=visit.pk, reason="Wrong patient", by=visit.doctor.user)

    assert doctor.get(url_of(visit, name)).status_code == 404


@pytest.mark.parametrize("name", PARTS)
def test_patients_see_their_own_and_nobody_elses(client_as, visit, name):
    own, stranger = client_as(visit.patient.user), client_as(PatientFactory(user=user(Role.PATIENT)).user)
    missing = reverse(f"portal:{name}", args=[uuid4()])

    assert own.get(url_of(visit, name)).status_code == 200
    assert stranger.get(url_of(visit, name)).status_code == stranger.get(missing).status_code == 404


@pytest.mark.parametrize("name", PARTS)
def test_it_is_a_reading_of_the_chart(doctor, visit, name):
    doctor.get(url_of(visit, name))

    event = OutboxEvent.objects.get(action="patients.chart.read")
    assert (event.patient_id, event.resource_id) == (visit.patient.public_id, visit.public_id)


@pytest.mark.parametrize("name", PARTS)
def test_a_restricted_chart_asks_for_a_reason(client_as, visit, name):
    visit.patient.save_changes(is_restricted=True)

    assert client_as(DoctorFactory().user).get(url_of(visit, name)).status_code in {302, 403}


@pytest.mark.parametrize("name", PARTS)
def test_the_desk_has_no_part_in_it(client_as, visit, name):
    assert client_as(user(Role.RECEPTION)).get(url_of(visit, name)).status_code == 403


@pytest.mark.parametrize("rows", [1, 30])
def test_it_takes_ten_queries_at_most(doctor, visit, rows, django_assert_max_num_queries):
    for _ in range(rows):
        VitalsFactory(encounter=visit)
        DiagnosisFactory(encounter=visit, rank="secondary")
        TreatmentFactory(encounter=visit)
        signed(line_of(MedicineFactory()), encounter=visit)

    with django_assert_max_num_queries(10):
        assert doctor.get(url_of(visit)).status_code == 200


def test_the_consultation_leads_to_it(doctor, visit):
    assert url_of(visit) in doctor.get(reverse("portal:consultation", args=[visit.public_id])).content.decode()


def test_dates_are_those_of_the_clinic(visit):
    words = words_for(visit, visit.doctor.user)

    assert words["clinic"] == settings.CLINIC_NAME
    assert words["patient"]["born"] == date(1984, 2, 29).strftime("%d %b %Y")

"""A patient's whole record, to take away."""

import json
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.tests.factories import cashier, draft
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.portal.record import LEFT_OUT, SECTIONS, TECHNICAL
from clinic.tests.test_isolation import OURS, rows_of, whole_record
from patients.models import ClinicalNote, Patient
from patients.services.notes import ship_notes
from patients.services.reading import record_chart_read
from patients.tests.factories import ClinicalNoteFactory, EncounterFactory, PatientFactory
from pharmacy.tests.factories import drafted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]


def path_of(patient, tail="export/") -> str:
    return f"/api/v1/patients/{patient.public_id}/{tail}"


def content_of(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def exported(client, patient) -> dict:
    answer = client.get(path_of(patient))
    assert answer.status_code == 200, answer
    return json.loads(content_of(answer))


def leading_to_a_patient() -> set[str]:
    """Every table of ours from which foreign keys lead to a patient."""
    found, models = {Patient}, [model for model in apps.get_models() if model._meta.app_label in OURS]
    while new := {model for model in models for each in model._meta.concrete_fields if model not in found and each.related_model in found}:
        found |= new
    return {model._meta.label for model in found - {Patient}}


class TestWhole:
    def test_every_table_that_leads_to_a_patient_is_given_out_or_left_out_for_a_reason(self):
        """A new table needs a section in clinic/portal/record.py, or a reason in LEFT_OUT."""
        given = [section.model._meta.label for section in SECTIONS]

        assert leading_to_a_patient() == {*given, *LEFT_OUT}
        assert len(given) == len(set(given))
        assert not set(given) & set(LEFT_OUT)

    def test_every_row_of_a_full_record_is_in_it(self, api_as):
        patient = whole_record(cashier())
        rows = rows_of(patient)

        record = exported(api_as(patient.user), patient)

        for section in SECTIONS:
            kept = section.model._base_manager.filter(section.only, pk__in=rows[section.model]).count()
            assert len(record[section.name]) == kept, section.name
        empty = {section.name for section in SECTIONS if not record[section.name]}
        assert empty <= {"reminders", "queue_changes", "medicines_used_in_treatments", "returned_medicines", "refunds", "advance_refunds",
                         "openings_of_the_restricted_chart"}  # fmt: skip
        assert record["patient"]["mrn"] == patient.mrn
        assert list(record)[-1] == "complete"

    def test_it_says_what_was_written(self, api_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        encounter = EncounterFactory(patient=patient)
        note = ClinicalNoteFactory(encounter=encounter)
        doctor = DoctorFactory()
        record_chart_read(patient=patient, by=doctor.user)

        record = exported(api_as(patient.user), patient)

        assert record["notes"][0]["text"] == note.body["text"]
        assert record["notes"][0]["encounter"] == str(encounter.public_id) == record["visits"][0]["id"]
        assert record["visits"][0]["doctor"] == str(encounter.doctor)
        assert str(doctor.user) in {row["who"] for row in record["access_log"]}

    def test_a_note_written_while_the_file_is_on_its_way_does_not_break_it(self, api_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        first = ClinicalNoteFactory(encounter=EncounterFactory(patient=patient))
        answer = api_as(patient.user).get(path_of(patient))

        ClinicalNoteFactory(encounter=EncounterFactory(patient=patient))

        record = json.loads(content_of(answer))
        assert [row["id"] for row in record["notes"]] == [str(first.public_id)]
        assert record["complete"] is True

    def test_drafts_are_no_part_of_it(self, api_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        drafted(encounter=EncounterFactory(patient=patient))
        draft(patient=patient)

        record = exported(api_as(patient.user), patient)

        names = ("prescriptions", "prescribed_medicines", "invoices", "invoice_lines")
        assert [record[name] for name in names] == [[]] * 4

    def test_nothing_of_another_patient_is_in_it(self, api_as):
        patient, other = whole_record(cashier()), whole_record(cashier())

        text = json.dumps(exported(api_as(patient.user), patient))

        ids = {str(each) for model, keys in rows_of(other).items() if hasattr(model, "public_id")
               for each in model._base_manager.filter(pk__in=keys).values_list("public_id", flat=True)}  # fmt: skip
        assert not [each for each in ids if each in text]
        assert other.mrn not in text
        assert other.last_name not in text

    def test_files_are_named_and_not_read(self, api_as):
        patient = whole_record(cashier())

        with CaptureQueriesContext(connection) as queries:
            record = exported(api_as(patient.user), patient)

        assert record["files"][0]["name"] == "Referral.pdf"
        assert record["consents"][0]["attachment"] == record["files"][0]["id"]
        assert not [query["sql"] for query in queries if '"patients_attachment"."content"' in query["sql"]]

    def test_secrets_of_the_software_stay(self):
        assert {"slip_key", "paper_code", "request_id"} <= TECHNICAL

    def test_the_pdf_holds_every_section(self, api_as):
        patient = whole_record(cashier())

        answer = api_as(patient.user).get(path_of(patient, "export/pdf/"))

        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer.content.startswith(b"%PDF")
        assert "no-store" in answer["Cache-Control"]

    def test_queries_stay_the_same_however_long_the_record(self, api_as, django_assert_max_num_queries):
        patient = PatientFactory(user=user(Role.PATIENT))
        client = api_as(patient.user)
        with django_assert_max_num_queries(60) as few:
            exported(client, patient)
        for _ in range(5):
            ClinicalNoteFactory(encounter=EncounterFactory(patient=patient))

        with django_assert_max_num_queries(len(few) + 2):
            exported(client, patient)


class TestMongodbDown:
    @pytest.fixture
    def moved(self):
        """A patient with a note whose body is in MongoDB alone."""
        patient = PatientFactory(user=user(Role.PATIENT))
        ClinicalNoteFactory(encounter=EncounterFactory(patient=patient))
        ship_notes()
        ClinicalNote.objects.update(body=None)
        return patient

    @pytest.mark.parametrize("tail", ["export/", "export/pdf/"])
    def test_a_record_with_gaps_is_not_given_out(self, moved, api_as, mongodb_down, tail):
        answer = api_as(moved.user).get(path_of(moved, tail))

        assert (answer.status_code, answer.json()["code"]) == (503, "record_not_whole")
        assert not OutboxEvent.objects.filter(action="portal.record.exported").exists()

    def test_the_page_says_so(self, moved, client_as, mongodb_down):
        answer = client_as(moved.user).get(reverse("portal:record_pdf", args=[moved.public_id]))

        assert (answer.status_code, b"not given out" in answer.content) == (503, True)

    def test_notes_that_postgresql_still_has_are_enough(self, api_as, mongodb_down):
        patient = PatientFactory(user=user(Role.PATIENT))
        note = ClinicalNoteFactory(encounter=EncounterFactory(patient=patient))

        assert exported(api_as(patient.user), patient)["notes"][0]["text"] == note.body["text"]

    def test_with_mongodb_up_the_moved_note_is_there(self, moved, api_as):
        assert exported(api_as(moved.user), moved)["notes"][0]["state"] == "ok"


class TestWho:
    @pytest.mark.parametrize(("role", "status"), [
        (Role.DOCTOR, 200), (Role.ADMIN, 200), (Role.PATIENT, 404), (Role.RECEPTION, 403), (Role.NURSE, 403), (Role.PHARMACIST, 403),
        (Role.MANAGER, 403),
    ])  # fmt: skip
    def test_who_may_take_it(self, api_as, client_as, role, status):
        patient, person = PatientFactory(), user(role)

        assert api_as(person).get(path_of(patient)).status_code == status
        assert api_as(person).get(path_of(patient, "export/pdf/")).status_code == status
        for name in ("record", "record_json", "record_pdf"):
            assert client_as(person).get(reverse(f"portal:{name}", args=[patient.public_id])).status_code == status

    def test_a_restricted_chart_asks_for_a_reason(self, api_as, client_as):
        patient, doctor = PatientFactory(is_restricted=True), user(Role.DOCTOR)

        answer = api_as(doctor).get(path_of(patient))

        assert (answer.status_code, answer.json()["code"]) == (403, "break_glass_required")
        for name in ("record", "record_json", "record_pdf"):
            page = client_as(doctor).get(reverse(f"portal:{name}", args=[patient.public_id]))
            assert page.status_code == 403
            assert b"Why do you need to open it" in page.content

    def test_that_it_was_given_out_is_on_record(self, api_as):
        patient, doctor = PatientFactory(), user(Role.DOCTOR)

        exported(api_as(doctor), patient)

        event = OutboxEvent.objects.get(action="portal.record.exported")
        assert (event.actor, event.patient_id, event.document["changes"]) == (doctor, patient.public_id, {"type": "json"})

    def test_a_patient_finds_the_own_record_and_takes_it(self, client_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        client = client_as(patient.user)

        page = client.get(reverse("portal:own_record"), follow=True)
        file = client.get(reverse("portal:record_json", args=[patient.public_id]))

        assert b"JSON" in page.content
        assert file["Content-Disposition"] == f'attachment; filename="record-{patient.mrn}.json"'
        assert json.loads(content_of(file))["complete"] is True

    def test_an_account_without_a_record_has_nothing_to_take(self, client_as):
        assert client_as(user(Role.PATIENT)).get(reverse("portal:own_record")).status_code == 404

    def test_what_is_not_there(self, api_as):
        assert api_as(user(Role.DOCTOR)).get(f"/api/v1/patients/{uuid4()}/export/").status_code == 404

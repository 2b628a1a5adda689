"""Merging reaches into every app, so these tests do too."""

from datetime import timedelta
from decimal import Decimal
from itertools import zip_longest
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.services.deposits import take_deposit
from billing.tests.factories import cashier, issued_for, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from patients import selectors
from patients.errors import BreakGlassRequired, CannotMerge, NotMerged, PatientInactive, ReasonMissing, RecordMerged
from patients.models import Allergy, ClinicalNote, Encounter, MergedValue, NotDuplicate, Patient, PatientMerge
from patients.rules.notes import sha256_of
from patients.services import encounters, merging, registration
from patients.services.reading import record_chart_read
from patients.tests.factories import (
    AddendumFactory,
    AllergyFactory,
    AttachmentFactory,
    ClinicalNoteFactory,
    ConsentFactory,
    EncounterFactory,
    PatientFactory,
    ProblemFactory,
    TreatmentFactory,
    VitalsFactory,
)
from pharmacy.services.recall import record_call
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import dispensed, line_of, pharmacist, signed, stocked
from scheduling.models import Appointment, AppointmentSeries, Queue, ReminderOptOut, Token, WaitlistEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("patients.tests.urls")]
# What a merge and its undoing leave behind on purpose: the journals, the audit, the two records' versions, what others are told next.
UNCOMPARED = {
    "analytics_change",
    "audit_outboxevent",
    "patients_patientmerge",
    "patients_mergedvalue",
    "patients_listentry",
    "audit_answeredrequest",
    "patients_refiling",
}


@pytest.fixture
def desk():
    return user(Role.RECEPTION)


def appointment(patient, *, day=1, doctor=None):
    start = timezone.now().replace(microsecond=0) + timedelta(days=day)
    return Appointment.objects.create(patient=patient, doctor=doctor or DoctorFactory(), during=(start, start + timedelta(minutes=15)))


def token(patient, *, queue=None, number=1):
    queue = queue or Queue.objects.create(doctor=DoctorFactory(), code=uuid4().hex[:4])
    now = timezone.now()
    return Token.objects.create(patient=patient, queue=queue, on=now.date(), number=number, effective_at=now)


def recalled(encounter):
    """A prescription of which something was handed out, recalled, and told."""
    batch = stocked(10)
    dispensed(signed(line_of(batch.medicine, 6), encounter=encounter))
    change_batch_state(batch_id=batch.pk, to="recalled", reason="Letter of the maker", by=None)
    record_call(batch_id=batch.pk, patient_id=encounter.patient_id, outcome="reached", by=pharmacist(), request_id=uuid4())


def full_record() -> Patient:
    """A patient with at least one row in every table that points at patients, signed and paid ones among them."""
    patient = PatientFactory(user=user(Role.PATIENT))
    AllergyFactory(patient=patient, substance="Latex")
    ProblemFactory(patient=patient)
    encounter = EncounterFactory(patient=patient)
    VitalsFactory(encounter=encounter)
    TreatmentFactory(encounter=encounter)
    ClinicalNoteFactory(encounter=encounter)
    ConsentFactory(patient=patient, attachment=AttachmentFactory(encounter=encounter))
    recalled(encounter)
    encounters.complete_visit(encounter_id=encounter.pk, by=encounter.doctor.user)
    AddendumFactory(encounter=Encounter.objects.get(pk=encounter.pk))
    by = cashier()
    pay(issued_for(encounter, by), by)
    take_deposit(patient_id=encounter.patient_id, method="card", amount=Decimal("5.00"), by=by, request_id=uuid4())
    appointment(patient)
    token(patient)
    day = timezone.localdate()
    WaitlistEntry.objects.create(patient=patient, doctor=DoctorFactory(), first_on=day, last_on=day, band=2)
    ReminderOptOut.objects.create(patient=patient)
    AppointmentSeries.objects.create(patient=patient, doctor=DoctorFactory(), starts_at=timezone.now(), every_weeks=1, request_id=uuid4())
    PatientFactory(status="inactive", deactivated_reason="merged before", merged_into=patient)
    return patient


def merge(survivor, loser, by, *, reason="Registered twice"):
    return merging.merge_patients(survivor_id=survivor.pk, loser_id=loser.pk, reason=reason, by=by, now=timezone.now())


def unmerge(patient, by):
    return merging.unmerge_patients(patient_id=patient.pk, by=by, now=timezone.now())


def tables_of_the_database() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        return {name for (name,) in cursor.fetchall()}


def dump() -> dict[str, list]:
    """Every row of every table that the database has."""
    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(tables_of_the_database() - UNCOMPARED):
            left = " - 'version' - 'updated_at'" if table == Patient._meta.db_table else ""
            cursor.execute(f"SELECT to_jsonb(t){left} FROM {table} t ORDER BY to_jsonb(t) -> 'id', to_jsonb(t)")
            rows[table] = [row[0] for row in cursor.fetchall()]
    return rows


def differences(before: dict, after: dict) -> list[tuple]:
    return [(table, was, now) for table in before for was, now in zip_longest(before[table], after[table], fillvalue=None) if was != now]


def pointing_at(patient) -> dict[str, int]:
    return {
        f"{model._meta.label}.{field.name}": model._base_manager.filter(**{field.name: patient}).count()
        for model, field in merging.pointers()
    }


def refused_by(write) -> str:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    return constraint_of(refusal.value)


class TestCoverage:
    def test_every_foreign_key_of_the_database_is_moved_or_stays_for_a_reason(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c"
                " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
                " WHERE c.contype = 'f' AND c.confrelid = 'patients_patient'::regclass"
            )
            in_database = set(cursor.fetchall())

        moved = {(model._meta.db_table, field.column) for model, field in merging.pointers()}
        stays = {(model._meta.db_table, model._meta.get_field(name).column) for model, name in merging.STAYS}

        assert in_database == moved | stays
        assert not moved & stays

    def test_full_record_has_a_row_in_every_table_that_is_moved(self):
        """A new table that points at patients needs a row in full_record(): then the tests below speak for it."""
        counts = pointing_at(full_record())

        assert [name for name, count in counts.items() if not count] == []


class TestMerging:
    def test_everything_points_at_the_survivor(self, desk):
        survivor, loser = PatientFactory(), full_record()
        before = pointing_at(loser)

        merge(survivor, loser, desk)

        assert set(pointing_at(loser).values()) == {0}
        after = pointing_at(survivor)
        assert after.pop("patients.Patient.merged_into") == before.pop("patients.Patient.merged_into") + 1
        assert after == before

    def test_loser_is_inactive_and_its_account_sees_the_survivor(self, desk):
        survivor, loser = PatientFactory(), full_record()
        account = loser.user

        merge(survivor, loser, desk)

        loser.refresh_from_db()
        assert (loser.is_active, loser.merged_into, loser.user) == (False, survivor, None)
        assert Patient.objects.visible_to(account).get() == survivor

    def test_old_mrn_finds_the_survivor_once(self, desk):
        survivor, loser = PatientFactory(last_name="Okafor"), PatientFactory(last_name="Okafor")

        merge(survivor, loser, desk)

        assert selectors.search_patients(loser.mrn, desk) == [survivor]
        assert selectors.search_patients("okafor", desk) == [survivor]

    def test_signatures_stay_true(self, desk):
        survivor, loser = PatientFactory(), full_record()
        encounter = loser.encounters.get()

        def is_true():
            row = Encounter.objects.get(pk=encounter.pk)
            return row.content_sha256 == sha256_of(encounters.content_of(row))

        assert is_true()
        merge(survivor, loser, desk)
        assert is_true()
        merge(PatientFactory(), survivor, desk)
        assert is_true()

    def test_it_is_audited_in_both_records_and_reads_of_the_loser_are_the_survivors(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        record_chart_read(patient=loser, by=desk)

        merge(survivor, loser, desk)

        events = OutboxEvent.objects.filter(action="patients.patient.merged")
        assert {event.patient_id for event in events} == {survivor.public_id, loser.public_id}
        assert selectors.access_log_of(survivor).count() == 1

    def test_second_time_changes_nothing(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)

        assert merge(survivor, loser, desk) == survivor
        assert PatientMerge.objects.count() == 1

    def test_substance_that_both_have_stands_once_with_the_graver_severity(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        AllergyFactory(patient=survivor, substance="penicillin", severity="mild")
        AllergyFactory(patient=loser, substance="Penicillin", severity="severe", reaction="shock")
        AllergyFactory(patient=loser, substance="Latex")

        merge(survivor, loser, desk)

        known = {allergy.substance: (allergy.severity, allergy.reaction) for allergy in survivor.allergies.all()}
        assert known == {"penicillin": ("severe", "shock"), "Latex": ("", "")}

    def test_of_what_a_patient_has_once_the_survivors_stays(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        own, other = (ReminderOptOut.objects.create(patient=patient) for patient in (survivor, loser))

        merge(survivor, loser, desk)

        assert dict(ReminderOptOut.objects.values_list("pk", "patient")) == {own.pk: survivor.pk, other.pk: loser.pk}

    def test_restriction_of_either_holds_for_both(self, desk):
        survivor, loser = PatientFactory(), PatientFactory(is_restricted=True)

        with pytest.raises(BreakGlassRequired):
            merge(survivor, loser, desk)
        Patient.objects.filter(pk=loser.pk).update(user=desk)  # who may read it
        merge(survivor, loser, desk)

        survivor.refresh_from_db()
        assert survivor.is_restricted


class TestRefusals:
    def assert_nothing_moved(self, survivor, loser):
        assert not PatientMerge.objects.exists()
        assert not MergedValue.objects.exists()
        loser.refresh_from_db()
        assert loser.is_active
        assert loser.merged_into is None

    def test_appointments_at_one_time_are_named(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        appointment(survivor)
        appointment(loser)

        with pytest.raises(CannotMerge) as refusal:
            merge(survivor, loser, desk)

        assert "appointments" in refusal.value.detail
        self.assert_nothing_moved(survivor, loser)
        assert loser.appointments.count() == 1

    def test_two_places_in_one_queue_are_named(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        first = token(survivor)
        token(loser, queue=first.queue, number=2)

        with pytest.raises(CannotMerge) as refusal:
            merge(survivor, loser, desk)

        assert "tokens" in refusal.value.detail
        self.assert_nothing_moved(survivor, loser)

    def test_without_a_reason(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        with pytest.raises(ReasonMissing):
            merge(survivor, loser, desk, reason=" ")
        self.assert_nothing_moved(survivor, loser)

    def test_with_itself(self, desk):
        patient = PatientFactory()
        with pytest.raises(CannotMerge):
            merge(patient, patient, desk)

    def test_into_an_inactive_record(self, desk):
        survivor, loser = PatientFactory(status="inactive", deactivated_reason="moved"), PatientFactory()
        with pytest.raises(PatientInactive):
            merge(survivor, loser, desk)
        self.assert_nothing_moved(survivor, loser)

    def test_of_a_record_that_is_merged_already(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)

        with pytest.raises(CannotMerge):
            merge(PatientFactory(), loser, desk)
        assert PatientMerge.objects.count() == 1

    def test_merged_record_is_not_reactivated(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)

        with pytest.raises(RecordMerged):
            registration.reactivate_patient(patient_id=loser.pk, by=desk)

    def test_merged_record_is_not_changed(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)

        with pytest.raises(RecordMerged):
            registration.update_patient(patient_id=loser.pk, changes={"allergies": [{"substance": "Latex"}]}, by=desk)

        assert not loser.allergies.exists()

    def test_frozen_rows_stay_frozen_to_all_else(self, desk):
        """The silence of the triggers ends with the merge."""
        survivor, loser = PatientFactory(), full_record()
        merge(survivor, loser, desk)

        assert refused_by(lambda: Encounter.objects.update(patient=loser)) == "encounter_closed_is_frozen"
        assert refused_by(lambda: ClinicalNote.objects.update(patient=loser)) == "note_version_immutable"


class TestUnmerging:
    def test_merge_on_which_a_later_one_stands_is_undone_after_that_one(self, desk):
        first, second, third = full_record(), PatientFactory(), PatientFactory()
        merge(second, first, desk)
        merge(third, second, desk)

        with pytest.raises(CannotMerge) as refusal:
            unmerge(first, desk)

        assert "later merge" in refusal.value.detail
        assert PatientMerge.objects.live().count() == 2
        assert third.encounters.exists()
        unmerge(third, desk)
        unmerge(first, desk)
        assert first.encounters.exists()
        assert not Encounter.objects.exclude(patient=first).exists()

    @pytest.mark.parametrize("by_loser", [False, True])
    def test_every_row_is_as_before(self, desk, by_loser):
        survivor, loser = full_record(), full_record()
        Token.objects.filter(patient=survivor).update(status="done")
        Appointment.objects.filter(patient=survivor).update(status="completed")
        AllergyFactory(patient=survivor, substance="Iodine", severity="mild")
        AllergyFactory(patient=loser, substance="iodine", severity="severe")
        before = dump()

        merge(survivor, loser, desk)
        merged = dump()
        unmerge(loser if by_loser else survivor, desk)

        assert merged != before
        assert differences(before, dump()) == []

    def test_chain_is_undone_from_its_end(self, desk):
        first, second, third = full_record(), PatientFactory(), PatientFactory()
        before = dump()
        merge(second, first, desk)
        merge(third, second, desk)

        with pytest.raises(CannotMerge):
            unmerge(first, desk)
        unmerge(third, desk)
        unmerge(second, desk)

        assert differences(before, dump()) == []

    def test_what_was_recorded_since_in_a_visit_goes_with_it(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        visit = EncounterFactory(patient=loser)
        merge(survivor, loser, desk)
        note = ClinicalNoteFactory(encounter=Encounter.objects.get(pk=visit.pk))
        newer = ProblemFactory(patient=survivor)

        unmerge(survivor, desk)

        note.refresh_from_db()
        newer.refresh_from_db()
        assert (note.patient, newer.patient) == (loser, survivor)

    def test_row_that_is_gone_since_stays_gone(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        AllergyFactory(patient=loser)
        merge(survivor, loser, desk)
        Allergy.objects.all().delete()

        unmerge(survivor, desk)

        assert not Allergy.objects.exists()

    def test_what_was_never_merged_is_refused(self, desk):
        with pytest.raises(NotMerged):
            unmerge(PatientFactory(), desk)

    def test_it_is_undone_once(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)
        unmerge(survivor, desk)

        with pytest.raises(NotMerged):
            unmerge(survivor, desk)
        assert merge(survivor, loser, desk) == survivor  # and may be merged again


class TestRows:
    @pytest.fixture
    def row(self, desk):
        survivor, loser = PatientFactory(), PatientFactory()
        merge(survivor, loser, desk)
        return PatientMerge.objects.get()

    def test_record_loses_once(self, row, desk):
        again = {"survivor": PatientFactory(), "loser": row.loser, "reason": "x", "merged_by": desk, "merged_at": timezone.now()}

        assert refused_by(lambda: PatientMerge.objects.create(**again)) == "merge_loses_once"

    def test_two_different_records_and_a_reason_are_needed(self, desk):
        patient = PatientFactory()
        values = {"survivor": patient, "loser": patient, "merged_by": desk, "merged_at": timezone.now()}

        assert refused_by(lambda: PatientMerge.objects.create(reason="x", **values)) == "merge_of_two"
        values["loser"] = PatientFactory()
        assert refused_by(lambda: PatientMerge.objects.create(reason="", **values)) == "merge_with_reason"

    def test_history_is_not_rewritten(self, row, desk):
        assert refused_by(lambda: PatientMerge.objects.update(reason="y")) == "merge_unchanged"
        assert refused_by(lambda: MergedValue.objects.update(column="y")) == "merged_value_append_only"
        unmerge(row.survivor, desk)
        assert refused_by(lambda: PatientMerge.objects.update(undone_at=None, undone_by=None)) == "merge_undone_once"

    def test_undone_names_who(self, row):
        assert refused_by(lambda: PatientMerge.objects.update(undone_at=timezone.now())) == "merge_undone_by_someone"

    def test_merged_record_is_inactive(self):
        patient = PatientFactory()
        write = Patient.objects.filter(pk=patient.pk)

        assert refused_by(lambda: write.update(merged_into=PatientFactory())) == "patient_merged_is_inactive"


class TestNotDuplicates:
    def test_pair_is_not_proposed_again_from_either_side(self, desk):
        one, other = (PatientFactory(first_name="Ann", last_name="Bell", phone="+12025550147") for _ in range(2))

        def proposed(patient):
            return [each.patient for each in selectors.possible_duplicates(selectors.identity_of(patient), desk, exclude_id=patient.pk)]

        assert proposed(one) == [other]
        merging.mark_not_duplicate(patient_id=other.pk, other_id=one.pk, by=desk)
        merging.mark_not_duplicate(patient_id=one.pk, other_id=other.pk, by=desk)

        assert proposed(one) == proposed(other) == []
        assert NotDuplicate.objects.count() == 1

    def test_merged_record_is_not_proposed(self, desk):
        one, other = (PatientFactory(phone="+12025550147") for _ in range(2))
        merge(one, other, desk)

        assert selectors.possible_duplicates(selectors.identity_of(one), desk, exclude_id=one.pk) == []

    def test_pair_stands_once_in_order(self, desk):
        one, other = PatientFactory(), PatientFactory()

        def write(**pair):
            return lambda: NotDuplicate.objects.create(marked_by=desk, **pair)

        assert refused_by(write(first=other, second=one)) == "not_duplicate_in_order"
        write(first=one, second=other)()
        assert refused_by(write(first=one, second=other)) == "not_duplicate_once_per_pair"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_desks_merge_once(self, at_once):
        survivor, loser, desk = PatientFactory(), PatientFactory(), user(Role.RECEPTION)
        EncounterFactory(patient=loser)

        results = at_once(*[lambda: merge(survivor, loser, desk)] * 4)

        assert results == [survivor] * 4
        assert PatientMerge.objects.count() == 1

    def test_each_into_the_other_gives_one_survivor(self, at_once):
        one, other, desk = PatientFactory(), PatientFactory(), user(Role.RECEPTION)

        results = at_once(lambda: merge(one, other, desk), lambda: merge(other, one, desk))

        assert sum(isinstance(result, Patient) for result in results) == 1
        assert Patient.objects.active().count() == 1

    def race_a_visit(self, at_once) -> int:
        """Start visits while their patient loses; how many stay behind."""
        survivor, loser, desk, doctor = PatientFactory(), PatientFactory(), user(Role.RECEPTION), DoctorFactory()

        def start():
            return encounters.start_encounter(patient_id=loser.pk, doctor_id=doctor.pk, by=desk)

        at_once(start, start, lambda: merge(survivor, loser, desk), start, start)
        return loser.encounters.count()

    def test_visit_that_starts_meanwhile_is_moved_or_refused(self, at_once):
        assert self.race_a_visit(at_once) == 0


class TestPages:
    def test_duplicates_are_merged_and_the_merge_is_undone(self, client_as, desk):
        one, other = (PatientFactory(first_name="Ann", last_name="Bell") for _ in range(2))
        client, page = client_as(desk), reverse("patients:duplicates", args=[one.public_id])
        assert other.mrn in client.get(page).content.decode()

        client.post(reverse("patients:merge", args=[one.public_id, other.public_id]), {"reason": "Registered twice"})

        assert "Registered twice" in client.get(page).content.decode()
        led = client.get(reverse("patients:chart", args=[other.public_id]))
        assert led.url == reverse("patients:chart", args=[one.public_id])
        client.post(reverse("patients:unmerge", args=[one.public_id]))
        other.refresh_from_db()
        assert other.merged_into is None

    def test_refusal_is_shown_and_nothing_changes(self, client_as, desk):
        one, other = PatientFactory(), PatientFactory()
        appointment(one)
        appointment(other)

        answer = client_as(desk).post(
            reverse("patients:merge", args=[one.public_id, other.public_id]), {"reason": "Registered twice"}, follow=True
        )

        assert b"cannot stand side by side" in answer.content
        assert not PatientMerge.objects.exists()

    def test_two_people_are_told_apart(self, client_as, desk):
        one, other = (PatientFactory(first_name="Ann", last_name="Bell") for _ in range(2))

        page = client_as(desk).post(reverse("patients:not_duplicate", args=[one.public_id, other.public_id]), follow=True)

        assert other.mrn not in page.content.decode()
        assert NotDuplicate.objects.exists()

    def test_only_the_desk_may(self, client_as):
        one, other = PatientFactory(), PatientFactory()
        doctor = client_as(user(Role.DOCTOR))

        assert doctor.get(reverse("patients:duplicates", args=[one.public_id])).status_code == 403
        for name, ids in (("merge", [one.public_id, other.public_id]), ("unmerge", [one.public_id])):
            assert doctor.post(reverse(f"patients:{name}", args=ids), {"reason": "x"}).status_code == 403
        assert not PatientMerge.objects.exists()


class TestApi:
    def test_desk_merges_and_undoes(self, api_as, desk):
        client, survivor, loser = api_as(desk), PatientFactory(), PatientFactory()
        AllergyFactory(patient=loser, substance="Latex")
        url = f"/api/v1/patients/{survivor.public_id}"

        merged = client.post(f"{url}/merge/", {"other": str(loser.public_id), "reason": "Registered twice"})
        gone = client.get(f"/api/v1/patients/{loser.public_id}/").json()

        assert [row["substance"] for row in merged.json()["allergies"]] == ["Latex"]
        assert (gone["status"], gone["merged_into"]) == ("inactive", str(survivor.public_id))
        assert client.get("/api/v1/patients/").json()["count"] == 1
        assert client.post(f"{url}/unmerge/").json()["allergies"] == []
        assert client.post(f"{url}/unmerge/").json()["code"] == "not_merged"

    @pytest.mark.parametrize("body", [{}, {"other": "x", "reason": "x"}, {"other": str(uuid4()), "reason": "x"}])
    def test_unknown_other_is_named(self, api_as, desk, body):
        answer = api_as(desk).post(f"/api/v1/patients/{PatientFactory().public_id}/merge/", body)

        assert answer.status_code == 400
        assert "other" in answer.json()["errors"]

    def test_only_the_desk_may(self, api_as):
        patient, other = PatientFactory(), PatientFactory()
        doctor = api_as(user(Role.DOCTOR))

        for action in ("merge", "unmerge", "not-duplicate"):
            answer = doctor.post(f"/api/v1/patients/{patient.public_id}/{action}/", {"other": str(other.public_id), "reason": "x"})
            assert answer.status_code == 403
        assert not PatientMerge.objects.exists()

    def test_pair_is_marked(self, api_as, desk):
        one, other = PatientFactory(), PatientFactory()

        answer = api_as(desk).post(f"/api/v1/patients/{one.public_id}/not-duplicate/", {"other": str(other.public_id)})

        assert answer.status_code == 204
        assert NotDuplicate.objects.filter(models.Q(first=one, second=other)).exists()

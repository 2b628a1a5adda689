"""What patients agreed to: kept as it was decided, and the last decision stands."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from clinic.core.together import together
from patients import selectors
from patients.errors import BreakGlassRequired, ConsentNotGiven, PatientInactive
from patients.models import Consent
from patients.services.access import break_glass
from patients.services.consents import record_consent
from patients.tests.factories import AttachmentFactory, ConsentFactory, PatientFactory

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


@pytest.fixture
def desk():
    return user(Role.RECEPTION)


@pytest.fixture
def patient():
    return PatientFactory(user=user(Role.PATIENT))


def decide(patient, by, *, on=DAY, request_id=None, **values):
    values = {"category": "research", "status": "active", "given_on": DAY} | values
    return record_consent(patient_id=patient.pk, values=values, by=by, on=on, request_id=request_id)


def standing(patient, on=DAY) -> dict[str, tuple]:
    return {each.label: (each.consent and each.consent.status, each.holds) for each in together(selectors.standing_of(patient, on))[0]}


class TestTable:
    @pytest.mark.parametrize(("values", "rule"), [
        ({"category": "shoes"}, "consent_of_known_category"),
        ({"status": "draft"}, "consent_of_known_status"),
        ({"valid_until": date(2026, 1, 5)}, "consent_ends_after_it_begins"),
        ({"status": "rejected", "valid_until": date(2026, 2, 5)}, "consent_ends_only_when_given"),
    ])  # fmt: skip
    def test_what_it_refuses(self, patient, values, rule):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            ConsentFactory(patient=patient, **values)

        assert constraint_of(refusal.value) == rule
        assert not Consent.objects.exists()

    @pytest.mark.parametrize("change", [lambda rows: rows.update(status="rejected"), lambda rows: rows.delete()])
    def test_rows_are_only_added(self, change):
        ConsentFactory()

        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            change(Consent.objects.all())

        assert constraint_of(refusal.value) == "consent_append_only"

    def test_a_paper_of_another_patient_is_refused(self, patient):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            ConsentFactory(patient=patient, attachment=AttachmentFactory())

        assert constraint_of(refusal.value) == "consent_paper_of_the_patient"


class TestDeciding:
    def test_the_last_decision_of_each_category_stands(self, patient, desk):
        assert standing(patient) == {"Treatment": (None, False), "Sharing data with others": (None, False), "Research": (None, False)}

        decide(patient, desk, category="treatment")
        decide(patient, desk)
        decide(patient, desk, status="inactive")

        assert standing(patient) == {
            "Treatment": ("active", True),
            "Sharing data with others": (None, False),
            "Research": ("inactive", False),
        }
        assert Consent.objects.count() == 3

    def test_it_holds_from_its_day_until_its_end(self, patient, desk):
        decide(patient, desk, valid_until=DAY + timedelta(days=2))

        held = [standing(patient, DAY + timedelta(days=days))["Research"][1] for days in (-1, 0, 1, 2)]
        assert held == [False, True, True, False]

    def test_it_is_audited_without_its_words(self, patient, desk):
        consent = decide(patient, desk, detail="With my sister")

        event = OutboxEvent.objects.get(action="patients.consent.recorded")
        assert (event.actor, event.patient_id, event.resource_id) == (desk, patient.public_id, consent.public_id)
        assert "sister" not in str(event.document)

    def test_a_second_press_of_the_button_changes_nothing(self, patient, desk):
        key = uuid4()

        first, second = (decide(patient, desk, request_id=key) for _ in range(2))

        assert first == second
        assert Consent.objects.count() == 1

    @pytest.mark.parametrize(("values", "names"), [
        ({"given_on": DAY + timedelta(days=1)}, {"given_on"}),
        ({"valid_until": DAY}, {"valid_until"}),
        ({"status": "rejected", "valid_until": DAY + timedelta(days=9)}, {"valid_until"}),
    ])  # fmt: skip
    def test_refuses_what_cannot_be(self, patient, desk, values, names):
        with pytest.raises(InvalidInput) as refusal:
            decide(patient, desk, **values)

        assert set(refusal.value.errors) == names
        assert not Consent.objects.exists()

    def test_refuses_the_paper_of_another(self, patient, desk):
        with pytest.raises(InvalidInput):
            decide(patient, desk, attachment=AttachmentFactory())
        assert not Consent.objects.exists()

    @pytest.mark.parametrize("before", [None, "rejected", "inactive"])
    def test_only_what_was_given_can_be_withdrawn(self, patient, desk, before):
        if before:
            ConsentFactory(patient=patient, category="research", status=before)
        ConsentFactory(patient=patient, category="treatment")

        with pytest.raises(ConsentNotGiven):
            decide(patient, desk, status="inactive")
        assert not Consent.objects.filter(recorded_by=desk).exists()

    def test_of_two_who_withdraw_at_once_one_does(self, patient, desk):
        decide(patient, desk)
        decide(patient, desk, status="inactive")

        with pytest.raises(ConsentNotGiven):
            decide(patient, desk, status="inactive")

    def test_refuses_a_deactivated_record(self, desk):
        with pytest.raises(PatientInactive):
            decide(PatientFactory(status="inactive", deactivated_reason="moved"), desk)

    def test_a_restricted_chart_asks_for_a_reason(self, desk):
        patient = PatientFactory(is_restricted=True)

        with pytest.raises(BreakGlassRequired):
            decide(patient, desk)
        break_glass(patient_id=patient.pk, reason="At the desk", by=desk, now=timezone.now())

        assert decide(patient, desk).patient == patient


class TestApi:
    def path(self, patient):
        return f"/api/v1/patients/{patient.public_id}/consents/"

    def body(self, **values):
        return {"category": "data_sharing", "status": "active", "given_on": "2026-03-02"} | values

    def test_records_and_lists_the_newest_first(self, api_as, patient, desk):
        api, file = api_as(desk), AttachmentFactory(encounter__patient=patient)

        made = api.post(self.path(patient), self.body(attachment=str(file.public_id), detail=" My  GP "))
        api.post(self.path(patient), self.body(status="inactive"))
        rows = api.get(self.path(patient)).json()["results"]

        assert (made.status_code, made.json()["scope"], made.json()["detail"]) == (201, "patient-privacy", "My GP")
        assert [(row["status"], row["attachment"]) for row in rows] == [("inactive", None), ("active", str(file.public_id))]
        assert rows[0]["recorded_by_name"] == str(desk)

    def test_one_key_has_one_effect(self, api_as, patient, desk):
        answers = [api_as(desk).post(self.path(patient), self.body(), headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert Consent.objects.count() == 1

    @pytest.mark.parametrize("wrong", [
        {"category": "shoes"}, {"category": None}, {"category": "\0"}, {"category": []}, {"status": "draft"}, {"status": 1},
        {"given_on": "yesterday"}, {"given_on": None}, {"given_on": "9999-12-31"}, {"given_on": "0000-01-01"}, {"given_on": 5},
        {"valid_until": "2026-03-02"}, {"valid_until": "x"}, {"valid_until": {}}, {"detail": "x" * 301}, {"detail": "a\0b"}, {"detail": {}},
        {"attachment": "x"}, {"attachment": 7}, {"attachment": "\0"}, {"attachment": str(uuid4())}, {"attachment": {}},
    ])  # fmt: skip
    def test_bad_input_is_named_and_nothing_is_written(self, api_as, patient, desk, wrong):
        answer = api_as(desk).post(self.path(patient), self.body(**wrong), format="json")

        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(wrong))
        assert not Consent.objects.exists()

    @pytest.mark.parametrize("body", ["null", "[]", "7", '"x"', "{", ""])
    def test_bodies_that_are_no_object_are_refused(self, api_as, patient, desk, body):
        answer = api_as(desk).generic("POST", self.path(patient), body, content_type="application/json")

        assert answer.status_code == 400
        assert not Consent.objects.exists()

    def test_anothers_paper_is_unknown(self, api_as, patient, desk):
        answer = api_as(desk).post(self.path(patient), self.body(attachment=str(AttachmentFactory().public_id)))

        assert (answer.status_code, answer.json()["errors"]) == (400, {"attachment": ["Not found."]})

    @pytest.mark.parametrize(("role", "reads", "writes"), [
        (Role.RECEPTION, 200, 201), (Role.NURSE, 200, 201), (Role.DOCTOR, 200, 201), (Role.ADMIN, 200, 201),
        (Role.PHARMACIST, 403, 403), (Role.MANAGER, 403, 403), (Role.PATIENT, 404, 403),
    ])  # fmt: skip
    def test_who_may(self, api_as, role, reads, writes):
        api, patient = api_as(user(role)), PatientFactory()

        assert api.get(self.path(patient)).status_code == reads
        assert api.post(self.path(patient), self.body()).status_code == writes

    def test_queries_are_flat(self, api_as, patient, desk, django_assert_max_num_queries):
        api = api_as(desk)
        for count in (1, 12):
            for _ in range(count):
                ConsentFactory(patient=patient, attachment=AttachmentFactory(encounter__patient=patient))
            with django_assert_max_num_queries(10):
                assert len(api.get(self.path(patient)).json()["results"]) >= count


class TestPages:
    def path(self, patient):
        return reverse("patients:consents", args=[patient.public_id])

    def form(self, **values):
        return {"request_id": str(uuid4()), "category": "treatment", "status": "active", "given_on": "2026-03-02"} | values

    def test_a_decision_is_written_down_and_shown_in_the_chart(self, client_as, patient, desk):
        client, file = client_as(desk), AttachmentFactory(encounter__patient=patient)

        answer = client.post(self.path(patient), self.form(attachment=str(file.public_id)), follow=True)
        chart = client.get(reverse("patients:chart", args=[patient.public_id]))

        assert answer.redirect_chain
        assert Consent.objects.get().attachment == file
        assert file.name in answer.content.decode()
        assert "Given" in chart.content.decode()

    @pytest.mark.parametrize("values", [
        {"category": "shoes"}, {"given_on": ""}, {"given_on": "2999-01-01"}, {"attachment": str(uuid4())}, {"attachment": "\0"},
        {"detail": "a\0"}, {"valid_until": "2020-01-01"},
    ])  # fmt: skip
    def test_bad_input_shows_the_form_again(self, client_as, patient, desk, values):
        answer = client_as(desk).post(self.path(patient), self.form(**values))

        assert answer.status_code in {400, 422}
        assert b"error" in answer.content
        assert not Consent.objects.exists()

    def test_a_refusal_is_shown(self, client_as, patient, desk):
        answer = client_as(desk).post(self.path(patient), self.form(status="inactive"))

        assert (answer.status_code, b"nothing to withdraw" in answer.content) == (409, True)
        assert not Consent.objects.exists()

    def test_pressing_twice_writes_once(self, client_as, patient, desk):
        form = self.form()

        for _ in range(2):
            client_as(desk).post(self.path(patient), form)

        assert Consent.objects.count() == 1

    def test_a_patient_sees_the_own_and_changes_none(self, client_as, patient):
        ConsentFactory(patient=patient, detail="With my own doctor")
        client = client_as(patient.user)

        own, same = client.get(reverse("patients:own_consents")), client.get(self.path(patient))

        assert b"With my own doctor" in own.content
        assert b"<form" not in own.content.split(b"<main")[1].split(b"</main>")[0]
        assert same.status_code == 200
        assert client.post(self.path(patient), self.form()).status_code == 403
        assert client_as(user(Role.PATIENT)).get(self.path(patient)).status_code == 404
        assert client_as(user(Role.PATIENT)).get(reverse("patients:own_consents")).status_code == 404

    def test_queries_are_few_and_flat(self, client_as, patient, desk, django_assert_max_num_queries):
        client = client_as(desk)
        client.get(self.path(patient))
        for _ in range(2):
            for _ in range(6):
                ConsentFactory(patient=patient, attachment=AttachmentFactory(encounter__patient=patient))
            with django_assert_max_num_queries(10):
                client.get(self.path(patient))

"""The desk says which patient an account belongs to."""

from datetime import date
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.models import MailedLink, SignUp
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, NotFound
from patients import selectors
from patients.errors import AccountLinked, EmailTaken, PatientInactive
from patients.models import Patient
from patients.services import accounts
from patients.tests.factories import PatientFactory

pytestmark = pytest.mark.django_db


def sign_up(**said) -> SignUp:
    """Confirmed by mail."""
    account = user(Role.PATIENT)
    now = timezone.now()
    link = MailedLink.objects.create(kind="sign_up", email=account.email, origin="x", expires_at=now, used_at=now, user=account)
    return SignUp.objects.create(link=link, **{"first_name": "Ann", "last_name": "Okafor", "date_of_birth": date(1984, 2, 29)} | said)


def link(said: SignUp, patient: Patient, **changes) -> Patient:
    values = {"identity_seen": True, "by": user(Role.RECEPTION)} | changes
    return accounts.link_account(sign_up_id=said.pk, patient_id=patient.pk, **values)


class TestLinking:
    def test_nobody_is_linked_by_name_and_birth_date_alone(self):
        patient = PatientFactory(first_name="Ann", last_name="Okafor", date_of_birth=date(1984, 2, 29), email="a@example.org")

        said = sign_up()

        patient.refresh_from_db()
        assert patient.user is None
        assert list(selectors.waiting_sign_ups()) == [said]

    def test_the_account_sees_the_record_that_the_desk_names(self):
        said, patient, by = sign_up(), PatientFactory(), user(Role.RECEPTION)

        link(said, patient, by=by)
        link(said, patient, by=by)

        account = said.link.user
        assert Patient.objects.visible_to(account).get() == patient
        patient.refresh_from_db()
        assert patient.email == account.email
        assert not selectors.waiting_sign_ups().exists()
        event = OutboxEvent.objects.get(action="patients.account.linked")
        assert (event.actor, event.patient_id) == (by, patient.public_id)

    def test_not_before_a_document_was_seen(self):
        said, patient = sign_up(), PatientFactory()

        with pytest.raises(InvalidInput):
            link(said, patient, identity_seen=False)
        patient.refresh_from_db()
        assert patient.user is None

    def test_not_to_a_record_that_has_an_account(self):
        patient = PatientFactory(user=user(Role.PATIENT))
        former = patient.user

        with pytest.raises(AccountLinked):
            link(sign_up(), patient)
        patient.refresh_from_db()
        assert patient.user == former

    def test_not_to_a_second_record(self):
        said, other = sign_up(), PatientFactory()
        link(said, PatientFactory())

        with pytest.raises(AccountLinked):
            link(said, other)
        other.refresh_from_db()
        assert other.user is None

    def test_not_to_an_inactive_record(self):
        with pytest.raises(PatientInactive):
            link(sign_up(), PatientFactory(status="inactive", deactivated_reason="moved"))

    def test_not_where_the_mail_address_of_another_account_stands(self):
        PatientFactory(user=user(Role.PATIENT), email="same@example.org")
        patient = PatientFactory(email="SAME@example.org")

        with pytest.raises(EmailTaken):
            link(sign_up(), patient)

    def test_not_before_the_address_is_proven(self):
        open_link = MailedLink.objects.create(kind="sign_up", email="a@b.cd", origin="x", expires_at=timezone.now())
        said = SignUp.objects.create(link=open_link, first_name="A", last_name="B", date_of_birth=date(1980, 1, 1))

        with pytest.raises(NotFound):
            link(said, PatientFactory())

    def test_unlinking_ends_it_at_once(self):
        said, patient = sign_up(), PatientFactory()
        link(said, patient)

        accounts.unlink_account(patient_id=patient.pk, by=user(Role.RECEPTION))

        assert not Patient.objects.visible_to(said.link.user).exists()
        assert list(selectors.waiting_sign_ups()) == [said]

    @pytest.mark.django_db(transaction=True)
    def test_of_two_desks_at_once_one_links(self, at_once):
        first, second, patient = sign_up(), sign_up(), PatientFactory()

        results = at_once(lambda: link(first, patient), lambda: link(second, patient))

        assert sorted(type(result).__name__ for result in results) == ["AccountLinked", "Patient"]


class TestPages:
    @pytest.fixture
    def desk(self, client_as):
        return client_as(user(Role.RECEPTION))

    def test_the_desk_finds_the_record_and_links_it(self, desk):
        said, patient = sign_up(), PatientFactory(first_name="Ann", last_name="Okafor", date_of_birth=date(1984, 2, 29))

        waiting = desk.get(reverse("patients:accounts"))
        shown = desk.get(reverse("patients:account", args=[said.public_id]))
        done = desk.post(reverse("patients:account_link", args=[said.public_id, patient.public_id]), {"seen": "on"}, follow=True)

        assert "Okafor" in waiting.content.decode()
        assert patient.mrn in shown.content.decode()
        assert patient.mrn in done.content.decode()
        patient.refresh_from_db()
        assert patient.user == said.link.user

    def test_a_search_finds_others(self, desk):
        said, other = sign_up(), PatientFactory(last_name="Zimmermann")

        assert other.mrn in desk.get(reverse("patients:account", args=[said.public_id]), {"q": "zimmermann"}).content.decode()

    def test_without_the_tick_it_is_refused_with_a_reason(self, desk):
        said, patient = sign_up(), PatientFactory()

        answer = desk.post(reverse("patients:account_link", args=[said.public_id, patient.public_id]), follow=True)

        assert "Look at a document" in answer.content.decode()
        patient.refresh_from_db()
        assert patient.user is None

    def test_a_new_patient_is_registered_once(self, desk):
        said = sign_up(last_name="Newcomer")
        page = reverse("patients:account_register", args=[said.public_id])

        answers = [desk.post(page, {"seen": "on"}).status_code for _ in range(2)]

        assert answers == [302, 404]  # the second finds it done
        patient = Patient.objects.get(last_name="Newcomer")
        assert (patient.user, patient.email, patient.sex) == (said.link.user, said.link.email, "unknown")

    def test_unlinking_and_dismissing(self, desk):
        said, patient, stranger = sign_up(), PatientFactory(), sign_up()
        link(said, patient)

        desk.post(reverse("patients:account_unlink", args=[patient.public_id]))
        desk.post(reverse("patients:account_dismiss", args=[stranger.public_id]))

        patient.refresh_from_db()
        assert patient.user is None
        assert list(selectors.waiting_sign_ups()) == [said]

    def test_a_restricted_chart_asks_the_desk_for_a_reason_first(self, desk):
        said, linked = sign_up(), PatientFactory(is_restricted=True, user=user(Role.PATIENT))
        free = PatientFactory(is_restricted=True)

        answers = [
            desk.post(reverse("patients:account_link", args=[said.public_id, free.public_id]), {"seen": "on"}),
            desk.post(reverse("patients:account_unlink", args=[linked.public_id])),
        ]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert all(b"Why do you need to open it" in answer.content for answer in answers)
        for patient, account in ((free, None), (linked, linked.user)):
            patient.refresh_from_db()
            assert patient.user == account

    def test_the_list_costs_the_same_however_many_wait(self, desk, django_assert_max_num_queries):
        for _ in range(12):
            sign_up()

        with django_assert_max_num_queries(8):
            assert desk.get(reverse("patients:accounts")).content.decode().count("Find the record") == 12

    @pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST, Role.MANAGER, Role.PATIENT])
    def test_only_the_desk(self, client_as, role):
        said = sign_up()
        client = client_as(user(role))

        assert client.get(reverse("patients:accounts")).status_code == 403
        assert client.get(reverse("patients:account", args=[said.public_id])).status_code == 403
        assert client.post(reverse("patients:account_link", args=[said.public_id, uuid4()])).status_code == 403
        assert client.post(reverse("patients:account_dismiss", args=[said.public_id])).status_code == 403

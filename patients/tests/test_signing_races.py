import threading
import time

import pgtrigger
import pytest
from django.db import IntegrityError, transaction

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent, Topic
from patients.errors import EncounterClosed
from patients.models import Encounter, Vitals
from patients.rules.notes import sha256_of
from patients.services import encounters
from patients.tests.factories import EncounterFactory


@pytest.fixture(autouse=True)
def _no_steps(settings):
    """What other apps do when a visit is completed is theirs to test."""
    settings.VISIT_COMPLETION_STEPS = []


def sign(encounter, by=None, **kwargs):
    return encounters.complete_visit(encounter_id=encounter.pk, by=by or encounter.doctor.user, **kwargs)


@pytest.mark.django_db(transaction=True)
class TestSigningRaces:
    """A child's write against the signature: it is in the hash, or it is refused."""

    @pytest.fixture
    def encounter(self):
        return EncounterFactory()

    @pytest.fixture
    def nurse(self):
        return user(Role.NURSE)

    def hash_is_true(self, encounter) -> bool:
        encounter = Encounter.objects.get(pk=encounter.pk)
        return encounter.content_sha256 == sha256_of(encounters.content_of(encounter))

    def test_write_that_came_first_is_in_the_hash(self, encounter, nurse, at_once):
        has_written = threading.Event()

        def write():
            with transaction.atomic():
                vitals = Vitals.objects.create(encounter=encounter, pain=3, recorded_by=nurse)  # as SQL would, past the service
                has_written.set()
                time.sleep(0.4)  # the signature has to wait for the commit
            return vitals

        def sign_meanwhile():
            has_written.wait(10)
            return sign(encounter)

        written, signed = at_once(write, sign_meanwhile)

        assert isinstance(written, Vitals)
        assert signed.status == "completed"
        assert self.hash_is_true(encounter)

    def late_write(self, encounter, nurse, at_once, *, guarded: bool):
        """Sign, and before the signature commits write a child by SQL."""
        has_signed = threading.Event()

        def sign_slowly():
            with transaction.atomic():
                signed = sign(encounter)
                has_signed.set()
                time.sleep(0.4)
            return signed

        def write():
            has_signed.wait(10)
            if guarded:
                return Vitals.objects.create(encounter=encounter, pain=3, recorded_by=nurse)
            with pgtrigger.ignore("patients.Vitals:vitals_frozen_when_signed"):
                return Vitals.objects.create(encounter=encounter, pain=3, recorded_by=nurse)

        return at_once(sign_slowly, write)

    def test_write_that_came_later_is_refused(self, encounter, nurse, at_once):
        signed, written = self.late_write(encounter, nurse, at_once, guarded=True)

        assert signed.status == "completed"
        assert isinstance(written, IntegrityError)
        assert self.hash_is_true(encounter)

    def test_without_the_trigger_signed_content_would_change(self, encounter, nurse, at_once):
        """The negative control."""
        _, written = self.late_write(encounter, nurse, at_once, guarded=False)

        assert isinstance(written, Vitals)
        assert not self.hash_is_true(encounter)

    def test_two_signatures_give_one(self, encounter, at_once):
        results = at_once(*[lambda: sign(encounter)] * 2)

        assert sorted(type(result).__name__ for result in results) == ["Encounter", "EncounterClosed"]
        assert OutboxEvent.objects.filter(topic=Topic.VISITS, action="patients.encounter.signed").count() == 1

    def test_many_writers_against_one_signature_leave_a_true_hash(self, encounter, nurse, at_once):
        def write():
            return encounters.record_vitals(encounter_id=encounter.pk, values={"pain": 3}, by=nurse)

        results = at_once(write, write, write, lambda: sign(encounter), write, write)

        assert {type(result) for result in results} <= {Vitals, Encounter, EncounterClosed}
        assert self.hash_is_true(encounter)
        assert Vitals.objects.count() == sum(isinstance(result, Vitals) for result in results)

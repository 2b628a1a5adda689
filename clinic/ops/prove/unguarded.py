"""The server of the negative controls: the product with one guard taken out, which UNGUARDED names.

Only `make prove` starts it, against a database of its own. Constraints are dropped there by the chapter;
what is Python is replaced here.
"""

import contextlib
import os

from clinic.wsgi import application

__all__ = ["application"]


def booking() -> None:
    """Doctor and patient are read without a lock."""
    from clinic.accounts.models import Doctor
    from patients.models import Patient
    from scheduling import locks

    locks.lock_doctors = lambda *ids: Doctor.objects.in_bulk(set(ids))
    locks.lock_patient = lambda patient_id: Patient.objects.get(pk=patient_id)


def number_by_count() -> None:
    """The next number is counted, as so many do it, and no row is locked."""
    from scheduling import locks
    from scheduling.models import Token

    class CountedDay:
        def __init__(self, queue_id, on):
            self.queue_id, self.on = queue_id, on
            self.last_number = Token.objects.filter(queue_id=queue_id, on=on).count()

        def save(self, **_):
            """There is no counter."""

    locks.lock_queue_day = CountedDay


def number_by_redis() -> None:
    """The next number comes from a counter in Redis."""
    from clinic.core.redis import client
    from scheduling import locks

    class RedisDay:
        def __init__(self, queue_id, on):
            self.queue_id, self.on = queue_id, on
            self.last_number = client().incr(f"naive:{queue_id}:{on}") - 1

        def save(self, **_):
            """The counter has moved already."""

    locks.lock_queue_day = RedisDay


def calling() -> None:
    """The first waiting token is read without a lock."""
    from scheduling import locks
    from scheduling.models import Token, TokenStatus

    def next_token(queue_id, on):
        waiting = Token.objects.filter(queue_id=queue_id, on=on, status=TokenStatus.WAITING).order_by("turn_at", "id")
        return waiting.select_related("queue__doctor__user", "queue__department", "patient").first()

    locks.lock_next_token = next_token


def dispensing() -> None:
    """Prescriptions and batches are read without a lock."""
    from django.db.models import Q

    from pharmacy import locks
    from pharmacy.models import Batch, Prescription
    from pharmacy.models.stock import usable_on

    def batches(medicine_ids, *, on, batch_ids=()):
        usable = usable_on(on) & Q(medicine_id__in=medicine_ids)
        return list(Batch.objects.filter(usable | Q(pk__in=batch_ids)).order_by("pk"))

    locks.lock_prescription = lambda pk: Prescription.objects.select_related("patient", "prescriber__user", "encounter").get(pk=pk)
    locks.lock_usable_batches = batches


def paying() -> None:
    """An Idempotency-Key means nothing."""
    from uuid import uuid4

    from clinic.audit.services import idempotency

    idempotency.request_id_of = lambda user, key: uuid4()
    idempotency.answer_once = lambda *, run, **_: run()


def numbering() -> None:
    """The next invoice number is counted, and no counter is locked."""
    from billing import locks
    from billing.models import Invoice

    class CountedYear:
        def __init__(self, year):
            self.year = year
            self.last_number = Invoice.objects.filter(number__isnull=False).count()

        def save(self, **_):
            """There is no counter."""

    locks.lock_counter = CountedYear


def notes() -> None:
    """A body is sent to MongoDB when it is written, and PostgreSQL keeps no copy, whatever came of it."""
    from django.utils import timezone

    from clinic.core.mongo import MongoDown
    from patients import stores
    from patients.models import ClinicalNote
    from patients.services import notes as service

    def send_and_forget(rows) -> int:
        with contextlib.suppress(MongoDown):
            stores.put_notes(service._document(note) for note in rows)
        return ClinicalNote.objects.filter(pk__in=[note.pk for note in rows]).update(body=None, stored_at=timezone.now())

    service._ensure_once = lambda url, database: None
    service._move = send_and_forget


def auditing() -> None:
    """An event goes to MongoDB at once, beside the transaction, and nothing is kept in PostgreSQL."""
    from clinic.audit import sink
    from clinic.audit.services import recording
    from clinic.core.mongo import MongoDown

    def send_and_forget(event):
        with contextlib.suppress(MongoDown):
            sink.upsert(event.topic, [event])
        return event

    recording._add = send_and_forget


def belonging() -> None:
    """A note is filed under the patient that the request names, whosever visit it is."""
    from types import SimpleNamespace

    from patients import locks
    from patients.models import Patient
    from patients.services import notes as service

    write = service.write_note

    def believe(*, patient_id, **rest):
        def encounter_of_that_patient(encounter_id):
            encounter = locks.lock_encounter(encounter_id)
            encounter.patient = Patient.objects.get(pk=patient_id)
            return encounter

        service.locks = SimpleNamespace(lock_encounter=encounter_of_that_patient)
        return write(patient_id=patient_id, **rest)

    service.write_note = believe


def signing() -> None:
    """The encounter is read without a lock, for an edit and for the signature."""
    from patients import locks
    from patients.models import Encounter

    locks.lock_encounter = lambda pk: Encounter.objects.select_related("patient", "doctor__user", "signed_by").get(pk=pk)


def versions() -> None:
    """The version that an edit was made on is not looked at."""
    from patients.services import encounters, registration

    encounters.check_version = registration.check_version = lambda row, expected: None


def taking() -> None:
    """Changes leave the queue in a transaction of their own, before their facts are written."""
    from django.db import connection

    from analytics.etl import running
    from analytics.locks import lock_etl
    from clinic.core.db import atomic_with_retry

    @atomic_with_retry
    def take(batch: int) -> list[tuple]:
        lock_etl()
        with connection.cursor() as cursor:
            cursor.execute(running._TAKE, [batch])
            return cursor.fetchall()

    @atomic_with_retry
    def write(rows: list[tuple], batch: int) -> tuple[int, int]:
        running._begin()
        changed, sums = running._derive([(subject, source_id) for _, subject, source_id in rows])
        running._finish(running._clock() if len(rows) < batch else None, behind=sums > 0)
        return len(rows), changed + sums

    running._work_off = lambda batch: write(take(batch), batch)


def scoping() -> None:
    """Every query shows every row, whoever asks."""
    from django.apps import apps

    for model in apps.get_models():
        rows = type(model._default_manager.all())
        if hasattr(rows, "visible_to"):
            rows.visible_to = lambda found, user: found


def nothing() -> None:
    """The guard that is missing is a setting of the database."""


GUARDS = (
    booking,
    number_by_count,
    number_by_redis,
    calling,
    dispensing,
    paying,
    numbering,
    notes,
    auditing,
    belonging,
    signing,
    versions,
    taking,
    scoping,
    nothing,
)

{guard.__name__: guard for guard in GUARDS}[os.environ["UNGUARDED"]]()

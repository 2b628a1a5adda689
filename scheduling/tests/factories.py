"""Minimal valid rows. Times are aware; `DAY` is a Monday a month or so ahead."""

from datetime import date, datetime, time, timedelta

import factory
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from clinic.accounts.models import Doctor
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, FacilityFactory
from patients.models import Patient
from scheduling.models import Appointment, DoctorException, DoctorSession, Queue, Token

_MONTH_AHEAD = timezone.localdate() + timedelta(days=28)
DAY = _MONTH_AHEAD + timedelta(days=(7 - _MONTH_AHEAD.weekday()) % 7)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """Wall clock of the clinic."""
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    mrn = factory.Sequence(lambda n: f"T{n:06d}")
    first_name = "Ann"
    last_name = factory.Sequence(lambda n: f"Patient{n}")
    date_of_birth = date(1980, 1, 1)
    sex = "female"
    registered_on = date(2026, 1, 1)


class SessionFactory(factory.django.DjangoModelFactory):
    """Mondays 9 to 12, slots of 15 minutes: 12 slots."""

    class Meta:
        model = DoctorSession

    doctor = factory.SubFactory(DoctorFactory)
    facility = factory.SubFactory(FacilityFactory)
    weekday = 1
    starts = time(9)
    ends = time(12)
    slot_minutes = 15
    valid_from = date(2026, 1, 1)


class ExceptionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DoctorException

    doctor = factory.SubFactory(DoctorFactory)
    kind = "leave"
    during = factory.LazyFunction(lambda: DateTimeTZRange(at(0), at(0, day=DAY + timedelta(days=1))))


class AppointmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Appointment

    patient = factory.SubFactory(PatientFactory)
    doctor = factory.SubFactory(DoctorFactory)
    during = factory.LazyFunction(lambda: DateTimeTZRange(at(9), at(9, 15)))


class QueueFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Queue

    department = factory.SubFactory(DepartmentFactory)
    code = factory.Sequence(lambda n: f"Q{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}")


class TokenFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Token

    queue = factory.SubFactory(QueueFactory)
    on = DAY
    number = factory.Sequence(lambda n: n + 1)
    patient = factory.SubFactory(PatientFactory)
    effective_at = factory.LazyFunction(lambda: at(9))


def working_doctor(**attributes) -> Doctor:
    """A doctor with a session on each weekday of the week, 8 to 20, slots of 15 minutes."""
    doctor = DoctorFactory(**attributes)
    for weekday in range(1, 8):
        SessionFactory(doctor=doctor, facility=doctor.department.facility, weekday=weekday, starts=time(8), ends=time(20))
    return doctor

"""Sums of facts, cell by cell. A cell exists where a fact does; each is derived from the table below it."""

from django.db import models

from analytics.models.dimensions import DimDepartment, DimDoctor
from analytics.models.facts import dimension, money


def count(meaning: str) -> models.PositiveIntegerField:
    return models.PositiveIntegerField(default=0, help_text=meaning)


class Measures(models.Model):
    """What is summed. An appointment that was moved counts where it went, visits entered in error nowhere."""

    appointments = count("Appointments, without those moved elsewhere.")
    booked = count("Of them, those still to come about: booked, checked in or in consultation.")
    completed = count("Of them, those that took place.")
    cancelled = count("Of them, those cancelled.")
    no_shows = count("Of them, those whose patient did not come.")
    overbooked = count("Of them, those booked over another.")
    minutes = count("Length of them all in minutes, without those cancelled.")
    visits = count("Visits.")
    walk_ins = count("Of them, those without an appointment.")
    waits = count("Of them, those whose wait is known.")
    wait_minutes = count("The sum of those waits.")
    consultations = count("Of them, those signed.")
    consult_minutes = count("The sum of their lengths, from begin to signature.")
    charge = money("Consultation fees and treatments of the visits, as billed.")

    class Meta:
        abstract = True


MEASURES = tuple(field.name for field in Measures._meta.local_fields)


class DoctorDay(Measures):
    """One doctor's day at one facility."""

    date = models.DateField(help_text="The day.")
    doctor = dimension(DimDoctor, "The doctor.")
    facility = dimension("accounts.Facility", "Where.")
    department = dimension(DimDepartment, "The department the doctor is in now.")

    class Meta:
        db_table = "doctor_day"
        constraints = [models.UniqueConstraint(fields=["doctor", "date", "facility"], name="doctor_day_once")]
        indexes = [models.Index(fields=["date"], name="doctor_day_by_date")]

    def __str__(self):
        return f"{self.doctor_id} {self.date}"


class DoctorMonth(Measures):
    """One doctor's month at one facility."""

    month = models.DateField(help_text="Its first day.")
    doctor = dimension(DimDoctor, "The doctor.")
    facility = dimension("accounts.Facility", "Where.")
    department = dimension(DimDepartment, "The department the doctor is in now.")

    class Meta:
        db_table = "doctor_month"
        constraints = [models.UniqueConstraint(fields=["doctor", "month", "facility"], name="doctor_month_once")]
        indexes = [
            models.Index(fields=["month"], name="doctor_month_by_month"),
            models.Index(fields=["department", "month"], name="doctor_month_by_department"),
        ]

    def __str__(self):
        return f"{self.doctor_id} {self.month:%Y-%m}"


class DoctorYear(Measures):
    """One doctor's year."""

    year = models.PositiveSmallIntegerField(help_text="Of the calendar.")
    doctor = dimension(DimDoctor, "The doctor.")
    department = dimension(DimDepartment, "The department the doctor is in now.")

    class Meta:
        db_table = "doctor_year"
        constraints = [models.UniqueConstraint(fields=["doctor", "year"], name="doctor_year_once")]

    def __str__(self):
        return f"{self.doctor_id} {self.year}"


class DepartmentMonth(Measures):
    """One department's month."""

    month = models.DateField(help_text="Its first day.")
    department = dimension(DimDepartment, "The department.")

    class Meta:
        db_table = "department_month"
        constraints = [models.UniqueConstraint(fields=["department", "month"], name="department_month_once")]

    def __str__(self):
        return f"{self.department_id} {self.month:%Y-%m}"

"""What happened, one row for each operational row, derived from it and from nothing else.

Foreign keys to dimensions are not checked row by row: the rows that facts are derived from have such
keys that are, and `manage.py verify` compares the two.
"""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from analytics.models.dimensions import DimDepartment, DimDoctor, DimMedicine, DimPatient


def dimension(to, meaning: str, **more) -> models.ForeignKey:
    return models.ForeignKey(to, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+", help_text=meaning, **more)


def money(meaning: str) -> models.DecimalField:
    return models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), help_text=meaning)


class Fact(models.Model):
    public_id = models.UUIDField(help_text="Of the row that it is derived from.")
    date = models.DateField(help_text="The day of the clinic's clock on which it happened.")
    patient = dimension(DimPatient, "Whose it was.")

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self._meta.verbose_name} {self.public_id}"


class FactAppointment(Fact):
    """An appointment, whatever became of it. Its date is that of its start."""

    source_id = models.BigIntegerField(primary_key=True, help_text="The appointment's primary key.")
    doctor = dimension(DimDoctor, "The doctor it was with.")
    department = dimension(DimDepartment, "The department the doctor is in now.")
    facility = dimension("accounts.Facility", "Where it was; that of the department when the appointment names none.")
    start = models.DateTimeField(help_text="When it began, or was to begin.")
    minutes = models.PositiveSmallIntegerField(help_text="Its length.")
    weekday = models.PositiveSmallIntegerField(help_text="Of the start by the clinic's clock: 1 Monday to 7 Sunday.")
    hour = models.PositiveSmallIntegerField(help_text="Of the start by the clinic's clock: 0 to 23.")
    booked_on = models.DateField(help_text="The day it was booked.")
    lead_days = models.PositiveIntegerField(help_text="Days from booking to start; 0 when it was entered afterwards.")
    status = models.CharField(max_length=16, help_text="As the appointment has it.")
    is_overbooked = models.BooleanField(help_text="Whether it was booked over another.")
    is_no_show = models.BooleanField(help_text="Whether the patient did not come.")

    class Meta:
        db_table = "fact_appointment"
        indexes = [
            models.Index(fields=["doctor", "date"], name="fact_appointment_by_doctor"),
            models.Index(fields=["date"], name="fact_appointment_by_date"),
            models.Index(
                fields=["patient", "date"],
                include=["is_no_show"],
                condition=Q(status__in=["completed", "no_show"]),
                name="fact_appointment_by_patient",
            ),
        ]


class FactVisit(Fact):
    """A visit. Its date is that of its begin. One that was entered in error stands here, and is counted nowhere."""

    source_id = models.BigIntegerField(primary_key=True, help_text="The encounter's primary key.")
    doctor = dimension(DimDoctor, "Who saw the patient.")
    department = dimension(DimDepartment, "The department the doctor is in now.")
    facility = dimension("accounts.Facility", "That of the appointment; of the department when there is none.")
    status = models.CharField(max_length=16, help_text="As the encounter has it.")
    is_walk_in = models.BooleanField(help_text="Whether it had no appointment.")
    wait_minutes = models.PositiveIntegerField(
        null=True, help_text="From check-in to the call, whole minutes; empty when nobody was called."
    )
    consult_minutes = models.PositiveIntegerField(null=True, help_text="From begin to signature, whole minutes; empty until signed.")
    charge = money("Consultation fee and treatments as billed: on issued invoices, with discount and tax, less credit notes.")

    class Meta:
        db_table = "fact_visit"
        indexes = [
            models.Index(fields=["doctor", "date"], name="fact_visit_by_doctor"),
            models.Index(fields=["date"], name="fact_visit_by_date"),
        ]


class FactDispense(Fact):
    """Units of one batch that were handed out, less what came back."""

    source_id = models.BigIntegerField(primary_key=True, help_text="The dispensed line's primary key.")
    doctor = dimension(DimDoctor, "Who prescribed it.")
    department = dimension(DimDepartment, "The department the doctor is in now.")
    facility = dimension("accounts.Facility", "That of the department.")
    medicine = dimension(DimMedicine, "What was given, which may be a substitute of what was prescribed.")
    quantity = models.PositiveIntegerField(help_text="Units, less those returned.")
    value = money("What these units cost the clinic, by their batch.")

    class Meta:
        db_table = "fact_dispense"
        indexes = [
            models.Index(fields=["date"], name="fact_dispense_by_date"),
            models.Index(fields=["doctor", "date"], name="fact_dispense_by_doctor"),
        ]


class PaymentKind(models.TextChoices):
    PAYMENT = "payment", "Payment"
    REFUND = "refund", "Refund"


class FactPayment(Fact):
    """Money that was taken for an invoice, or given back of it. An advance counts when it pays an invoice."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=PaymentKind, help_text="Whether it came or went.")
    source_id = models.BigIntegerField(help_text="The payment's or the refund's primary key.")
    doctor = dimension(DimDoctor, "Of the invoice's visit; empty when it has none.", null=True)
    department = dimension(DimDepartment, "The department the doctor is in now.", null=True)
    facility = dimension("accounts.Facility", "That of the department.", null=True)
    method = models.CharField(max_length=10, help_text="How it was paid; a refund has that of its payment.")
    amount = money("In the clinic's currency; below zero when it was given back.")

    class Meta:
        db_table = "fact_payment"
        constraints = [
            models.UniqueConstraint(fields=["kind", "source_id"], name="fact_payment_once"),
            models.CheckConstraint(
                name="fact_payment_sign_of_its_kind",
                condition=Q(kind=PaymentKind.PAYMENT, amount__gt=0) | Q(kind=PaymentKind.REFUND, amount__lt=0),
            ),
        ]
        indexes = [
            models.Index(fields=["date"], name="fact_payment_by_date"),
            models.Index(fields=["doctor", "date"], name="fact_payment_by_doctor"),
        ]

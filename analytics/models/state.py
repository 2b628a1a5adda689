from django.db import models


class Subject(models.TextChoices):
    """What a change is about."""

    DEPARTMENT = "department", "Department"
    DOCTOR = "doctor", "Doctor"
    USER = "user", "User"
    PATIENT = "patient", "Patient"
    MEDICINE = "medicine", "Medicine"
    BATCH = "batch", "Batch"
    APPOINTMENT = "appointment", "Appointment"
    VISIT = "visit", "Visit"
    PRESCRIPTION = "prescription", "Prescription"
    DISPENSE = "dispense", "Dispensed line"
    INVOICE = "invoice", "Invoice"
    PAYMENT = "payment", "Payment"
    REFUND = "refund", "Refund"


class Change(models.Model):
    """A row whose facts are to be derived anew. Triggers write it in the transaction of the change; a run takes it away."""

    subject = models.CharField(max_length=12, choices=Subject, help_text="What was added, changed or removed.")
    source_id = models.BigIntegerField(help_text="Its primary key.")

    class Meta:
        db_table = "analytics_change"

    def __str__(self):
        return f"{self.subject} {self.source_id}"


class EtlState(models.Model):
    """How far the figures are: one row."""

    as_of = models.DateTimeField(null=True, help_text="What was committed by then is in the figures; empty before the first run.")
    watermark = models.BigIntegerField(default=0, help_text="The highest change that was ever taken from the queue.")
    views_behind = models.BooleanField(default=False, help_text="Whether a sum changed since the materialized views were made.")

    class Meta:
        db_table = "etl_state"
        constraints = [models.CheckConstraint(name="etl_state_is_one_row", condition=models.Q(pk=1))]

    def __str__(self):
        return f"as of {self.as_of}"

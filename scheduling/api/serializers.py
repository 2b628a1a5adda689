"""The shape of what comes in. What goes out is made by the selectors."""

from datetime import date, timedelta

from rest_framework import serializers

from clinic.accounts.models import Department, Doctor, Facility
from clinic.core.serializers import PublicIdField
from patients.models import Patient
from scheduling.models import LONGEST_BUFFER_MIN, Appointment, AppointmentStatus, Priority, Token, TokenStatus
from scheduling.models.hours import Weekday
from scheduling.models.series import MOST_DATES, MOST_WEEKS_APART

FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2200, 1, 1)


class ClinicDateField(serializers.DateField):
    """A date of the calendar in which there are appointments."""

    default_error_messages = {"range": "This date is out of range."}

    def to_internal_value(self, value):
        found = super().to_internal_value(value)
        if not FIRST_DATE <= found <= LAST_DATE:
            self.fail("range")
        return found


class VisibleIdField(PublicIdField):
    """A row by its public id, among those that the user of `context["user"]` may see."""

    def get_queryset(self):
        return super().get_queryset().visible_to(self.context["user"])


# --- Appointments ------------------------------------------------------------------------


class AppointmentFilter(serializers.Serializer):
    patient = serializers.UUIDField(required=False)
    doctor = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=AppointmentStatus, required=False)
    date_from = ClinicDateField(required=False)
    date_to = ClinicDateField(required=False)
    ordering = serializers.ChoiceField(choices=["start", "-start"], required=False)


class AppointmentInput(serializers.Serializer):
    patient = VisibleIdField(queryset=Patient.objects.all())
    doctor = PublicIdField(queryset=Doctor.objects.all())
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    hold = serializers.CharField(max_length=200, required=False, allow_blank=True)
    overbook_reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class AppointmentChange(serializers.Serializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class RescheduleInput(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(required=False, allow_null=True)
    doctor = PublicIdField(queryset=Doctor.objects.all(), required=False, allow_null=True)
    hold = serializers.CharField(max_length=200, required=False, allow_blank=True)


class SeriesInput(serializers.Serializer):
    """Every so many weeks: `count` times, or `until` a day (included)."""

    patient = VisibleIdField(queryset=Patient.objects.all())
    doctor = PublicIdField(queryset=Doctor.objects.all())
    start = serializers.DateTimeField()
    every_weeks = serializers.IntegerField(min_value=1, max_value=MOST_WEEKS_APART)
    count = serializers.IntegerField(min_value=2, max_value=MOST_DATES, required=False, allow_null=True)
    until = ClinicDateField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class SeriesCancelInput(serializers.Serializer):
    date_from = ClinicDateField()
    reason = serializers.CharField(max_length=200)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


# --- Slots -------------------------------------------------------------------------------


class DaysFilter(serializers.Serializer):
    date = ClinicDateField(required=False)
    days = serializers.IntegerField(min_value=1, max_value=31, default=1)


class SlotFilter(DaysFilter):
    doctor = PublicIdField(queryset=Doctor.objects.all())


class HoldInput(serializers.Serializer):
    doctor = PublicIdField(queryset=Doctor.objects.all())
    start = serializers.DateTimeField()


class BulkInput(serializers.Serializer):
    doctor = PublicIdField(queryset=Doctor.objects.all())
    date_from = ClinicDateField()
    date_to = ClinicDateField()
    start = serializers.TimeField()
    end = serializers.TimeField()
    slot_minutes = serializers.IntegerField(min_value=5, max_value=240)
    buffer_before_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_BUFFER_MIN, default=0)
    buffer_after_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_BUFFER_MIN, default=0)
    weekdays = serializers.ListField(child=serializers.ChoiceField(choices=Weekday), required=False, allow_null=True, max_length=7)
    facility = PublicIdField(queryset=Facility.objects.all(), required=False, allow_null=True)

    def validate(self, attrs):
        if attrs["date_to"] - attrs["date_from"] > timedelta(days=3660):
            raise serializers.ValidationError({"date_to": ["That is too far ahead."]})
        return attrs


# --- Queue -------------------------------------------------------------------------------


class CheckInInput(serializers.Serializer):
    appointment = VisibleIdField(queryset=Appointment.objects.all())
    priority = serializers.ChoiceField(choices=Priority, default=Priority.ROUTINE)


class QueueOwnerInput(serializers.Serializer):
    """A doctor or a department: exactly one of them."""

    doctor = PublicIdField(queryset=Doctor.objects.select_related("user"), required=False, allow_null=True)
    department = PublicIdField(queryset=Department.objects.all(), required=False, allow_null=True)

    def validate(self, attrs):
        if bool(attrs.get("doctor")) == bool(attrs.get("department")):
            raise serializers.ValidationError({"doctor": ["Name a doctor or a department."]})
        return attrs


class WalkInInput(QueueOwnerInput):
    patient = VisibleIdField(queryset=Patient.objects.all())
    priority = serializers.ChoiceField(choices=Priority, default=Priority.ROUTINE)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class NextInput(QueueOwnerInput):
    room = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


class QueueFilter(serializers.Serializer):
    doctor = serializers.UUIDField(required=False)
    department = serializers.UUIDField(required=False)


class StatusInput(serializers.Serializer):
    status = serializers.ChoiceField(choices=[each for each in TokenStatus.choices if each[0] != TokenStatus.TRANSFERRED])
    room = serializers.CharField(max_length=40, required=False, allow_blank=True)


class PriorityInput(serializers.Serializer):
    priority = serializers.ChoiceField(choices=Priority)
    reason = serializers.CharField(max_length=200)


class VisitInput(serializers.Serializer):
    """An appointment, a token, or a patient and a doctor. `before_call` opens the record of a token that goes on waiting."""

    appointment = VisibleIdField(queryset=Appointment.objects.all(), required=False, allow_null=True)
    token = VisibleIdField(queryset=Token.objects.all(), required=False, allow_null=True)
    patient = VisibleIdField(queryset=Patient.objects.all(), required=False, allow_null=True)
    doctor = PublicIdField(queryset=Doctor.objects.all(), required=False, allow_null=True)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    before_call = serializers.BooleanField(default=False)

    def validate(self, attrs):
        if attrs["before_call"] and not attrs.get("token"):
            raise serializers.ValidationError({"token": ["Name the token that waits."]})
        return attrs

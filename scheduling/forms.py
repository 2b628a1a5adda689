"""The shape of what the pages send."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from clinic.accounts.models import Department, Doctor, Facility
from clinic.core.forms import DateInput, DateTimeInput, RequestIdField, TimeInput
from scheduling.models import LONGEST_BUFFER_MIN, ExceptionKind, Priority
from scheduling.models.hours import Weekday
from scheduling.models.series import MOST_DATES, MOST_WEEKS_APART


class PublicIdChoice(forms.ModelChoiceField):
    """A choice whose value is the public id."""

    def __init__(self, queryset, **kwargs):
        super().__init__(queryset, to_field_name="public_id", **kwargs)


def doctors():
    return Doctor.objects.filter(is_active=True).select_related("user", "department")


class BookingForm(forms.Form):
    request_id = RequestIdField()
    start = forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"], label="Time")
    reason = forms.CharField(max_length=300, required=False, label="Reason", help_text="In the patient's words.")
    hold = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    held_start = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    overbook_reason = forms.CharField(max_length=200, required=False)
    every_weeks = forms.IntegerField(min_value=1, max_value=MOST_WEEKS_APART, required=False, label="Every so many weeks")
    count = forms.IntegerField(min_value=2, max_value=MOST_DATES, required=False, label="How many times in all")
    until = forms.DateField(widget=DateInput, required=False, label="Or until, this day included")

    @property
    def repeat_fields(self):
        return [self[name] for name in ("every_weeks", "count", "until")]


class SeriesEndForm(forms.Form):
    from_on = forms.DateField(widget=DateInput, initial=timezone.localdate, label="Cancel from this day on")
    reason = forms.CharField(max_length=200, label="Reason")

    def clean_from_on(self):
        on = self.cleaned_data["from_on"]
        if not date(1900, 1, 1) < on < date(2200, 1, 1):
            raise forms.ValidationError("This date is out of range.")
        return on


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Reason")


class PlaceForm(forms.Form):
    """One of the queues, a department's or a doctor's."""

    request_id = RequestIdField()
    place = forms.ChoiceField(
        label="Queue", widget=forms.Select, help_text="A department's queue is seen by whichever of its doctors is free first."
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        departments = [(f"department:{d.public_id}", d.name) for d in Department.objects.order_by("name")]
        people = [(f"doctor:{d.public_id}", f"{d.name}, {d.department}") for d in doctors()]
        self.fields["place"].choices = [("", "Choose"), ("Departments", departments), ("Doctors", people)]

    def owner(self) -> dict:
        """{doctor_id} or {department_id} of the chosen queue."""
        kind, _, public_id = self.cleaned_data["place"].partition(":")
        model = Doctor if kind == "doctor" else Department
        return {f"{kind}_id": model.objects.values_list("pk", flat=True).get(public_id=public_id)}


class WalkInForm(PlaceForm):
    priority = forms.ChoiceField(choices=Priority, initial=Priority.ROUTINE, widget=forms.RadioSelect)
    reason = forms.CharField(max_length=300, required=False, label="Reason for the visit")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["place"].widget.attrs["autofocus"] = True


class WaitlistForm(WalkInForm):
    """A walk-in's form with days: the place is whom the patient wants to see."""

    first_on = forms.DateField(widget=DateInput, initial=timezone.localdate, label="From")
    last_on = forms.DateField(widget=DateInput, label="Until, this day included")
    field_order = ["request_id", "place", "first_on", "last_on", "priority", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["priority"].choices = [choice for choice in Priority.choices if choice[0] != Priority.EMERGENCY]
        self.fields["place"].label = "Doctor or department"
        self.fields["place"].help_text = "A department: any of its doctors."

    def data_of_entry(self) -> dict:
        kind, _, public_id = self.cleaned_data["place"].partition(":")
        model = Doctor if kind == "doctor" else Department
        return {name: self.cleaned_data[name] for name in ("first_on", "last_on", "priority", "reason")} | {
            kind: model.objects.get(public_id=public_id)
        }


class PriorityForm(forms.Form):
    request_id = RequestIdField()
    priority = forms.ChoiceField(choices=Priority, widget=forms.RadioSelect)
    reason = forms.CharField(max_length=200, label="Why")


class BufferField(forms.IntegerField):
    """Minutes of the doctor's time beside an appointment; none when nothing is said."""

    def __init__(self, **kwargs):
        super().__init__(min_value=0, max_value=LONGEST_BUFFER_MIN, initial=0, required=False, **kwargs)

    def clean(self, value):
        return super().clean(value) or 0


class SessionForm(forms.Form):
    doctor = PublicIdChoice(Doctor.objects.none(), empty_label="Choose")
    weekday = forms.TypedChoiceField(choices=Weekday, coerce=int)
    starts = forms.TimeField(widget=TimeInput, initial=time(9), label="From")
    ends = forms.TimeField(widget=TimeInput, initial=time(12), label="Until")
    slot_minutes = forms.IntegerField(min_value=5, max_value=240, initial=15, label="Minutes per slot")
    buffer_before_minutes = BufferField(label="Minutes kept free before each")
    buffer_after_minutes = BufferField(label="Minutes kept free after each", help_text="The patient does not see them.")
    valid_from = forms.DateField(widget=DateInput, initial=timezone.localdate, label="First day")
    valid_until = forms.DateField(widget=DateInput, required=False, label="No longer from", help_text="Empty: for good.")
    facility = PublicIdChoice(Facility.objects.order_by("name"), empty_label=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["doctor"].queryset = doctors()


class ExceptionForm(forms.Form):
    kind = forms.ChoiceField(choices=ExceptionKind, label="What")
    doctor = PublicIdChoice(Doctor.objects.none(), required=False, empty_label="The whole clinic")
    start = forms.DateTimeField(widget=DateTimeInput, label="From")
    end = forms.DateTimeField(widget=DateTimeInput, label="Until")
    slot_minutes = forms.IntegerField(min_value=5, max_value=240, initial=15, label="Minutes per slot", help_text="Of extra hours.")
    reason = forms.CharField(max_length=120, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["doctor"].queryset = doctors()
        today = timezone.localdate()
        self.fields["start"].initial = timezone.make_aware(datetime.combine(today, time()))
        self.fields["end"].initial = timezone.make_aware(datetime.combine(today + timedelta(days=1), time()))

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("kind") in {ExceptionKind.LEAVE, ExceptionKind.OPEN} and not cleaned.get("doctor") and "doctor" not in self.errors:
            self.add_error("doctor", "Say which doctor. The whole clinic closes by a holiday.")
        return cleaned

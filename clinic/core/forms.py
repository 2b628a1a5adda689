"""Inputs that browsers know how to draw, and the field that makes a form safe to send twice."""

import uuid

from django import forms


class DateInput(forms.DateInput):
    """The browser's own date picker; ISO on the wire whatever the locale."""

    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%H:%M")


class DateTimeInput(forms.DateTimeInput):
    """Wall-clock time of the clinic, to the minute."""

    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class RequestIdField(forms.UUIDField):
    """Hidden `request_id`: made when the form is shown, the same when it is sent again."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs):
        super().__init__(**{"initial": uuid.uuid4, **kwargs})

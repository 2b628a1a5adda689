"""What a dashboard may be asked for; anything else is refused, and the parameter is named."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils.functional import cached_property

from analytics.dashboards.asked import Asked
from analytics.permissions import VIEW_REPORTS
from billing.forms import day_field
from clinic.accounts.models import Department, Doctor, Facility
from clinic.core.forms import LongSelect

MOST_DAYS = 3_660
_PAGING = {"page"}


class Viewer:
    """Whom and what somebody may ask for. `own` is the doctor whose figures alone they see; None for who sees all.

    Each kind is read when it is first needed: 1 query.
    """

    def __init__(self, own: Doctor | None):
        self.own = own

    @cached_property
    def doctors(self) -> dict[str, Doctor]:
        """With no more than a choice among thousands needs."""
        named = ("public_id", "department", "user__public_id", "user__first_name", "user__last_name", "user__username")
        return _by_id([self.own] if self.own else Doctor.objects.select_related("user").only(*named))

    @cached_property
    def departments(self) -> dict[str, Department]:
        return _by_id([self.own.department] if self.own else Department.objects.select_related("facility").order_by("name", "id"))

    @property
    def facilities(self) -> dict[str, Facility]:
        return _by_id(department.facility for department in self.departments.values())


def viewer_of(user, *, own_only: bool = False) -> Viewer:
    """Who sees no reports sees their own figures, by their login; who is no doctor then sees none: PermissionDenied."""
    if user.has_perm(VIEW_REPORTS) and not own_only:
        return Viewer(None)
    own = Doctor.objects.select_related("user", "department__facility").filter(user=user).first()
    if own is None:
        raise PermissionDenied
    return Viewer(own)


def _by_id(rows) -> dict:
    return {str(row.public_id): row for row in rows}


def _words(department: Department) -> str:
    return f"{department.name}, {department.facility.name}"


# By filter: where the viewer has what may be chosen, what no choice is called, and what a choice is.
_CHOICES = {
    "doctor": ("doctors", "All doctors", str),
    "department": ("departments", "All departments", _words),
    "facility": ("facilities", "All facilities", str),
}


class DashboardFilters(forms.Form):
    """Days of the clinic, both included; all of it stands in the address."""

    date_from = day_field("From")
    date_to = day_field("To")
    department = forms.ChoiceField(required=False)
    doctor = forms.ChoiceField(required=False, widget=LongSelect)
    facility = forms.ChoiceField(required=False)

    def __init__(self, data, *, viewer: Viewer, today: date, days: int, keep: set[str], extra: dict[str, forms.Field] | None = None):
        super().__init__(data)
        self._viewer, self._today, self._days = viewer, today, days
        for name in set(DashboardFilters.base_fields) - keep:
            del self.fields[name]
        for name in _CHOICES.keys() & keep:
            kind, everything, words = _CHOICES[name]
            self.fields[name].choices = [("", everything), *((key, words(row)) for key, row in getattr(viewer, kind).items())]
        if viewer.own and "doctor" in self.fields:
            self.fields["doctor"].error_messages["invalid_choice"] = "You see your own figures only."
        self.fields.update(extra or {})

    @property
    def shown(self) -> list:
        """The fields that offer a choice: a doctor has none of doctors, a clinic with one facility none of those."""
        return [field for field in self if field.errors or not isinstance(field.field, forms.ChoiceField) or len(field.field.choices) > 2]

    def clean(self):
        values = super().clean()
        for name in sorted(set(self.data) - set(self.fields) - _PAGING):
            self.add_error(None, f"There is no filter “{name[:40]}” here.")
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", "The last day lies before the first.")
        elif first and last and (last - first).days > MOST_DAYS:
            self.add_error("date_from", "At most ten years at a time.")
        return values

    def asked(self) -> Asked:
        """Of valid filters. Without days: up to today, as many as the dashboard shows; the form then says which."""
        values, viewer = self.cleaned_data, self._viewer
        date_from = values.get("date_from")
        date_to = values.get("date_to") or max(self._today, date_from or self._today)
        if date_from is None:
            date_from = max(date_to - timedelta(days=self._days - 1), date(1900, 1, 1))
        elif (date_to - date_from).days > MOST_DAYS:
            date_from = date_to - timedelta(days=MOST_DAYS)
        self.data = {**self.data.dict(), "date_from": date_from.isoformat(), "date_to": date_to.isoformat()}
        return Asked(
            today=self._today,
            date_from=date_from,
            date_to=date_to,
            doctor=viewer.own or self._chosen("doctor"),
            department=self._chosen("department"),
            facility=self._chosen("facility"),
        )

    def _chosen(self, name: str) -> Any:
        key = self.cleaned_data.get(name)
        return getattr(self._viewer, _CHOICES[name][0])[key] if key else None

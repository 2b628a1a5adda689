"""What a dashboard may be asked for; anything else is refused, and the parameter is named."""

from dataclasses import dataclass
from datetime import date, timedelta

from django import forms
from django.core.exceptions import PermissionDenied

from analytics.dashboards.asked import Asked
from analytics.permissions import VIEW_REPORTS
from billing.forms import day_field
from clinic.accounts.models import Department, Doctor, Facility

MOST_DAYS = 3_660
_PAGING = {"page"}


@dataclass(frozen=True)
class Viewer:
    """Whom and what somebody may ask for. `own` is the doctor whose figures alone they see; None for who sees all."""

    own: Doctor | None
    doctors: dict[str, Doctor]
    departments: dict[str, Department]

    @property
    def facilities(self) -> dict[str, Facility]:
        return {str(each.facility.public_id): each.facility for each in self.departments.values()}


def viewer_of(user, *, own_only: bool = False) -> Viewer:
    """Who sees no reports sees their own figures, by their login; who is no doctor then sees none: PermissionDenied. 1 or 2 queries."""
    doctors = Doctor.objects.select_related("user", "department__facility").order_by("user__last_name", "user__first_name", "id")
    if user.has_perm(VIEW_REPORTS) and not own_only:
        departments = Department.objects.select_related("facility").order_by("name", "id")
        return Viewer(None, _by_id(doctors), _by_id(departments))
    own = doctors.filter(user=user).first()
    if own is None:
        raise PermissionDenied
    return Viewer(own, _by_id([own]), _by_id([own.department]))


def _by_id(rows) -> dict:
    return {str(row.public_id): row for row in rows}


def _words(department: Department) -> str:
    return f"{department.name}, {department.facility.name}"


class DashboardFilters(forms.Form):
    """Days of the clinic, both included; all of it stands in the address."""

    date_from = day_field("From")
    date_to = day_field("To")
    department = forms.ChoiceField(required=False)
    doctor = forms.ChoiceField(required=False)
    facility = forms.ChoiceField(required=False)

    def __init__(self, data, *, viewer: Viewer, today: date, days: int, keep: set[str], extra: dict[str, forms.Field] | None = None):
        super().__init__(data)
        self._viewer, self._today, self._days = viewer, today, days
        self._choose("doctor", "All doctors", viewer.doctors, str)
        self._choose("department", "All departments", viewer.departments, _words)
        self._choose("facility", "All facilities", viewer.facilities, str)
        if viewer.own:
            self.fields["doctor"].error_messages["invalid_choice"] = "You see your own figures only."
        for name in set(DashboardFilters.base_fields) - keep:
            del self.fields[name]
        self.fields.update(extra or {})

    def _choose(self, name: str, everything: str, rows: dict, words) -> None:
        self.fields[name].choices = [("", everything), *((key, words(row)) for key, row in rows.items())]

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
            doctor=viewer.own or viewer.doctors.get(values.get("doctor", "")),
            department=viewer.departments.get(values.get("department", "")),
            facility=viewer.facilities.get(values.get("facility", "")),
        )

"""The four headline figures, each with the time that it is as of."""

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from analytics.api.filters import RangeFilters
from analytics.headlines import selectors
from analytics.headlines.rules import EVER, next_begin
from analytics.headlines.selectors import Asked, Headline
from analytics.permissions import VIEW_OWN_FIGURES, VIEW_REPORTS
from analytics.services.figures import refresh_figures
from clinic.accounts.models import Department, Doctor
from clinic.core.api import Pagination
from clinic.core.replica import looking_back


class HeadlineFilters(RangeFilters):
    """Of days: those that are in the year, in the month and in the range."""

    year = serializers.IntegerField(required=False, min_value=EVER[0].year, max_value=EVER[1].year - 1)
    month = serializers.IntegerField(required=False, min_value=1, max_value=12, help_text="Of the `year`.")
    department = serializers.UUIDField(required=False)
    doctor = serializers.UUIDField(required=False)

    def validate(self, values):
        values = super().validate(values)
        if "month" in values and "year" not in values:
            raise serializers.ValidationError({"month": ["Say of which year."]})
        start, until = self._days(values)
        if start >= until:
            raise serializers.ValidationError({"year": ["None of its days is between the dates asked for."]})
        return values | {"start": start, "until": until}

    def validate_department(self, public_id):
        return self._key(Department.objects.filter(public_id=public_id), "There is no such department.")

    def _key(self, rows, sentence: str) -> int:
        key = rows.values_list("pk", flat=True).first()
        if key is None:
            raise serializers.ValidationError(sentence)
        return key

    def _days(self, values) -> tuple[date, date]:
        start, until = (
            values.get("date_from", EVER[0]),
            min(values.get("date_to", date.max - timedelta(days=1)) + timedelta(days=1), EVER[1]),
        )
        if year := values.get("year"):
            begin = date(year, values.get("month", 1), 1)
            end = next_begin(begin, "month" if "month" in values else "year")
            start, until = max(start, begin), min(until, end)
        return start, until


class EveryonesFilters(HeadlineFilters):
    def validate_doctor(self, public_id):
        return self._key(Doctor.objects.filter(public_id=public_id), "There is no such doctor.")


def own_filters(doctor: Doctor) -> type[HeadlineFilters]:
    """Of a doctor's own figures: naming another doctor is refused, whether or not there is one."""

    class OwnFilters(HeadlineFilters):
        def validate_doctor(self, public_id):
            if public_id != doctor.public_id:
                raise serializers.ValidationError("You see your own figures only.")
            return doctor.pk

        def validate(self, values):
            return super().validate(values) | {"doctor": doctor.pk}

    return OwnFilters


class HeadlineView(ViewSet):
    headline: Headline
    action_permissions = {"list": (VIEW_REPORTS, VIEW_OWN_FIGURES)}

    def list(self, request):
        values = self._filters().of(request)
        asked = Asked(values["start"], values["until"], values.get("doctor"), values.get("department"))
        (as_of, rows), instead = looking_back(lambda: (selectors.figures_as_of(), selectors.rows_of(self.headline, asked)))
        paginator = Pagination()
        page = paginator.paginate_queryset(rows, request, view=self)
        columns = selectors.columns_of(self.headline)
        answer = paginator.get_paginated_response([dict(zip(columns, row, strict=True)) for row in page])
        answer.data = {"as_of": as_of} | answer.data
        if instead:
            answer["X-Replica"] = instead  # it did not answer; the main database did
        return answer

    def _filters(self) -> type[HeadlineFilters]:
        """Managers may ask for anybody's; a doctor gets the own ones, by the login."""
        user = self.request.user
        if user.has_perm(VIEW_REPORTS):
            return EveryonesFilters
        doctor = Doctor.objects.filter(user=user).first()
        if doctor is None:
            raise PermissionDenied
        return own_filters(doctor)


class TopDoctors(HeadlineView):
    """Doctors by their visits, those with the most first."""

    headline = selectors.TOP_DOCTORS


class DepartmentLoad(HeadlineView):
    """Departments by their visits, with what became of their appointments and how long people waited."""

    headline = selectors.DEPARTMENT_LOAD


class MonthlyVisits(HeadlineView):
    """Visits month by month."""

    headline = selectors.MONTHLY_VISITS


class DoctorWorkload(HeadlineView):
    """Doctors by their appointments, and what became of these."""

    headline = selectors.DOCTOR_WORKLOAD


class RefreshFigures(APIView):
    """Bring the figures up to date now; else it happens within half a minute."""

    action_permissions = {"post": VIEW_REPORTS}

    def post(self, request):
        done = refresh_figures(by=request.user)
        return Response({"as_of": selectors.figures_as_of(), "changes": done.taken, "rows": done.changed})

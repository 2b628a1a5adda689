"""The API's description of the reports."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers

from analytics.api import filters, headlines, reports
from clinic.core.schema import describe, list_of, whole_list_of

PAGING = [
    OpenApiParameter("page", {"type": "integer", "minimum": 1}),
    OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": 200}),
]


class AuditUserAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.CharField(help_text="The roles, by commas.")


class AuditResourceAnswer(serializers.Serializer):
    type = serializers.CharField()
    id = serializers.UUIDField(allow_null=True)


class AuditLogAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    timestamp = serializers.DateTimeField()
    user = AuditUserAnswer(allow_null=True)
    action = serializers.CharField()
    resource = AuditResourceAnswer()
    patient = serializers.UUIDField(allow_null=True)
    changes = serializers.DictField()
    request_id = serializers.CharField()


@extend_schema_serializer(many=False)
class DocumentsAnswer(serializers.Serializer):
    """Documents as MongoDB has them; each has an `id`."""

    count = serializers.IntegerField(min_value=0)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = serializers.ListField(child=serializers.DictField())


class SymptomAnswer(serializers.Serializer):
    symptom = serializers.CharField()
    notes = serializers.IntegerField(min_value=1)


class OfDoctor(serializers.Serializer):
    doctor = serializers.UUIDField()
    doctor_name = serializers.CharField()
    department = serializers.UUIDField(help_text="The one the doctor is in now.")
    department_name = serializers.CharField()


def _number(**more):
    return serializers.IntegerField(min_value=0, **more)


def _minutes():
    return serializers.FloatField(allow_null=True, min_value=0, help_text="Null when nobody knows one.")


def _charge():
    return serializers.DecimalField(max_digits=14, decimal_places=2, help_text="Consultations and treatments, as billed.")


class TopDoctorAnswer(OfDoctor):
    visits = _number()
    walk_ins = _number()
    completed = _number(help_text="Appointments that took place.")
    charge = _charge()


class DoctorWorkloadAnswer(OfDoctor):
    appointments = _number(help_text="Without those moved elsewhere.")
    booked = _number(help_text="Of them, those still to come about.")
    completed = _number()
    cancelled = _number()
    no_shows = _number()
    overbooked = _number()
    minutes = _number(help_text="Length of those not cancelled.")
    visits = _number()
    average_consult_minutes = _minutes()


class DepartmentLoadAnswer(serializers.Serializer):
    department = serializers.UUIDField()
    department_name = serializers.CharField()
    appointments = _number(help_text="Without those moved elsewhere.")
    completed = _number()
    cancelled = _number()
    no_shows = _number()
    visits = _number()
    walk_ins = _number()
    charge = _charge()
    average_wait_minutes = _minutes()


class MonthlyVisitsAnswer(serializers.Serializer):
    month = serializers.RegexField(r"^[0-9]{4}-[0-9]{2}$")
    appointments = _number(help_text="Without those moved elsewhere.")
    no_shows = _number()
    visits = _number()
    walk_ins = _number()
    charge = _charge()
    average_consult_minutes = _minutes()


class RefreshedAnswer(serializers.Serializer):
    as_of = serializers.DateTimeField()
    changes = _number(help_text="Of operational rows, that were waiting.")
    rows = _number(help_text="Of figures, that were written.")


def _list(name: str, asked: type[filters.Filters], answer=DocumentsAnswer):
    return extend_schema(operation_id=f"reports_{name}", parameters=[asked, *PAGING], responses=answer)


AUDIT_LOGS, SYMPTOMS = whole_list_of(AuditLogAnswer, "AuditLogs"), whole_list_of(SymptomAnswer, "Symptoms")

describe(reports.AuditLogs, list=_list("audit_logs", filters.AuditFilters, AUDIT_LOGS))
describe(reports.VisitHistory, list=_list("visit_history", filters.VisitFilters))
describe(reports.StockMovements, list=_list("stock_movements", filters.MovementFilters))
describe(reports.DailySummary, list=_list("daily_summary", filters.RangeFilters))
describe(reports.Symptoms, list=_list("symptoms", filters.RangeFilters, SYMPTOMS))


def _headline(view: type[headlines.HeadlineView], name: str, shape: type[serializers.Serializer]) -> None:
    as_of = serializers.DateTimeField(allow_null=True, help_text="What was committed by then is in the figures.")
    asked = [headlines.EveryonesFilters, *PAGING]
    answer = list_of(shape, name, as_of=as_of, count=serializers.IntegerField(min_value=0))
    describe(view, list=extend_schema(operation_id=f"analytics_{view.headline.name}", parameters=asked, responses=answer))


_headline(headlines.TopDoctors, "TopDoctors", TopDoctorAnswer)
_headline(headlines.DepartmentLoad, "DepartmentLoads", DepartmentLoadAnswer)
_headline(headlines.MonthlyVisits, "MonthlyVisitsList", MonthlyVisitsAnswer)
_headline(headlines.DoctorWorkload, "DoctorWorkloads", DoctorWorkloadAnswer)
describe(headlines.RefreshFigures, post=extend_schema(operation_id="analytics_refresh", request=None, responses=RefreshedAnswer))

"""The API's description of the reports."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from analytics.api import filters, reports
from clinic.core.schema import describe, whole_list_of

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


class DocumentAnswer(serializers.Serializer):
    id = serializers.CharField()


class SymptomAnswer(serializers.Serializer):
    symptom = serializers.CharField()
    notes = serializers.IntegerField(min_value=1)


def _list(shape, name: str, asked: type[filters.Filters]):
    return extend_schema(operation_id=f"reports_{name}", parameters=[asked, *PAGING], responses=whole_list_of(shape, f"Report_{name}"))


describe(reports.AuditLogs, list=_list(AuditLogAnswer, "audit_logs", filters.AuditFilters))
describe(reports.VisitHistory, list=_list(DocumentAnswer, "visit_history", filters.VisitFilters))
describe(reports.StockMovements, list=_list(DocumentAnswer, "stock_movements", filters.MovementFilters))
describe(reports.DailySummary, list=_list(DocumentAnswer, "daily_summary", filters.RangeFilters))
describe(reports.Symptoms, list=_list(SymptomAnswer, "symptoms", filters.RangeFilters))

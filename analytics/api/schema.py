"""The API's description of the reports."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
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


def _list(name: str, asked: type[filters.Filters], answer=DocumentsAnswer):
    return extend_schema(operation_id=f"reports_{name}", parameters=[asked, *PAGING], responses=answer)


AUDIT_LOGS, SYMPTOMS = whole_list_of(AuditLogAnswer, "AuditLogs"), whole_list_of(SymptomAnswer, "Symptoms")

describe(reports.AuditLogs, list=_list("audit_logs", filters.AuditFilters, AUDIT_LOGS))
describe(reports.VisitHistory, list=_list("visit_history", filters.VisitFilters))
describe(reports.StockMovements, list=_list("stock_movements", filters.MovementFilters))
describe(reports.DailySummary, list=_list("daily_summary", filters.RangeFilters))
describe(reports.Symptoms, list=_list("symptoms", filters.RangeFilters, SYMPTOMS))

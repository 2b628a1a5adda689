"""Reports over what MongoDB holds: the audit log, visits, stock movements, days, symptoms.

MongoDB down is said, with 503: an empty list would be a lie.
"""

from collections.abc import Mapping

from rest_framework.viewsets import ViewSet

from analytics import stores
from analytics.api.filters import AuditFilters, Filters, MovementFilters, RangeFilters, VisitFilters, instants
from analytics.errors import ReportsUnavailable
from analytics.permissions import VIEW_REPORTS
from clinic.audit.permissions import VIEW_LOG
from clinic.core.api import Pagination
from clinic.core.mongo import MongoDown
from patients.permissions import WRITE_ENCOUNTER
from pharmacy.permissions import VIEW_STOCK


class Report(ViewSet):
    """A list of documents, the newest first."""

    collection: str
    filters: type[Filters] = RangeFilters
    order = "timestamp"
    # parameter -> field of the document that equals it
    fields: Mapping[str, str] = {}

    def list(self, request):
        filters = self.filters.of(request)
        paginator = Pagination()
        try:
            page = paginator.paginate_queryset(self.rows(filters), request, view=self)
        except MongoDown as error:
            raise ReportsUnavailable from error
        return paginator.get_paginated_response([self.show(document) for document in page])

    def rows(self, filters: dict):
        match = {field: str(filters[name]) for name, field in self.fields.items() if name in filters}
        return stores.Documents(self.collection, match | self.matching(filters), order=self.order)

    def matching(self, filters: dict) -> dict:
        return instants(filters, "timestamp")

    def show(self, document: dict) -> dict:
        return {"id": str(document.pop("_id"))} | document


class AuditLogs(Report):
    """Who did what: MongoDB's copy of the audit log."""

    collection = stores.AUDIT
    filters = AuditFilters
    fields = {"user": "user.id", "action": "action", "patient": "patient", "request_id": "request_id"}
    action_permissions = {"list": VIEW_LOG}

    def matching(self, filters: dict) -> dict:
        asked = filters.get("resource")
        of_resource = {"$or": [{"resource.type": asked.lower()}, {"resource.id": asked.lower()}]} if asked else {}
        return of_resource | super().matching(filters)

    def show(self, document: dict) -> dict:
        return {"patient": None} | super().show(document)


class VisitHistory(Report):
    """Completed visits, without clinical text."""

    collection = stores.VISITS
    filters = VisitFilters
    fields = {"patient": "patient_id", "doctor": "doctor.id"}
    action_permissions = {"list": VIEW_REPORTS}


class StockMovements(Report):
    """What came in and went out, by batch."""

    collection = stores.STOCK
    filters = MovementFilters
    fields = {"medicine": "medicine.id", "batch": "batch_number", "type": "movement_type", "user": "user.id"}
    action_permissions = {"list": (VIEW_STOCK, VIEW_REPORTS)}


class DailySummary(Report):
    """One document a day: appointments, visits, prescriptions, and the money of the ledger."""

    collection = stores.SUMMARIES
    order = "date"
    action_permissions = {"list": VIEW_REPORTS}

    def matching(self, filters: dict) -> dict:
        bounds = {operator: filters[name].isoformat() for operator, name in (("$gte", "date_from"), ("$lte", "date_to")) if name in filters}
        return {"date": bounds} if bounds else {}


class Symptoms(Report):
    """How often each symptom was noted. A doctor sees the own notes' only."""

    action_permissions = {"list": (VIEW_REPORTS, WRITE_ENCOUNTER)}

    def rows(self, filters: dict) -> list[dict]:
        own = {} if self.request.user.has_perm(VIEW_REPORTS) else {"author": str(self.request.user.public_id)}
        return stores.symptoms(own | instants(filters, "written_at"))

    def show(self, document: dict) -> dict:
        return document

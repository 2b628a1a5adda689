"""A patient's record on one list: what the apps know about each visit, side by side."""

from collections import defaultdict
from decimal import Decimal

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import GenericAPIView

from billing.models import Invoice, InvoiceState
from billing.permissions import VIEW_INVOICE
from clinic.core.api import HasActionPermission
from clinic.core.money import ZERO
from clinic.core.serializers import MoneyField
from patients.api.serializers import AddendumSerializer, NoteSerializer, VisitSerializer
from patients.models import Addendum, ClinicalNote, Encounter, Patient
from patients.permissions import VIEW_ENCOUNTER
from patients.selectors import with_content
from patients.services.notes import read_bodies
from patients.services.reading import record_chart_read
from pharmacy.api.serializers import PrescriptionItemSerializer
from pharmacy.models import Prescription


class HistoryPrescriptionSerializer(serializers.Serializer):
    """Without the safety checks: those are about now, this is about then."""

    id = serializers.UUIDField(source="public_id")
    prescriber_name = serializers.CharField(source="prescriber.name")
    status = serializers.CharField()
    signed_at = serializers.DateTimeField()
    items = PrescriptionItemSerializer(many=True)


class CostsSerializer(serializers.Serializer):
    """What the visit's treatments cost and, for those who may see invoices, what was invoiced and paid for it."""

    treatments = MoneyField()
    invoiced = MoneyField(allow_null=True)
    paid = MoneyField(allow_null=True)


class HistoryEntrySerializer(VisitSerializer):
    notes = NoteSerializer(many=True, source="history.notes")
    addenda = AddendumSerializer(many=True, source="history.addenda")
    prescriptions = HistoryPrescriptionSerializer(many=True, source="history.prescriptions")
    costs = CostsSerializer(source="history.costs")


class PatientHistory(GenericAPIView):
    """Visits with vitals, diagnoses, treatments, notes, addenda, prescriptions and costs, the newest first."""

    permission_classes = [HasActionPermission]
    action_permissions = {"get": VIEW_ENCOUNTER}
    serializer_class = HistoryEntrySerializer

    def get(self, request, public_id):
        patient = get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id)
        visits = with_content(Encounter.objects.visible_to(request.user).filter(patient=patient)).order_by("-started_at", "-id")
        page = self.paginate_queryset(visits)
        record_chart_read(patient=patient, by=request.user)
        _add_history(page, request.user)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def _add_history(visits: list[Encounter], user) -> None:
    """Give each visit `history`: {notes, addenda, prescriptions, costs}. 5 queries and one of MongoDB, however many visits."""
    notes = ClinicalNote.objects.filter(encounter__in=visits).select_related("author", "encounter__patient")
    notes = _by_visit(read_bodies(list(notes.order_by("written_at", "id"))), lambda note: note.header.encounter_id)
    addenda = Addendum.objects.filter(encounter__in=visits).select_related("author").order_by("created_at", "id")
    addenda = _by_visit(addenda, lambda addendum: addendum.encounter_id)
    prescriptions = Prescription.objects.visible_to(user).filter(encounter__in=visits).with_details().order_by("id")
    prescriptions = _by_visit(prescriptions, lambda prescription: prescription.encounter_id)
    invoices = _invoices(visits, user)
    for visit in visits:
        visit.history = {
            "notes": notes[visit.pk],
            "addenda": addenda[visit.pk],
            "prescriptions": prescriptions[visit.pk],
            "costs": _costs(visit, invoices),
        }


def _invoices(visits: list[Encounter], user) -> dict | None:
    """Issued invoices by visit; None when the user may not see any."""
    if not user.has_perm(VIEW_INVOICE):
        return None
    issued = Invoice.objects.visible_to(user).filter(encounter__in=visits, state=InvoiceState.ISSUED).order_by("id")
    return _by_visit(issued, lambda invoice: invoice.encounter_id)


def _costs(visit: Encounter, invoices: dict | None) -> dict:
    treatments = sum((each.cost for each in visit.treatments.all()), ZERO)
    costs: dict[str, Decimal | None] = {"treatments": treatments, "invoiced": None, "paid": None}
    if invoices is not None:
        costs["invoiced"] = sum((invoice.total for invoice in invoices[visit.pk]), ZERO)
        costs["paid"] = sum((invoice.paid for invoice in invoices[visit.pk]), ZERO)
    return costs


def _by_visit(rows, visit_of) -> dict[int, list]:
    found = defaultdict(list)
    for row in rows:
        found[visit_of(row)].append(row)
    return found

"""Free times over the API: asking, holding, opening."""

from collections.abc import Iterable

from django.utils import timezone
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.accounts.models import Doctor
from clinic.audit.api import idempotent
from scheduling.api.serializers import BulkInput, DaysFilter, HoldInput, SlotFilter
from scheduling.permissions import BOOK_APPOINTMENT, MANAGE_HOURS, VIEW_HOURS
from scheduling.rules.slots import Day, Slot
from scheduling.selectors.appointments import iso
from scheduling.selectors.hours import clinic_zone, free_days
from scheduling.services import holds, hours


def slots_json(slots: Iterable[Slot]) -> list[dict]:
    tz = clinic_zone()
    return [
        {"start": slot.start.astimezone(tz).isoformat(), "end": slot.end.astimezone(tz).isoformat(), "available": slot.available}
        for slot in slots
    ]


def days_json(days: list[Day]) -> dict:
    """`reason` says why nothing is free in the whole range (that of its last day), `days` why on each day."""
    nothing_free = all(day.reason for day in days)
    return {
        "slots": slots_json(slot for day in days for slot in day.slots),
        "reason": days[-1].reason if nothing_free else None,
        "days": [{"date": day.on.isoformat(), "reason": day.reason} for day in days],
    }


def asked_days(request, doctor: Doctor, wanted: dict) -> list[Day]:
    now = timezone.now()
    first = wanted.get("date") or timezone.localdate(now)
    return free_days(doctor_id=doctor.pk, first=first, days=wanted["days"], now=now, user=request.user)


class AvailableSlots(APIView):
    action_permissions = {"get": VIEW_HOURS}

    def get(self, request, public_id):
        filters = DaysFilter(data=request.query_params)
        filters.is_valid(raise_exception=True)
        doctor = get_object_or_404(Doctor.objects.filter(is_active=True), public_id=public_id)
        return Response(days_json(asked_days(request, doctor, filters.validated_data)))


class Slots(APIView):
    action_permissions = {"get": VIEW_HOURS}

    def get(self, request):
        filters = SlotFilter(data=request.query_params)
        filters.is_valid(raise_exception=True)
        wanted = filters.validated_data
        body = days_json(asked_days(request, wanted["doctor"], wanted))
        return Response({"next": None, "previous": None, "results": body["slots"], "reason": body["reason"]})


class HoldSlot(APIView):
    action_permissions = {"post": BOOK_APPOINTMENT}

    def post(self, request):
        body = HoldInput(data=request.data)
        body.is_valid(raise_exception=True)
        held = holds.hold_slot(**body.validated_data, by=request.user, now=timezone.now())
        return Response({"hold": held.token, "expires_at": iso(held.expires_at)}, status=201)


class OpenSlots(APIView):
    action_permissions = {"post": MANAGE_HOURS}

    @idempotent
    def post(self, request):
        body = BulkInput(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        doctor, facility = data.pop("doctor"), data.pop("facility", None)
        wanted = hours.Range(**data | {"weekdays": tuple(data.get("weekdays") or ()) or None})
        slots = hours.open_range(doctor=doctor, wanted=wanted, facility=facility, by=request.user, on=timezone.localdate())
        return Response({"count": len(slots), "slots": slots_json(slots)}, status=201)

"""The rows behind a figure: what happened, one by one, without a word of why a patient came.

A patient stands there by name for those who may see patients, by MRN for others. What was handed out names
nobody: the medicine would say too much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.db.models.functions import ExtractIsoWeekDay
from django.urls import reverse
from django.utils import timezone

from analytics.dashboards.definition import COUNT, DAY, MINUTES, MONEY, WORDS, Column, Row
from analytics.dashboards.figures.no_shows import lead_band
from analytics.dashboards.figures.waits import WEEKDAYS
from analytics.models import FactAppointment, FactDispense, FactPayment, FactVisit, PaymentKind
from analytics.rules.no_shows import LEAD_BANDS
from billing.models import Payment, PaymentMethod, Refund
from billing.permissions import VIEW_INVOICE
from patients.models import Encounter
from patients.models.encounter import EncounterStatus
from patients.permissions import VIEW_PATIENT
from scheduling.models import Appointment, AppointmentStatus

Extra = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """`extra` are its own filters, `facts` what they leave of the facts, `rows` how some of those read to a user."""

    key: str
    title: str
    columns: tuple[Column, ...]
    fact: type[Model]
    extra: Callable[[], dict[str, forms.Field]]
    facts: Callable[[QuerySet, Extra], QuerySet]
    rows: Callable[[Sequence, Any], list[Row]]
    order: tuple[str, ...] = ("-date", "-pk")


def _choice(everything: str, choices) -> forms.ChoiceField:
    return forms.ChoiceField(required=False, choices=[("", everything), *((str(key), words) for key, words in choices)])


def _weekday() -> forms.ChoiceField:
    return _choice("Any weekday", enumerate(WEEKDAYS, start=1))


def _patient(patient, user) -> str:
    return f"{patient.full_name}, {patient.mrn}" if user.has_perm(VIEW_PATIENT) else patient.mrn


def _clock(at) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


# --- Appointments ----------------------------------------------------------------------------------


def _appointment_filters() -> dict[str, forms.Field]:
    return {
        "status": _choice("Any status", AppointmentStatus.choices),
        "weekday": _weekday(),
        "hour": _choice("Any hour", ((hour, f"{hour:02}:00") for hour in range(24))),
        "lead": _choice("Any time ahead", LEAD_BANDS),
    }


def _appointments(facts: QuerySet, extra: Extra) -> QuerySet:
    same = {name: extra[name] for name in ("status", "weekday", "hour") if extra.get(name)}
    facts = facts.filter(**same) if "status" in same else facts.filter(**same).exclude(status=AppointmentStatus.RESCHEDULED)
    return facts.annotate(band=lead_band()).filter(band=extra["lead"]) if extra.get("lead") else facts


def _appointment_rows(facts: Sequence, user) -> list[Row]:
    rows = Appointment.objects.visible_to(user).select_related("patient", "doctor__user")
    found = rows.in_bulk([fact.source_id for fact in facts])
    return [
        Row(
            {
                "start": _clock(row.starts_at),
                "patient": _patient(row.patient, user),
                "doctor": row.doctor.name,
                "status": row.get_status_display(),
                "lead": fact.lead_days,
            },
            to=reverse("scheduling:appointment", args=[row.public_id]),
        )
        for fact in facts
        if (row := found.get(fact.source_id))
    ]


# --- Visits ------------------------------------------------------------------------------------------


def _visit_filters() -> dict[str, forms.Field]:
    return {
        "status": _choice("Any status", EncounterStatus.choices),
        "wait": _choice("Any wait", [("known", "Known"), ("unknown", "Not known")]),
        "weekday": _weekday(),
    }


def _visits(facts: QuerySet, extra: Extra) -> QuerySet:
    in_error = EncounterStatus.ENTERED_IN_ERROR
    facts = facts.filter(status=extra["status"]) if extra.get("status") else facts.exclude(status=in_error)
    if extra.get("wait"):
        facts = facts.filter(wait_minutes__isnull=extra["wait"] == "unknown")
    return facts.annotate(on=ExtractIsoWeekDay("date")).filter(on=extra["weekday"]) if extra.get("weekday") else facts


def _visit_rows(facts: Sequence, user) -> list[Row]:
    found = Encounter.objects.visible_to(user).select_related("patient", "doctor__user").in_bulk([fact.source_id for fact in facts])
    return [
        Row(
            {
                "start": _clock(row.started_at),
                "patient": _patient(row.patient, user),
                "doctor": row.doctor.name,
                "status": row.get_status_display(),
                "came": "Walk-in" if fact.is_walk_in else "Appointment",
                "wait": fact.wait_minutes,
                "consult": fact.consult_minutes,
                "charge": fact.charge,
            },
            to=reverse("patients:chart", args=[row.patient.public_id]) if user.has_perm(VIEW_PATIENT) else "",
        )
        for fact in facts
        if (row := found.get(fact.source_id))
    ]


# --- Money -------------------------------------------------------------------------------------------


def _payments(facts: QuerySet, extra: Extra) -> QuerySet:
    return facts.filter(method=extra["method"]) if extra.get("method") else facts


def _payment_rows(facts: Sequence, user) -> list[Row]:
    keys = {kind: [fact.source_id for fact in facts if fact.kind == kind] for kind in PaymentKind}
    taken = Payment.objects.visible_to(user).select_related("invoice").in_bulk(keys[PaymentKind.PAYMENT])
    given = Refund.objects.select_related("payment__invoice").in_bulk(keys[PaymentKind.REFUND])
    invoices = {(PaymentKind.PAYMENT, key): row.invoice for key, row in taken.items()}
    invoices |= {(PaymentKind.REFUND, key): row.payment.invoice for key, row in given.items()}
    return [
        Row(
            {
                "date": fact.date,
                "kind": fact.get_kind_display(),
                "method": PaymentMethod(fact.method).label,
                "invoice": invoice.number,
                "amount": fact.amount,
            },
            to=reverse("billing:invoice", args=[invoice.public_id]) if user.has_perm(VIEW_INVOICE) else "",
        )
        for fact in facts
        if (invoice := invoices.get((fact.kind, fact.source_id)))
    ]


# --- Medicines ---------------------------------------------------------------------------------------


def _dispenses(facts: QuerySet, extra: Extra) -> QuerySet:
    facts = facts.select_related("medicine", "doctor")
    return facts.filter(medicine__public_id=extra["medicine"]) if extra.get("medicine") else facts


def _dispense_rows(facts: Sequence, user) -> list[Row]:
    return [
        Row(
            {
                "date": fact.date,
                "medicine": fact.medicine.name,
                "doctor": fact.doctor.name,
                "quantity": fact.quantity,
                "value": fact.value,
            }
        )
        for fact in facts
    ]


_WHEN, _WHO, _DOCTOR = Column("start", "When", WORDS), Column("patient", "Patient", WORDS), Column("doctor", "Doctor", WORDS)
_ALL = (
    Listing(
        "appointments",
        "Appointments",
        (_WHEN, _WHO, _DOCTOR, Column("status", "Status", WORDS), Column("lead", "Days ahead", COUNT)),
        FactAppointment,
        _appointment_filters,
        _appointments,
        _appointment_rows,
        order=("-start", "-pk"),
    ),
    Listing(
        "visits",
        "Visits",
        (
            _WHEN,
            _WHO,
            _DOCTOR,
            Column("status", "Status", WORDS),
            Column("came", "Came by", WORDS),
            Column("wait", "Waited, min", MINUTES),
            Column("consult", "Took, min", MINUTES),
            Column("charge", "Charged", MONEY),
        ),
        FactVisit,
        _visit_filters,
        _visits,
        _visit_rows,
    ),
    Listing(
        "payments",
        "Payments and refunds",
        (
            Column("date", "Day", DAY),
            Column("kind", "What", WORDS),
            Column("method", "Way", WORDS),
            Column("invoice", "Invoice", WORDS),
            Column("amount", "Amount", MONEY),
        ),
        FactPayment,
        lambda: {"method": _choice("Any way", PaymentMethod.choices)},
        _payments,
        _payment_rows,
    ),
    Listing(
        "dispenses",
        "Handed out",
        (
            Column("date", "Day", DAY),
            Column("medicine", "Medicine", WORDS),
            _DOCTOR,
            Column("quantity", "Units", COUNT),
            Column("value", "Cost", MONEY),
        ),
        FactDispense,
        lambda: {"medicine": forms.UUIDField(required=False, widget=forms.HiddenInput)},
        _dispenses,
        _dispense_rows,
    ),
)
LISTINGS = {each.key: each for each in _ALL}

"""A series of appointments, with what became of each date."""

from scheduling.models import AppointmentSeries
from scheduling.selectors.appointments import iso


def dates_of(series: AppointmentSeries):
    """Its dates in order, their appointments read along: 1 query."""
    return series.dates.select_related("appointment__rescheduled_to").order_by("on")


def series_json(series: AppointmentSeries) -> dict:
    """2 queries; patient and doctor are read along."""
    return {
        "id": series.public_id,
        "patient": series.patient.public_id,
        "patient_name": series.patient.full_name,
        "doctor": series.doctor.public_id,
        "doctor_name": series.doctor.name,
        "start": iso(series.starts_at),
        "every_weeks": series.every_weeks,
        "reason": series.reason,
        "dates": [_date_json(row) for row in dates_of(series)],
    }


def _date_json(row) -> dict:
    made = row.appointment
    return {
        "date": row.on.isoformat(),
        "status": row.status,
        "appointment": made.public_id if made else None,
        "appointment_status": made.status if made else None,
        "start": iso(made.starts_at) if made else None,
        "code": row.refusal_code or None,
        "detail": row.refusal_detail or None,
    }

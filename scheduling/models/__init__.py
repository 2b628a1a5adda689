from scheduling.models.appointment import LIVE_STATUSES, LONGEST, LONGEST_BUFFER_MIN, Appointment, AppointmentStatus
from scheduling.models.hours import DoctorException, DoctorSession, ExceptionKind, KeptAppointment
from scheduling.models.queue import OPEN_STATUSES, Priority, Queue, QueueDay, Token, TokenStatus, TokenTransition
from scheduling.models.reminder import Reminder, ReminderKind, ReminderOptOut, ReminderStatus
from scheduling.models.series import AppointmentSeries, SeriesDate
from scheduling.models.waitlist import OfferStatus, WaitlistEntry, WaitlistOffer, WaitlistStatus

__all__ = [
    "LIVE_STATUSES",
    "LONGEST",
    "LONGEST_BUFFER_MIN",
    "OPEN_STATUSES",
    "Appointment",
    "AppointmentSeries",
    "AppointmentStatus",
    "DoctorException",
    "DoctorSession",
    "ExceptionKind",
    "KeptAppointment",
    "OfferStatus",
    "Priority",
    "Queue",
    "QueueDay",
    "Reminder",
    "ReminderKind",
    "ReminderOptOut",
    "ReminderStatus",
    "SeriesDate",
    "Token",
    "TokenStatus",
    "TokenTransition",
    "WaitlistEntry",
    "WaitlistOffer",
    "WaitlistStatus",
]

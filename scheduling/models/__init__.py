from scheduling.models.appointment import LIVE_STATUSES, LONGEST, LONGEST_BUFFER_MIN, Appointment, AppointmentStatus
from scheduling.models.hours import DoctorException, DoctorSession, ExceptionKind, KeptAppointment
from scheduling.models.queue import OPEN_STATUSES, Priority, Queue, QueueDay, Token, TokenStatus, TokenTransition
from scheduling.models.reminder import Reminder, ReminderKind, ReminderOptOut, ReminderStatus
from scheduling.models.waitlist import OfferStatus, WaitlistEntry, WaitlistOffer, WaitlistStatus

__all__ = [
    "LIVE_STATUSES",
    "LONGEST",
    "LONGEST_BUFFER_MIN",
    "OPEN_STATUSES",
    "Appointment",
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
    "Token",
    "TokenStatus",
    "TokenTransition",
    "WaitlistEntry",
    "WaitlistOffer",
    "WaitlistStatus",
]

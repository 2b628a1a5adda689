from clinic.core.errors import DomainError

# --- Booking ---------------------------------------------------------------------------


class SlotTaken(DomainError):
    code = "slot_taken"
    detail = "The doctor is already booked at that time."


class PatientBusy(DomainError):
    code = "patient_busy"
    detail = "The patient has another appointment at that time."


class SlotHeld(DomainError):
    code = "slot_held"
    detail = "Someone else is booking this time right now. Choose another one, or try again in a few minutes."


class SlotOffered(DomainError):
    code = "slot_offered"
    detail = "This time is offered to someone on the waitlist, until they answer."


class AlreadyOnWaitlist(DomainError):
    code = "already_on_waitlist"
    detail = "The patient waits for this doctor or department already."


class OfferClosed(DomainError):
    code = "offer_closed"
    detail = "This offer was answered or has expired."


class InThePast(DomainError):
    code = "in_the_past"
    detail = "That time has passed."


class OutsideHours(DomainError):
    code = "outside_hours"
    detail = "The doctor has no appointment slot at that time."


class DoctorOnLeave(DomainError):
    code = "doctor_on_leave"
    detail = "The doctor is on leave at that time."


class WrongStatus(DomainError):
    """`status` in `extra` would shadow the HTTP status, so it is called current_status."""

    code = "wrong_status"
    detail = "This cannot be done any more in its present status."


class TooEarly(DomainError):
    code = "too_early"
    detail = "The appointment has not begun yet, so nobody can have missed it."


class HoursOverlap(DomainError):
    code = "hours_overlap"
    detail = "The doctor has hours at that time already."


# --- Queue -----------------------------------------------------------------------------


class NotToday(DomainError):
    code = "not_today"
    detail = "Only today's appointments can be checked in."


class AlreadyCheckedIn(DomainError):
    code = "already_checked_in"
    detail = "This appointment is checked in already."


class AlreadyInQueue(DomainError):
    code = "already_in_queue"
    detail = "The patient is waiting in this queue already."


class EmptyQueue(DomainError):
    code = "queue_empty"
    detail = "Nobody is waiting in this queue."


class RoomOccupied(DomainError):
    code = "room_occupied"
    detail = "Another patient is called to this room. Finish, skip or send back that one first."


class NothingToUndo(DomainError):
    code = "nothing_to_undo"
    detail = "There is no change of today to undo."


class VisitSigned(DomainError):
    code = "visit_signed"
    detail = "The visit is signed, so its token cannot be changed any more."

"""The API's description of appointments, free times, the queue, and where visits come from."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from clinic.core.schema import (
    CHECKS_VERSION,
    IF_MATCH,
    NOTHING,
    READS_VERSION,
    REASON_IN_QUERY,
    SHOWS_VERSION,
    describe,
    list_of,
    whole_list_of,
)
from patients.api.schema import VISIT_OPERATIONS, VisitAnswer
from scheduling.api import appointments, queue, series, slots, visits
from scheduling.api import serializers as shapes
from scheduling.api.paging import PageInput
from scheduling.models import AppointmentStatus, Priority, TokenStatus
from scheduling.rules.slots import Reason

TOKEN_MOVES = list(shapes.StatusInput().fields["status"].choices.items())


class CancellationInput(shapes.ReasonInput):
    """Why it does not take place."""


class TokenMoveInput(shapes.StatusInput):
    is_whole = True


# --- Answers -----------------------------------------------------------------------------


class AppointmentAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    patient = serializers.UUIDField()
    patient_name = serializers.CharField()
    doctor = serializers.UUIDField()
    doctor_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.ChoiceField(AppointmentStatus.choices)
    reason = serializers.CharField(allow_blank=True)
    notes = serializers.CharField(allow_blank=True, help_text="The desk's; empty for the patient.")
    is_overbooked = serializers.BooleanField()
    rescheduled_to = serializers.UUIDField(allow_null=True)
    visit = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class SeriesDateAnswer(serializers.Serializer):
    date = serializers.DateField()
    status = serializers.ChoiceField(["booked", "refused", "pending"])
    appointment = serializers.UUIDField(allow_null=True)
    appointment_status = serializers.ChoiceField(AppointmentStatus.choices, allow_null=True)
    start = serializers.DateTimeField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why it was not booked.")
    detail = serializers.CharField(allow_null=True)


class SeriesAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    patient = serializers.UUIDField()
    patient_name = serializers.CharField()
    doctor = serializers.UUIDField()
    doctor_name = serializers.CharField()
    start = serializers.DateTimeField()
    every_weeks = serializers.IntegerField(min_value=1)
    reason = serializers.CharField(allow_blank=True)
    dates = SeriesDateAnswer(many=True)


class SeriesEndAnswer(SeriesAnswer):
    cancelled = serializers.IntegerField(min_value=0)


class SlotAnswer(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    available = serializers.BooleanField()


class SlotDayAnswer(serializers.Serializer):
    date = serializers.DateField()
    reason = serializers.ChoiceField([each.value for each in Reason], allow_null=True, help_text="Why nothing is free that day.")


class FreeTimesAnswer(serializers.Serializer):
    slots = SlotAnswer(many=True)
    reason = serializers.ChoiceField([each.value for each in Reason], allow_null=True, help_text="Why nothing is free in all these days.")
    days = SlotDayAnswer(many=True)


class HoldAnswer(serializers.Serializer):
    hold = serializers.CharField()
    expires_at = serializers.DateTimeField()


class OpenedSlotsAnswer(serializers.Serializer):
    count = serializers.IntegerField(min_value=0)
    slots = SlotAnswer(many=True)


class WaitAnswer(serializers.Serializer):
    """Minutes."""

    low = serializers.IntegerField(min_value=0)
    high = serializers.IntegerField(min_value=0)


class TokenAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.IntegerField(min_value=1)
    label = serializers.CharField()
    queue = serializers.UUIDField()
    queue_name = serializers.CharField()
    status = serializers.ChoiceField(TokenStatus.choices)
    priority = serializers.ChoiceField(Priority)
    position = serializers.IntegerField(min_value=1, allow_null=True, help_text="1 is next; null when not waiting.")
    patient = serializers.UUIDField()
    patient_name = serializers.CharField()
    appointment = serializers.UUIDField(allow_null=True)
    doctor = serializers.UUIDField(allow_null=True)
    department = serializers.UUIDField(allow_null=True)
    visit = serializers.UUIDField(allow_null=True)
    room = serializers.CharField(allow_blank=True)
    issued_at = serializers.DateTimeField()
    called_at = serializers.DateTimeField(allow_null=True)
    estimated_wait = WaitAnswer(allow_null=True, help_text="Null while neither past days nor today's calls say anything.")


AppointmentList = list_of(AppointmentAnswer, "AppointmentList")
SlotList = list_of(SlotAnswer, "SlotList", reason=FreeTimesAnswer().fields["reason"])
TokenList = whole_list_of(TokenAnswer, "TokenList")
LISTED = extend_schema(parameters=[shapes.AppointmentFilter, PageInput], responses=AppointmentList)

# --- Operations --------------------------------------------------------------------------

describe(
    appointments.AppointmentViewSet,
    list=LISTED,
    retrieve=extend_schema(responses=AppointmentAnswer, parameters=READS_VERSION),
    create=extend_schema(request=shapes.AppointmentInput, responses={201: AppointmentAnswer}, parameters=SHOWS_VERSION),
    partial_update=extend_schema(request=shapes.AppointmentChange, responses=AppointmentAnswer, parameters=CHECKS_VERSION),
    destroy=extend_schema(responses={204: NOTHING}, parameters=[REASON_IN_QUERY, IF_MATCH]),
    cancel=extend_schema(request=CancellationInput, responses=AppointmentAnswer, parameters=CHECKS_VERSION),
    reschedule=extend_schema(
        description="Move it: the answer is the new appointment.",
        request=shapes.RescheduleInput,
        responses={201: AppointmentAnswer},
        parameters=SHOWS_VERSION,
    ),
    no_show=extend_schema(request=None, responses=AppointmentAnswer, parameters=SHOWS_VERSION),
)
describe(
    series.RecurringAppointments,
    post=extend_schema(
        operation_id="appointments_recurring_create",
        description="Book the same time every so many weeks. Each date is a booking of its own, and says what became of it.",
        request=shapes.SeriesInput,
        responses={201: SeriesAnswer},
    ),
)
describe(
    series.RecurringAppointment,
    get=extend_schema(operation_id="appointments_recurring_retrieve", responses=SeriesAnswer),
)
describe(
    series.CancelRecurring,
    post=extend_schema(
        operation_id="appointments_recurring_cancel",
        description="Cancel what is still booked from a day on, moved ones included.",
        request=shapes.SeriesCancelInput,
        responses=SeriesEndAnswer,
    ),
)
describe(
    appointments.DoctorAppointments,
    get=extend_schema(
        operation_id="doctors_appointments",
        parameters=[shapes.AppointmentFilter(), PageInput()],
        responses=AppointmentList,
    ),
)
describe(
    appointments.PatientAppointments,
    get=extend_schema(operation_id="patients_appointments", parameters=[shapes.AppointmentFilter, PageInput], responses=AppointmentList),
)
describe(
    slots.AvailableSlots,
    get=extend_schema(operation_id="doctors_available_slots", parameters=[shapes.DaysFilter], responses=FreeTimesAnswer),
)
describe(slots.Slots, get=extend_schema(operation_id="slots_list", parameters=[shapes.SlotFilter], responses=SlotList))
describe(
    slots.HoldSlot,
    post=extend_schema(
        operation_id="slots_hold",
        description="Keep a time for five minutes while someone fills in the form.",
        request=shapes.HoldInput,
        responses={201: HoldAnswer},
    ),
)
describe(
    slots.OpenSlots,
    post=extend_schema(
        operation_id="slots_bulk",
        description="Open a dated range of hours.",
        request=shapes.BulkInput,
        responses={201: OpenedSlotsAnswer},
    ),
)
describe(
    queue.QueueViewSet,
    check_in=extend_schema(request=shapes.CheckInInput, responses={201: TokenAnswer}, parameters=SHOWS_VERSION),
    walk_in=extend_schema(request=shapes.WalkInInput, responses={201: TokenAnswer}, parameters=SHOWS_VERSION),
    today=extend_schema(parameters=[shapes.QueueFilter], responses=TokenList),
    next=extend_schema(description="Call whoever is next.", request=shapes.NextInput, responses=TokenAnswer, parameters=SHOWS_VERSION),
    status=extend_schema(request=TokenMoveInput, responses=TokenAnswer, parameters=CHECKS_VERSION),
    priority=extend_schema(
        description="What triage found, with the reason.", request=shapes.PriorityInput, responses=TokenAnswer, parameters=SHOWS_VERSION
    ),
    transfer=extend_schema(
        description="To a doctor's or a department's queue: the answer is the new token.",
        request=shapes.QueueOwnerInput,
        responses={201: TokenAnswer},
        parameters=SHOWS_VERSION,
    ),
    undo=extend_schema(description="Take the last change back.", request=None, responses=TokenAnswer, parameters=SHOWS_VERSION),
)
describe(
    visits.VisitViewSet,
    create=extend_schema(request=shapes.VisitInput, responses={201: VisitAnswer}, parameters=SHOWS_VERSION),
    **VISIT_OPERATIONS,
)

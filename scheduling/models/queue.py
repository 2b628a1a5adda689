from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import AppendOnly, Kept


class Queue(BaseModel):
    """A line of waiting people: a doctor's or a department's."""

    doctor = models.OneToOneField("accounts.Doctor", models.PROTECT, null=True, blank=True, related_name="queue")
    department = models.OneToOneField("accounts.Department", models.PROTECT, null=True, blank=True, related_name="queue")
    code = models.CharField(max_length=4, unique=True, help_text="Letters before the number on a token, e.g. 'C' in C-17.")

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="queue_is_of_a_doctor_or_a_department",
                condition=Q(doctor__isnull=False, department__isnull=True) | Q(doctor__isnull=True, department__isnull=False),
            )
        ]

    def __str__(self):
        return self.code

    @property
    def name(self) -> str:
        return str(self.doctor or self.department)


class QueueDay(models.Model):
    """The counter of one queue and day, locked while a number is taken: no number twice, none missing."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="days")
    on = models.DateField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "on"], name="queue_day_once")]

    def __str__(self):
        return f"{self.queue_id} {self.on}"


class Priority(models.TextChoices):
    EMERGENCY = "emergency", "Emergency"
    URGENT = "urgent", "Urgent"
    ROUTINE = "routine", "Routine"


# Lower comes first.
PRIORITY_BAND = {Priority.EMERGENCY: 0, Priority.URGENT: 1, Priority.ROUTINE: 2}

# How much earlier somebody counts than they came. Two days are before everybody of the same day.
HEAD_START = {Priority.EMERGENCY: timedelta(days=2), Priority.URGENT: timedelta(hours=1), Priority.ROUTINE: timedelta(0)}


def _turn_at() -> Func:
    """effective_at less the head start of the band, as PostgreSQL computes it: by way of UTC's wall clock, where a day has 24 hours."""
    minutes = [When(band=PRIORITY_BAND[each], then=Value(int(start.total_seconds() // 60))) for each, start in HEAD_START.items()]
    head_start = Func(Case(*minutes), template="make_interval(mins => %(expressions)s)", output_field=models.DurationField())
    in_utc = Func(Value("UTC"), F("effective_at"), function="timezone", output_field=models.DateTimeField())
    earlier = CombinedExpression(in_utc, "-", head_start, output_field=models.DateTimeField())
    return Func(Value("UTC"), earlier, function="timezone", output_field=models.DateTimeField())


class TokenStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    CALLED = "called", "Called"
    IN_SERVICE = "in_service", "In service"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    NO_SHOW = "no_show", "No-show"
    LEFT = "left", "Left"
    TRANSFERRED = "transferred", "Transferred"


BEFORE_SERVICE = [TokenStatus.WAITING, TokenStatus.CALLED, TokenStatus.SKIPPED]
OPEN_STATUSES = [TokenStatus.WAITING, TokenStatus.CALLED, TokenStatus.IN_SERVICE, TokenStatus.SKIPPED]

NEXT_STATUSES = {
    TokenStatus.WAITING: {
        TokenStatus.CALLED,
        TokenStatus.IN_SERVICE,  # fetched without a call
        TokenStatus.LEFT,
        TokenStatus.SKIPPED,
        TokenStatus.TRANSFERRED,
        TokenStatus.NO_SHOW,
    },
    TokenStatus.CALLED: {
        TokenStatus.IN_SERVICE,
        TokenStatus.WAITING,
        TokenStatus.SKIPPED,
        TokenStatus.NO_SHOW,
        TokenStatus.LEFT,
        TokenStatus.DONE,
        TokenStatus.TRANSFERRED,
    },
    TokenStatus.IN_SERVICE: {TokenStatus.DONE, TokenStatus.LEFT, TokenStatus.TRANSFERRED},
    TokenStatus.SKIPPED: {
        TokenStatus.WAITING,
        TokenStatus.CALLED,
        TokenStatus.IN_SERVICE,
        TokenStatus.NO_SHOW,
        TokenStatus.LEFT,
        TokenStatus.TRANSFERRED,
    },
    TokenStatus.DONE: set(),
    TokenStatus.NO_SHOW: set(),
    TokenStatus.LEFT: set(),
    TokenStatus.TRANSFERRED: set(),
}


class TokenQuerySet(models.QuerySet):
    def open(self):
        return self.filter(status__in=OPEN_STATUSES)

    def visible_to(self, user):
        """Staff see every token; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self


class Token(VersionedModel):
    """A place in a queue on one day."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="tokens")
    on = models.DateField()
    number = models.PositiveIntegerField()
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="tokens")
    appointment = models.OneToOneField("scheduling.Appointment", models.PROTECT, null=True, blank=True, related_name="token")
    encounter = models.OneToOneField("patients.Encounter", models.PROTECT, null=True, blank=True, related_name="token")
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.ROUTINE)
    band = models.PositiveSmallIntegerField(default=2, editable=False, help_text="Of the priority; lower comes first.")
    status = models.CharField(max_length=12, choices=TokenStatus, default=TokenStatus.WAITING, editable=False)
    reason = models.CharField(max_length=300, blank=True)
    room = models.CharField(max_length=40, blank=True)
    effective_at = models.DateTimeField(help_text="From when on the patient counts as waiting: the later of appointment and check-in.")
    turn_at = models.GeneratedField(
        expression=_turn_at(),
        output_field=models.DateTimeField(),
        db_persist=True,
        help_text="What the order follows, the earliest first: effective_at less the head start of the band. Not a time to be seen at.",
    )
    issued_at = models.DateTimeField(db_default=Now())
    called_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    transferred_from = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="transferred_to",
        help_text="The token of another queue that this one goes on from.",
    )
    predicted_low_min = models.PositiveSmallIntegerField(
        null=True, editable=False, help_text="The wait that was estimated when it was given."
    )
    predicted_high_min = models.PositiveSmallIntegerField(null=True, editable=False, help_text="In minutes; the upper end of the range.")
    slip_key = models.UUIDField(
        db_default=RandomUUID(),
        unique=True,
        editable=False,
        help_text="Opens the public page of its place in the queue; stands on the slip only.",
    )
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["on", "turn_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "on", "number"], name="token_number_once_per_queue_and_day"),
            models.UniqueConstraint(
                fields=["patient", "queue"], condition=Q(status__in=OPEN_STATUSES), name="token_one_open_per_patient_and_queue"
            ),
            models.UniqueConstraint(
                fields=["on", "room"],
                condition=Q(status__in=[TokenStatus.CALLED, TokenStatus.IN_SERVICE]) & ~Q(room=""),
                name="token_one_current_per_room",
            ),
            models.CheckConstraint(
                name="token_prediction_is_a_range",
                condition=Q(predicted_low_min__isnull=True, predicted_high_min__isnull=True)
                | Q(predicted_low_min__isnull=False, predicted_high_min__isnull=False, predicted_high_min__gte=F("predicted_low_min")),
            ),
            models.CheckConstraint(
                name="token_band_of_its_priority",
                condition=Q(*[Q(priority=each, band=band) for each, band in PRIORITY_BAND.items()], _connector=Q.OR),
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "on", "turn_at", "id"], name="token_by_turn", condition=Q(status=TokenStatus.WAITING)),
            models.Index(fields=["on", "queue"], name="token_of_the_day"),
        ]
        triggers = [Kept(name="token_kept")]

    @property
    def label(self) -> str:
        return f"{self.queue.code}-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


class TokenTransition(models.Model):
    """Each change of a token: from what to what, who and when. A change of the priority leaves the status as it was."""

    token = models.ForeignKey(Token, models.PROTECT, related_name="transitions")
    from_status = models.CharField(max_length=12, choices=TokenStatus, blank=True)
    to_status = models.CharField(max_length=12, choices=TokenStatus)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    room = models.CharField(max_length=40, blank=True)
    from_priority = models.CharField(max_length=10, choices=Priority, blank=True, help_text="What the priority was before.")
    to_priority = models.CharField(max_length=10, choices=Priority, blank=True, help_text="Where the priority changed.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why the priority changed.")
    is_undo = models.BooleanField(default=False)
    at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(
        null=True, editable=False, help_text="Of the press of a button that made it: pressed twice, it acts once."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request_id"], name="token_transition_once_per_request"),
            models.CheckConstraint(
                name="token_transition_priority_with_reason",
                condition=Q(from_priority="", to_priority="") | (~Q(from_priority="") & ~Q(to_priority="") & ~Q(reason="")),
            ),
        ]
        triggers = [AppendOnly(name="token_transition_append_only")]

    def __str__(self):
        return f"{self.from_status} -> {self.to_status}"

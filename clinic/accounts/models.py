from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from phonenumber_field.modelfields import PhoneNumberField

from clinic.accounts.roles import STAFF_ROLES, Role, codenames_of
from clinic.core.models import BaseModel, VersionedModel


class UserQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def with_roles(self):
        """Roles in the same query, so that a request's permissions cost no second one."""
        return self.annotate(group_names=ArrayAgg("groups__name", filter=Q(groups__isnull=False), default=[]))


class UserManager(DjangoUserManager.from_queryset(UserQuerySet)):
    use_in_migrations = True

    def by_identifier(self, identifier: str):
        """The user of this user name or e-mail, whatever the case; None when there is none."""
        name = identifier.strip().lower()
        return self.filter(Q(username__iexact=name) | Q(email__iexact=name)).order_by("id").first() if name else None


class User(BaseModel, AbstractUser):
    """A person who signs in. What they may do follows from their roles alone."""

    email = models.EmailField("e-mail", blank=True)
    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique_any_case"),
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case", condition=~Q(email="")),
        ]

    def __str__(self):
        return self.get_full_name() or self.username

    @cached_property
    def roles(self) -> frozenset[str]:
        names = self.__dict__.get("group_names")
        return frozenset(self.groups.values_list("name", flat=True) if names is None else names)

    @cached_property
    def codenames(self) -> frozenset[str]:
        return codenames_of(self.roles)

    @property
    def is_staff_member(self) -> bool:
        return any(role in self.roles for role in STAFF_ROLES)

    @property
    def is_only_patient(self) -> bool:
        """Sees the own data only."""
        return not self.is_staff_member

    def has_role(self, role: Role) -> bool:
        return role in self.roles


class Facility(BaseModel):
    """A place where the clinic works."""

    name = models.CharField(max_length=120, unique=True)
    address = models.TextField(blank=True)
    phone = PhoneNumberField(blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "facilities"

    def __str__(self):
        return self.name


class Department(BaseModel):
    name = models.CharField(max_length=120)
    location = models.CharField(max_length=120, blank=True, help_text="Where in the building, e.g. 'first floor, east'.")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="departments")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("facility", Lower("name"), name="department_name_unique_per_facility")]

    def __str__(self):
        return self.name


class Specialization(BaseModel):
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="specialization_name_unique")]

    def __str__(self):
        return self.name


class Doctor(VersionedModel):
    """A user who consults. Bookings lock this row, so that two of them never pass each other."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="doctor")
    department = models.ForeignKey(Department, models.PROTECT, related_name="doctors")
    specializations = models.ManyToManyField(Specialization, related_name="doctors", blank=True)
    facilities = models.ManyToManyField(Facility, related_name="doctors", blank=True)
    licence_number = models.CharField(max_length=40, unique=True)
    experience_years = models.PositiveSmallIntegerField(default=0)
    consultation_fee = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), help_text="In the clinic's currency.")
    slot_minutes = models.PositiveSmallIntegerField(default=15, help_text="Length of an appointment where the session names none.")
    room = models.CharField(max_length=40, blank=True, help_text="Where the doctor usually sits; shown on the board.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["user__last_name", "user__first_name", "id"]
        constraints = [
            models.CheckConstraint(name="doctor_experience_not_negative", condition=Q(experience_years__gte=0)),
            models.CheckConstraint(name="doctor_fee_not_negative", condition=Q(consultation_fee__gte=0)),
            models.CheckConstraint(name="doctor_slot_within_5_to_240_min", condition=Q(slot_minutes__range=(5, 240))),
        ]

    def __str__(self):
        return f"Dr {self.user}"

    @property
    def name(self) -> str:
        return str(self)


class LoginAttempt(models.Model):
    """One try to sign in, counted before the password is looked at, so that parallel guesses count too."""

    identifier_hash = models.CharField(max_length=64, help_text="SHA-256 of the lower-cased name: people type passwords into name fields.")
    origin = models.CharField(max_length=80, help_text="A known device, or else the network address.")
    at = models.DateTimeField(auto_now_add=True)
    succeeded = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["identifier_hash", "-at"], name="login_attempt_recent")]

    def __str__(self):
        return f"attempt {self.pk}"


class BrowserSession(AbstractBaseSession):
    """A browser that is signed in, or that keeps a word for a stranger. clinic.accounts.sessions reads and writes it."""

    active_at = models.DateTimeField(default=timezone.now, help_text="When a person last did something. What refreshes itself is nobody.")


class ApiSession(BaseModel):
    """A sign-in over the API. Its refresh token changes at each use; an old one shown again ends it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_sessions")
    refresh_hash = models.CharField(max_length=64, help_text="SHA-256 of the current refresh token's secret.")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user"], name="api_session_live", condition=Q(revoked_at__isnull=True))]

    def __str__(self):
        return f"session {self.public_id}"


class LinkKind(models.TextChoices):
    SIGN_UP = "sign_up", "Sign-up"
    KNOWN = "known", "There is an account already"
    RESET = "reset", "New password"


class MailedLink(BaseModel):
    """A mail whose link works once. It stands here before it is sent, so that a dead mail server loses none."""

    kind = models.CharField(max_length=10, choices=LinkKind, help_text="What the mail is for.")
    email = models.EmailField("e-mail", help_text="Where it goes, in lower case.")
    origin = models.CharField(max_length=80, help_text="Network address of whoever asked for it, so that floods end.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whose password it sets; of a sign-up, who it became.",
    )
    expires_at = models.DateTimeField(help_text="From then on the link does nothing.")
    leased_until = models.DateTimeField(null=True, help_text="Until then the run that took it may send it, and no other.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried to send it.")
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took it.")
    used_at = models.DateTimeField(null=True, help_text="When the link was used: the only time.")

    class Meta:
        constraints = [
            models.CheckConstraint(name="mailed_link_of_reset_has_a_user", condition=~Q(kind=LinkKind.RESET) | Q(user__isnull=False)),
            models.CheckConstraint(name="mailed_link_used_by_a_user", condition=Q(used_at__isnull=True) | Q(user__isnull=False)),
        ]
        indexes = [
            models.Index(fields=["email", "-created_at"], name="mailed_link_by_email"),
            models.Index(fields=["origin", "-created_at"], name="mailed_link_by_origin"),
            models.Index(fields=["id"], name="mailed_link_unsent", condition=Q(sent_at__isnull=True)),
        ]


class SignUp(BaseModel):
    """What someone said of themselves to get a portal account. Only reception says which patient that is."""

    link = models.OneToOneField(MailedLink, models.CASCADE, related_name="sign_up", help_text="The mail that proves the address.")
    first_name = models.CharField(max_length=80, help_text="Given name, as they wrote it.")
    last_name = models.CharField(max_length=80, help_text="Family name, as they wrote it.")
    date_of_birth = models.DateField(help_text="As they wrote it.")
    phone = PhoneNumberField(blank=True, help_text="As they wrote it, in E.164.")
    dismissed_at = models.DateTimeField(null=True, help_text="When reception said that this is nobody of ours.")
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who of reception said so."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="sign_up_has_a_name", condition=~Q(first_name="") & ~Q(last_name="")),
            models.CheckConstraint(
                name="sign_up_dismissed_by_someone",
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True)
                | Q(dismissed_at__isnull=False, dismissed_by__isnull=False),
            ),
        ]

"""Links by mail: to sign up, and to set a new password.

Nobody learns here whether an address is known: the answer is the same, and what differs stands in the mail.
The mails are sent by a task, from what is committed here: the mail server delays nobody, and loses nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.accounts import locks
from clinic.accounts.errors import LinkNotValid, MailLinksOff, TooManyMails
from clinic.accounts.models import LinkKind, MailedLink, SignUp, User
from clinic.accounts.roles import Role
from clinic.accounts.services.staff import change_password
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.recording import record

WINDOW = timedelta(hours=1)
MAILS_PER_ADDRESS = 3
MAILS_PER_ORIGIN = 10
LIFETIMES = {LinkKind.SIGN_UP: timedelta(days=2), LinkKind.KNOWN: timedelta(days=2), LinkKind.RESET: timedelta(hours=1)}
KEPT_FOR = timedelta(days=30)
EARLIEST_BIRTH_YEAR = 1880

_signer = signing.Signer(salt="accounts.mailed_link")


@atomic_with_retry
def ask_to_sign_up(*, data: Mapping, origin: str) -> None:
    """Send a link to `email` that makes a portal account for `first_name`, `last_name`, `date_of_birth`, `phone`.

    An earlier link to the address dies. To an address that has an account goes a mail that says so. Locks the
    address and the origin. Raises InvalidInput, TooManyMails, MailLinksOff.
    """
    person = _person_of(data)
    email = data["email"].lower()
    if not _may_mail(email, origin):
        return
    if User.objects.by_identifier(email):
        _add(LinkKind.KNOWN, email, origin)
        return
    MailedLink.objects.filter(kind=LinkKind.SIGN_UP, email=email, used_at=None).update(expires_at=timezone.now())
    SignUp.objects.create(link=_add(LinkKind.SIGN_UP, email, origin), **person)


@atomic_with_retry
def ask_for_reset(*, email: str, origin: str) -> None:
    """Send a link to set a new password, where the address is that of a patient's account; staff ask an administrator.

    An earlier link to the address dies. Locks the address and the origin. Raises TooManyMails, MailLinksOff.
    """
    email = email.lower()
    if not _may_mail(email, origin):
        return
    user = User.objects.active().filter(email__iexact=email).first()
    if user is None or not user.is_only_patient:
        return
    MailedLink.objects.filter(kind=LinkKind.RESET, email=email, used_at=None).update(expires_at=timezone.now())
    _add(LinkKind.RESET, email, origin, user=user)


@atomic_with_retry
def confirm_sign_up(*, token: str, password: str) -> User:
    """Make the account that the mailed link promises. It sees no patient until reception says which one it is.

    Locks the link. Raises LinkNotValid, InvalidInput (a weak password); then the link stays good.
    """
    link = _lock_valid(token, LinkKind.SIGN_UP)
    said = link.sign_up
    user = User(username=link.email, email=link.email, first_name=said.first_name, last_name=said.last_name)
    _check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:  # staff were given the address meanwhile
        raise LinkNotValid from error
    user.groups.set([Group.objects.get_or_create(name=Role.PATIENT)[0]])
    _use(link, user)
    record(action="accounts.user.signed_up", subject=user, actor=user)
    return user


@atomic_with_retry
def reset_password(*, token: str, password: str) -> User:
    """Set the password of the link's user; all sessions end. Locks the link. Raises LinkNotValid, InvalidInput."""
    link = _lock_valid(token, LinkKind.RESET)
    user = link.user
    if not user.is_active or not user.is_only_patient:
        raise LinkNotValid
    _check_password(password, user)
    _use(link, user)
    change_password(user=user, password=password)
    return user


def token_of(link: MailedLink) -> str:
    """Names the row, signed; nothing about the person."""
    return _signer.sign(link.public_id.hex)


def is_valid(token: str, kind: LinkKind) -> bool:
    """Whether the link would work now; using it looks again, under a lock."""
    public_id = _id_of(token)
    rows = MailedLink.objects.filter(public_id=public_id, kind=kind, used_at=None, expires_at__gt=timezone.now())
    return public_id is not None and rows.exists()


def forget_old_links(now: datetime) -> int:
    """Delete what was never used; the number deleted."""
    return MailedLink.objects.filter(used_at=None, expires_at__lt=now - KEPT_FOR).delete()[0]


def _person_of(data: Mapping) -> dict:
    person = {name: " ".join(data[name].split()) for name in ("first_name", "last_name")}
    errors = {name: ["A name is needed."] for name, value in person.items() if not value}
    born = data["date_of_birth"]
    if born.year < EARLIEST_BIRTH_YEAR or born > timezone.localdate():
        errors["date_of_birth"] = ["This is not a birth date."]
    if errors:
        raise InvalidInput(errors=errors)
    return person | {"date_of_birth": born, "phone": data.get("phone") or ""}


def _may_mail(email: str, origin: str) -> bool:
    """Whether this address gets one more mail. Raises TooManyMails for an origin that asks too often, whatever it asks."""
    if not settings.BASE_URL:
        raise MailLinksOff
    locks.lock_words(f"email:{email}", f"origin:{origin}")
    recent = MailedLink.objects.filter(created_at__gt=timezone.now() - WINDOW)
    if recent.filter(origin=origin).count() >= MAILS_PER_ORIGIN:
        raise TooManyMails
    return recent.filter(email=email).count() < MAILS_PER_ADDRESS


def _add(kind: LinkKind, email: str, origin: str, *, user: User | None = None) -> MailedLink:
    link = MailedLink.objects.create(kind=kind, email=email, origin=origin, user=user, expires_at=timezone.now() + LIFETIMES[kind])
    record(action=f"accounts.link.{kind}_asked", subject=link, actor=None)
    return link


def _lock_valid(token: str, kind: LinkKind) -> MailedLink:
    public_id = _id_of(token)
    link = locks.lock_link(public_id) if public_id else None
    if link is None or link.kind != kind or link.used_at or link.expires_at <= timezone.now():
        raise LinkNotValid
    return link


def _id_of(token: str) -> UUID | None:
    try:
        return UUID(_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def _use(link: MailedLink, user: User) -> None:
    link.used_at, link.user = timezone.now(), user
    link.save(update_fields=["used_at", "user"])


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(errors={"password": error.messages}) from error

"""Portal accounts and the records that they see. A person at the desk says who it is; nothing is matched by itself."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.accounts.models import SignUp
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound
from patients import locks
from patients.errors import AccountLinked, EmailTaken, PatientInactive
from patients.models import Patient, Sex
from patients.services.registration import register_patient


@atomic_with_retry
def link_account(*, sign_up_id: int, patient_id: int, identity_seen: bool, by) -> Patient:
    """Let the account of a sign-up see this patient's record; `identity_seen`: who asks has seen a document.

    Locks the patient. Saying it twice changes nothing. Raises InvalidInput, NotFound, PatientInactive, AccountLinked, EmailTaken.
    """
    if not identity_seen:
        raise InvalidInput("Look at a document with name and birth date first, and say that you did.")
    user = _waiting(sign_up_id).link.user
    patient = locks.lock_patient(patient_id)
    if patient.user_id == user.pk:
        return patient
    if not patient.is_active:
        raise PatientInactive
    if patient.user_id:
        raise AccountLinked
    try:
        with transaction.atomic():
            patient.save_changes(user=user, email=patient.email or user.email)
    except IntegrityError as error:
        raise (EmailTaken if "email" in constraint_of(error) else AccountLinked)() from error
    record(action="patients.account.linked", actor=by, subject=patient, patient=patient, changes={"user": str(user.public_id)})
    return patient


@atomic_with_retry
def register_with_account(*, sign_up_id: int, identity_seen: bool, by) -> Patient:
    """Register who signed up as a new patient, and link the account. Raises as register_patient and link_account."""
    said = _waiting(sign_up_id)
    names = {name: getattr(said, name) for name in ("first_name", "last_name", "date_of_birth")}
    data = names | {"phone": str(said.phone), "email": said.link.email, "sex": Sex.UNKNOWN}
    # The sign-up's own id makes a second press give the first patient.
    patient = register_patient(data=data, by=by, on=timezone.localdate(), request_id=said.public_id)
    return link_account(sign_up_id=sign_up_id, patient_id=patient.pk, identity_seen=identity_seen, by=by)


@atomic_with_retry
def unlink_account(*, patient_id: int, by) -> Patient:
    """The account sees the record no more, at once. Locks the patient; without an account nothing changes."""
    patient = locks.lock_patient(patient_id)
    if patient.user is None:
        return patient
    changes = {"user": str(patient.user.public_id)}
    patient.save_changes(user=None)
    record(action="patients.account.unlinked", actor=by, subject=patient, patient=patient, changes=changes)
    return patient


@transaction.atomic
def dismiss_sign_up(*, sign_up_id: int, by) -> None:
    """It is nobody of ours: it leaves the list. The account stays, and sees nothing."""
    if SignUp.objects.filter(pk=sign_up_id, dismissed_at=None).update(dismissed_at=timezone.now(), dismissed_by=by):
        record(action="patients.account.dismissed", actor=by, subject=SignUp.objects.get(pk=sign_up_id))


def _waiting(sign_up_id: int) -> SignUp:
    row = SignUp.objects.select_related("link__user").filter(pk=sign_up_id, link__used_at__isnull=False, dismissed_at=None).first()
    if row is None:
        raise NotFound
    return row

"""An insurer's answer to many claims, from a file: each row by itself, so that one bad row spoils no other."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction

from billing.models import Claim
from billing.services.claiming import answer_claim
from clinic.core.errors import DomainError, InvalidInput
from clinic.core.sheets import read_csv

COLUMNS = ["claim", "status", "amount", "reason", "reference"]
MAX_ROWS = 2000


@dataclass(frozen=True)
class Fate:
    """What became of a row: `done`, `unchanged` (it was so already) or `refused`, with a sentence."""

    line: int
    claim: str
    fate: str
    detail: str


def import_remittance(*, text: str, by, dry_run: bool) -> list[Fate]:
    """Answer each claim that a row of the file names. A dry run does all of it, says what came of it, and takes it back.

    Importing a file twice changes nothing the second time. Raises InvalidInput for a file that is none.
    """
    rows = read_csv(text, required=COLUMNS[:2], most=MAX_ROWS)
    if not dry_run:
        return [_apply(line, row, by) for line, row in rows]
    with transaction.atomic():
        fates = [_apply(line, row, by) for line, row in rows]
        transaction.set_rollback(True)
    return fates


def _apply(line: int, row: dict[str, str], by) -> Fate:
    number = row.get("claim", "")
    claim = Claim.objects.filter(number=number).first()
    if claim is None:
        return Fate(line, number, "refused", "There is no such claim.")
    try:
        answered = answer_claim(
            claim_id=claim.pk,
            status=row["status"].lower(),
            amount=_amount(row.get("amount", "")),
            reason=row.get("reason", ""),
            reference=row.get("reference", ""),
            by=by,
        )
    except DomainError as refusal:
        details = [message for messages in (refusal.errors or {}).values() for message in messages]
        return Fate(line, number, "refused", " ".join(details) or refusal.detail)
    if answered.version == claim.version:
        return Fate(line, number, "unchanged", f"Is {answered.get_status_display().lower()} already.")
    sum_of = f" {answered.answered}" if answered.answered is not None else ""
    return Fate(line, number, "done", f"{answered.get_status_display()}{sum_of}.")


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(errors={"amount": ["Not an amount."]}) from error

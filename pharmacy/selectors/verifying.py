"""What anybody may know of a prescription whose paper they hold."""

from uuid import UUID

from django.db.models import Count

from pharmacy.models import Prescription


def paper_of(code: UUID):
    """The prescription, if it was ever signed, with `lines`: how many medicines it has. One query."""
    signed = Prescription.objects.filter(paper_code=code, signed_at__isnull=False)
    return signed.only("status", "signed_at", "valid_until").annotate(lines=Count("items"))

"""What saves typing while prescribing: favourites, and the patient's last prescription once more."""

from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id
from pharmacy.models import Favourite, Prescription, PrescriptionItem
from pharmacy.permissions import PRESCRIBE, SHARE_FAVOURITE
from pharmacy.services import favourites, prescribing
from pharmacy.services.items import ITEM_FIELDS
from pharmacy.views.prescribing import done, encounter_of, show


def _visible(request, public_id) -> Favourite:
    return get_object_or_404(Favourite.objects.visible_to(request.user).select_related("medicine"), public_id=public_id)


def _line(row: PrescriptionItem | Favourite) -> dict:
    return {"medicine": row.medicine} | {name: getattr(row, name) for name in ITEM_FIELDS}


@require_POST
@permission_required_page(PRESCRIBE)
def repeat(request, encounter):
    """The patient's last prescription, as a draft of this visit."""
    row = encounter_of(request, encounter)
    try:
        prescribing.repeat_last(encounter_id=row.pk, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="lines")
    return done(request, row, added=True)


@require_POST
@permission_required_page(PRESCRIBE)
def use(request, encounter, favourite):
    """Put a favourite on the visit's draft."""
    row, chosen = encounter_of(request, encounter), _visible(request, favourite)
    try:
        prescribing.add_item(encounter_id=row.pk, item=_line(chosen), by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="lines")
    return done(request, row, added=True)


@require_POST
@permission_required_page(PRESCRIBE)
def keep(request, item):
    """Keep a line of a prescription as a favourite."""
    visible = Prescription.objects.visible_to(request.user)
    lines = PrescriptionItem.objects.filter(prescription__in=visible).select_related("medicine", "prescription__encounter")
    line = get_object_or_404(lines, public_id=item)
    encounter = encounter_of(request, line.prescription.encounter.public_id)
    try:
        favourites.keep_favourite(item=_line(line), by=request.user, for_everyone=request.POST.get("for_everyone") == "1")
    except DomainError as refusal:
        return show(request, encounter, refusal=refusal, refused="lines")
    return done(request, encounter)


@require_POST
@permission_required_page(PRESCRIBE)
def drop(request, encounter, favourite):
    row = encounter_of(request, encounter)
    try:
        favourites.drop_favourite(favourite=_visible(request, favourite), by=request.user)
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="lines")
    return done(request, row)


@require_POST
@permission_required_page(SHARE_FAVOURITE)
def share(request, encounter, favourite):
    """Give it to everyone."""
    return _change(request, encounter, favourite, favourites.share_favourite)


@require_POST
@permission_required_page(SHARE_FAVOURITE)
def unshare(request, encounter, favourite):
    """Take it back from everyone."""
    return _change(request, encounter, favourite, favourites.unshare_favourite)


def _change(request, encounter, favourite, service):
    row = encounter_of(request, encounter)
    try:
        service(favourite_id=_visible(request, favourite).pk, by=request.user)
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="lines")
    return done(request, row)

"""What a chart shows of the pharmacy. settings.CHART_MEDICATION names it: patients stands below this app."""

from datetime import date

from clinic.core.errors import Forbidden
from clinic.core.together import Reader
from pharmacy.permissions import VIEW_PRESCRIPTION
from pharmacy.selectors.safety import current_items


def medication_of(*, patient, user, on: date) -> Reader:
    """The lines of signed prescriptions whose course runs on that day, the newest first. Raises Forbidden."""
    if not user.has_perm(VIEW_PRESCRIPTION):
        raise Forbidden
    items = current_items([patient.pk], on=on)
    yield [items]
    return list(items)

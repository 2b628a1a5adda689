"""The same form or request once more: it gets what it got before, and nothing happens twice."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model

from clinic.core.errors import RequestReused

Row = TypeVar("Row", bound=Model)


def earlier(model: type[Row], request_id: UUID | None, **asked) -> Row | None:
    """What this request made already; None when it is new, or without an id.

    Raises RequestReused when it `asked` for something else then: somebody went back, wrote another thing and pressed again,
    and must not be told that this was done.
    """
    row = model._default_manager.filter(request_id=request_id).first() if request_id else None
    if row and any(getattr(row, name) != value for name, value in asked.items()):
        raise RequestReused
    return row

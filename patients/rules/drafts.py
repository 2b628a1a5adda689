"""What a draft may hold: texts by form and field, as they stand on the page."""

import re

from patients.rules.notes import is_storable

MOST_CHARACTERS = 200_000  # of all values together
MOST_FORMS = 60
MOST_FIELDS = 40
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}")


def draft_problem(values) -> str:
    """Why these values are refused; "" when they are not."""
    if not isinstance(values, dict) or len(values) > MOST_FORMS:
        return "Give an object of forms."
    if not all(_is_form(name, fields) for name, fields in values.items()):
        return "Give each form as an object of texts by field."
    if sum(len(text) for fields in values.values() for text in fields.values()) > MOST_CHARACTERS:
        return f"At most {MOST_CHARACTERS} characters."
    return ""


def _is_form(name: str, fields) -> bool:
    if not _NAME.fullmatch(name) or not isinstance(fields, dict) or len(fields) > MOST_FIELDS:
        return False
    return all(_NAME.fullmatch(field) and isinstance(text, str) and is_storable(text) for field, text in fields.items())

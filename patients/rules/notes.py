"""What a clinical record may hold, and the hash by which it is known again."""

import hashlib
import json
import math
import re

_ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


def is_icd10(code: str) -> bool:
    """Whether the code has the form of ICD-10 (WHO) or ICD-10-CM; whether it is in use is not known here."""
    return bool(_ICD10.fullmatch(code))


def canonical_json(content) -> str:
    """One spelling for equal content: sorted keys, no spaces, no escapes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(content) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of the content in UTF-8."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


# --- Notes -------------------------------------------------------------------------------

LONGEST_TEXT = 20_000
MOST_TAGS = 20
LONGEST_TAG = 40
MOST_OBSERVATIONS_BYTES = 64 * 1024  # of their canonical JSON
DEEPEST_OBSERVATIONS = 20
# Beyond it PostgreSQL, MongoDB and Python no longer agree on whether a number is whole.
LARGEST_NUMBER = 10**15


def check_note(text: str, observations, tags) -> dict[str, list[str]]:
    """Messages by field; {} when both stores will give back exactly what was written."""
    errors = {}
    if not text.strip() and not observations:
        errors["text"] = ["Write something, or give observations."]
    elif len(text) > LONGEST_TEXT:
        errors["text"] = [f"At most {LONGEST_TEXT} characters."]
    elif not is_storable(text):
        errors["text"] = ["This text has characters that cannot be stored."]
    if problem := observations_problem(observations):
        errors["observations"] = [problem]
    if len(tags) > MOST_TAGS or any(not tag.strip() or len(tag) > LONGEST_TAG or not is_storable(tag) for tag in tags):
        errors["tags"] = [f"At most {MOST_TAGS} tags of 1 to {LONGEST_TAG} characters."]
    return errors


def is_storable(text: str) -> bool:
    """No NUL and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def observations_problem(observations) -> str:
    """Why these observations are refused; "" when they are not."""
    if not isinstance(observations, dict):
        return "Give a JSON object."
    if problem := _value_problem(observations, depth=1):
        return problem
    symptoms = observations.get("symptoms", [])
    if not isinstance(symptoms, list) or not all(isinstance(symptom, str) for symptom in symptoms):
        return "Give 'symptoms' as a list of texts."
    size = len(canonical_json(observations).encode())
    return "" if size <= MOST_OBSERVATIONS_BYTES else f"At most {MOST_OBSERVATIONS_BYTES // 1024} kB."


def _value_problem(value, *, depth: int) -> str:
    if depth > DEEPEST_OBSERVATIONS:
        return f"At most {DEEPEST_OBSERVATIONS} levels deep."
    if isinstance(value, dict):
        return _keys_problem(value) or _first_problem(value.values(), depth)
    if isinstance(value, list):
        return _first_problem(value, depth)
    if isinstance(value, str):
        return "" if is_storable(value) else "A text has characters that cannot be stored."
    if isinstance(value, bool) or value is None:
        return ""
    return _number_problem(value)


def _first_problem(values, depth: int) -> str:
    return next(filter(None, (_value_problem(value, depth=depth + 1) for value in values)), "")


def _keys_problem(value: dict) -> str:
    """`$` and `.` mean something to MongoDB: a key with one could become part of a query."""
    for key in value:
        if not isinstance(key, str) or not key or "$" in key or "." in key or not is_storable(key):
            return "A key must be a text without '$', '.' and NUL."
    return ""


def _number_problem(value) -> str:
    if not isinstance(value, int | float):
        return "Give JSON values only."
    if not math.isfinite(value) or abs(value) >= LARGEST_NUMBER:
        return "A number is too large."
    return "A number is negative zero." if value == 0 and math.copysign(1, value) < 0 else ""

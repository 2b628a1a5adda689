"""Patients from a file. The rows stay in the page between the dry run and the import: nothing is kept on the server."""

from uuid import uuid4

import orjson
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from clinic.core.pages import permission_required_page, posted_request_id
from clinic.core.sheets import csv_of
from patients import forms, permissions
from patients.rules.tables import LARGEST_FILE, MOST_ROWS, UnreadableTable, read_table
from patients.services import importing
from patients.services.importing import DUPLICATE, NEW, REFUSED, REGISTERED, ImportRow
from patients.services.registration import FIELDS

REQUIRED = ("first_name", "last_name", "date_of_birth", "sex")
LARGEST_TEXT = 500_000  # characters: the page sends them back
_FORMULA = ("=", "@", "\t")


@require_http_methods(["GET", "POST"])
@permission_required_page(permissions.ADD_PATIENT)
def import_patients(request):
    """Choose a file; see each row's fate; import. The report is the last step again, as CSV: repeating it registers nobody twice."""
    if request.method == "GET":
        return _page(request)
    try:
        rows, request_id = _posted(request)
    except UnreadableTable as refusal:
        return _page(request, refusal=str(refusal), status=422)
    arguments = {"by": request.user, "on": timezone.localdate(), "request_id": request_id}
    shaped = [_shaped(number, row) for number, row in enumerate(rows, start=2)]
    is_import = "import" in request.POST
    if is_import:
        done = importing.import_patients(shaped, with_duplicates="with_duplicates" in request.POST, **arguments)
    else:
        done = importing.plan_import(shaped, **arguments)
    if "report" in request.POST:
        return _report(done)
    return _page(request, rows=done, table=orjson.dumps(rows).decode(), request_id=request_id, is_import=is_import)


def _posted(request):
    """The rows of the file, or those that the page of the dry run sent back."""
    if file := request.FILES.get("file"):
        if file.size > LARGEST_FILE:
            raise UnreadableTable(f"The file is larger than {LARGEST_FILE // 1000} kB. Split it.")
        rows = read_table(file.read())
        if missing := [name for name in REQUIRED if rows and name not in rows[0]]:
            raise UnreadableTable(f"The first line must name the columns; missing: {', '.join(missing)}.")
        if not rows:
            raise UnreadableTable("There is no row below the column names.")
        if sum(len(value) for row in rows for value in row.values()) > LARGEST_TEXT:
            raise UnreadableTable("The file holds too much text. Split it.")
        return [{name: row.get(name, "") for name in FIELDS} for row in rows], uuid4()
    try:
        rows = orjson.loads(request.POST.get("table", ""))
    except ValueError:
        raise UnreadableTable("Choose a file first.") from None
    if not isinstance(rows, list) or len(rows) > MOST_ROWS or not all(map(_is_row, rows)):
        raise UnreadableTable("Choose the file again.")
    return rows, posted_request_id(request)


def _is_row(row) -> bool:
    return isinstance(row, dict) and all(isinstance(value, str) and "\0" not in value for value in row.values())


def _shaped(number: int, row: dict) -> ImportRow:
    """A row as registration takes it, by the same form that the desk fills in."""
    values = {name: row.get(name, "") for name in FIELDS}
    values |= {"sex": values["sex"].lower(), "date_of_birth_precision": values["date_of_birth_precision"].lower() or "day"}
    name = f"{values['first_name']} {values['last_name']}".strip()
    problems = [f"{field}: it would run as a formula." for field, value in values.items() if value.startswith(_FORMULA)]
    form = forms.ImportedPatientForm(values)
    if not form.is_valid():
        problems += [f"{field}: {' '.join(words)}" for field, words in form.errors.items()]
    return ImportRow(number, name[:120], None if problems else form.data_of_patient, problems)


def _page(request, *, status: int = 200, **context) -> HttpResponse:
    rows = context.get("rows") or []
    counts = {fate: sum(row.fate == fate for row in rows) for fate in (NEW, DUPLICATE, REFUSED, REGISTERED)}
    context |= {"counts": counts, "columns": FIELDS, "required": REQUIRED, "most": MOST_ROWS}
    return render(request, "patients/import.html", context, status=status)


def _report(rows: list[ImportRow]) -> HttpResponse:
    lines = [(row.number, row.name, row.fate, row.detail, row.patient.mrn if row.patient else "") for row in rows]
    headers = {"Content-Disposition": 'attachment; filename="import-report.csv"'}
    report = csv_of(["row", "name", "fate", "detail", "mrn"], lines)
    return HttpResponse(report, content_type="text/csv; charset=utf-8", headers=headers)

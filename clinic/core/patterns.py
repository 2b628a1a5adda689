"""The pattern page: every component with made-up data. Mounted only in development and in a demo."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.core.forms import DateInput
from clinic.core.templatetags.ui import TONES

_MEDICINES = ["Amoxicillin 500 mg", "Amlodipine 5 mg", "Ibuprofen 400 mg", "Metformin 850 mg", "Paracetamol 500 mg"]


class SampleForm(forms.Form):
    first_name = forms.CharField(max_length=40)
    last_name = forms.CharField(max_length=40)
    born_on = forms.DateField(label="Birth date", widget=DateInput, help_text="Leave the day at 1 if only the month is known.")
    sex = forms.ChoiceField(choices=[("", "Choose"), ("female", "Female"), ("male", "Male"), ("other", "Other")], required=False)
    letter = forms.FileField(label="Referral letter", required=False, help_text="PDF or image, up to 10 MB.")
    notes = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    contact = forms.ChoiceField(
        label="Reminders", choices=[("mail", "By mail"), ("phone", "By phone"), ("no", "None")], widget=forms.RadioSelect
    )
    consent = forms.BooleanField(label="Agrees to reminders", help_text="Can be withdrawn at any time.")


class SampleFilter(forms.Form):
    q = forms.CharField(label="Name or token", required=False)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), ("waiting", "Waiting"), ("done", "Done")])


class SampleReason(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))


@login_not_required
@require_safe
def patterns(request):
    if "medicine_text" in request.GET:
        asked = request.GET["medicine_text"].casefold()
        found = [name for name in _MEDICINES if asked in name.casefold()]
        return render(request, "core/_pattern_options.html", {"found": found})
    return render(request, "core/patterns.html", _samples(request))


def _samples(request) -> dict:
    now = timezone.now()
    rows = [
        {"name": name, "token": f"A{number}", "status": status, "at": now - timedelta(minutes=7 * number), "owes": Decimal(owes)}
        for number, (name, status, owes) in enumerate(
            [
                ("Ann Bell", "waiting", "0"),
                ("Chidi Okafor", "called", "45.50"),
                ("María Fernández de la Vega", "in_service", "1234.5"),
                ("Ravi Patel", "no_show", "0"),
                ("Zoë Winter", "done", "12"),
            ],
            start=11,
        )
    ]
    born = date(1984, 2, 29)
    return {
        "patient": SimpleNamespace(full_name="Ann Bell", mrn="000123-7", date_of_birth=born, sex="Female", is_restricted=True),
        "other_patient": SimpleNamespace(
            full_name="Ravi Patel", mrn="000124-5", date_of_birth=timezone.localdate() - timedelta(days=250), sex="Male"
        ),
        "third_patient": SimpleNamespace(full_name="Zoë Winter", mrn="000125-2", date_of_birth=None, sex=""),
        "allergies": [
            {"substance": "Penicillin", "reaction": "anaphylaxis", "severity": "severe"},
            {"substance": "Latex", "reaction": "rash"},
        ],
        "no_allergies": [],
        "form": SampleForm({"first_name": "Ann", "contact": "mail"}),
        "filter_form": SampleFilter(request.GET),
        "reason_form": SampleReason(auto_id="void_%s"),
        "rows": rows,
        "page_obj": Paginator(range(62), 25).get_page(request.GET.get("page")),
        "statuses": list(TONES),
        "tabs": [
            {"label": "Summary", "url": "?", "current": True},
            {"label": "Visits", "url": "?tab=visits", "count": 12},
            {"label": "Invoices", "url": "?tab=invoices", "count": 0},
        ],
        "pairs": [
            ("Phone", "+1 202 555 0143"),
            ("Insurance", "Northern Mutual, 80 %"),
            ("Blood group", ""),
            ("National id", "AB 12 34 56"),
        ],
        "events": [
            {"at": now, "title": "Called to room 3", "by": "Dr Okafor", "icon": "megaphone", "tone": "info"},
            {
                "at": now - timedelta(minutes=20),
                "title": "Vitals taken",
                "by": "N. Adams",
                "text": "38.6 °C is above the usual range.",
                "icon": "heart",
                "tone": "warning",
            },
            {"at": now - timedelta(minutes=34), "title": "Checked in", "by": "Front desk", "icon": "check", "tone": "success"},
        ],
        "steps": [
            {"label": "Check-in", "state": "done"},
            {"label": "Triage", "state": "current"},
            {"label": "Consultation", "state": "todo"},
        ],
        "menu_items": [{"label": "Edit", "url": "#", "icon": "pencil"}, {"label": "Print label", "url": "#", "icon": "printer"}],
        "print_lines": ["12 Harbour Street"],
        "suggest_url": request.path,
        "total": Decimal("1234.5"),
        "now": now,
    }

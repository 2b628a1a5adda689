"""Shapes of what people type into the pages. Rules stand in the services."""

from datetime import date

from django import forms
from django.urls import reverse_lazy
from django.utils import timezone

from clinic.core.forms import DateInput, RequestIdField
from patients.errors import UnusualVitals
from patients.models import AllergySeverity, ConsentCategory, ConsentStatus, DiagnosisRank, Patient, Sex
from patients.models.encounter import VITALS_RANGES
from patients.models.patient import BloodGroup, DatePrecision
from patients.rules.usual import mark_of, unusual_vitals
from patients.rules.vitals import DECIMALS, VITALS_LABELS, VITALS_UNITS, check_vitals
from patients.services.registration import FIELDS


def _with_blank(choices, blank: str) -> list:
    return [("", blank), *choices]


class PatientForm(forms.Form):
    """Who the patient is. Allergies and problems have forms of their own beside it."""

    request_id = RequestIdField(required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    first_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    last_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    date_of_birth = forms.DateField(widget=DateInput)
    date_of_birth_precision = forms.ChoiceField(label="How exact is it", choices=DatePrecision.choices, initial=DatePrecision.DAY)
    sex = forms.ChoiceField(choices=_with_blank(Sex.choices, "Choose"))
    national_id = forms.CharField(label="National id", max_length=40, required=False)
    phone = forms.CharField(max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}))
    email = forms.EmailField(label="E-mail", max_length=254, required=False)
    address = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    emergency_contact_name = forms.CharField(label="Name", max_length=120, required=False)
    emergency_contact_phone = forms.CharField(label="Phone", max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    emergency_contact_relation = forms.CharField(label="Relation", max_length=40, required=False)
    insurance_payer = forms.CharField(label="Payer", max_length=120, required=False)
    insurance_policy_number = forms.CharField(label="Policy number", max_length=60, required=False)
    insurance_valid_until = forms.DateField(label="Valid until", required=False, widget=DateInput)
    insurance_cover_percent = forms.IntegerField(label="Covers (%)", required=False, min_value=0, max_value=100)
    blood_group = forms.ChoiceField(choices=_with_blank(BloodGroup.choices, "Not known"), required=False)
    no_known_allergies = forms.BooleanField(
        label="No known allergies",
        required=False,
        help_text="Tick only when the patient was asked. Left open, the chart says 'not recorded'.",
    )

    @property
    def data_of_patient(self) -> dict:
        return {name: self.cleaned_data[name] for name in FIELDS}

    @classmethod
    def initial_of(cls, patient: Patient) -> dict:
        known_none = patient.allergies_reviewed_at is not None and not patient.allergies.all()
        return {name: getattr(patient, name) for name in FIELDS} | {"version": patient.version, "no_known_allergies": known_none}


class ImportedPatientForm(PatientForm):
    """A row of a file: dates in one way only, since a file does not say which part is the day."""

    date_of_birth = forms.DateField(input_formats=["%Y-%m-%d"], error_messages={"invalid": "Write dates as 1984-02-29."})
    insurance_valid_until = forms.DateField(
        required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": "Write dates as 1984-02-29."}
    )


class AllergyForm(forms.Form):
    substance = forms.CharField(max_length=120, required=False)
    reaction = forms.CharField(max_length=200, required=False)
    severity = forms.ChoiceField(choices=_with_blank(AllergySeverity.choices, "Not known"), required=False)


class ProblemForm(forms.Form):
    text = forms.CharField(label="Problem", max_length=200, required=False)
    code = forms.CharField(label="ICD-10", max_length=10, required=False)
    onset_on = forms.DateField(label="Since", required=False, widget=DateInput)
    is_active = forms.BooleanField(label="Active", required=False, initial=True)


class _Rows(forms.BaseFormSet):
    """Rows of which those with an empty first field do not count: emptying it removes the row."""

    key = ""

    @property
    def rows(self) -> list[dict]:
        return [form.cleaned_data for form in self.forms if form.cleaned_data.get(self.key)]


class BaseAllergyRows(_Rows):
    key = "substance"


class BaseProblemRows(_Rows):
    key = "text"


def _rows(form, formset, extra: int):
    return forms.formset_factory(form, formset=formset, extra=extra, max_num=50, absolute_max=60)


AllergyRows = _rows(AllergyForm, BaseAllergyRows, extra=2)
ProblemRows = _rows(ProblemForm, BaseProblemRows, extra=1)


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


class BreakGlassForm(forms.Form):
    reason = forms.CharField(
        max_length=200,
        label="Why do you need to open it",
        help_text="The manager reads this: no clinical details.",
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
    )


class DayForm(forms.Form):
    """Of which day a chart is shown."""

    as_of = forms.DateField(label="As it stood on", input_formats=["%Y-%m-%d"], widget=DateInput)

    def __init__(self, *args, today: date, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["as_of"].widget.attrs |= {"max": today.isoformat(), "min": "1880-01-01"}

    def clean_as_of(self) -> date:
        day = self.cleaned_data["as_of"]
        if not date(1880, 1, 1) <= day <= self.today:
            raise forms.ValidationError("Give a day that has come already." if day > self.today else "That is too long ago.")
        return day


class PartForm(forms.Form):
    """A form of one part of the consultation: several stand on one page, so each has ids of its own."""

    part = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"auto_id": f"{self.part}_%s"} | kwargs)


class SummaryForm(PartForm):
    part = "summary"
    reason = forms.CharField(label="Why the patient came", max_length=300, required=False)
    diagnosis_text = forms.CharField(label="Assessment and plan", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


def _vital_field(name: str) -> forms.Field:
    lowest, highest = VITALS_RANGES[name]
    step = {0: "1", 1: "0.1", 2: "0.01"}[DECIMALS.get(name, 0)]
    attrs = {"min": str(lowest), "max": str(highest), "step": step, "inputmode": "decimal", "autocomplete": "off"}
    words = f"{lowest.normalize():f} to {highest.normalize():f}" if DECIMALS.get(name) else f"{lowest} to {highest}"
    label = f"{VITALS_LABELS[name]} ({VITALS_UNITS[name]})"
    return forms.DecimalField(label=label, required=False, help_text=words, max_digits=8, decimal_places=3, widget=forms.NumberInput(attrs))


class VitalsForm(PartForm):
    """Values only; their ranges are the service's, which names them."""

    part = "vitals"
    to_confirm = ""  # the mark of the unusual values that someone has to look at

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields |= {name: _vital_field(name) for name in VITALS_RANGES}

    def check_looked_at(self, *, born: date, on: date) -> None:
        """Raises UnusualVitals for unusual values, unless exactly these were shown and confirmed. What is impossible is the service's."""
        values, errors = check_vitals(self.cleaned_data)
        unusual = [] if errors else unusual_vitals(values, born=born, on=on)
        if unusual and self.data.get("looked_at") != mark_of(unusual):
            self.to_confirm = mark_of(unusual)
            raise UnusualVitals(f"Not saved yet. Unusual at this age: {'; '.join(map(str, unusual))}. Check, and correct it or confirm it.")


def _combobox(field_id: str, url, trigger: str) -> dict[str, object]:
    """Attributes of an input whose listbox, `<id>_list`, htmx fills from the URL."""
    return {
        "class": "form-control",
        "role": "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": f"{field_id}_list",
        "aria-describedby": f"{field_id}_helptext",
        "autocomplete": "off",
        "hx-get": url,
        "hx-trigger": trigger,
        "hx-target": f"#{field_id}_list",
        "hx-swap": "innerHTML",
        "hx-sync": "this:replace",
    }


class DiagnosisForm(PartForm):
    part = "diagnosis"
    text = forms.CharField(
        label="Diagnosis",
        max_length=300,
        widget=forms.TextInput(_combobox("diagnosis_text", reverse_lazy("patients:suggest_codes"), "input changed delay:150ms")),
    )
    code = forms.CharField(
        label="ICD-10 code",
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "J06.9", "data-combobox-value": True}),
    )
    rank = forms.ChoiceField(choices=DiagnosisRank.choices)


class NoteForm(PartForm):
    """A new note, or a new version of the one that `amends` names."""

    part = "note"
    amends = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 6}))
    symptoms = forms.CharField(max_length=500, required=False, help_text="Separated by commas: cough, fever")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        of_list = _combobox(self["symptoms"].id_for_label, reverse_lazy("patients:symptom_words"), "focus once")
        self.fields["symptoms"].widget.attrs |= of_list | {"hx-params": "none"}  # what was typed stands in no URL

    @property
    def observations(self) -> dict:
        symptoms = [plain for each in self.cleaned_data["symptoms"].split(",") if (plain := " ".join(each.split()))]
        return {"symptoms": symptoms} if symptoms else {}


class AttachmentForm(PartForm):
    part = "attachment"
    file = forms.FileField(
        help_text="A photo or scan (JPEG, PNG) or a PDF, at most 10 MB.",
        max_length=300,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
    )


class ConsentForm(forms.Form):
    request_id = RequestIdField(required=False)
    category = forms.ChoiceField(label="About", choices=_with_blank(ConsentCategory.choices, "Choose"))
    status = forms.ChoiceField(label="Decision", choices=_with_blank(ConsentStatus.choices, "Choose"))
    given_on = forms.DateField(label="Decided on", widget=DateInput)
    valid_until = forms.DateField(
        label="Until", required=False, widget=DateInput, help_text="The first day on which it no longer holds. Empty: until withdrawn."
    )
    detail = forms.CharField(label="Bounds", max_length=300, required=False, help_text="For what, with whom, in the patient's words.")
    attachment = forms.ModelChoiceField(
        label="Signed paper", queryset=None, required=False, to_field_name="public_id", help_text="A file of one of the patient's visits."
    )

    def __init__(self, *args, papers, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["attachment"].queryset = papers
        self.fields["attachment"].label_from_instance = lambda file: f"{file.name}, {timezone.localtime(file.uploaded_at):%d %b %Y}"
        self.fields["attachment"].empty_label = "None"


class AddendumForm(PartForm):
    part = "addendum"
    reason = forms.CharField(label="Why it is corrected", max_length=200)
    text = forms.CharField(label="Addendum", max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}))

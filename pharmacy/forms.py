"""Shape of what is typed on the pharmacy's pages. Rules stand in the services."""

from django import forms

from clinic.accounts.models import Facility
from clinic.core.forms import DateInput, RequestIdField
from patients.forms import PartForm
from patients.models import TreatmentType
from pharmacy.models import Batch, CallOutcome, Medicine, ReturnTo, Store, StoreKind, Supplier
from pharmacy.rules.barcodes import read_pack
from pharmacy.rules.quantities import FREQUENCIES, MAX_QUANTITY, ROUTES, is_when_needed, plural
from pharmacy.services.items import ITEM_FIELDS, MOST_DOSES_A_DAY, MOST_REPEATS
from pharmacy.services.stocktaking import LISTS


def put_errors(form: forms.Form, errors: dict | None) -> None:
    """Show a service's complaints beside their fields."""
    for name, words in (errors or {}).items():
        form.add_error(name if name in form.fields else None, words)


def first_error(form: forms.Form) -> str:
    """One sentence for a form that is not shown again with its fields."""
    return next(f"{form[name].label}: {words[0]}" if name in form.fields else words[0] for name, words in form.errors.items())


class StoreField(forms.ModelChoiceField):
    def __init__(self, **kwargs):
        super().__init__(Store.objects.all(), to_field_name="public_id", **kwargs)


class PackForm(forms.Form):
    """What a pack says: scanned, or typed. What is typed goes before what the scanner read."""

    code = forms.CharField(max_length=200, required=False, strip=True, label="Scan the pack")
    lot = forms.CharField(max_length=60, required=False, label="Lot number")
    expires_on = forms.DateField(
        widget=DateInput, required=False, label="Expires on", help_text="The first day on which it may no longer go out."
    )

    def clean(self):
        data = super().clean()
        pack = read_pack(data.pop("code", None) or "")
        data["lot"] = data.get("lot") or pack.lot[:60]
        data["expires_on"] = data.get("expires_on") or pack.expires_on
        if not data["lot"] and "lot" not in self.errors:
            self.add_error("lot", "Give the lot number that is printed on the pack.")
        if not data["expires_on"] and "expires_on" not in self.errors:
            self.add_error("expires_on", "Give the date that is printed on the pack.")
        return data


class ReceiveForm(PackForm):
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY)
    unit_cost = forms.DecimalField(min_value=0, max_digits=12, decimal_places=4, label="Cost per unit")
    supplier = forms.ModelChoiceField(Supplier.objects.all(), required=False, empty_label="Not recorded")
    store = StoreField(required=False, empty_label=None)
    request_id = RequestIdField()

    def __init__(self, *args, unit: str = "unit", stores: list[Store] | None = None, **kwargs):
        """`stores`, the default one first, saves reading them again."""
        super().__init__(*args, **kwargs)
        if stores is not None:
            self.fields["store"].choices = [(store.public_id, store.name) for store in stores]
        self.fields["quantity"].help_text = f"In {plural(unit)}, the smallest that is handed out."


class TransferForm(forms.Form):
    """From one of the `batches` to one of the `stores`."""

    batch = forms.ChoiceField(label="Lot")
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, label="Units")
    store = forms.ChoiceField(label="To")
    request_id = RequestIdField()

    def __init__(self, *args, batches: list[Batch], stores: list[Store], **kwargs):
        super().__init__(*args, auto_id="transfer_%s", **kwargs)
        self.rows = {"batch": {str(row.public_id): row for row in batches}, "store": {str(row.public_id): row for row in stores}}
        self.fields["batch"].choices = [(key, f"{row.lot}: {row.on_hand} in {row.store}") for key, row in self.rows["batch"].items()]
        self.fields["store"].choices = [(key, row.name) for key, row in self.rows["store"].items()]
        self.fields["store"].initial = list(self.rows["store"])[-1] if stores else None
        self.has_choice = bool(batches) and len(stores) > 1

    def clean(self):
        data = super().clean()
        return data | {name: rows[data[name]] for name, rows in self.rows.items() if name in data}


class StoreForm(forms.Form):
    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=StoreKind.choices, help_text="Only what stands in a dispensary is handed out. The kind stays.")
    facility = forms.ModelChoiceField(Facility.objects.all(), required=False, to_field_name="public_id", empty_label="Not recorded")


class AdjustForm(forms.Form):
    quantity = forms.IntegerField(
        min_value=-MAX_QUANTITY, max_value=MAX_QUANTITY, label="Difference", help_text="-3 for three less, 3 for three more."
    )
    reason = forms.CharField(max_length=200)
    is_waste = forms.BooleanField(required=False, label="Wasted: broken, spilt or thrown away")


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200)


class ReturnForm(forms.Form):
    to = forms.ChoiceField(choices=ReturnTo.choices, initial=ReturnTo.QUARANTINE, label="Where it goes")
    reason = forms.CharField(max_length=200)


class LineForm(forms.Form):
    """A line of a prescription. Without JavaScript the medicine comes as typed: a name that fits one only is taken."""

    medicine = forms.UUIDField(required=False)
    medicine_text = forms.CharField(required=False, max_length=120, label="Medicine")
    dose = forms.CharField(max_length=60)
    frequency = forms.ChoiceField(choices=FREQUENCIES, required=False)
    frequency_words = forms.CharField(max_length=40, required=False, label="Other frequency")
    max_doses_a_day = forms.IntegerField(min_value=1, max_value=MOST_DOSES_A_DAY, required=False, label="At most a day")
    duration_days = forms.IntegerField(min_value=1, max_value=366, label="Days")
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, required=False)
    route = forms.ChoiceField(choices=ROUTES, required=False)
    repeats = forms.IntegerField(min_value=0, max_value=MOST_REPEATS, required=False)
    instructions = forms.CharField(max_length=300, required=False)
    request_id = RequestIdField(required=False)

    def clean(self):
        data = super().clean()
        data["medicine"] = self._medicine(data)
        data["frequency"] = data.get("frequency_words") or data.get("frequency")
        if not data.get("frequency") and "frequency_words" not in self.errors and "frequency" not in self.errors:
            self.add_error("frequency", "Say how often.")
        if is_when_needed(data.get("frequency") or "") and not data.get("max_doses_a_day") and "max_doses_a_day" not in self.errors:
            self.add_error("max_doses_a_day", "Say how many times a day at most.")
        data["route"] = data.get("route") or "oral"
        return data

    def _medicine(self, data) -> Medicine | None:
        found = medicines_meant(data.get("medicine"), data.get("medicine_text"))
        if len(found) == 1:
            return found[0]
        if "medicine" not in self.errors and "medicine_text" not in self.errors:
            self.add_error("medicine_text", "Several medicines fit: choose one." if found else "Choose a medicine from the list.")
        return None

    def item(self) -> dict:
        return {name: self.cleaned_data[name] for name in ("medicine", *ITEM_FIELDS) if self.cleaned_data[name] not in (None, "")}


def medicines_meant(public_id, words: str | None) -> list[Medicine]:
    """Those in use that a choice fits, or what was typed without one; two are enough to see that it is not one."""
    active, words = Medicine.objects.active(), (words or "").strip()
    if public_id:
        return list(active.filter(public_id=public_id))
    if not words:
        return []
    return list(active.filter(name__iexact=words)[:2]) or list(active.matching(words)[:2])


def medicine_named(name: str) -> Medicine | None:
    """The one medicine in use of that name."""
    found = list(Medicine.objects.active().filter(name__iexact=name.strip())[:2])
    return found[0] if len(found) == 1 else None


class EquivalentForm(forms.Form):
    other = forms.UUIDField(required=False, label="Medicine")
    other_text = forms.CharField(max_length=120, required=False, label="Medicine")
    reason = forms.CharField(max_length=200, label="Why they may stand for each other")

    def clean(self):
        data = super().clean()
        found = medicines_meant(data.get("other"), data.get("other_text"))
        if len(found) == 1:
            data["other"] = found[0]
        elif "other" not in self.errors and "other_text" not in self.errors:
            self.add_error("other", "Several medicines fit: choose one." if found else "Choose a medicine from the list.")
        return data


class StockTakeForm(forms.Form):
    which = forms.ChoiceField(choices=list(LISTS.items()), label="What is counted")
    search = forms.CharField(max_length=80, required=False, label="Only medicines with these words in the name")
    store = StoreField(required=False, empty_label="All stores")
    request_id = RequestIdField()


class SupplierForm(forms.Form):
    name = forms.CharField(max_length=120)
    phone = forms.CharField(max_length=40, required=False, label="Telephone")
    email = forms.EmailField(max_length=254, required=False, label="E-mail")


class OrderForm(forms.Form):
    """An order of up to `ROWS` medicines, each by its name."""

    ROWS = 8
    supplier = forms.ModelChoiceField(Supplier.objects.all(), to_field_name="public_id", empty_label="Choose")
    request_id = RequestIdField()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for row in range(1, self.ROWS + 1):
            names = forms.TextInput(attrs={"list": "order-medicines", "autocomplete": "off"})
            self.fields[f"medicine_{row}"] = forms.CharField(max_length=120, required=False, label=f"Medicine {row}", widget=names)
            self.fields[f"quantity_{row}"] = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, required=False, label="Units")
            self.fields[f"cost_{row}"] = forms.DecimalField(
                min_value=0, max_digits=12, decimal_places=4, required=False, label="Cost per unit"
            )

    def rows(self):
        return [[self[f"{name}_{row}"] for name in ("medicine", "quantity", "cost")] for row in range(1, self.ROWS + 1)]

    def clean(self):
        data = super().clean()
        self.lines = []
        for row in range(1, self.ROWS + 1):
            typed = {name: data.get(f"{name}_{row}") for name in ("medicine", "quantity", "cost")}
            if not any(value not in (None, "") for value in typed.values()):
                continue
            medicine = medicine_named(typed["medicine"] or "")
            if medicine is None and f"medicine_{row}" not in self.errors:
                self.add_error(f"medicine_{row}", "Choose a medicine from the list.")
            for name, words in (("quantity", "Say how many units."), ("cost", "Say what one unit costs.")):
                if typed[name] is None and f"{name}_{row}" not in self.errors:
                    self.add_error(f"{name}_{row}", words)
            self.lines.append({"medicine": medicine, "quantity": typed["quantity"], "unit_cost": typed["cost"]})
        if not self.lines and not self.errors:
            self.add_error("medicine_1", "Name at least one medicine.")
        return data


class OrderReceiptForm(PackForm):
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, label="Units")
    unit_cost = forms.DecimalField(min_value=0, max_digits=12, decimal_places=4, required=False, label="Cost per unit")
    store = StoreField(required=False)

    def clean(self):
        data = super().clean()
        if data.get("unit_cost") is None:
            data.pop("unit_cost", None)
        return data


class TreatmentForm(PartForm):
    """A treatment, with up to `ROWS` medicines that it used, each by its name."""

    ROWS = 3
    part = "treatment"
    treatment_type = forms.ModelChoiceField(
        TreatmentType.objects.active(), label="Treatment", to_field_name="public_id", empty_label="Choose"
    )
    notes = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for row in range(1, self.ROWS + 1):
            names = forms.TextInput(attrs={"list": "treatment-medicines", "autocomplete": "off"})
            self.fields[f"medicine_{row}"] = forms.CharField(max_length=120, required=False, label=f"Medicine {row}", widget=names)
            self.fields[f"quantity_{row}"] = forms.IntegerField(
                min_value=1, max_value=MAX_QUANTITY, required=False, label=f"Units of medicine {row}"
            )

    def offer(self, types) -> None:
        """The lines of the catalogue that were read for this page."""
        self.fields["treatment_type"].choices = [("", "Choose"), *((each.public_id, each.name) for each in types)]

    def medicine_fields(self):
        return [self[f"{name}_{row}"] for row in range(1, self.ROWS + 1) for name in ("medicine", "quantity")]

    def clean(self):
        data = super().clean()
        self.used = []
        for row in range(1, self.ROWS + 1):
            name, quantity = data.get(f"medicine_{row}"), data.get(f"quantity_{row}")
            if not name or f"quantity_{row}" in self.errors:
                if quantity:
                    self.add_error(f"medicine_{row}", "Say which medicine.")
                continue
            medicine = medicine_named(name)
            if medicine is None:
                self.add_error(f"medicine_{row}", "Choose a medicine from the list.")
            elif not quantity:
                self.add_error(f"quantity_{row}", "Say how many units were used.")
            else:
                self.used.append({"medicine": medicine, "quantity": quantity})
        return data

    def treatment(self) -> dict:
        return {name: self.cleaned_data[name] for name in ("treatment_type", "notes")} | {"medicines": self.used}


class CallForm(forms.Form):
    patient = forms.UUIDField()
    outcome = forms.ChoiceField(choices=CallOutcome.choices)
    note = forms.CharField(max_length=200, required=False)

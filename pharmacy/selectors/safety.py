"""The safety checks over stored rows. At most four queries, however many prescriptions."""

from collections import defaultdict
from datetime import date, timedelta

from django.db.models import BooleanField, DurationField, ExpressionWrapper, F, Q, Value, prefetch_related_objects
from django.db.models.functions import JSONObject

from clinic.core.together import Reader
from pharmacy.models import Interaction, InteractionSubstance, Medicine, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.rules.interactions import InteractionTable, Pair
from pharmacy.rules.safety import Drug, SafetyReport, canonical, check_safety, outside_classes

_TAKEN = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]


def drug_of(medicine: Medicine) -> Drug:
    return Drug(medicine.name, tuple(medicine.ingredients), medicine.is_controlled)


def current_items(patient_ids, *, on: date):
    """Items of signed prescriptions whose course, repeats included, runs on that day, as it was at its end."""
    return _dated_items().filter(_is_taken(on), prescription__patient__in=patient_ids).order_by("-prescription__signed_at", "id")


def items_and_current(wanted: Q, *, patient_id: int, on: date) -> Reader:
    """(the patient's items that are wanted, those that are taken now, as current_items()); one may be in both."""
    flags = {"is_wanted": wanted, "is_taken": _is_taken(on)}
    rows = (
        _dated_items()
        .select_related("medicine", "prescription__prescriber__user")
        .annotate(**{name: ExpressionWrapper(q, output_field=BooleanField()) for name, q in flags.items()})
    )
    found = rows.filter(Q(is_wanted=True) | Q(is_taken=True), prescription__patient=patient_id).order_by("prescription", "id")
    yield [found]
    taken = sorted((item for item in found if item.is_taken), key=lambda item: item.prescription.signed_at, reverse=True)
    return [item for item in found if item.is_wanted], taken


def _dated_items():
    course = ExpressionWrapper(F("duration_days") * (F("repeats") + 1) * Value(timedelta(days=1)), output_field=DurationField())
    items = PrescriptionItem.objects.annotate(ends_at=F("prescription__signed_at") + course)
    return items.select_related("medicine", "prescription")


def _is_taken(on: date) -> Q:
    """Nothing follows a cancellation, so that the time of the last change is its time."""
    stood = Q(prescription__status__in=_TAKEN) | Q(prescription__status=PrescriptionStatus.CANCELLED, prescription__updated_at__date__gt=on)
    return stood & Q(prescription__signed_at__date__lte=on, ends_at__date__gt=on)


def safety_of(prescription: Prescription, *, on: date, items=None, taken=None) -> SafetyReport:
    """Of one prescription, or of those of its items that are handed out. `taken`: what its patient takes now, if at hand."""
    return safety_of_many([prescription], on=on, items={prescription.pk: items} if items is not None else None, taken=taken)[
        prescription.pk
    ]


def safety_of_many(prescriptions, *, on: date, items=None, taken=None) -> dict[int, SafetyReport]:
    """{prescription pk: report}. `prescriptions` have patient, and items with medicine, at hand or prefetched."""
    prescriptions = list(prescriptions)
    patients = [prescription.patient for prescription in prescriptions]
    prefetch_related_objects(patients, "allergies")
    current = defaultdict(list)
    for item in current_items({each.pk for each in patients}, on=on) if taken is None else taken:
        current[item.prescription.patient_id].append(item)
    checked = {each.pk: _checked_items(each, items) for each in prescriptions}
    allergies = {patient.pk: [allergy.substance for allergy in patient.allergies.all()] for patient in patients}
    at_issue = [item for each in (*checked.values(), *current.values()) for item in each]
    table, known_names = _table_for(at_issue, with_names=any(outside_classes(each) for each in allergies.values()))
    reports = {}
    for prescription in prescriptions:
        reports[prescription.pk] = check_safety(
            [drug_of(item.medicine) for item in checked[prescription.pk]],
            allergies=allergies[prescription.patient_id],
            allergies_known=prescription.patient.allergies_reviewed_at is not None,
            current=[drug_of(item.medicine) for item in current[prescription.patient_id] if item.prescription_id != prescription.pk],
            table=table,
            known_names=lambda: known_names,
        )
    return reports


def _checked_items(prescription: Prescription, items) -> list[PrescriptionItem]:
    own = (items or {}).get(prescription.pk)
    return list(prescription.items.all()) if own is None else own


def _table_for(items, *, with_names: bool) -> tuple[InteractionTable, list[str]]:
    """What the table of interactions says on the ingredients of these items; and, asked for, every ingredient that the
    medicines and the table name. One query."""
    names = {canonical(ingredient) for item in items for ingredient in item.medicine.ingredients}
    substances = InteractionSubstance.objects.filter(name__in=names).order_by()
    pairs = Interaction.objects.order_by()
    pair = JSONObject(pk="pk", pair=JSONObject(first="first", second="second", severity="severity", effect="effect"))
    parts = [substances.values_list(JSONObject(substance="name", classes="classes")), pairs.values_list(pair)]
    if with_names:
        parts += [Medicine.objects.order_by().values_list(JSONObject(known="generic_name"))]
        parts += [InteractionSubstance.objects.order_by().values_list(JSONObject(known="name"))]
    rows = [row for (row,) in parts[0].union(*parts[1:], all=True)]
    classes = {row["substance"]: frozenset(row["classes"]) for row in rows if "substance" in row}
    in_order = sorted((row for row in rows if "pair" in row), key=lambda row: row["pk"])
    known = [part for row in rows if "known" in row for part in row["known"].split("+")]
    return InteractionTable(classes, tuple(Pair(**row["pair"]) for row in in_order)), known

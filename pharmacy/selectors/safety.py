"""The safety checks over stored rows. At most four queries, however many prescriptions."""

from collections import defaultdict
from datetime import date, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    JSONField,
    Q,
    Value,
    prefetch_related_objects,
)
from django.db.models.functions import JSONObject

from clinic.core.together import Reader
from pharmacy.models import (
    Interaction,
    InteractionSubstance,
    Medicine,
    Prescription,
    PrescriptionItem,
    PrescriptionStatus,
)
from pharmacy.rules.interactions import InteractionTable, Pair
from pharmacy.rules.safety import Drug, SafetyReport, canonical, check_safety, outside_classes

_TAKEN = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]


def drug_of(medicine: Medicine) -> Drug:
    return Drug(medicine.name, tuple(medicine.ingredients), medicine.is_controlled)


def drugs_of(item: PrescriptionItem) -> list[Drug]:
    """What the patient has of a line from with_given(): the medicine prescribed, and what was given in its place."""
    return [drug_of(item.medicine), *(drug_of(Medicine(**given)) for given in item.given_instead)]


# As SQL: the same as expressions takes longer to put together than to answer, and each check at the counter asks.
_LAST_GIVEN_ON = """(
    SELECT MAX(given.dispensed_on) FROM pharmacy_dispenseline line JOIN pharmacy_dispense given ON given.id = line.dispense_id
     WHERE line.item_id = %(expressions)s
)"""
_GIVEN_INSTEAD = """ARRAY(
    SELECT DISTINCT jsonb_build_object('name', m.name, 'generic_name', m.generic_name, 'is_controlled', m.is_controlled)
      FROM pharmacy_dispenseline line
      JOIN pharmacy_dispense given ON given.id = line.dispense_id
      JOIN pharmacy_batch batch ON batch.id = line.batch_id
      JOIN pharmacy_medicine m ON m.id = batch.medicine_id
     WHERE line.item_id = %(expressions)s
       AND line.returned_quantity < line.quantity AND line.substitution_basis IN ('approved', 'agreed')
     ORDER BY 1
)"""


def with_given(items, *, on: date):
    """Annotate `last_given_on`, and `given_instead`: of each line [{name, generic_name, is_controlled}] of the medicines that
    by that day stood for the one prescribed, as far as they did not come back. What has the same ingredients is left out."""
    return items.annotate(
        last_given_on=Func("pk", template=_LAST_GIVEN_ON, output_field=DateField()),
        given_instead=Func(
            "pk",
            Value(on, output_field=DateField()),
            template=_GIVEN_INSTEAD,
            arg_joiner=" AND given.dispensed_on <= ",
            output_field=ArrayField(JSONField()),
        ),
    )


def current_items(patient_ids, *, on: date):
    """Items of signed prescriptions whose course, repeats included, runs on that day, as it was at its end."""
    return _dated_items(on).filter(_is_taken(on), prescription__patient__in=patient_ids).order_by("-prescription__signed_at", "id")


def items_and_current(wanted: Q, *, patient_id: int, on: date) -> Reader:
    """(the patient's items that are wanted, those that are taken now, as current_items()); one may be in both."""
    flags = {"is_wanted": wanted, "is_taken": _is_taken(on)}
    rows = (
        _dated_items(on)
        .select_related("medicine", "prescription__prescriber__user")
        .annotate(**{name: ExpressionWrapper(q, output_field=BooleanField()) for name, q in flags.items()})
    )
    found = rows.filter(Q(is_wanted=True) | Q(is_taken=True), prescription__patient=patient_id).order_by("prescription", "id")
    yield [found]
    taken = sorted((item for item in found if item.is_taken), key=lambda item: item.prescription.signed_at, reverse=True)
    return [item for item in found if item.is_wanted], taken


def _dated_items(on: date):
    course = ExpressionWrapper(F("duration_days") * (F("repeats") + 1) * Value(timedelta(days=1)), output_field=DurationField())
    items = with_given(PrescriptionItem.objects.annotate(ends_at=F("prescription__signed_at") + course), on=on)
    return items.select_related("medicine", "prescription")


def _is_taken(on: date) -> Q:
    """Nothing follows a cancellation, so that the time of the last change is its time."""
    stood = Q(prescription__status__in=_TAKEN) | Q(prescription__status=PrescriptionStatus.CANCELLED, prescription__updated_at__date__gt=on)
    return stood & Q(prescription__signed_at__date__lte=on, ends_at__date__gt=on)


def safety_of(prescription: Prescription, *, on: date, items=None, beside=(), taken=None) -> SafetyReport:
    """Of one prescription, or of those of its items that are handed out, with the others of it `beside` them (from
    with_given()). `taken`: what its patient takes now, if at hand."""
    key = prescription.pk
    beside = [item for item in beside if _still_counts(item, on)]
    reports = safety_of_many([prescription], on=on, items={key: items} if items is not None else None, beside={key: beside}, taken=taken)
    return reports[key]


def _still_counts(item: PrescriptionItem, on: date) -> bool:
    """Whether a line that is not handed out now is taken all the same: something of it is to come, or was given not long ago."""
    return item.dispensed_quantity < item.total_quantity or item.last_given_on + timedelta(days=item.duration_days) > on


def safety_of_many(prescriptions, *, on: date, items=None, beside=None, taken=None) -> dict[int, SafetyReport]:
    """{prescription pk: report}. `prescriptions` have patient, and items with medicine, at hand or prefetched."""
    prescriptions = list(prescriptions)
    patients = [prescription.patient for prescription in prescriptions]
    prefetch_related_objects(patients, "allergies")
    current = defaultdict(list)
    for item in current_items({each.pk for each in patients}, on=on) if taken is None else taken:
        current[item.prescription.patient_id].append(item)
    checked = {each.pk: [drug_of(item.medicine) for item in _checked_items(each, items)] for each in prescriptions}
    others = {each.pk: _drugs((beside or {}).get(each.pk, ())) for each in prescriptions}
    now = {each.pk: _drugs(item for item in current[each.patient_id] if item.prescription_id != each.pk) for each in prescriptions}
    allergies = {patient.pk: [allergy.substance for allergy in patient.allergies.all()] for patient in patients}
    at_issue = [drug for side in (checked, others, now) for drugs in side.values() for drug in drugs]
    table, known_names = _table_for(at_issue, with_names=any(outside_classes(each) for each in allergies.values()))
    reports = {}
    for prescription in prescriptions:
        reports[prescription.pk] = check_safety(
            checked[prescription.pk],
            allergies=allergies[prescription.patient_id],
            allergies_known=prescription.patient.allergies_reviewed_at is not None,
            beside=others[prescription.pk],
            current=now[prescription.pk],
            table=table,
            known_names=lambda: known_names,
        )
    return reports


def _drugs(items) -> list[Drug]:
    return [drug for item in items for drug in drugs_of(item)]


def _checked_items(prescription: Prescription, items) -> list[PrescriptionItem]:
    own = (items or {}).get(prescription.pk)
    return list(prescription.items.all()) if own is None else own


def _table_for(drugs: list[Drug], *, with_names: bool) -> tuple[InteractionTable, list[str]]:
    """What the table of interactions says on the ingredients of these drugs; and, asked for, every ingredient that the
    medicines and the table name. One query."""
    names = {canonical(ingredient) for drug in drugs for ingredient in drug.ingredients}
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

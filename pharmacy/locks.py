"""The only row locks of the pharmacy.

Order: prescription, order or stock take, then equivalents, then medicines, then batches, each by primary key;
then downwards: encounter, patient, doctor.
A prescription's lock covers its items, dispenses and their lines. Whoever locks more than one row of a table gives all keys at once.
"""

from datetime import date

from django.db import connection
from django.db.models import Q

from patients.models import Encounter
from pharmacy.models import (
    Batch,
    Equivalent,
    Favourite,
    Medicine,
    Prescription,
    PrescriptionStatus,
    PurchaseOrder,
    StockTake,
    Store,
    Supplier,
)
from pharmacy.models.stock import usable_on


def lock_prescription(prescription_id: int) -> Prescription:
    return (
        Prescription.objects.select_for_update(no_key=True, of=("self",))
        .select_related("patient", "prescriber__user", "encounter")
        .get(pk=prescription_id)
    )


def lock_prescriptions(prescription_ids) -> list[Prescription]:
    return list(Prescription.objects.select_for_update(no_key=True).filter(pk__in=prescription_ids).order_by("pk"))


def lock_drafts(encounter_id: int) -> list[Prescription]:
    drafts = Prescription.objects.filter(encounter_id=encounter_id, status=PrescriptionStatus.DRAFT)
    return list(drafts.select_for_update(no_key=True, of=("self",)).select_related("patient").order_by("pk"))


def lock_usable_batches(medicine_ids, *, on: date, batch_ids=()) -> list[Batch]:
    """What may go out of these medicines on that day, and the batches named, whatever their state."""
    usable = usable_on(on) & Q(medicine_id__in=medicine_ids)
    batches = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("store")
    found = batches.filter(usable | Q(pk__in=batch_ids))
    return list(found.order_by("pk"))


def lock_batches(batch_ids) -> list[Batch]:
    return list(Batch.objects.select_for_update(no_key=True).filter(pk__in=batch_ids).order_by("pk"))


def lock_medicine(medicine_id: int) -> Medicine:
    """What makes a batch of it, or recalls a lot, passes one by one: a lot is made once in a store, and recalled in all of them."""
    return Medicine.objects.select_for_update(no_key=True).get(pk=medicine_id)


def lock_medicines(medicine_ids) -> None:
    """As lock_medicine, of several; what is told about them is numbered one by one, too."""
    list(Medicine.objects.select_for_update(no_key=True).filter(pk__in=medicine_ids).order_by("pk").values_list("pk"))


def lock_store(store_id: int) -> Store:
    """After everything else: whoever makes a batch there and whoever removes it wait for each other."""
    return Store.objects.select_for_update(no_key=True).get(pk=store_id)


def lock_open_encounter(encounter_id: int) -> Encounter:
    """After the prescriptions of the encounter, if any: it stands below them."""
    return Encounter.objects.select_for_update(no_key=True, of=("self",)).select_related("patient").get(pk=encounter_id)


def lock_equivalent(pair_id: int) -> Equivalent | None:
    """None when there is no such pair. Nothing else is held with it."""
    return Equivalent.objects.select_for_update(no_key=True).filter(pk=pair_id).first()


def lock_equivalents(medicine_ids) -> list[Equivalent]:
    """The pairs in force among these medicines: none is withdrawn while one is given for the other."""
    pairs = Equivalent.objects.in_force().filter(first__in=medicine_ids, second__in=medicine_ids)
    return list(pairs.select_for_update(no_key=True).order_by("pk"))


def lock_favourite(favourite_id: int) -> Favourite | None:
    """None when it is gone."""
    return Favourite.objects.select_for_update(of=("self",)).select_related("medicine").filter(pk=favourite_id).first()


def lock_supplier(supplier_id: int) -> Supplier:
    return Supplier.objects.select_for_update(no_key=True).get(pk=supplier_id)


def lock_order(order_id: int) -> PurchaseOrder:
    """Before the medicine and the batch of what comes of it."""
    return PurchaseOrder.objects.select_for_update(no_key=True).get(pk=order_id)


def lock_stock_take(take_id: int) -> StockTake:
    """Before the batches that it corrects."""
    return StockTake.objects.select_for_update(no_key=True).get(pk=take_id)


def lock_interaction_table() -> None:
    """One load of the table at a time; whoever checks a prescription meanwhile sees the old one. Nothing else is held with it."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE pharmacy_interaction IN SHARE ROW EXCLUSIVE MODE")

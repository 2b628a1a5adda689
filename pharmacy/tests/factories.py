"""Minimal valid rows. What a trigger guards goes through the services, as it would in the clinic."""

from datetime import date, timedelta
from uuid import uuid4

import factory

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import Encounter
from patients.tests.factories import EncounterFactory
from pharmacy.models import Batch, Medicine, Prescription, Store, StoreKind
from pharmacy.services.clearance import clear_prescriptions
from pharmacy.services.dispensing import dispense_prescription
from pharmacy.services.prescribing import sign_prescription, write_prescription
from pharmacy.services.stock import receive_batch
from pharmacy.services.transferring import transfer_stock

TODAY = date(2027, 3, 1)


class MedicineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Medicine

    name = factory.Sequence(lambda n: f"Medicine {n}")
    generic_name = factory.Sequence(lambda n: f"ingredient{n}")
    form = "tablet"
    unit = "tablet"
    price = "0.50"


def pharmacist(**attributes):
    return user(Role.PHARMACIST, **attributes)


def stocked(
    quantity: int,
    *,
    medicine: Medicine | None = None,
    expires_on: date = date(2028, 1, 1),
    lot: str = "",
    on: date = TODAY,
    by=None,
    store: Store | None = None,
) -> Batch:
    """A batch with that many units, received through the ledger; in the dispensary unless said otherwise."""
    return receive_batch(
        medicine_id=(medicine or MedicineFactory()).pk, lot=lot or f"L{uuid4().hex[:8]}", expires_on=expires_on, quantity=quantity,
        unit_cost="0.10", supplier_id=None, by=by, on=on, store=store,
    )  # fmt: skip


def storeroom(**attributes) -> Store:
    return Store.objects.create(**({"name": f"Storeroom {uuid4().hex[:6]}", "kind": StoreKind.STOREROOM} | attributes))


def transferred(batch: Batch, quantity: int, *, to: Store | None = None, on: date = TODAY, **options):
    return transfer_stock(
        batch_id=batch.pk, store=to or storeroom(), quantity=quantity, on=on, **({"by": pharmacist(), "request_id": uuid4()} | options)
    )


def line_of(medicine: Medicine, quantity: int = 6, **changes) -> dict:
    return {"medicine": medicine, "dose": "1 tablet", "frequency": "TDS", "duration_days": 2, "quantity": quantity} | changes


def drafted(*lines: dict, encounter: Encounter | None = None, by=None) -> Prescription:
    encounter = encounter or EncounterFactory()
    return write_prescription(encounter_id=encounter.pk, items=list(lines) or [line_of(MedicineFactory())], by=by or encounter.doctor.user)


def signed(*lines: dict, encounter: Encounter | None = None, reason: str = "", cleared: bool = True) -> Prescription:
    """A prescription as it comes to the counter: signed, and paid unless said otherwise."""
    draft = drafted(*lines, encounter=encounter)
    prescription = sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user, override_reason=reason)
    if cleared:
        clear_prescriptions(prescription_ids=[prescription.pk], by=None)
        prescription.refresh_from_db()
    return prescription


def dispensed(prescription: Prescription, *, by=None, on: date = TODAY, **options):
    return dispense_prescription(
        prescription_id=prescription.pk, pharmacist=by or pharmacist(), on=on, **({"request_id": uuid4()} | options)
    )


def soon(days: int, on: date = TODAY) -> date:
    return on + timedelta(days=days)

"""Medicines and suppliers."""

from django.db import IntegrityError, transaction

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.http import check_version
from pharmacy import locks
from pharmacy.errors import MedicineExists, SupplierExists
from pharmacy.models import Medicine, Supplier

_ALREADY = {"medicine_name_and_form_once": MedicineExists, "supplier_name_once": SupplierExists}


@atomic_with_retry
def add_medicine(*, data: dict, by) -> Medicine:
    """Raises MedicineExists."""
    medicine = Medicine(**data)
    _save(medicine.save)
    record(action="pharmacy.medicine.added", actor=by, subject=medicine)
    return medicine


@atomic_with_retry
def update_medicine(*, medicine_id: int, changes: dict, by, expected_version: int | None = None) -> Medicine:
    """Locks the medicine. Raises StaleVersion, MedicineExists."""
    medicine = locks.lock_medicine(medicine_id)
    check_version(medicine, expected_version)
    changes = {name: value for name, value in changes.items() if getattr(medicine, name) != value}
    if changes:
        _save(medicine.save_changes, **changes)
        record(action="pharmacy.medicine.updated", actor=by, subject=medicine, changes={"fields": sorted(changes)})
    return medicine


def deactivate_medicine(*, medicine_id: int, by) -> Medicine:
    """It can no longer be prescribed or received; what is in stock or prescribed stays."""
    return update_medicine(medicine_id=medicine_id, changes={"is_active": False}, by=by)


@atomic_with_retry
def add_supplier(*, data: dict, by) -> Supplier:
    """Raises SupplierExists."""
    supplier = Supplier(**data)
    _save(supplier.save)
    record(action="pharmacy.supplier.added", actor=by, subject=supplier)
    return supplier


@atomic_with_retry
def update_supplier(*, supplier_id: int, changes: dict, by) -> Supplier:
    """Locks the supplier. Raises SupplierExists."""
    supplier = locks.lock_supplier(supplier_id)
    for name, value in changes.items():
        setattr(supplier, name, value)
    _save(supplier.save)
    record(action="pharmacy.supplier.updated", actor=by, subject=supplier, changes={"fields": sorted(changes)})
    return supplier


def _save(write, **values) -> None:
    try:
        with transaction.atomic():
            write(**values)
    except IntegrityError as error:
        refusal = _ALREADY.get(constraint_of(error))
        if refusal is None:
            raise
        raise refusal from error

from pharmacy.models.dispense import Dispense, DispenseLine
from pharmacy.models.medicine import Medicine
from pharmacy.models.prescription import Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.models.stock import Batch, BatchState, MovementKind, StockMovement, Supplier

__all__ = [
    "Batch",
    "BatchState",
    "Dispense",
    "DispenseLine",
    "Medicine",
    "MovementKind",
    "Prescription",
    "PrescriptionItem",
    "PrescriptionStatus",
    "StockMovement",
    "Supplier",
]

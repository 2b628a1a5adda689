from pharmacy.models.dispense import Dispense, DispenseLine, DispenseReturn, ReturnTo
from pharmacy.models.medicine import Medicine
from pharmacy.models.prescription import Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.models.stock import Batch, BatchState, MovementKind, StockMovement, Supplier

__all__ = [
    "Batch",
    "BatchState",
    "Dispense",
    "DispenseLine",
    "DispenseReturn",
    "Medicine",
    "MovementKind",
    "Prescription",
    "PrescriptionItem",
    "PrescriptionStatus",
    "ReturnTo",
    "StockMovement",
    "Supplier",
]

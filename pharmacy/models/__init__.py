from pharmacy.models.dispense import Dispense, DispenseLine, DispenseReturn, ReturnTo, SubstitutionBasis
from pharmacy.models.equivalent import Equivalent
from pharmacy.models.favourite import Favourite
from pharmacy.models.interaction import Interaction, InteractionSubstance, Severity
from pharmacy.models.leaflet import MedicineLeaflet
from pharmacy.models.medicine import IssuePolicy, Medicine
from pharmacy.models.prescription import Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.models.purchasing import PurchaseOrder, PurchaseOrderLine
from pharmacy.models.recall import CallOutcome, RecallCall
from pharmacy.models.stock import Batch, BatchState, MovementKind, StockMovement, Supplier
from pharmacy.models.stocktake import CountLine, StockTake, StockTakeState
from pharmacy.models.store import Store, StoreKind
from pharmacy.models.transfer import StockTransfer
from pharmacy.models.treatment import TreatmentLine

__all__ = [
    "Batch",
    "BatchState",
    "CallOutcome",
    "CountLine",
    "Dispense",
    "DispenseLine",
    "DispenseReturn",
    "Equivalent",
    "Favourite",
    "Interaction",
    "InteractionSubstance",
    "IssuePolicy",
    "Medicine",
    "MedicineLeaflet",
    "MovementKind",
    "Prescription",
    "PrescriptionItem",
    "PrescriptionStatus",
    "PurchaseOrder",
    "PurchaseOrderLine",
    "RecallCall",
    "ReturnTo",
    "Severity",
    "StockMovement",
    "StockTake",
    "StockTakeState",
    "StockTransfer",
    "Store",
    "StoreKind",
    "SubstitutionBasis",
    "Supplier",
    "TreatmentLine",
]

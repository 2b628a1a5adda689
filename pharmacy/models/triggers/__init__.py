"""What the rows of pharmacy hold by themselves, whoever writes them."""

from pharmacy.models.triggers.giving import (
    ItemIsItsLines,
    LineFitsItsDispense,
    LineIsItsMovements,
    SubstituteIsApproved,
    TreatmentCostsItsLines,
    TreatmentUsesWhatMayGoOut,
)
from pharmacy.models.triggers.ledger import CallIsOfARecipient, ControlledIsWitnessed, MovementContinuesTheLedger, OnHandIsTheLedger
from pharmacy.models.triggers.prescribing import ItemsOfDraftOnly, WhenNeededHasMaximum
from pharmacy.models.triggers.storeroom import CorrectionIsOfItsCount, CountedInAnOpenTake, OrderLineIsItsReceipts, TakeApprovedByAnother
from pharmacy.models.triggers.transferring import LotIsRecalledAsOne, TransferFitsItsBatches, TransferIsItsMovements

__all__ = [
    "CallIsOfARecipient",
    "ControlledIsWitnessed",
    "CorrectionIsOfItsCount",
    "CountedInAnOpenTake",
    "ItemIsItsLines",
    "ItemsOfDraftOnly",
    "LineFitsItsDispense",
    "LineIsItsMovements",
    "LotIsRecalledAsOne",
    "MovementContinuesTheLedger",
    "OnHandIsTheLedger",
    "OrderLineIsItsReceipts",
    "SubstituteIsApproved",
    "TakeApprovedByAnother",
    "TransferFitsItsBatches",
    "TransferIsItsMovements",
    "TreatmentCostsItsLines",
    "TreatmentUsesWhatMayGoOut",
    "WhenNeededHasMaximum",
]

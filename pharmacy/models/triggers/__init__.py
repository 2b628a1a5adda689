"""What the rows of pharmacy hold by themselves, whoever writes them."""

from pharmacy.models.triggers.giving import (
    ItemIsItsLines,
    LineFitsItsDispense,
    LineIsItsMovements,
    TreatmentCostsItsLines,
    TreatmentUsesWhatMayGoOut,
)
from pharmacy.models.triggers.ledger import CallIsOfARecipient, ControlledIsWitnessed, MovementContinuesTheLedger, OnHandIsTheLedger
from pharmacy.models.triggers.prescribing import ItemsOfDraftOnly, WhenNeededHasMaximum
from pharmacy.models.triggers.storeroom import CorrectionIsOfItsCount, CountedInAnOpenTake, OrderLineIsItsReceipts, TakeApprovedByAnother

__all__ = [
    "CallIsOfARecipient",
    "ControlledIsWitnessed",
    "CorrectionIsOfItsCount",
    "CountedInAnOpenTake",
    "ItemIsItsLines",
    "ItemsOfDraftOnly",
    "LineFitsItsDispense",
    "LineIsItsMovements",
    "MovementContinuesTheLedger",
    "OnHandIsTheLedger",
    "OrderLineIsItsReceipts",
    "TakeApprovedByAnother",
    "TreatmentCostsItsLines",
    "TreatmentUsesWhatMayGoOut",
    "WhenNeededHasMaximum",
]

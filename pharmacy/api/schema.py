"""The API's description of medicines, stock, prescriptions and what is handed out."""

from drf_spectacular.utils import extend_schema

from clinic.core.schema import CHECKS_VERSION, NOTHING, PDF, SHOWS_VERSION, describe
from pharmacy.api import batches, catalogue, equivalents, favourites, filters, prescriptions, stock, stores
from pharmacy.api import serializers as shapes
from pharmacy.models import BatchState


class BatchReasonInput(shapes.ReasonInput):
    """Why its state changes."""


class WithdrawalInput(shapes.ReasonInput):
    """Why it is taken back."""


class RevisionInput(shapes.PrescriptionChangeInput):
    is_whole = True


STATE_CHANGE = {"request": BatchReasonInput, "responses": shapes.BatchSerializer, "parameters": SHOWS_VERSION}

describe(
    catalogue.MedicineViewSet,
    list=extend_schema(parameters=[filters.MedicineFilters]),
    retrieve=extend_schema(parameters=SHOWS_VERSION),
    create=extend_schema(parameters=SHOWS_VERSION),
    update=extend_schema(parameters=CHECKS_VERSION),
    partial_update=extend_schema(parameters=CHECKS_VERSION),
    destroy=extend_schema(description="Take it out of use; its record stays.", responses={204: NOTHING}),
)
describe(
    batches.BatchViewSet,
    retrieve=extend_schema(parameters=SHOWS_VERSION),
    create=extend_schema(parameters=SHOWS_VERSION),
    partial_update=extend_schema(parameters=CHECKS_VERSION),
    adjust=extend_schema(description="Correct what is on hand, with a reason.", parameters=SHOWS_VERSION),
    recall=extend_schema(description=f"To state `{BatchState.RECALLED}`: nothing of it goes out any more.", **STATE_CHANGE),
    quarantine=extend_schema(description=f"To state `{BatchState.QUARANTINED}`.", **STATE_CHANGE),
    release=extend_schema(description=f"From quarantine to state `{BatchState.AVAILABLE}`.", **STATE_CHANGE),
)
describe(
    stores.StoreViewSet,
    destroy=extend_schema(description="Only one in which nothing ever stood, and not the default one.", responses={204: NOTHING}),
)
describe(stock.InventoryViewSet, expiring=extend_schema(parameters=[filters.ExpiringFilters]))

describe(
    prescriptions.PrescriptionViewSet,
    retrieve=extend_schema(parameters=SHOWS_VERSION),
    create=extend_schema(parameters=SHOWS_VERSION),
    partial_update=extend_schema(request=RevisionInput, parameters=CHECKS_VERSION),
    sign=extend_schema(parameters=SHOWS_VERSION),
    cancel=extend_schema(request=WithdrawalInput, parameters=SHOWS_VERSION),
    print=extend_schema(description="The signed prescription as a document.", responses=PDF | {409: None}),
)
describe(
    equivalents.EquivalentViewSet,
    create=extend_schema(
        description="Decide that each may be given for the other. A pair that is approved already is the one that is there."
    ),
    destroy=extend_schema(description="Withdraw it: what was given stays on record.", responses={204: NOTHING}),
)
describe(
    favourites.FavouriteViewSet,
    create=extend_schema(description="Keep a line, for oneself or for everyone. The same line again is the one that is there."),
    destroy=extend_schema(description="Remove one's own, or a shared one as who shared it.", responses={204: NOTHING}),
)

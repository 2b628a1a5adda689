from clinic.core.errors import DomainError, Forbidden


class NotAPrescriber(Forbidden):
    code = "not_a_prescriber"
    detail = "Only a doctor may write or sign a prescription."


class EncounterClosed(DomainError):
    code = "encounter_closed"
    detail = "The visit is already closed. Prescribe in a new visit."


class NotDraft(DomainError):
    code = "not_draft"
    detail = "The prescription is already signed or cancelled and can no longer be changed."


class DraftExists(DomainError):
    code = "draft_exists"
    detail = "This visit already has a prescription that is not signed. Sign it or take its lines off first."


class NothingToRepeat(DomainError):
    code = "nothing_to_repeat"
    detail = "There is no earlier prescription of this patient to repeat."


class FavouriteOfOthers(Forbidden):
    code = "favourite_of_others"
    detail = "Only who shared this favourite, or who manages the medicines, may take it from everyone."


class MayNotShare(Forbidden):
    code = "may_not_share"
    detail = "You may keep favourites for yourself only."


class NotCancellable(DomainError):
    code = "not_cancellable"
    detail = "Something of this prescription was already handed out. Take it back first."


class SafetyCheck(DomainError):
    """A warning stands. `alerts` says which; a reason to go on in spite of it lets the same request pass."""

    code = "safety_check"
    detail = "Please read the warnings. Going on needs a reason."


class PaymentRequired(DomainError):
    code = "payment_required"
    detail = "This prescription is not paid yet. It can be handed out once its invoice is paid."


class NotDispensable(DomainError):
    code = "not_dispensable"
    detail = "This prescription cannot be dispensed."


class WitnessRequired(DomainError):
    """`medicines` are the controlled ones among those asked for."""

    code = "witness_required"
    detail = "A second person has to confirm with the own password."


class WitnessRefused(DomainError):
    code = "witness_refused"
    detail = "The witness's user name and password do not match an active account."


class InsufficientStock(DomainError):
    code = "insufficient_stock"
    detail = "There is not enough in stock."


class OverPrescribed(DomainError):
    code = "over_prescribed"
    detail = "That is more than was prescribed."


class NotASubstitute(DomainError):
    code = "not_a_substitute"
    detail = "This medicine cannot be given instead."


class WrongBatch(DomainError):
    code = "wrong_batch"
    detail = "This batch cannot be used here."


class OverReturned(DomainError):
    code = "over_returned"
    detail = "That is more than was given out."


class NotOnHand(DomainError):
    code = "not_on_hand"
    detail = "There is not that much on hand."


class BatchStateRefused(DomainError):
    code = "batch_state"
    detail = "This batch cannot be changed like that."


class NotRecalled(DomainError):
    code = "not_recalled"
    detail = "This batch is not recalled: there is nobody to call."


class OverReceived(DomainError):
    """`left` is what may still come."""

    code = "over_received"
    detail = "That is more than was ordered."


class NothingAwaited(DomainError):
    code = "nothing_awaited"
    detail = "Nothing of this order is still to come."


class StockTakeClosed(DomainError):
    code = "stock_take_closed"
    detail = "This stock take is closed."


class SecondPersonNeeded(DomainError):
    code = "second_person_needed"
    detail = "Someone who neither opened the sheet nor counted has to approve it."


class NotCounted(DomainError):
    """`left` is how many lines have no count yet."""

    code = "not_counted"
    detail = "Not everything on the sheet is counted yet."


class CountOutdated(DomainError):
    code = "count_outdated"
    detail = "Less is on hand by now than the count takes away. Count it again."


class MedicineExists(DomainError):
    code = "medicine_exists"
    detail = "There already is a medicine of this name and form."


class SupplierExists(DomainError):
    code = "supplier_exists"
    detail = "There already is a supplier of this name."


class StoreExists(DomainError):
    code = "store_exists"
    detail = "There already is a store of this name."


class StoreInUse(DomainError):
    code = "store_in_use"
    detail = "Stock stood in this store, or deliveries go there. It stays."


class NotTransferable(DomainError):
    code = "not_transferable"
    detail = "This cannot be carried to another store."


class NotSigned(DomainError):
    code = "not_signed"
    detail = "Only a signed prescription is printed."


class TooManyLookups(DomainError):
    code = "too_many_lookups"
    status = 429
    detail = "Too many papers were checked from here. Please wait a minute."

"""What cannot be received, corrected, handed out or taken back is refused with a code, and nothing is written."""

import pytest
from django.utils import timezone

from pharmacy.models import BatchState, Dispense, DispenseLine, StockMovement
from pharmacy.services.expiring import expire_prescriptions
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, signed, soon, stocked

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
NOBODY = "0b8a3f0e-4f8e-4f5d-9f43-6d0c3b3f0a11"
HUGE = (100_001, 2**31, 2**63, 10**30)
NO_NUMBERS = ("", "ten", "1.5", "0x5", "NaN", "1\0", None, True, [], {}, 1.5, 5.0)
NO_QUANTITIES = (0, -1, -(2**31), "0", "-1", *HUGE, *map(str, HUGE), *NO_NUMBERS)
NO_TEXTS = ("", "   ", "x" * 201, "a\0b", None, [], {})
NO_ROWS = (NOBODY, "x", "", "\0", None, 1, 10**30, [], {}, True)
NO_BODIES = (None, [], "x", 7)


def today():
    return timezone.localdate()


def stock_now(quantity, **options):
    return stocked(quantity, on=today(), **({"expires_on": soon(400, today())} | options))


@pytest.fixture
def batch():
    return stock_now(50)


@pytest.fixture
def prescription(batch):
    return signed(line_of(batch.medicine, 6))


@pytest.fixture
def given(prescription):
    return dispensed(prescription, on=today())


def fields(**bad):
    """One change per case: every bad value of each field."""
    return pytest.mark.parametrize("bad", [{name: value} for name, values in bad.items() for value in values], ids=str)


# --- Batches -----------------------------------------------------------------------------------


@fields(
    quantity=NO_QUANTITIES,
    unit_cost=("-0.01", "1e30", "NaN", "Infinity", "", "x", "1\0", None, [], {}, "0.00001", 10**30),
    lot=("", "   ", "x" * 61, "a\0b", None, [], {}),
    expires_on=("", "tomorrow", "2027-02-30", "0000-00-00", "99999-01-01", "\0", None, 1, [], {}, "2020-01-01", "today"),
    medicine=NO_ROWS,
    supplier=tuple(value for value in NO_ROWS if value not in (None, "")),
)
def test_a_bad_delivery_makes_no_batch(refused, bad):
    if bad.get("expires_on") == "today":
        bad = {"expires_on": today().isoformat()}
    good = {"medicine": str(MedicineFactory().public_id), "lot": "A1", "expires_on": soon(300, today()).isoformat(), "quantity": 5}

    refused("batches/", good | {"unit_cost": "0.10"} | bad)


@fields(quantity=(*(value for value in NO_QUANTITIES if value not in (-1, "-1")), -100_001), reason=NO_TEXTS, is_waste=("x", None, [], 7))
def test_a_bad_adjustment_moves_nothing(refused, batch, bad):
    refused(f"batches/{batch.public_id}/adjust/", {"quantity": -1, "reason": "counted"} | bad)


def test_waste_goes_out_of_a_batch_and_never_into_it(refused, batch):
    refused(f"batches/{batch.public_id}/adjust/", {"quantity": 3, "reason": "broken", "is_waste": True})


def test_no_more_is_taken_from_a_batch_than_is_there(refused, batch):
    refused(f"batches/{batch.public_id}/adjust/", {"quantity": -51, "reason": "counted"}, status=409, code="not_on_hand")


@pytest.mark.parametrize("verb", ["recall", "quarantine"])
@fields(reason=NO_TEXTS)
def test_a_batch_is_not_set_aside_without_a_reason(refused, batch, verb, bad):
    refused(f"batches/{batch.public_id}/{verb}/", bad)


@pytest.mark.parametrize("verb", ["quarantine", "release"])
def test_a_recalled_batch_takes_no_other_state(refused, batch, verb):
    change_batch_state(batch_id=batch.pk, to=BatchState.RECALLED, reason="maker's letter", by=None)

    refused(f"batches/{batch.public_id}/{verb}/", {"reason": "found again"}, status=409, code="batch_state")


@pytest.mark.parametrize("body", NO_BODIES, ids=str)
@pytest.mark.parametrize("verb", ["", "adjust/", "recall/", "quarantine/", "release/", "calls/"])
def test_a_body_that_is_no_object_does_nothing_to_a_batch(refused, batch, verb, body):
    refused(f"batches/{batch.public_id}/{verb}" if verb else "batches/", body)


# --- Handing out -------------------------------------------------------------------------------


def handing(prescription, **changes):
    item = {"item": str(prescription.items.get().public_id), "quantity": 2} | changes
    return {"prescription": str(prescription.public_id), "items": [item]}


@fields(
    item=NO_ROWS,
    quantity=NO_QUANTITIES,
    batch=tuple(value for value in NO_ROWS if value not in (None, NOBODY)),
    medicine=tuple(value for value in NO_ROWS if value not in (None, NOBODY)),
    substitution_reason=("x" * 201, "a\0b", None, [], {}),
)
def test_a_bad_item_hands_out_nothing(refused, prescription, bad):
    refused("dispensings/", handing(prescription, **bad))


@fields(prescription=NO_ROWS, items=([], {}, None, "x", 7, [None], ["x"], [[]], [{}]), override_reason=("x" * 301, "a\0b", None, [], {}))
def test_a_bad_request_hands_out_nothing(refused, prescription, bad):
    refused("dispensings/", handing(prescription) | bad)


@pytest.mark.parametrize("body", NO_BODIES, ids=str)
def test_a_body_that_is_no_object_hands_out_nothing(refused, body):
    refused("dispensings/", body)


def test_a_thousand_items_are_refused_at_once(refused, prescription):
    [item] = handing(prescription)["items"]

    refused("dispensings/", {"prescription": str(prescription.public_id), "items": [item] * 1000})


def expired(batch):
    """As time makes it: it was taken in when it was good."""
    return stocked(20, medicine=batch.medicine, on=soon(-9, today()), expires_on=today())


def recalled(batch):
    other = stock_now(20, medicine=batch.medicine)
    return change_batch_state(batch_id=other.pk, to=BatchState.RECALLED, reason="maker's letter", by=None)


def foreign(batch):
    return stock_now(20)


@pytest.mark.parametrize("which", [expired, recalled, foreign])
def test_a_batch_that_may_not_go_out_is_refused_by_name(refused, prescription, batch, which):
    chosen = which(batch)

    refused("dispensings/", handing(prescription, batch=str(chosen.public_id)), status=409, code="wrong_batch")


def test_a_batch_that_does_not_exist_is_refused(refused, prescription):
    refused("dispensings/", handing(prescription, batch=NOBODY))


def cancelled(batch):
    row = signed(line_of(batch.medicine, 6))
    cancel_prescription(prescription_id=row.pk, reason="changed", by=row.prescriber.user)
    return row


def out_of_date(batch):
    row = signed(line_of(batch.medicine, 6))
    expire_prescriptions(on=row.valid_until)
    return row


def unsigned(batch):
    return drafted(line_of(batch.medicine, 6))


def unpaid(batch):
    return signed(line_of(batch.medicine, 6), cleared=False)


STANDS_IN_THE_WAY = {unsigned: "not_dispensable", cancelled: "not_dispensable", out_of_date: "not_dispensable", unpaid: "payment_required"}


@pytest.mark.parametrize("which", STANDS_IN_THE_WAY)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "named items"])
def test_a_prescription_that_may_not_be_dispensed_is_refused(refused, batch, which, whole):
    row = which(batch)
    body = {"prescription": str(row.public_id)} if whole else handing(row)

    refused("dispensings/", body, status=409, code=STANDS_IN_THE_WAY[which])


def test_an_item_of_another_patients_prescription_is_refused(refused, prescription, batch):
    other = signed(line_of(batch.medicine, 6))

    refused("dispensings/", handing(prescription, item=str(other.items.get().public_id)))


def test_more_than_prescribed_is_refused(refused, prescription):
    refused("dispensings/", handing(prescription, quantity=7), status=409, code="over_prescribed")


# --- Taking back -------------------------------------------------------------------------------


def coming_back(given, **changes):
    line = {"line": str(given.lines.get().public_id), "quantity": 2}
    return {"to": "batch", "reason": "not needed", "lines": [line | {key: changes[key] for key in line if key in changes}]}


@fields(line=NO_ROWS, quantity=NO_QUANTITIES)
def test_a_bad_line_takes_nothing_back(refused, given, bad):
    refused(f"dispensings/{given.public_id}/return/", coming_back(given, **bad))


@fields(to=("", "bin", "\0", None, 1, [], {}), reason=NO_TEXTS, lines=([], {}, None, "x", 7, [None], [[]], [{}]))
def test_a_bad_return_takes_nothing_back(refused, given, bad):
    refused(f"dispensings/{given.public_id}/return/", coming_back(given) | bad)


def test_never_more_comes_back_than_went_out(refused, given):
    refused(f"dispensings/{given.public_id}/return/", coming_back(given, quantity=7), status=409, code="over_returned")


def test_a_line_of_another_dispensing_does_not_come_back(refused, given, batch):
    other = dispensed(signed(line_of(batch.medicine, 6)), on=today())

    refused(f"dispensings/{given.public_id}/return/", coming_back(given, line=str(other.lines.get().public_id)))


# --- Double clicks and strangers ----------------------------------------------------------------


def test_a_repeated_request_has_one_effect_everywhere(counter, prescription, batch):
    def twice(path, body):
        return [counter.post(V1 + path, body, headers={"Idempotency-Key": path}) for _ in range(2)]

    adjusted = twice(f"batches/{batch.public_id}/adjust/", {"quantity": -1, "reason": "broken"})
    gone = twice("dispensings/", handing(prescription))
    back = twice(f"dispensings/{gone[0].data['id']}/return/", {"to": "batch", "reason": "not needed"})

    for first, second in (adjusted, gone, back):
        assert first.status_code in (200, 201)
        assert (second.status_code, second.data) == (first.status_code, first.data)
    assert Dispense.objects.count() == 1
    assert DispenseLine.objects.get().returned_quantity == 2
    assert list(StockMovement.objects.filter(batch=batch).values_list("kind", "quantity")) == [
        ("IN", 50), ("ADJUSTMENT", -1), ("OUT", -2), ("RETURN", 2),
    ]  # fmt: skip


def test_a_key_is_not_used_again_for_another_quantity(counter, prescription):
    key = {"Idempotency-Key": "press"}
    counter.post(V1 + "dispensings/", handing(prescription, quantity=2), headers=key)

    answer = counter.post(V1 + "dispensings/", handing(prescription, quantity=3), headers=key)

    assert 400 <= answer.status_code < 500
    assert answer.json()["code"]
    assert DispenseLine.objects.get().quantity == 2


@pytest.mark.parametrize("name", [NOBODY, "x", "%00", "1", "9" * 40])
@pytest.mark.parametrize("path", ["batches/{}/adjust/", "batches/{}/recall/", "batches/{}/release/", "dispensings/{}/return/"])
def test_what_does_not_exist_is_not_found(refused, path, name):
    body = {"quantity": -1, "reason": "counted", "to": "batch"}

    refused(path.format(name), body, status=404)

"""A drawer counted by notes and coins, and passed on."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from billing.errors import HandoverPending, ShiftAlreadyOpen, ShiftClosed
from billing.models import CashCount, DenominationCount, Shift
from billing.services.crediting import credit_invoice
from billing.services.invoicing import void_invoice
from billing.services.shifts import close_shift, hand_over_shift
from billing.tests.factories import cashier, draft, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput

pytestmark = pytest.mark.django_db
PIECES = {Decimal(100): 1, Decimal("0.25"): 4}


@pytest.fixture
def shift():
    """100.00 in the drawer."""
    return cashier().shifts.get()


def hand_over(shift, to=None, *, cash="100.00", request_id=None, **more):
    counted = {"cash": Decimal(cash)}
    to = to or user(Role.RECEPTION)
    return hand_over_shift(shift_id=shift.pk, to=to, counted=counted, by=shift.cashier, request_id=request_id or uuid4(), **more)


class TestPieces:
    def test_notes_and_coins_are_the_cash(self, shift):
        closed = close_shift(shift_id=shift.pk, counted={}, denominations=PIECES, by=shift.cashier, reason="Found a dollar")

        assert closed.counts.get().counted == Decimal("101.00")
        assert [(piece.value, piece.number) for piece in closed.denominations.all()] == list(PIECES.items())

    @pytest.mark.parametrize(
        "pieces", [{Decimal(3): 1}, {Decimal(100): -1}, {Decimal(100): 1_000_001}, {Decimal("NaN"): 1}, {Decimal(100): 2}]
    )
    def test_what_is_no_such_piece_or_differs_is_refused(self, shift, pieces):
        with pytest.raises(InvalidInput):
            close_shift(shift_id=shift.pk, counted={"cash": Decimal(100)}, denominations=pieces, by=shift.cashier)

        assert Shift.objects.get().is_open
        assert not CashCount.objects.exists()

    def test_the_database_refuses(self, shift):
        insert = "INSERT INTO billing_denominationcount (shift_id, value, number) VALUES"
        for rule, statement in (
            ("denominations_add_up_to_the_cash", f"{insert} ({shift.pk}, 100, 2)"),
            ("denomination_positive", f"{insert} ({shift.pk}, 100, 0)"),
        ):
            assert refusal_of(statement) == rule
        close_shift(shift_id=shift.pk, counted={}, denominations={Decimal(100): 1}, by=shift.cashier)
        for rule, statement in (
            ("denomination_in_open_shift", f"{insert} ({shift.pk}, 50, 2)"),
            ("denomination_append_only", "UPDATE billing_denominationcount SET number = 2"),
            ("denomination_append_only", "DELETE FROM billing_denominationcount"),
            (
                "shift_begins_with_what_was_handed_over",
                "INSERT INTO billing_shift (public_id, version, cashier_id, opening_float, variance_reason, handed_over_from_id)"
                f" VALUES (gen_random_uuid(), 1, {user(Role.RECEPTION).pk}, 99, '', {shift.pk})",
            ),
        ):
            assert refusal_of(statement) == rule
        assert DenominationCount.objects.get().number == 1


def refusal_of(statement: str) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")
    return constraint_of(refused.value)


class TestHandover:
    def test_closes_one_and_opens_the_other_with_the_cash(self, shift):
        to, request_id = user(Role.RECEPTION), uuid4()

        new = hand_over(shift, to, request_id=request_id)

        shift.refresh_from_db()
        assert not shift.is_open
        assert (new.cashier, new.opening_float, new.handed_over_from) == (to, Decimal("100.00"), shift)
        assert hand_over(shift, to, request_id=request_id) == new
        with pytest.raises(ShiftClosed):
            hand_over(shift)
        assert Shift.objects.count() == 2

    def test_waits_for_drafts(self, shift):
        made = draft(shift.cashier)

        with pytest.raises(HandoverPending):
            hand_over(shift)
        assert Shift.objects.get().is_open

        void_invoice(invoice_id=made.pk, reason="x", by=shift.cashier)
        assert hand_over(shift).is_open

    def test_waits_for_money_to_be_given_back(self, shift):
        by = shift.cashier
        invoice = issued(by)
        pay(invoice, by, method="card")
        credit_invoice(invoice_id=invoice.pk, reason="x", by=by, on=timezone.localdate(), request_id=uuid4())

        with pytest.raises(HandoverPending):
            hand_over(shift)

        assert Shift.objects.get().is_open

    def test_only_to_somebody_else_who_works_at_a_drawer_and_has_none(self, shift):
        for to in (shift.cashier, user(Role.DOCTOR), user(Role.PATIENT), user(Role.RECEPTION, is_active=False)):
            with pytest.raises(InvalidInput):
                hand_over(shift, to)
        with pytest.raises(ShiftAlreadyOpen):
            hand_over(shift, cashier())

        assert Shift.objects.filter(closed_at__isnull=True).count() == 2
        assert not CashCount.objects.exists()

    def test_page(self, shift, client_as):
        to, client = user(Role.RECEPTION), client_as(shift.cashier)
        close = reverse("billing:close_shift", args=[shift.public_id])

        assert "Hand over to" in client.get(reverse("billing:shift")).content.decode()
        assert client.post(close, {"piece_0": "-1"}).status_code == 400
        assert client.post(close, {}).status_code == 400
        assert client.post(close, {"piece_0": "1", "to": "x"}).status_code == 400
        assert Shift.objects.get().is_open
        assert client.post(close, {"piece_0": "1", "to": str(to.public_id)}).status_code == 302
        assert to.shifts.get().opening_float == Decimal("100.00")

    def test_api(self, shift, api_as):
        to, api = user(Role.RECEPTION), api_as(shift.cashier)
        path, body = f"/api/v1/shifts/{shift.public_id}/hand-over/", {"to": str(to.public_id), "counted": {}, "denominations": {"100": 1}}

        for bad in ({"to": "x"}, {"denominations": {"x": 1}}, {"denominations": {"100": -1}}, {"denominations": {"NaN": 1}}):
            assert api.post(path, body | bad).status_code == 400
        assert Shift.objects.get().is_open
        made = api.post(path, body)

        assert (made.status_code, made.json()["opening_float"], made.json()["cashier"]) == (201, "100.00", str(to.public_id))
        assert api_as(user(Role.DOCTOR)).post(path, body).status_code == 403

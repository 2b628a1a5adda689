from datetime import date
from decimal import Decimal
from http import HTTPStatus

import pytest
from django.urls import reverse

from billing.errors import PriceOverlaps
from billing.models import PriceItem
from billing.services.prices import end_price, set_price
from billing.tests.factories import PriceItemFactory, issued
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput

pytestmark = pytest.mark.django_db

JANUARY, JUNE = date(2026, 1, 1), date(2026, 6, 1)
ADD = reverse("admin:billing_priceitem_add")
TYPED = {
    "code": "ECG",
    "name": "Electrocardiogram",
    "unit_price": "30.00",
    "tax_percent": "0",
    "valid_from": "2026-06-01",
    "valid_until": "",
}


def test_new_price_ends_the_one_before():
    before = PriceItemFactory(code="ECG", valid_from=JANUARY, unit_price=25)

    set_price(code="ECG", name="Electrocardiogram", unit_price=Decimal(30), valid_from=JUNE, by=user(Role.MANAGER))

    before.refresh_from_db()
    assert before.valid_until == JUNE
    assert PriceItem.objects.priced_on(date(2026, 5, 31)).get().unit_price == 25
    assert PriceItem.objects.priced_on(JUNE).get().unit_price == 30


def test_price_in_the_midst_of_another_is_refused():
    PriceItemFactory(code="ECG", valid_from=JUNE)

    with pytest.raises(PriceOverlaps):
        set_price(code="ECG", name="x", unit_price=Decimal(1), valid_from=JANUARY, by=user(Role.MANAGER))

    assert PriceItem.objects.count() == 1
    assert not OutboxEvent.objects.exists()


def test_end_before_the_start_is_refused():
    price = PriceItemFactory(valid_from=JUNE)

    with pytest.raises(InvalidInput):
        end_price(price_id=price.pk, valid_until=JANUARY, by=user(Role.MANAGER))

    price.refresh_from_db()
    assert price.valid_until is None


@pytest.fixture
def admin_client(client_as):
    return client_as(user(Role.ADMIN))


def test_back_office_sets_and_ends_prices_by_the_services(admin_client):
    before = PriceItemFactory(code="ECG", valid_from=JANUARY)

    assert admin_client.post(ADD, TYPED).status_code == HTTPStatus.FOUND
    before.refresh_from_db()
    assert before.valid_until == JUNE
    price = PriceItem.objects.get(unit_price=30)
    change = reverse("admin:billing_priceitem_change", args=[price.pk])
    assert admin_client.post(change, {"valid_until": "2026-12-31", "unit_price": "1.00"}).status_code == HTTPStatus.FOUND

    price.refresh_from_db()
    assert (price.valid_until, price.unit_price) == (date(2026, 12, 31), Decimal("30.00"))
    actions = OutboxEvent.objects.order_by("id").values_list("action", flat=True)
    assert [action for action in actions if action.startswith("billing")] == ["billing.price.set", "billing.price.ended"]


@pytest.mark.parametrize("wrong", [{"unit_price": "-1"}, {"tax_percent": "101"}, {"valid_until": "2026-01-01"}])
def test_back_office_refuses_a_price_that_makes_no_sense(admin_client, wrong):
    response = admin_client.post(ADD, TYPED | wrong)

    assert response.status_code == HTTPStatus.OK
    assert "Please correct the error" in response.content.decode()
    assert not PriceItem.objects.exists()


@pytest.mark.parametrize("model", ["invoice", "payment", "refund", "shift"])
def test_back_office_only_reads_money(admin_client, model):
    invoice = issued()

    assert admin_client.get(reverse(f"admin:billing_{model}_changelist")).status_code == HTTPStatus.OK
    assert admin_client.get(reverse(f"admin:billing_{model}_add")).status_code == HTTPStatus.FORBIDDEN
    if model == "invoice":
        path = reverse("admin:billing_invoice_change", args=[invoice.pk])
        assert admin_client.get(path).status_code == HTTPStatus.OK
        assert admin_client.post(path, {}).status_code == HTTPStatus.FORBIDDEN

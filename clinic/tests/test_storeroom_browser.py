"""The pages of orders and stock takes, held to axe by light, dark and on a phone."""

from uuid import uuid4

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from pharmacy.models import Supplier
from pharmacy.services.purchasing import place_order
from pharmacy.services.stocktaking import open_stock_take
from pharmacy.tests.factories import MedicineFactory, stocked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}])
def test_axe_finds_nothing_on_the_pages_of_the_storeroom(page_as, axe_clean, look):
    person, batch = user(Role.PHARMACIST), stocked(20)
    lines = [{"medicine": MedicineFactory(), "quantity": 10, "unit_cost": 1}]
    order = place_order(supplier_id=Supplier.objects.create(name="Medsupply").pk, lines=lines, by=person, request_id=uuid4())
    take = open_stock_take(which="all", search=batch.medicine.name, by=person, request_id=uuid4())
    page = page_as(person, **look)

    for name, args in [
        ("orders", []),
        ("new_order", []),
        ("order", [order.public_id]),
        ("suppliers", []),
        ("transfers", []),
        ("stock_takes", []),
        ("stock_take", [take.public_id]),
    ]:
        page.goto(reverse(f"pharmacy:{name}", args=args))
        axe_clean(page)

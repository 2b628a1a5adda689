from datetime import timedelta
from decimal import Decimal

from billing.models import PriceItem
from billing.services.prices import set_price
from clinic.ops.seed.data.clinic_facts import PRICES
from clinic.ops.seed.demo import Demo, Tally


def seed_prices(demo: Demo) -> Tally:
    there = set(PriceItem.objects.filter(code__in=[code for code, *_ in PRICES]).values_list("code", flat=True))
    for code, name, price, tax in PRICES:
        if code not in there:
            valid_from = demo.today - timedelta(days=120)
            amounts = {"unit_price": Decimal(price), "tax_percent": Decimal(tax)}
            set_price(code=code, name=name, valid_from=valid_from, by=demo.user("manager"), **amounts)
    return Tally(len(PRICES) - len(there), len(there))

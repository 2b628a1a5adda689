from datetime import timedelta
from decimal import Decimal

from billing.models import Package, PriceItem
from billing.services.packages import set_package
from billing.services.prices import set_price
from clinic.ops.seed.data.clinic_facts import PACKAGES, PRICES
from clinic.ops.seed.demo import Demo, Tally


def seed_prices(demo: Demo) -> Tally:
    there = set(PriceItem.objects.filter(code__in=[code for code, *_ in PRICES]).values_list("code", flat=True))
    for code, name, price, tax in PRICES:
        if code not in there:
            valid_from = demo.today - timedelta(days=120)
            amounts = {"unit_price": Decimal(price), "tax_percent": Decimal(tax)}
            set_price(code=code, name=name, valid_from=valid_from, by=demo.user("manager"), **amounts)
    offered = set(Package.objects.values_list("code", flat=True))
    for code, name, price, parts in PACKAGES:
        if code not in offered:
            set_package(code=code, name=name, price=Decimal(price), parts=parts, valid_from=demo.today, by=demo.user("manager"))
    return Tally(len(PRICES) - len(there), len(there))

"""Filling the demo clinic, step by step. Each step can be repeated and makes only what is missing."""

from collections.abc import Callable
from datetime import datetime

from clinic.accounts.models import Facility, User
from clinic.accounts.services.directory import save_entry
from clinic.core.errors import DomainError
from clinic.ops.seed import consents, equivalents, favourites, ground, hours, leaflets, prices, registry, shelf, storeroom, today, week
from clinic.ops.seed.data.clinic_facts import FACILITIES, MAIN
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.errors import SeedRefused
from clinic.ops.seed.ids import seed_id

STEPS: list[tuple[str, Callable[[Demo], Tally]]] = [
    ("staff", ground.seed_staff),
    ("places and specializations", ground.seed_places),
    ("doctors", ground.seed_doctors),
    ("hours", hours.seed_hours),
    ("prices", prices.seed_prices),
    ("medicines", shelf.seed_medicines),
    ("leaflets", leaflets.seed_leaflets),
    ("equivalents", equivalents.seed_equivalents),
    ("suppliers", shelf.seed_suppliers),
    ("batches", shelf.seed_batches),
    ("stores", storeroom.seed_stores),
    ("transfers", storeroom.seed_transfers),
    ("treatments", storeroom.seed_treatment_types),
    ("orders", storeroom.seed_orders),
    ("stock take", storeroom.seed_stock_take),
    ("favourite lines", favourites.seed_favourites),
    ("patients", registry.seed_patients),
    ("portal accounts", registry.seed_portal_accounts),
    ("consents", consents.seed_consents),
    ("appointments of last week", week.seed_past),
    ("appointments of today", today.seed_today),
    ("return", storeroom.seed_return),
    ("appointments to come", week.seed_coming),
]


def fill_clinic(*, logins: dict[str, dict], now: datetime, say: Callable[[str], None]) -> int:
    """Fill an empty database, or complete one that was filled before; the number of things made or changed.

    `now` is 'today' of a clinic that is made; one that is there keeps its own. `say` gets a line per step.
    Raises SeedRefused for a database that holds something else.
    """
    founded = ground.founding() or _found_clinic(now)
    demo = Demo(now=founded.created_at, logins=logins)
    changed = 0
    for title, step in STEPS:
        try:
            tally = step(demo)
        except DomainError as error:
            raise SeedRefused(f"The {title} could not be made: {error.errors or error.detail}") from error
        changed += tally.made
        say(_line(title, tally))
    return changed


def _found_clinic(now: datetime) -> Facility:
    if User.objects.exists() or Facility.objects.exists():
        raise SeedRefused("This database is in use by somebody else's clinic: the demo needs an empty one.")
    name, address, phone = FACILITIES[0]
    facility = Facility(public_id=seed_id("facility", MAIN), created_at=now, name=name, address=address, phone=phone)
    return save_entry(entry=facility, by=None)


def _line(title: str, tally: Tally) -> str:
    there = f", {tally.there} there already" if tally.there else ""
    return f"  {title:<28} {tally.made:>5} made{there}"

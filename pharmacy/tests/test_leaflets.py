"""What patients are told about medicines: the texts, the command that loads them, and the paper."""

import csv
import threading
from datetime import date
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from patients.services.access import set_restricted
from pharmacy import locks, printing
from pharmacy.models import Dispense, MedicineLeaflet
from pharmacy.models.leaflet import SECTIONS
from pharmacy.selectors.leaflets import leaflets_of
from pharmacy.services.leaflets import LONGEST, load_leaflets
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, stocked

ON = date(2027, 3, 1)
COLUMNS = ["name", "form", *SECTIONS, "source", "reviewed_on"]


def text_of(medicine, **changes) -> dict:
    words = {name: f"{heading}: well." for name, heading in SECTIONS.items()}
    return {"name": medicine.name, "form": medicine.form, **words, "source": "Our own text", "reviewed_on": "2027-02-01"} | changes


def load(*leaflets, **options):
    return load_leaflets(leaflets=leaflets, on=ON, **options)


# --- The texts -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_text_is_kept_beside_the_old_one_and_the_same_one_is_not():
    medicine, other = MedicineFactory(), MedicineFactory()

    assert load(text_of(medicine), text_of(other)) == 2
    assert load(text_of(medicine), text_of(other)) == 0
    assert load(text_of(medicine, storage="In the cold.")) == 1

    kept = list(MedicineLeaflet.objects.filter(medicine=medicine).order_by("number").values_list("number", "storage"))
    assert kept == [(1, "How to keep it: well."), (2, "In the cold.")]
    assert MedicineLeaflet.objects.current().get(medicine=medicine).number == 2
    assert MedicineLeaflet.objects.current().get(medicine=other).number == 1
    assert OutboxEvent.objects.filter(action="pharmacy.leaflets.loaded").count() == 2


@pytest.mark.django_db
def test_a_dry_run_counts_and_keeps_nothing():
    assert load(text_of(MedicineFactory()), dry_run=True) == 1
    assert not MedicineLeaflet.objects.exists()
    assert not OutboxEvent.objects.filter(action="pharmacy.leaflets.loaded").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Nothing of ours"}, "no medicine here is called"),
        ({"form": "cream"}, "no medicine here is called"),
        ({"when_not": "  "}, "when_not has 1 to 2,000"),
        ({"storage": "x" * (LONGEST + 1)}, "storage has 1 to 2,000"),
        ({"what_for": "a\0b"}, "what_for has 1 to 2,000"),
        ({"source": ""}, "source has 1 to 200"),
        ({"source": "x" * 201}, "source has 1 to 200"),
        ({"reviewed_on": "yesterday"}, "reviewed_on is a day"),
        ({"reviewed_on": "2027-03-02"}, "reviewed_on is a day"),
        ({"reviewed_on": ""}, "reviewed_on is a day"),
    ],
)
def test_a_text_that_does_not_fit_is_named_by_its_row_and_nothing_is_kept(changes, problem):
    good, bad = MedicineFactory(), MedicineFactory()

    with pytest.raises(InvalidInput) as refused:
        load(text_of(good), text_of(bad, **changes))

    [said] = refused.value.errors["leaflets"]
    assert said.startswith(f"row 3: {problem}")
    assert not MedicineLeaflet.objects.exists()


@pytest.mark.django_db
def test_a_medicine_that_is_there_twice_and_an_empty_file_are_refused():
    medicine = MedicineFactory()

    with pytest.raises(InvalidInput) as twice:
        load(text_of(medicine), text_of(medicine, name=medicine.name.upper()))
    with pytest.raises(InvalidInput) as empty:
        load()

    assert twice.value.errors["leaflets"] == ["row 3: its medicine is there twice"]
    assert empty.value.errors["leaflets"] == ["there are no leaflets"]
    assert not MedicineLeaflet.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_number_one_after_the_other(at_once):
    medicine = MedicineFactory()

    at_once(lambda: load(text_of(medicine, storage="Cold.")), lambda: load(text_of(medicine, storage="Dry.")))

    assert list(medicine.leaflets.order_by("number").values_list("number", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_loads_meet_at_the_constraint(at_once, monkeypatch):
    """The negative control: both have read the same newest text before either writes."""
    medicine, both_read = MedicineFactory(), threading.Barrier(2, timeout=20)
    write = MedicineLeaflet.objects.bulk_create
    monkeypatch.setattr(locks, "lock_medicines", lambda ids: None)
    monkeypatch.setattr(MedicineLeaflet.objects, "bulk_create", lambda rows: both_read.wait() is not None and write(rows))

    results = at_once(lambda: load(text_of(medicine, storage="Cold.")), lambda: load(text_of(medicine, storage="Dry.")))

    [refused] = [each for each in results if isinstance(each, IntegrityError)]
    assert constraint_of(refused) == "leaflet_number_once"
    assert medicine.leaflets.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"number": 1}, "leaflet_number_once"),
        ({"number": 0}, "leaflet_number_positive"),
        *(({name: ""}, "leaflet_says_everything") for name in (*SECTIONS, "source")),
    ],
)
def test_the_database_refuses_half_a_leaflet(changes, rule):
    medicine = MedicineFactory()
    load(text_of(medicine))
    whole = dict.fromkeys((*SECTIONS, "source"), "x") | {"number": 2, "reviewed_on": ON}

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        MedicineLeaflet.objects.create(medicine=medicine, **whole | changes)

    assert constraint_of(refused.value) == rule
    assert medicine.leaflets.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE pharmacy_medicineleaflet SET storage = 'x'", "leaflet_unchanged"),
        ("DELETE FROM pharmacy_medicineleaflet", "leaflet_unchanged"),
        ("TRUNCATE pharmacy_medicineleaflet", "leaflet_not_truncated"),
    ],
)
def test_what_was_told_stays_on_record(sql, rule):
    load(text_of(MedicineFactory()))

    connection.check_constraints()  # TRUNCATE waits for nothing
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL clinic.may_truncate = 'off'")
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            cursor.execute(sql)

    assert constraint_of(refused.value) == rule
    assert MedicineLeaflet.objects.count() == 1


# --- The command ---------------------------------------------------------------------------------


def file_of(path, *rows, columns=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, delimiter=";", extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def told(*arguments, **options) -> str:
    said = StringIO()
    call_command("load_leaflets", *map(str, arguments), stdout=said, **options)
    return said.getvalue().strip()


@pytest.mark.django_db
def test_the_command_says_what_it_did(tmp_path):
    recent = {"reviewed_on": timezone.localdate().isoformat()}
    file = file_of(tmp_path / "own.csv", text_of(MedicineFactory(), **recent), text_of(MedicineFactory(), **recent))

    assert told(file, dry_run=True) == "2 leaflets would be new."
    assert not MedicineLeaflet.objects.exists()
    assert told(file) == "2 leaflets are new."
    assert told(file) == "0 leaflets are new."


@pytest.mark.django_db
def test_the_command_refuses_a_file_of_another_form(tmp_path):
    with pytest.raises(CommandError, match="each line has name, form, what_for"):
        told(file_of(tmp_path / "short.csv", columns=COLUMNS[:-1]))
    with pytest.raises(CommandError, match="cannot be read"):
        told(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="cannot be read"):
        told(tmp_path / "binary.csv")
    with pytest.raises(CommandError, match="row 2: no medicine"):
        told(file_of(tmp_path / "strange.csv", text_of(MedicineFactory.build())))


# --- The paper -----------------------------------------------------------------------------------


@pytest.fixture
def handed_out():
    """Two medicines, one with a leaflet, from three batches."""
    told_of, untold = MedicineFactory(name="Toldol"), MedicineFactory(name="Untoldol")
    load(text_of(told_of, how_to_take="With <b>water</b>.\nNot with #milk*."))
    for quantity in (4, 5):
        stocked(quantity, medicine=told_of)
    stocked(9, medicine=untold)
    return dispensed(signed(line_of(told_of, 6, instructions="After food"), line_of(untold, 6)))


@pytest.mark.django_db
def test_the_page_tells_of_each_medicine_once_with_the_patients_own_directions(handed_out, client_as):
    page = client_as(pharmacist()).get(reverse("pharmacy:leaflet", args=[handed_out.public_id])).content.decode()

    assert page.count('<section class="panel"') == 2
    assert page.count("Take 1 tablet by mouth 3 times a day for 2 days. After food") == 1
    assert "You were given 6 tablets" in page
    assert "With &lt;b&gt;water&lt;/b&gt;." in page
    assert all(heading in page for heading in SECTIONS.values())
    assert "Our own text. Reviewed" in page
    assert page.count("There is no leaflet for this medicine here.") == 1


@pytest.mark.django_db
def test_the_sheet_has_a_page_for_each_medicine_and_reads_nothing_as_markup(handed_out, client_as):
    answer = client_as(pharmacist()).get(reverse("pharmacy:leaflet_sheet", args=[handed_out.public_id]))
    row = Dispense.objects.with_details().get(pk=handed_out.pk)

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert len(printing.leaflet_pdf(row, leaflets_of(row), output_format="png")) == 2
    first, second = printing._leaflets_of(row, leaflets_of(row))["leaflets"]
    assert first["directions"] == ["Take 1 tablet by mouth 3 times a day for 2 days. After food"]
    assert first["sections"][1] == {"heading": "How to take it", "words": "With <b>water</b>.\nNot with #milk*."}
    assert (second["medicine"], second["sections"], second["source"]) == ("Untoldol", [], "")


@pytest.mark.django_db
def test_the_leaflet_and_the_label_are_of_what_was_given_in_place_of_another():
    asked, given = (MedicineFactory(name=name, generic_name="same") for name in ("Asked", "Given"))
    load(text_of(given))
    stocked(9, medicine=given)
    prescription = signed(line_of(asked, 6))
    line = {"item": prescription.items.get().public_id, "quantity": 6, "medicine": given.public_id, "substitution_reason": "none there"}

    row = Dispense.objects.with_details().get(pk=dispensed(prescription, items=[line]).pk)

    [told_of] = leaflets_of(row)
    [label] = printing._labels_of(row)["labels"]
    assert (told_of.medicine, told_of.leaflet.number) == (given, 1)
    assert (label["medicine"], label["instead_of"]) == ("Given tablet", "Asked: same ingredients, form and strength")


@pytest.mark.django_db
def test_reading_a_leaflet_is_written_down_and_a_restricted_chart_stays_shut(handed_out, client_as):
    client = client_as(pharmacist())
    pages = [reverse(f"pharmacy:{name}", args=[handed_out.public_id]) for name in ("leaflet", "leaflet_sheet")]

    assert [client.get(page).status_code for page in pages] == [200, 200]
    assert OutboxEvent.objects.filter(action="patients.chart.read", resource_id=handed_out.public_id).count() == 2

    set_restricted(patient_id=handed_out.prescription.patient_id, is_restricted=True, by=None)
    for page in pages:
        assert "Toldol" not in client.get(page).content.decode(errors="replace")


@pytest.mark.django_db
def test_only_those_at_the_counter_open_it_and_a_strange_id_is_not_found(handed_out, client_as):
    page = reverse("pharmacy:leaflet", args=[handed_out.public_id])

    for role in set(Role) - {Role.PHARMACIST, Role.ADMIN}:
        assert client_as(user(role)).get(page).status_code == 403
    assert client_as(pharmacist()).get(reverse("pharmacy:leaflet", args=[uuid4()])).status_code == 404


@pytest.mark.django_db
def test_a_medicines_page_shows_the_newest_text_and_the_earlier_ones(client_as):
    medicine = MedicineFactory()
    client, page = client_as(pharmacist()), reverse("pharmacy:medicine_leaflet", args=[medicine.public_id])

    assert "There is no leaflet" in client.get(page).content.decode()
    load(text_of(medicine))
    load(text_of(medicine, storage="In the cold."))

    shown = client.get(page).content.decode()
    assert shown.index("In the cold.") < shown.index("<summary>Text 1,") < shown.index("How to keep it: well.")


@pytest.mark.django_db
def test_the_api_gives_the_newest_text(api_as):
    medicine = MedicineFactory()
    client, url = api_as(pharmacist()), f"/api/v1/medicines/{medicine.public_id}/leaflet/"

    assert client.get(url).status_code == 404
    load(text_of(medicine))
    load(text_of(medicine, storage="In the cold."))

    answer = client.get(url).json()
    assert (answer["number"], answer["storage"], answer["reviewed_on"]) == (2, "In the cold.", "2027-02-01")
    assert set(answer) == {"id", "number", *SECTIONS, "source", "reviewed_on"}
    assert api_as(user(Role.PATIENT)).get(url).status_code == 403

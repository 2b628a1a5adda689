"""Medicines that harm together: the table, and the checks at signing and at the counter."""

import contextlib
import csv
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from patients.models import Allergy
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.errors import SafetyCheck
from pharmacy.models import Dispense, Interaction, InteractionSubstance
from pharmacy.rules.interactions import InteractionTable, Pair
from pharmacy.rules.safety import Drug, check_safety
from pharmacy.selectors.safety import safety_of
from pharmacy.services import interactions
from pharmacy.services.interactions import load_interactions
from pharmacy.services.prescribing import sign_prescription
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

QT = Pair("qt", "qt", "serious", "Rhythm.")
MAOI = Pair("maoi", "tramadol", "contraindicated", "Serotonin.")
TABLE = InteractionTable(
    {"ondansetron": frozenset({"qt"}), "clarithromycin": frozenset({"qt"}), "selegiline": frozenset({"maoi"}),
     "tramadol": frozenset(), "paracetamol": frozenset()},
    (QT, MAOI),
)  # fmt: skip


def drug(*ingredients):
    return Drug(" + ".join(ingredients).title(), ingredients)


def check(*drugs, current=(), table=TABLE):
    return check_safety(drugs, allergies=[], allergies_known=True, current=current, table=table)


@pytest.mark.parametrize(
    ("one", "other", "severity"),
    [
        ("clarithromycin", "ondansetron", "serious"),
        ("selegiline", "tramadol", "contraindicated"),
        ("Tramadol", "SELEGILINE", "contraindicated"),
    ],
)
def test_a_pair_is_found_whichever_side_comes_first(one, other, severity):
    for report in (check(drug(one), drug(other)), check(drug(one), current=[drug(other)])):
        assert [(alert.kind, alert.severity) for alert in report.alerts] == [("interaction", severity)]
        assert report.needs_reason
        assert report.interactions == "checked"


def test_a_substance_does_not_interact_with_itself():
    kinds = [alert.kind for alert in check(drug("ondansetron"), current=[drug("ondansetron")]).alerts]

    assert kinds == ["duplicate"]


def test_a_combination_interacts_by_each_of_its_ingredients():
    [alert] = check(drug("paracetamol", "tramadol"), drug("selegiline")).alerts

    assert alert.kind == "interaction"
    assert "Serotonin" in alert.text


def test_checked_means_that_the_table_knows_every_ingredient():
    assert check(drug("paracetamol"), drug("tramadol")).interactions == "checked"
    assert check(drug("paracetamol"), table=InteractionTable({}, ())).interactions == "unknown"
    here, taken = check(drug("paracetamol", "novelol")), check(drug("paracetamol"), current=[drug("novelol")])
    assert (here.interactions, here.not_in_table) == (taken.interactions, taken.not_in_table) == ("unknown", ("novelol",))


def test_what_is_known_warns_although_something_else_is_unknown():
    report = check(drug("selegiline"), drug("tramadol"), drug("novelol"))

    assert [alert.kind for alert in report.alerts] == ["interaction"]
    assert report.interactions == "unknown"


# --- The table -----------------------------------------------------------------------------------


@pytest.fixture
def shipped(db):
    call_command("load_interactions", stdout=StringIO())


def load(*pairs, substances=(("warfarin", []), ("ibuprofen", ["NSAIDs"]))):
    names = ("first", "second", "severity", "effect", "source")
    return load_interactions(substances=substances, pairs=[dict(zip(names, pair, strict=True)) for pair in pairs])


GOOD = ("warfarin", "NSAIDs", "serious", "Bleeding.", "Label")


@pytest.mark.django_db
def test_loading_twice_changes_nothing_and_another_table_takes_its_place():
    assert load(GOOD) is True
    assert load(GOOD) is False
    assert load(("NSAIDs", "warfarin", "serious", "More bleeding.", "Label")) is True

    assert Interaction.objects.get().effect == "More bleeding."
    assert OutboxEvent.objects.filter(action="pharmacy.interactions.loaded").count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["", "without the lock"])
def test_two_loads_at_once_come_one_after_the_other(at_once, monkeypatch, guarded):
    both_compared, stored, seen = threading.Barrier(2), interactions._stored, []

    def compare_together():
        before = stored()
        seen.append(bool(before[1]))
        with contextlib.suppress(threading.BrokenBarrierError):  # with the lock the other one waits outside
            both_compared.wait(timeout=1 if guarded else 20)
        return before

    monkeypatch.setattr(interactions, "_stored", compare_together)
    if not guarded:
        monkeypatch.setattr(interactions.locks, "lock_interaction_table", lambda: None)

    results = at_once(lambda: load(GOOD), lambda: load((*GOOD[:3], "More bleeding.", "Label")))

    assert seen[:2] == [False, guarded]  # whether the second one compared with what the first one wrote
    if guarded:
        assert results == [True, True]
    assert Interaction.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("warfarin", "unheard of", "serious", "x", "y")],
        [("warfarin", "NSAIDs", "terrible", "x", "y")],
        [("warfarin", "NSAIDs", "serious", "", "y")],
        [GOOD, ("NSAIDs", "warfarin", "serious", "x", "y")],
    ],
)
def test_a_table_that_does_not_fit_leaves_the_stored_one(pairs):
    load(GOOD)

    with pytest.raises(InvalidInput):
        load(*pairs)

    assert Interaction.objects.get().effect == "Bleeding."
    assert InteractionSubstance.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"first": "b", "second": "a"}, "interaction_pair_in_order"),
        ({"effect": ""}, "interaction_has_effect_and_source"),
        ({"first": "NSAIDs", "second": "warfarin"}, "interaction_pair_once"),
    ],
)
def test_the_database_keeps_pairs_in_order_and_with_a_source(values, rule):
    load(GOOD)

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Interaction.objects.create(**({"first": "a", "second": "b", "severity": "serious", "effect": "x", "source": "y"} | values))
    assert constraint_of(refused.value) == rule
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        InteractionSubstance.objects.create(name="")
    assert constraint_of(refused.value) == "interaction_substance_has_name"


def test_the_shipped_table_covers_the_formulary_of_the_demo(shipped):
    from django.conf import settings

    from pharmacy.rules.safety import canonical

    with (settings.BASE_DIR / "clinic/ops/seed/data/medicines.csv").open() as lines:
        ingredients = {canonical(part) for row in csv.DictReader(lines, delimiter=";") for part in row["generic"].split("+")}
    known = set(InteractionSubstance.objects.values_list("name", flat=True))

    assert ingredients - known == set()
    assert Interaction.objects.filter(source="ONC 2012").count() == 15


@pytest.mark.django_db
def test_a_damaged_file_is_named_and_loads_nothing(tmp_path):
    for words in ("first;second\n", "first;second;severity;effect;source\na;b;serious\n"):
        (tmp_path / "pairs.csv").write_text(words)
        with pytest.raises(CommandError, match=r"pairs\.csv"):
            call_command("load_interactions", pairs=tmp_path / "pairs.csv")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("load_interactions", pairs=tmp_path / "none.csv")

    assert not Interaction.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_says_what_would_change_and_writes_nothing():
    out = StringIO()

    call_command("load_interactions", dry_run=True, stdout=out)

    assert "would be known" in out.getvalue()
    assert not Interaction.objects.exists()
    assert not InteractionSubstance.objects.exists()


@pytest.mark.django_db
def test_a_row_that_does_not_fit_is_named_by_its_number_in_the_file(tmp_path):
    rows = [
        "first;second;severity;effect;source",
        "warfarin;ibuprofen;serious;Bleeding.;x",
        "warfarin;stardust;serious;x;y",
        "warfarin;aspirin;bad;x;y",
    ]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))

    with pytest.raises(CommandError, match=r"row 3: 'stardust'.*row 4: the severity"):
        call_command("load_interactions", pairs=tmp_path / "pairs.csv")

    assert not Interaction.objects.exists()


# --- At signing, at the counter, on the pages ------------------------------------------------------


def medicine(ingredient):
    return MedicineFactory(generic_name=ingredient)


def test_signing_needs_a_reason_for_what_interacts_with_what_is_taken_now(shipped):
    patient = PatientFactory(allergies_reviewed_at=timezone.now())
    signed(line_of(medicine("Simvastatin"), duration_days=90), encounter=EncounterFactory(patient=patient))
    draft = drafted(line_of(medicine("Clarithromycin")), encounter=EncounterFactory(patient=patient))

    with pytest.raises(SafetyCheck) as refused:
        sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user)
    draft.refresh_from_db()
    assert draft.is_draft
    [alert] = refused.value.extra["alerts"]
    assert (alert["kind"], alert["severity"]) == ("interaction", "contraindicated")

    assert sign_prescription(prescription_id=draft.pk, by=draft.prescriber.user, override_reason="statin paused").status == "signed"


def test_the_counter_checks_again_with_what_was_prescribed_since(shipped):
    patient, on = PatientFactory(), timezone.localdate()
    tramadol = medicine("Tramadol")
    stocked(50, medicine=tramadol, on=on, expires_on=soon(400, on))
    waiting = signed(line_of(tramadol, duration_days=30), encounter=EncounterFactory(patient=patient))
    signed(line_of(medicine("Selegiline"), duration_days=30), encounter=EncounterFactory(patient=patient), reason="tramadol stopped")

    with pytest.raises(SafetyCheck):
        dispensed(waiting, on=on)
    assert not Dispense.objects.exists()

    assert dispensed(waiting, on=on, override_reason="asked the doctor").override_reason == "asked the doctor"


@pytest.mark.django_db
def test_pages_and_api_say_unknown_until_a_table_is_loaded(client_as, api_as):
    prescription = signed(line_of(medicine("Paracetamol")))
    doctor = prescription.prescriber.user
    page = reverse("pharmacy:prescribing", args=[drafted(line_of(medicine("Metformin"))).encounter.public_id])
    url = f"/api/v1/prescriptions/{prescription.public_id}/"

    assert "Interactions: not checked, unknown" in client_as(doctor).get(page).content.decode()
    assert api_as(doctor).get(url).data["checks"]["interactions"] == "unknown"

    call_command("load_interactions", stdout=StringIO())
    assert "Interactions: checked" in client_as(doctor).get(page).content.decode()
    assert api_as(doctor).get(url).data["checks"]["interactions"] == "checked"

    InteractionSubstance.objects.filter(name="metformin").delete()
    assert "says nothing on metformin" in client_as(doctor).get(page).content.decode()


# --- What could not be checked -------------------------------------------------------------------


@pytest.mark.django_db
def test_page_counter_and_api_say_unknown_of_an_allergy_in_free_words(client_as, api_as):
    encounter = EncounterFactory(patient=PatientFactory(allergies_reviewed_at=timezone.now()))
    Allergy.objects.create(patient=encounter.patient, substance="the red tablet")
    batch = stocked(10, medicine=MedicineFactory(), on=timezone.localdate(), expires_on=soon(400, timezone.localdate()))
    draft = drafted(line_of(batch.medicine), encounter=encounter)
    doctor = encounter.doctor.user

    page = client_as(doctor).get(reverse("pharmacy:prescribing", args=[encounter.public_id])).content.decode()
    checks = api_as(doctor).get(f"/api/v1/prescriptions/{draft.public_id}/").json()["checks"]
    sign_prescription(prescription_id=draft.pk, by=doctor)
    counter = client_as(pharmacist()).get(reverse("pharmacy:dispense", args=[draft.public_id])).content.decode()

    assert (checks["allergies"], checks["unmatched_allergies"]) == ("unknown", ["the red tablet"])
    for shown in (page, counter):
        assert "Allergy to the red tablet: unknown." in shown
        assert "checked, no warning" not in shown


@pytest.mark.django_db
def test_an_allergy_to_an_ingredient_of_the_list_is_checked():
    encounter = EncounterFactory(patient=PatientFactory(allergies_reviewed_at=timezone.now()))
    MedicineFactory(generic_name="Zinc oxide + Talc")
    Allergy.objects.create(patient=encounter.patient, substance="talc")

    assert safety_of(drafted(encounter=encounter), on=timezone.localdate()).allergies == "checked"


@pytest.mark.django_db
def test_a_medicine_without_ingredients_says_unknown_on_the_page(client_as):
    encounter = EncounterFactory(patient=PatientFactory(allergies_reviewed_at=timezone.now()))
    drafted(line_of(MedicineFactory(name="Herbal mixture", generic_name=" + ")), encounter=encounter)

    page = client_as(encounter.doctor.user).get(reverse("pharmacy:prescribing", args=[encounter.public_id])).content.decode()

    assert "Herbal mixture: unknown." in page
    assert "checked, no warning" not in page

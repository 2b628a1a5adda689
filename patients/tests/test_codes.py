import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from clinic.core.together import together
from patients.errors import InvalidInput
from patients.models import Diagnosis, Icd10Code
from patients.selectors import favourite_codes, search_codes
from patients.services.codes import load_codes
from patients.services.encounters import add_diagnosis
from patients.tests.factories import DiagnosisFactory, EncounterFactory

pytestmark = pytest.mark.django_db
TITLES = [
    ("H81", "Disorders of vestibular function"),
    ("H81.0", "Ménière disease"),
    ("I10", "Essential (primary) hypertension"),
    ("I21", "Acute myocardial infarction"),
    ("I21.9", "Acute myocardial infarction, unspecified"),
    ("J06.9", "Acute upper respiratory infection, unspecified"),
]
SYNONYMS = [("heart attack", "I21"), ("high blood pressure", "I10"), ("cold, URTI", "J06.9")]


@pytest.fixture
def catalogue():
    load_codes(titles=TITLES, synonyms=SYNONYMS)


@pytest.fixture
def visit():
    return EncounterFactory()


def codes(found) -> list[str]:
    return [row.code for row in found]


def add(visit, code, text="Found"):
    return add_diagnosis(encounter_id=visit.pk, text=text, code=code, rank="secondary", by=visit.doctor.user)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("heart attack", "I21"),
        ("HEART att", "I21"),
        ("myocard inf", "I21"),
        ("i21.9", "I21.9"),
        ("J06", "J06.9"),
        ("high blood pressure", "I10"),
        ("meniere", "H81.0"),
        ("Ménière", "H81.0"),
    ],
)
def test_words_codes_and_common_words_find_it(catalogue, visit, query, first):
    assert codes(search_codes(query, visit.doctor.user))[0] == first


@pytest.mark.parametrize("query", ["", " ", ",", "\0", "nothing of the kind", "%", "_" * 200])
def test_what_finds_nothing_is_no_error(catalogue, visit, query):
    assert search_codes(query, visit.doctor.user) == []


def test_what_this_doctor_uses_comes_first(catalogue, visit):
    DiagnosisFactory(encounter=visit, code="I21.9", rank="secondary")

    assert codes(search_codes("infarction", visit.doctor.user)) == ["I21.9", "I21"]
    assert codes(search_codes("infarction", EncounterFactory().doctor.user)) == ["I21", "I21.9"]


def test_favourites_are_the_doctors_own_or_else_the_clinics(catalogue, visit):
    for code in ("I10", "I21", "I10"):
        DiagnosisFactory(encounter=visit, code=code, rank="secondary")
    other = EncounterFactory()
    DiagnosisFactory(encounter=other, code="J06.9", rank="secondary")

    assert codes(*together(favourite_codes(visit.doctor.user))) == ["I10", "I21"]
    assert codes(*together(favourite_codes(other.doctor.user))) == ["J06.9"]
    assert codes(*together(favourite_codes(EncounterFactory().doctor.user)))[0] == "I10"


def test_unknown_code_is_refused_with_its_field_and_nothing_is_written(catalogue, visit):
    with pytest.raises(InvalidInput) as refusal:
        add(visit, "Z99.9")

    assert list(refusal.value.errors) == ["code"]
    assert not Diagnosis.objects.exists()
    assert add(visit, "").code == ""
    assert add(visit, "i21.9").code == "I21.9"


def test_without_a_catalogue_the_form_of_a_code_is_checked(visit):
    assert add(visit, "Z99.9").code == "Z99.9"
    with pytest.raises(InvalidInput):
        add(visit, "heart")


def test_api_names_the_field_of_an_unknown_code(catalogue, api_as, visit):
    answer = api_as(visit.doctor.user).post(f"/api/v1/visits/{visit.public_id}/diagnoses/", {"text": "x", "code": "Q00.9"}, format="json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["code"])


def test_page_suggests_and_a_favourite_is_added_with_one_press(catalogue, client_as, visit):
    client = client_as(visit.doctor.user)

    options = client.get(reverse("patients:suggest_codes"), {"text": "heart attack"}).content.decode()
    client.post(reverse("patients:add_diagnosis", args=[visit.public_id]), {"favourite": "I10", "text": "", "code": "", "rank": "primary"})

    assert 'data-value="I21"' in options
    assert Diagnosis.objects.values_list("code", "text").get() == ("I10", "Essential (primary) hypertension")


def test_loading_again_takes_what_left_and_changes_what_is_worded_anew(catalogue):
    assert load_codes(titles=[("I10", "Hypertension")], synonyms=[]) == 1

    assert [str(row) for row in Icd10Code.objects.all()] == ["I10 Hypertension"]


def test_command_loads_the_whole_list_and_refuses_words_of_a_code_that_is_not_in_it(tmp_path):
    call_command("load_icd10", verbosity=0)
    assert Icd10Code.objects.count() > 10_000
    assert search_codes("heart attack", None)[0].code.startswith("I21")

    wrong = tmp_path / "words.csv"
    wrong.write_text("words;code\nnothing;Q99.Z\n")
    with pytest.raises(CommandError, match=r"Q99\.Z"):
        call_command("load_icd10", synonyms=wrong)

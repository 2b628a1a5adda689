from datetime import date

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import NameWord, Patient
from patients.rules.identity import mrn_of
from patients.selectors import possible_duplicates, search_patients
from patients.tests.factories import PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return user(Role.RECEPTION)


@pytest.fixture
def zoe():
    return PatientFactory(
        mrn=mrn_of(572),
        first_name="Zoë",
        last_name="Fernández-Müller",
        date_of_birth=date(1984, 11, 3),
        phone="+12025550143",
        national_id="AB1234",
    )


@pytest.fixture
def others():
    return [PatientFactory(first_name=name, last_name="Okafor", phone="+12025559999") for name in ("Ada", "Ben", "Chidi")]


@pytest.mark.parametrize(
    "query",
    [
        "0000572-4", "00005724", "5724", "572", "0000572", "00005",
        "zoe", "ZOË", "fern", "muller", "fernandez zoe", "zoe fern", "zo",
        "fernandes", "fernadez muller", "zoe fernandes-muler",
        "2025550143", "+1 202 555-0143", "5550143", "0143", "0 202 555 0143",
        "ab1234", "AB 12 34",
        "1984-11-03", "3/11/1984", "03.11.1984", "3-11-84", "zoe 3/11/1984", "fernandes 1984-11-03",
    ],
)  # fmt: skip
def test_patient_is_found_by(query, desk, zoe, others):
    assert search_patients(query, desk)[:1] == [zoe]


@pytest.mark.parametrize("query", ["", " ", "%", "_", "xyz", "1985-11-03", "9999999", "zoe 1985-11-03", "'; --", "0000572-5"])
def test_nobody_is_found_by(query, desk, zoe, others):
    assert search_patients(query, desk) == []


def test_beginnings_come_before_parts(desk):
    part = PatientFactory(first_name="Joanna", last_name="Bell")
    given = PatientFactory(first_name="Ann", last_name="Bell")
    surname = PatientFactory(first_name="Bo", last_name="Annan")

    assert search_patients("ann", desk) == [surname, given, part]


def test_inactive_patients_are_found_too(desk, zoe):
    zoe.save_changes(status="inactive", deactivated_reason="moved")

    assert search_patients("zoe", desk) == [zoe]


def test_patient_finds_only_the_own_row(zoe):
    own = PatientFactory(first_name="Zoë", user=user(Role.PATIENT))

    for query in ("zoe", "zoee", "0143", "1984-11-03", "0000572-4"):
        assert zoe not in search_patients(query, own.user)
    assert search_patients("zoe", own.user) == [own]


def test_limit_holds_and_queries_are_few(desk, django_assert_max_num_queries):
    PatientFactory.create_batch(20, last_name="Okafor")
    assert desk.roles

    with django_assert_max_num_queries(2):
        assert len(search_patients("okafor", desk, limit=10)) == 10
    with django_assert_max_num_queries(6):
        search_patients("okafro", desk, limit=10)


class TestPossibleDuplicates:
    def found(self, desk, **data):
        return [(each.patient, each.reasons) for each in possible_duplicates(data, desk)]

    def test_similar_name_of_the_same_birth_date(self, desk, zoe, others):
        assert self.found(desk, first_name="Zoe", last_name="Fernandes", date_of_birth=date(1984, 11, 3)) == [
            (zoe, ("same birth date", "similar name"))
        ]

    @pytest.mark.parametrize("born", [date(1984, 3, 11), date(1984, 11, 30), date(1984, 12, 3), date(1948, 11, 3)])
    def test_same_name_with_a_slip_in_the_birth_date(self, desk, zoe, born):
        assert self.found(desk, first_name="Zoe", last_name="Fernandez-Muller", date_of_birth=born) == [(zoe, ("similar name",))]

    def test_same_phone_or_id_in_any_spelling(self, desk, zoe):
        other = {"first_name": "Other", "last_name": "Person", "date_of_birth": date(1990, 1, 1)}

        assert self.found(desk, **other, phone="(202) 555-0143") == [(zoe, ("same phone",))]
        assert self.found(desk, **other, national_id="ab 12 34") == [(zoe, ("same national id",))]

    def test_likeliest_comes_first(self, desk, zoe):
        phone_only = PatientFactory(phone="+12025550143")

        found = self.found(desk, first_name="Zoe", last_name="Fernandez", date_of_birth=date(1984, 11, 3), phone="2025550143")

        assert [patient for patient, _ in found] == [zoe, phone_only]

    def test_another_person_is_none(self, desk, zoe, others):
        assert self.found(desk, first_name="Ann", last_name="Bell", date_of_birth=date(1984, 11, 3), phone="", national_id="") == []


class TestWordsOfNames:
    def words(self):
        return set(NameWord.objects.values_list("word", flat=True))

    def test_words_come_with_a_patient_and_with_a_new_name(self, zoe):
        assert self.words() == {"zoe", "fernandez", "muller"}

        Patient.objects.filter(pk=zoe.pk).update(last_name="Ó Briain")

        assert self.words() == {"zoe", "fernandez", "muller", "o", "briain"}

    def test_words_come_with_many_patients_at_once(self):
        PatientFactory.create_batch(3, first_name="Ann-Marie", last_name="Bell")

        assert {"ann", "marie", "bell"} <= self.words()

    def test_names_that_only_sound_alike_are_found(self, desk):
        steven, philip = (PatientFactory(first_name=name, last_name="Bell") for name in ("Stefan", "Filip"))

        assert search_patients("stephan", desk) == [steven]
        assert search_patients("phillip", desk) == [philip]

    @pytest.mark.parametrize("query", ["x" * 300, "ж" * 60 + " " + "王" * 30, "a_b_c", "o'o'o' '' ''", "\\\\ {a,b}", "a b c d e f g " * 20])
    def test_no_query_is_too_odd(self, query, desk, zoe):
        assert search_patients(query, desk) == []

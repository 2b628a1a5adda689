import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core import mongo
from patients import stores
from patients.rules.symptoms import COMMON, MOST, suggested
from patients.selectors import symptom_words
from patients.services.notes import ship_notes, write_note
from patients.tests.factories import EncounterFactory


class TestSuggested:
    def test_what_several_patients_have_comes_first_and_the_common_ones_follow(self):
        noted = [(patient, ["Metallic  taste", "cough"]) for patient in "abc"] + [("d", ["cough"])]

        words = suggested(noted)

        assert words[:2] == ["cough", "metallic taste"]
        assert words[2:] == [each for each in COMMON if each != "cough"]

    @pytest.mark.parametrize("noted", [[("a", ["odd"])] * 9, [("a", ["odd", "Odd"]), ("b", ["odd"])]])
    def test_what_few_patients_have_stays_theirs(self, noted):
        assert "odd" not in suggested(noted)

    @pytest.mark.parametrize("word", ["", " ", "a, b", "x" * 41])
    def test_what_is_no_word_is_not_offered(self, word):
        assert suggested([(patient, [word]) for patient in "abcd"]) == list(COMMON)

    def test_they_are_not_without_number(self):
        assert len(suggested([(patient, map(str, range(500))) for patient in "abc"])) == MOST


@pytest.mark.django_db
class TestPage:
    URL = "patients:symptom_words"

    @pytest.fixture(autouse=True)
    def no_notes(self):
        mongo.database()[stores.COLLECTION].delete_many({})
        yield
        mongo.database()[stores.COLLECTION].delete_many({})
        mongo.breaker.reset()

    def write(self, symptoms):
        visit = EncounterFactory()
        observations = {"symptoms": symptoms}
        write_note(
            encounter_id=visit.pk, patient_id=visit.patient_id, author=visit.doctor.user, text="Seen.", observations=observations, tags=[]
        )

    def test_the_clinics_own_words_are_offered(self, client_as):
        for symptoms in (["Metallic taste"], ["metallic taste", "cough"], ["metallic taste"]):
            self.write(symptoms)
        self.write([])
        ship_notes()

        page = client_as(user(Role.DOCTOR)).get(reverse(self.URL)).content.decode()

        assert page.count('role="option"') == len(COMMON) + 1
        assert page.index("metallic taste") < page.index("abdominal pain")

    def test_without_mongodb_the_common_ones_are(self, settings):
        settings.MONGODB_URL = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"

        assert symptom_words() == list(COMMON)

"""How measurements went: the pictures, and the same in words and in a table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.together import together
from patients.models import Encounter
from patients.rules.trends import HEIGHT, MARGIN, WIDTH, draw, in_words
from patients.selectors import trends_of
from patients.tests.factories import EncounterFactory, PatientFactory, VitalsFactory

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def days(*values) -> list:
    return [(START + timedelta(days=day), Decimal(value)) for day, value in values]


class TestDrawing:
    def test_time_runs_as_it_ran_and_more_is_higher(self):
        [line] = draw([("Weight", days((0, 80), (1, 85), (10, 90)))])

        (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, place.split(","))) for place in line.points.split())
        assert (x0, x2) == (MARGIN, WIDTH - MARGIN)
        assert x1 - x0 < (x2 - x0) / 5
        assert (y0, y2) == (HEIGHT - MARGIN, MARGIN)
        assert y0 > y1 > y2

    def test_two_lines_share_one_scale(self):
        upper, lower = draw([("Systolic", days((0, 120), (5, 130))), ("Diastolic", days((0, 70), (5, 80)))])

        assert all(high < low for high, low in zip(heights(upper), heights(lower), strict=True))

    def test_values_that_never_change_lie_in_the_middle(self):
        [line] = draw([("Weight", days((0, 80), (0, 80)))])

        assert set(heights(line)) == {HEIGHT / 2}

    def test_nothing_draws_nothing(self):
        assert draw([]) == []
        assert draw([("Weight", [])]) == []

    def test_it_is_said_in_words(self):
        assert in_words(days((0, "84.00"), (3, "79.50")), "kg") == "from 84 kg to 79.5 kg, 2 values"
        assert in_words(days((0, 84), (3, 84)), "kg") == "unchanged at 84 kg, 2 values"


def heights(line) -> list[float]:
    return [float(place.split(",")[1]) for place in line.points.split()]


@pytest.mark.django_db
class TestChart:
    @pytest.fixture
    def encounter(self):
        encounter = EncounterFactory()
        for day, (weight, systolic) in enumerate([("84.00", 150), ("82.00", 140), ("79.50", 130)]):
            VitalsFactory(
                encounter=encounter,
                weight_kg=weight,
                systolic_mmhg=systolic,
                diastolic_mmhg=80,
                pulse_bpm=None,
                recorded_at=START + timedelta(days=day),
            )
        return encounter

    def test_trends_of_what_was_taken_twice_the_newest_value_first(self, encounter):
        VitalsFactory(encounter=encounter, pulse_bpm=70, recorded_at=START)

        [[pressure, weight]] = together(trends_of(encounter.patient, user(Role.DOCTOR)))

        assert (pressure.title, pressure.latest, len(pressure.lines)) == ("Blood pressure", "130/80", 2)
        assert (weight.title, weight.words) == ("Weight", "Weight from 84 kg to 79.5 kg, 3 values")
        assert [value for _, value in weight.rows] == ["79.5", "82", "84"]

    def test_visits_entered_in_error_and_other_patients_do_not_count(self, encounter):
        Encounter.objects.filter(pk=encounter.pk).update(status="entered_in_error", entered_in_error_reason="wrong person")
        doctor = user(Role.DOCTOR)

        assert together(trends_of(encounter.patient, doctor)) == [[]]
        assert together(trends_of(PatientFactory(), doctor)) == [[]]

    def test_a_patient_sees_the_own_only(self, encounter):
        stranger = PatientFactory(user=user(Role.PATIENT))

        assert together(trends_of(encounter.patient, stranger.user)) == [[]]

    def test_chart_shows_picture_words_and_table_in_few_queries(self, encounter, client_as, django_assert_max_num_queries):
        doctor = client_as(user(Role.DOCTOR))
        url = reverse("patients:chart", args=[encounter.patient.public_id])
        doctor.get(url)

        with django_assert_max_num_queries(10):
            page = doctor.get(url).content.decode()

        assert 'aria-label="Weight: Weight from 84 kg to 79.5 kg, 3 values"' in page
        assert "<td>79.5</td>" in page

    def test_reception_sees_no_measurements(self, encounter, client_as):
        page = client_as(user(Role.RECEPTION)).get(reverse("patients:chart", args=[encounter.patient.public_id])).content.decode()

        assert "polyline" not in page

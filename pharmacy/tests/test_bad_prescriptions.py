"""What cannot be prescribed is refused in words, and nothing is written."""

import pytest

from patients.tests.factories import EncounterFactory
from pharmacy.models import Favourite, Prescription
from pharmacy.services import catalogue, prescribing
from pharmacy.tests.factories import MedicineFactory, drafted, signed

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
NOBODY = "0b8a3f0e-4f8e-4f5d-9f43-6d0c3b3f0a11"
HUGE = 10**30
BAD_LINES = [
    {"medicine": NOBODY}, {"medicine": "x"}, {"medicine": None}, {"medicine": 1}, {"medicine": HUGE}, {"medicine": {}}, {"medicine": "\0"},
    {"dose": ""}, {"dose": "x" * 61}, {"dose": "a\0b"}, {"dose": []}, {"dose": None},
    {"frequency": ""}, {"frequency": "x" * 41}, {"frequency": "\0"}, {"frequency": {}}, {"frequency": "XYZ", "quantity": None},
    {"frequency": "PRN"}, {"frequency": "PRN", "max_doses_a_day": 0}, {"frequency": "PRN", "max_doses_a_day": 25},
    {"frequency": "PRN", "max_doses_a_day": 1.5}, {"frequency": "PRN", "max_doses_a_day": HUGE},
    {"duration_days": 0}, {"duration_days": -1}, {"duration_days": 367}, {"duration_days": HUGE}, {"duration_days": 1.5},
    {"duration_days": "seven"}, {"duration_days": None}, {"duration_days": True},
    {"quantity": 0}, {"quantity": -3}, {"quantity": 2.5}, {"quantity": "2.5"}, {"quantity": HUGE}, {"quantity": -HUGE}, {"quantity": True},
    {"quantity": "NaN"}, {"quantity": []}, {"dose": "-1 tablet", "quantity": None}, {"dose": "0", "quantity": None},
    {"repeats": -1}, {"repeats": 13}, {"repeats": HUGE}, {"repeats": 0.5},
    {"route": "x" * 41}, {"route": "\0"}, {"instructions": "x" * 301}, {"instructions": "\0"}, {"instructions": {}},
]  # fmt: skip
BAD_ITEMS = [None, [], {}, "x", 7, [None], ["x"], [[]], [{}]]


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def doctor(api_as, visit):
    return api_as(visit.doctor.user)


def line(medicine, /, **changes):
    good = {"medicine": str(medicine.public_id), "dose": "1 tablet", "frequency": "TDS", "duration_days": 2, "quantity": 6}
    return good | changes


def send(client, path, body):
    return client.post(V1 + path, body, format="json")


@pytest.mark.parametrize("bad", BAD_LINES, ids=str)
def test_a_bad_line_is_refused_wherever_it_comes_in(doctor, visit, bad):
    medicine = MedicineFactory()
    draft = drafted(encounter=EncounterFactory(doctor=visit.doctor))
    before = list(draft.items.values())

    written = send(doctor, "prescriptions/", {"visit": str(visit.public_id), "items": [line(medicine), line(MedicineFactory(), **bad)]})
    revised = doctor.patch(f"{V1}prescriptions/{draft.public_id}/", {"items": [line(medicine, **bad)]}, format="json")
    kept = send(doctor, "favourites/", line(medicine, **bad))

    assert {each.status_code for each in (written, revised, kept)} == {400}
    if HUGE not in map(
        abs, [value for value in bad.values() if isinstance(value, int)]
    ):  # no JSON number of ours: the whole body is refused
        assert all(each.json()["errors"] for each in (written, revised, kept))
    assert list(Prescription.objects.all()) == [draft]
    assert list(draft.items.values()) == before
    assert not Favourite.objects.exists()


@pytest.mark.parametrize("items", BAD_ITEMS, ids=str)
def test_items_that_are_no_list_of_lines_are_refused(doctor, visit, items):
    answer = send(doctor, "prescriptions/", {"visit": str(visit.public_id), "items": items})

    assert answer.status_code == 400
    assert not Prescription.objects.exists()


def test_a_thousand_lines_are_refused_at_once(doctor, visit, django_assert_max_num_queries):
    body = {"visit": str(visit.public_id), "items": [line(MedicineFactory())] * 1000}

    with django_assert_max_num_queries(20):
        answer = send(doctor, "prescriptions/", body)

    assert answer.status_code == 400
    assert not Prescription.objects.exists()


@pytest.mark.parametrize("visit_id", [NOBODY, "x", None, 1, [], {}, "\0"], ids=str)
def test_an_unknown_visit_is_refused(doctor, visit_id):
    medicine = MedicineFactory()

    for path in ("prescriptions/", "prescriptions/repeat-last/"):
        answer = send(doctor, path, {"visit": visit_id, "items": [line(medicine)]})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["visit"])
    assert not Prescription.objects.exists()


def test_a_medicine_that_is_no_longer_used_is_named(doctor, visit):
    medicine = MedicineFactory(name="Oldrin 5 mg")
    catalogue.deactivate_medicine(medicine_id=medicine.pk, by=None)

    answer = send(doctor, "prescriptions/", {"visit": str(visit.public_id), "items": [line(medicine)]})

    assert answer.json()["errors"]["items"] == ["Line 1: Oldrin 5 mg is no longer used here."]
    assert not Prescription.objects.exists()


def test_nothing_is_added_to_what_is_signed_or_closed(doctor, visit):
    prescription, medicine = signed(encounter=visit), MedicineFactory()
    ended = EncounterFactory(status="entered_in_error", entered_in_error_reason="wrong patient", doctor=visit.doctor)

    changed = doctor.patch(f"{V1}prescriptions/{prescription.public_id}/", {"items": [line(medicine)]}, format="json")
    written = send(doctor, "prescriptions/", {"visit": str(ended.public_id), "items": [line(medicine)]})

    assert (changed.status_code, changed.json()["code"]) == (409, "not_draft")
    assert (written.status_code, written.json()["code"]) == (409, "encounter_closed")
    assert list(Prescription.objects.all()) == [prescription]


def test_a_stale_edit_is_refused(doctor, visit):
    draft, medicine = drafted(encounter=visit), MedicineFactory()
    url = f"{V1}prescriptions/{draft.public_id}/"
    tag = doctor.get(url).headers["ETag"]
    item = {"medicine": medicine, "dose": "1", "frequency": "BD", "duration_days": 3}
    prescribing.revise_prescription(prescription_id=draft.pk, items=[item], by=visit.doctor.user)

    answer = doctor.patch(url, {"items": [line(MedicineFactory())]}, format="json", headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")
    assert draft.items.get().medicine == medicine


@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "x" * 201}, {"reason": "\0"}, {"reason": None}, {}, [], "x"], ids=str)
def test_a_cancellation_without_a_sensible_reason_is_refused(doctor, visit, body):
    prescription = signed(encounter=visit)

    assert send(doctor, f"prescriptions/{prescription.public_id}/cancel/", body).status_code == 400

    prescription.refresh_from_db()
    assert prescription.status == "signed"


QUERIES = ["patient=x", "visit=%00", "status=new", "status=signed%00", "patient=1", "page=x", "page=0", "page=" + "9" * 30]


@pytest.mark.parametrize("query", QUERIES)
def test_a_filter_that_makes_no_sense_is_no_server_error(doctor, query):
    assert doctor.get(f"{V1}prescriptions/?{query}").status_code in {400, 404}

"""What saves typing: favourites, and the last prescription once more."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from patients.models import Allergy
from patients.tests.factories import EncounterFactory
from pharmacy.errors import DraftExists, EncounterClosed, FavouriteOfOthers, NotAPrescriber, NothingToRepeat
from pharmacy.models import Favourite, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.selectors.safety import safety_of
from pharmacy.services import catalogue, prescribing
from pharmacy.services.favourites import drop_favourite, keep_favourite
from pharmacy.services.items import ITEM_FIELDS
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
WHEN_NEEDED = {"frequency": "sos", "max_doses_a_day": 4, "quantity": None}


def values(row):
    return [getattr(row, name) for name in ("medicine_id", *ITEM_FIELDS)]


@pytest.fixture
def earlier():
    """A signed prescription of two lines, and a later visit of the same patient."""
    first = signed(line_of(MedicineFactory(), 6, instructions="after food", repeats=2), line_of(MedicineFactory(), **WHEN_NEEDED))
    return first, EncounterFactory(patient=first.patient)


# --- When needed ---------------------------------------------------------------------------------


def test_when_needed_without_a_maximum_is_refused_and_with_one_is_counted():
    with pytest.raises(InvalidInput) as refusal:
        drafted(line_of(MedicineFactory(), 6, frequency="PRN"))
    assert "at most" in refusal.value.errors["items"][0]
    assert not Prescription.objects.exists()

    item = drafted(line_of(MedicineFactory(), **WHEN_NEEDED)).items.get()
    assert (item.frequency, item.max_doses_a_day, item.quantity) == ("PRN", 4, 8)


def test_the_database_refuses_when_needed_without_a_maximum():
    item = drafted(line_of(MedicineFactory(), **WHEN_NEEDED)).items.get()

    for most, rule in ((None, "item_when_needed_has_maximum"), (25, "item_max_doses_within_1_to_24")):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            PrescriptionItem.objects.filter(pk=item.pk).update(max_doses_a_day=most)
        assert constraint_of(error.value) == rule


# --- Favourites ----------------------------------------------------------------------------------


def test_a_favourite_is_kept_once_and_is_ones_own():
    encounter, medicine = EncounterFactory(), MedicineFactory()
    doctor, colleague = encounter.doctor.user, DoctorFactory().user

    first = keep_favourite(item=line_of(medicine), by=doctor)
    assert keep_favourite(item=line_of(medicine), by=doctor) == first
    shared = keep_favourite(item=line_of(medicine), by=doctor, for_everyone=True)

    assert list(Favourite.objects.visible_to(doctor).offered()) == [first, shared]
    assert list(Favourite.objects.visible_to(colleague).offered()) == [shared]


@pytest.mark.parametrize("change", [{"duration_days": 0}, {"quantity": 10**9}, {"frequency": "PRN"}, {"dose": ""}, {"repeats": 99}])
def test_a_favourite_that_makes_no_sense_is_refused(change):
    with pytest.raises(InvalidInput):
        keep_favourite(item=line_of(MedicineFactory(), **change), by=DoctorFactory().user)

    assert not Favourite.objects.exists()


def test_only_who_shared_a_favourite_or_manages_medicines_removes_it():
    mine = keep_favourite(item=line_of(MedicineFactory()), by=DoctorFactory().user, for_everyone=True)

    with pytest.raises(FavouriteOfOthers):
        drop_favourite(favourite=mine, by=DoctorFactory().user)
    with pytest.raises(NotAPrescriber):
        drop_favourite(favourite=mine, by=user(Role.PHARMACIST))
    assert Favourite.objects.exists()

    drop_favourite(favourite=mine, by=mine.added_by)
    assert not Favourite.objects.exists()


def test_the_database_keeps_favourites_single_and_sensible():
    kept = keep_favourite(item=line_of(MedicineFactory(), **WHEN_NEEDED), by=DoctorFactory().user, for_everyone=True)
    wrong = {
        "favourite_quantity_positive": {"quantity": 0},
        "favourite_duration_within_1_to_366_days": {"duration_days": 367},
        "favourite_max_doses_within_1_to_24": {"max_doses_a_day": 0},
        "favourite_when_needed_has_maximum": {"max_doses_a_day": None},
    }
    for rule, change in wrong.items():
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            Favourite.objects.filter(pk=kept.pk).update(**change)
        assert constraint_of(error.value) == rule
    kept.pk, kept.public_id, kept._state.adding = None, uuid4(), True
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        kept.save()
    assert constraint_of(error.value) == "favourite_once"


def test_a_favourite_goes_on_the_draft_from_the_page_once_however_often_it_is_pressed(client_as):
    visit = EncounterFactory()
    page = client_as(visit.doctor.user)
    line = drafted(line_of(MedicineFactory(), **WHEN_NEEDED), encounter=visit).items.get()
    page.post(reverse("pharmacy:keep_favourite", args=[line.public_id]), headers=HTMX)
    favourite = Favourite.objects.get()
    other = EncounterFactory(doctor=visit.doctor)
    url, press = reverse("pharmacy:use_favourite", args=[other.public_id, favourite.public_id]), {"request_id": str(uuid4())}

    assert "Favourites (1)" in page.get(reverse("pharmacy:prescribing", args=[other.public_id])).content.decode()
    assert [page.post(url, press, headers=HTMX).status_code for _ in range(2)] == [200, 200]

    [item] = PrescriptionItem.objects.filter(prescription__encounter=other)
    assert values(item) == values(line)
    page.post(reverse("pharmacy:drop_favourite", args=[other.public_id, favourite.public_id]))
    assert not Favourite.objects.exists()


def test_a_colleagues_own_favourite_is_unknown_on_the_page(client_as):
    favourite = keep_favourite(item=line_of(MedicineFactory()), by=DoctorFactory().user)
    visit = EncounterFactory()

    for name in ("pharmacy:use_favourite", "pharmacy:drop_favourite"):
        assert client_as(visit.doctor.user).post(reverse(name, args=[visit.public_id, favourite.public_id])).status_code == 404

    assert Favourite.objects.exists()
    assert not Prescription.objects.exists()


def test_the_api_keeps_lists_and_drops_favourites(api_as):
    medicine, doctor = MedicineFactory(), DoctorFactory().user
    body = {"medicine": str(medicine.public_id), "dose": "1", "frequency": "bid", "duration_days": 5}

    made = api_as(doctor).post("/api/v1/favourites/", body, format="json")
    assert made.status_code == 201
    assert made.json()["directions"] == "Take 1 tablet by mouth twice a day for 5 days."
    assert (made.json()["quantity"], made.json()["for_everyone"]) == (10, False)
    [listed] = api_as(doctor).get("/api/v1/favourites/").json()["results"]
    assert listed == made.json()

    path = f"/api/v1/favourites/{made.json()['id']}/"
    assert api_as(DoctorFactory().user).delete(path).status_code == 404
    assert api_as(user(Role.PHARMACIST)).get("/api/v1/favourites/").status_code == 403
    assert api_as(doctor).delete(path).status_code == 204
    assert not Favourite.objects.exists()


# --- The last one once more ----------------------------------------------------------------------


def test_the_last_prescription_is_drafted_again_line_by_line(earlier):
    first, visit = earlier

    draft = prescribing.repeat_last(encounter_id=visit.pk, by=visit.doctor.user)

    assert (draft.status, draft.encounter, draft.prescriber) == (PrescriptionStatus.DRAFT, visit, visit.doctor)
    assert [values(item) for item in draft.items.all()] == [values(item) for item in first.items.all()]
    assert not any(item.dispensed_quantity for item in draft.items.all())


def test_the_checks_run_again_on_what_is_repeated(earlier):
    first, visit = earlier
    ingredient = first.items.first().medicine.generic_name
    Allergy.objects.create(patient=first.patient, substance=ingredient)

    draft = prescribing.repeat_last(encounter_id=visit.pk, by=visit.doctor.user)

    assert "allergy" in {alert.kind for alert in safety_of(draft, on=timezone.localdate()).alerts}


def test_the_last_is_the_one_signed_last_and_not_cancelled(earlier):
    first, visit = earlier
    wrong = signed(encounter=EncounterFactory(patient=first.patient))
    prescribing.cancel_prescription(prescription_id=wrong.pk, reason="wrong", by=wrong.prescriber.user)
    drafted(encounter=EncounterFactory(patient=first.patient))

    assert Prescription.objects.of_other_visits(visit).first() == first
    newer = signed(encounter=EncounterFactory(patient=first.patient))
    assert Prescription.objects.of_other_visits(visit).first() == newer


def test_a_medicine_that_is_no_longer_used_is_not_repeated(earlier):
    first, visit = earlier
    gone = first.items.first().medicine
    catalogue.deactivate_medicine(medicine_id=gone.pk, by=None)

    with pytest.raises(InvalidInput) as refusal:
        prescribing.repeat_last(encounter_id=visit.pk, by=visit.doctor.user)

    assert refusal.value.errors["items"] == [f"Line 1: {gone.name} is no longer used here."]
    assert not visit.prescriptions.exists()


def test_what_cannot_be_repeated_is_refused_and_nothing_is_written(earlier):
    first, visit = earlier
    stranger = EncounterFactory()

    with pytest.raises(NothingToRepeat):
        prescribing.repeat_last(encounter_id=stranger.pk, by=stranger.doctor.user)
    with pytest.raises(NotAPrescriber):
        prescribing.repeat_last(encounter_id=visit.pk, by=user(Role.NURSE))
    drafted(encounter=visit)
    with pytest.raises(DraftExists):
        prescribing.repeat_last(encounter_id=visit.pk, by=visit.doctor.user)
    closed = EncounterFactory(patient=first.patient, status="entered_in_error", entered_in_error_reason="x")
    with pytest.raises(EncounterClosed):
        prescribing.repeat_last(encounter_id=closed.pk, by=closed.doctor.user)

    assert not stranger.prescriptions.exists()
    assert not closed.prescriptions.exists()
    assert visit.prescriptions.count() == 1


def test_the_page_repeats_once_however_often_it_is_pressed(earlier, client_as):
    _, visit = earlier
    url, press = reverse("pharmacy:repeat_last", args=[visit.public_id]), {"request_id": str(uuid4())}
    page = client_as(visit.doctor.user)

    assert "Repeat last" in page.get(reverse("pharmacy:prescribing", args=[visit.public_id])).content.decode()
    assert [page.post(url, press, headers=HTMX).status_code for _ in range(2)] == [200, 200]
    assert page.post(url, {"request_id": str(uuid4())}, headers=HTMX).status_code == 422

    assert visit.prescriptions.get().items.count() == 2


def test_the_api_repeats_the_last_with_its_checks(earlier, api_as):
    _, visit = earlier
    doctor = api_as(visit.doctor.user)

    path, body, key = "/api/v1/prescriptions/repeat-last/", {"visit": str(visit.public_id)}, {"Idempotency-Key": "k"}

    made = doctor.post(path, body, format="json", headers=key)
    again = doctor.post(path, body, format="json", headers=key)

    assert (made.status_code, again.json()) == (201, made.json())
    assert [item["timing"]["asNeededBoolean"] for item in made.json()["items"]] == [False, True]
    assert {alert["kind"] for alert in made.json()["alerts"]} == {"duplicate"}
    assert visit.prescriptions.count() == 1
    assert doctor.post("/api/v1/prescriptions/repeat-last/", {"visit": "x"}, format="json").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_repeat_once(earlier, at_once):
    _, visit = earlier
    doctor = visit.doctor.user

    results = at_once(*[lambda: prescribing.repeat_last(encounter_id=visit.pk, by=doctor)] * 2)

    assert sorted(type(each).__name__ for each in results) == ["DraftExists", "Prescription"]
    assert visit.prescriptions.count() == 1

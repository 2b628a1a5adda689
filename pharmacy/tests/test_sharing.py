"""Favourites that a doctor gives to the clinic, and takes back."""

from uuid import uuid4

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import NotFound
from patients.tests.factories import EncounterFactory
from pharmacy.errors import FavouriteOfOthers, MayNotShare, NotAPrescriber
from pharmacy.models import Favourite
from pharmacy.services.favourites import drop_favourite, keep_favourite, share_favourite, unshare_favourite
from pharmacy.tests.factories import MedicineFactory, line_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner():
    return DoctorFactory().user


@pytest.fixture
def favourite(owner):
    return keep_favourite(item=line_of(MedicineFactory()), by=owner)


def events() -> list[str]:
    return list(OutboxEvent.objects.filter(action__startswith="pharmacy.favourite.").order_by("pk").values_list("action", flat=True))


def test_what_is_shared_is_everyones_until_its_owner_takes_it_back(favourite, owner):
    colleague = DoctorFactory().user

    for _ in range(2):
        assert share_favourite(favourite_id=favourite.pk, by=owner) == favourite
    assert list(Favourite.objects.visible_to(colleague)) == [favourite]
    for _ in range(2):
        assert unshare_favourite(favourite_id=favourite.pk, by=owner) == favourite

    assert not Favourite.objects.visible_to(colleague).exists()
    favourite.refresh_from_db()
    assert favourite.doctor == owner.doctor
    assert events() == [f"pharmacy.favourite.{what}" for what in ("kept", "shared", "unshared")]


def test_the_same_line_is_there_once_for_everyone_and_once_for_oneself(favourite, owner):
    colleague = DoctorFactory().user
    item = line_of(favourite.medicine)
    shared = keep_favourite(item=item, by=colleague, for_everyone=True)

    assert share_favourite(favourite_id=favourite.pk, by=owner) == shared
    assert Favourite.objects.get() == shared
    assert Favourite.objects.get().added_by == colleague

    own = keep_favourite(item=item, by=colleague)
    assert unshare_favourite(favourite_id=shared.pk, by=colleague) == own
    assert Favourite.objects.get() == own


def test_nobody_else_shares_it_or_takes_it_back(favourite, owner):
    colleague = DoctorFactory().user

    with pytest.raises(NotFound):
        share_favourite(favourite_id=favourite.pk, by=colleague)
    with pytest.raises(NotFound):
        unshare_favourite(favourite_id=favourite.pk, by=colleague)
    share_favourite(favourite_id=favourite.pk, by=owner)
    with pytest.raises(FavouriteOfOthers):
        unshare_favourite(favourite_id=favourite.pk, by=colleague)
    with pytest.raises(NotAPrescriber):
        unshare_favourite(favourite_id=favourite.pk, by=user(Role.PHARMACIST))

    favourite.refresh_from_db()
    assert favourite.is_for_everyone


def test_who_may_not_share_keeps_for_oneself_only(favourite, owner, monkeypatch):
    monkeypatch.setattr(type(owner), "has_perm", lambda self, codename, obj=None: codename != "pharmacy.share_favourite")

    with pytest.raises(MayNotShare):
        share_favourite(favourite_id=favourite.pk, by=owner)
    with pytest.raises(MayNotShare):
        keep_favourite(item=line_of(MedicineFactory()), by=owner, for_everyone=True)

    assert Favourite.objects.get().doctor == owner.doctor


def test_what_is_gone_is_not_found(favourite, owner):
    drop_favourite(favourite=favourite, by=owner)

    for service in (share_favourite, unshare_favourite):
        with pytest.raises(NotFound):
            service(favourite_id=favourite.pk, by=owner)


@pytest.mark.django_db(transaction=True)
def test_two_doctors_share_the_same_line_at_once_and_one_stays(at_once):
    medicine = MedicineFactory()
    doctors = [DoctorFactory().user for _ in range(2)]
    own = [keep_favourite(item=line_of(medicine), by=doctor) for doctor in doctors]

    results = at_once(*(lambda at=at: share_favourite(favourite_id=own[at].pk, by=doctors[at]) for at in range(2)))

    shared = Favourite.objects.get()
    assert shared.is_for_everyone
    assert results == [shared, shared]


# --- Page and API --------------------------------------------------------------------------------


def test_the_page_offers_to_share_and_to_take_back_to_its_owner_alone(favourite, owner, client_as):
    visit, other = EncounterFactory(doctor=owner.doctor), EncounterFactory()
    mine, theirs = client_as(owner), client_as(other.doctor.user)
    page = reverse("pharmacy:prescribing", args=[visit.public_id])

    assert "Share " + favourite.medicine.name in mine.get(page).content.decode()
    part = mine.post(reverse("pharmacy:share_favourite", args=[visit.public_id, favourite.public_id]), headers=HTMX)
    assert (part.status_code, f"Unshare {favourite.medicine.name}" in part.content.decode()) == (200, True)
    seen = theirs.get(reverse("pharmacy:prescribing", args=[other.public_id])).content.decode()
    assert "for everyone" in seen
    assert all(f"{word} {favourite.medicine.name}" not in seen for word in ("Unshare", "Remove the favourite"))

    refused = theirs.post(reverse("pharmacy:unshare_favourite", args=[other.public_id, favourite.public_id]), headers=HTMX)
    assert (refused.status_code, "Only who shared" in refused.content.decode()) == (422, True)
    back = mine.post(reverse("pharmacy:unshare_favourite", args=[visit.public_id, favourite.public_id]))
    assert (back.status_code, back["Location"]) == (302, page)
    assert not Favourite.objects.get().is_for_everyone


@pytest.mark.parametrize("name", ["share_favourite", "unshare_favourite"])
def test_a_strange_favourite_and_a_stranger_get_nowhere(name, favourite, owner, client_as):
    visit = EncounterFactory()
    url = reverse(f"pharmacy:{name}", args=[visit.public_id, favourite.public_id])

    assert client_as(visit.doctor.user).post(url).status_code == 404
    assert client_as(owner).post(reverse(f"pharmacy:{name}", args=[visit.public_id, uuid4()])).status_code == 404
    assert client_as(owner).get(url).status_code == 405
    assert {client_as(user(role)).post(url).status_code for role in (Role.NURSE, Role.PHARMACIST, Role.PATIENT)} == {403}
    assert not Favourite.objects.get().is_for_everyone


def test_the_api_shares_and_takes_back(favourite, owner, api_as):
    path = f"/api/v1/favourites/{favourite.public_id}/"
    colleague = api_as(DoctorFactory().user)

    assert colleague.post(path + "share/").status_code == 404
    assert api_as(owner).post(path + "share/").json()["for_everyone"] is True
    assert colleague.post(path + "unshare/").json()["code"] == "favourite_of_others"
    assert api_as(owner).post(path + "unshare/").json()["for_everyone"] is False
    assert api_as(user(Role.PHARMACIST)).post(path + "share/").status_code == 403
    assert Favourite.objects.get().doctor == owner.doctor

"""Medicines that a pharmacist approved to stand for each other."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, NotFound
from pharmacy.models import Equivalent, Medicine
from pharmacy.selectors.equivalents import stands_for
from pharmacy.services.equivalents import approve_equivalent, withdraw_equivalent
from pharmacy.tests.factories import TODAY, MedicineFactory, pharmacist, stocked

pytestmark = pytest.mark.django_db


def medicine(**changes) -> Medicine:
    return MedicineFactory(**({"strength": "10 mg"} | changes))


def approved(one: Medicine, other: Medicine, **changes) -> Equivalent:
    return approve_equivalent(**({"medicine": one, "other": other, "reason": "of like effect", "by": pharmacist()} | changes))


def told() -> list[str]:
    return list(OutboxEvent.objects.filter(action__startswith="pharmacy.equivalent.").order_by("pk").values_list("action", flat=True))


class TestApproving:
    def test_holds_both_ways_and_once(self):
        one, other = medicine(), medicine()

        pair = approved(one, other)

        assert approved(other, one, reason="again") == pair
        assert (pair.first, pair.second, pair.reason) == (one, other, "of like effect")
        assert [stand.medicine for stand in stands_for(one, on=TODAY)] == [other]
        assert [stand.medicine for stand in stands_for(other, on=TODAY)] == [one]
        assert told() == ["pharmacy.equivalent.approved"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"unit": "ml"}, "counted in ml"),
            ({"is_controlled": True}, "controlled"),
            ({"is_active": False}, "no longer used"),
        ],
    )
    def test_of_what_cannot_stand_for_it_is_refused(self, changes, words):
        with pytest.raises(InvalidInput) as refusal:
            approved(medicine(), medicine(**changes))

        assert words in refusal.value.errors["other"][0]
        assert not Equivalent.objects.exists()

    def test_of_itself_and_of_what_is_the_same_is_refused(self):
        one = medicine(generic_name="cetirizine")

        for other in (one, medicine(generic_name="cetirizine")):
            with pytest.raises(InvalidInput):
                approved(one, other)

        assert not Equivalent.objects.exists()

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "a\0b"])
    def test_needs_a_reason(self, reason):
        with pytest.raises(InvalidInput) as refusal:
            approved(medicine(), medicine(), reason=reason)

        assert list(refusal.value.errors) == ["reason"]
        assert not Equivalent.objects.exists()

    def test_ends_once_and_may_begin_again(self):
        pair, by = approved(medicine(), medicine()), pharmacist()

        for _ in range(2):
            withdraw_equivalent(pair_id=pair.pk, by=by)
        anew = approved(pair.first, pair.second)

        pair.refresh_from_db()
        assert (pair.withdrawn_by, anew.pk != pair.pk) == (by, True)
        assert told() == [f"pharmacy.equivalent.{what}" for what in ("approved", "withdrawn", "approved")]

    def test_of_no_pair_is_not_found(self):
        with pytest.raises(NotFound):
            withdraw_equivalent(pair_id=0, by=pharmacist())

    @pytest.mark.django_db(transaction=True)
    def test_twice_at_once_makes_one(self, at_once):
        one, other, by = medicine(), medicine(), pharmacist()

        results = at_once(lambda: approved(one, other, by=by), lambda: approved(other, one, by=by))

        assert results == [Equivalent.objects.get()] * 2

    def test_what_is_in_stock_comes_first(self):
        one = medicine(generic_name="cetirizine")
        empty, full = medicine(name="Alpha", generic_name="cetirizine"), medicine(name="Beta")
        stocked(10, medicine=full)
        approved(one, full)

        assert [(stand.medicine, stand.medicine.on_hand) for stand in stands_for(one, on=TODAY)] == [(full, 10), (empty, 0)]


class TestDatabase:
    @pytest.fixture
    def pair(self):
        return approved(medicine(), medicine())

    def refused_by(self, act) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            act()
        return constraint_of(refusal.value)

    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({}, "equivalent_pair_once"),
            ({"turned": True}, "equivalent_pair_in_order"),
            ({"reason": ""}, "equivalent_has_reason"),
            ({"withdrawn_at": timezone.now()}, "equivalent_withdrawn_by_someone"),
        ],
    )
    def test_refuses_a_pair_that_is_none(self, pair, changes, rule):
        first, second = (pair.second, pair.first) if changes.pop("turned", False) else (pair.first, pair.second)
        values = {"first": first, "second": second, "reason": "again", "approved_by": pair.approved_by} | changes

        assert self.refused_by(lambda: Equivalent.objects.create(**values)) == rule

    def test_keeps_the_decision_and_the_withdrawal(self, pair):
        rows = Equivalent.objects.filter(pk=pair.pk)

        assert self.refused_by(lambda: rows.update(reason="another")) == "equivalent_decision_stays"
        assert self.refused_by(pair.delete) == "equivalent_kept"
        withdraw_equivalent(pair_id=pair.pk, by=pair.approved_by)
        assert self.refused_by(lambda: rows.update(withdrawn_at=None, withdrawn_by=None)) == "equivalent_withdrawal_is_final"


class TestPage:
    def page(self, of: Medicine) -> str:
        return reverse("pharmacy:equivalents", args=[of.public_id])

    def test_approves_and_withdraws(self, client_as):
        one, other, client = medicine(name="Alpha"), medicine(name="Beta"), client_as(pharmacist())

        answer = client.post(self.page(one), {"other_text": "bet", "reason": "of like effect"}, follow=True)
        assert "Beta may be given for Alpha" in answer.content.decode()
        assert "of like effect" in client.get(self.page(other)).content.decode()
        pair = Equivalent.objects.get()
        back = client.post(reverse("pharmacy:withdraw_equivalent", args=[other.public_id, pair.public_id]), follow=True)

        assert "Nothing may be given for it" in back.content.decode()
        assert not Equivalent.objects.in_force().exists()

    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"other_text": "Alpha", "reason": "x"},
            {"other_text": "Nowhere", "reason": "x"},
            {"other_text": "medicine", "reason": "x"},
            {"other": "garbage", "reason": "x"},
            {"other": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11", "reason": "x"},
            {"other_text": "Be\0ta", "reason": "x"},
            {"other_text": "Beta", "reason": "   "},
            {"other_text": "Beta", "reason": "a\0b"},
            {"other_text": "Beta", "reason": "x" * 201},
            {"other_text": "B" * 5000, "reason": "x"},
        ],
    )
    def test_says_what_is_wrong_beside_the_form(self, client_as, form):
        one = medicine(name="Alpha")
        for name in ("Beta", "Medicine one", "Medicine two"):
            medicine(name=name)

        answer = client_as(pharmacist()).post(self.page(one), form)

        assert answer.status_code == 400
        assert "Please check this form" in answer.content.decode()
        assert not Equivalent.objects.exists()

    def test_is_the_pharmacists(self, client_as):
        pair = approved(medicine(), medicine())
        withdraw = reverse("pharmacy:withdraw_equivalent", args=[pair.first.public_id, pair.public_id])
        stranger = reverse("pharmacy:withdraw_equivalent", args=[medicine().public_id, pair.public_id])

        for role in (Role.NURSE, Role.RECEPTION, Role.PATIENT):
            assert client_as(user(role)).get(self.page(pair.first)).status_code == 403
            assert client_as(user(role)).post(withdraw).status_code == 403
        assert client_as(pharmacist()).post(stranger).status_code == 404
        assert client_as(pharmacist()).get(withdraw).status_code == 405
        assert Equivalent.objects.in_force().exists()

    def test_takes_as_many_queries_for_twenty_as_for_one(self, client_as, django_assert_max_num_queries):
        one, client, by = medicine(), client_as(pharmacist()), pharmacist()
        for _ in range(20):
            approved(one, medicine(), by=by)

        with django_assert_max_num_queries(10):
            client.get(self.page(one))


class TestApi:
    PATH = "/api/v1/equivalents/"

    def body(self, one: Medicine, stands: Medicine, **changes) -> dict:
        return {"medicine": str(one.public_id), "other": str(stands.public_id), "reason": "of like effect"} | changes

    def test_approves_lists_and_withdraws(self, api_as):
        one, other, api = medicine(), medicine(), api_as(pharmacist())

        made = api.post(self.PATH, self.body(one, other))
        assert made.status_code == 201
        assert api.post(self.PATH, self.body(other, one)).json()["id"] == made.json()["id"]
        assert [row["id"] for row in api_as(user(Role.NURSE)).get(self.PATH).json()["results"]] == [made.json()["id"]]
        assert api.delete(f"{self.PATH}{made.json()['id']}/").status_code == 204

        assert api.get(self.PATH).json()["results"] == []
        assert api.delete(f"{self.PATH}{made.json()['id']}/").status_code == 404

    @pytest.mark.parametrize(
        "changes",
        [
            {"other": "garbage"},
            {"other": None},
            {"other": ["a"]},
            {"other": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"},
            {"medicine": 5},
            {"reason": ""},
            {"reason": "a\0b"},
            {"reason": "x" * 201},
            {"reason": {}},
        ],
    )
    def test_refuses_bad_input(self, api_as, changes):
        answer = api_as(pharmacist()).post(self.PATH, self.body(medicine(), medicine(), **changes), format="json")

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == list(changes)
        assert not Equivalent.objects.exists()

    def test_is_the_pharmacists(self, api_as):
        pair = approved(medicine(), medicine())
        nurse = api_as(user(Role.NURSE))

        assert nurse.post(self.PATH, self.body(medicine(), medicine())).status_code == 403
        assert nurse.delete(f"{self.PATH}{pair.public_id}/").status_code == 403
        assert Equivalent.objects.in_force().get() == pair

    @pytest.mark.parametrize("public_id", ["garbage", "%00", "1", "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"])
    def test_finds_nothing_under_a_strange_id(self, api_as, public_id):
        assert api_as(pharmacist()).delete(f"{self.PATH}{public_id}/").status_code == 404

    def test_takes_as_many_queries_for_thirty_as_for_three(self, api_as, django_assert_max_num_queries):
        by = pharmacist()
        for _ in range(30):
            approved(medicine(), medicine(), by=by)
        api = api_as(by)

        with django_assert_max_num_queries(6):
            assert len(api.get(self.PATH).json()["results"]) >= 20

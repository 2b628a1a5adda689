"""Medicines used up in treatments."""

import threading
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, NotFound, RequestReused
from patients.errors import EncounterClosed
from patients.models import Treatment
from patients.services.encounters import complete_visit, content_of, mark_entered_in_error
from patients.tests.factories import EncounterFactory, TreatmentTypeFactory
from pharmacy.errors import InsufficientStock, WitnessRequired
from pharmacy.models import Batch, Medicine, StockMovement, TreatmentLine
from pharmacy.selectors.demand import dispensed_units
from pharmacy.selectors.recall import recipients_of
from pharmacy.services.recall import record_call
from pharmacy.services.stock import change_batch_state
from pharmacy.services.treating import give_treatment, take_back_treatment
from pharmacy.tests.factories import TODAY, MedicineFactory, pharmacist, soon, stocked

pytestmark = pytest.mark.django_db


def treated(*medicines: tuple, encounter=None, **options) -> Treatment:
    encounter = encounter or EncounterFactory()
    return give_treatment(
        encounter_id=encounter.pk,
        treatment_type=options.pop("treatment_type", None) or TreatmentTypeFactory(base_cost=Decimal("12.50")),
        notes="",
        medicines=[{"medicine": Medicine.objects.get(pk=medicine.pk), "quantity": units} for medicine, units in medicines],
        by=encounter.doctor.user,
        **({"on": TODAY, "request_id": uuid4()} | options),
    )


def assert_nothing_was_used(*batches: Batch) -> None:
    assert not Treatment.objects.exists()
    assert not TreatmentLine.objects.exists()
    assert not StockMovement.objects.exclude(kind="IN").exists()
    assert [Batch.objects.get(pk=batch.pk).on_hand for batch in batches] == [batch.on_hand for batch in batches]


class TestGiving:
    def test_costs_its_base_and_its_medicines_which_leave_the_stock_soonest_expiry_first(self):
        medicine = MedicineFactory(price="0.35")
        later, sooner = stocked(9, medicine=medicine, expires_on=soon(400)), stocked(3, medicine=medicine, expires_on=soon(30))

        treatment = treated((medicine, 5))
        connection.check_constraints()

        assert treatment.cost == Decimal("12.50") + 5 * Decimal("0.35")
        assert dict(Batch.objects.values_list("pk", "on_hand")) == {sooner.pk: 0, later.pk: 7}
        outs = StockMovement.objects.filter(kind="OUT").order_by("id").values_list("batch", "quantity", "treatment_line__treatment")
        assert list(outs) == [(sooner.pk, -3, treatment.pk), (later.pk, -2, treatment.pk)]
        [used] = treatment.medicines
        assert (used["name"], used["quantity"], used["cost"]) == (medicine.name, 5, "1.75")

    def test_price_of_the_day_stays(self):
        medicine = MedicineFactory(price="1.00")
        stocked(5, medicine=medicine)
        treatment = treated((medicine, 2))

        medicine.save_changes(price=Decimal("9.00"))

        treatment.refresh_from_db()
        assert treatment.cost == Decimal("14.50")

    def test_the_same_medicine_named_twice_is_added_up(self):
        batch = stocked(5)

        treatment = treated((batch.medicine, 1), (batch.medicine, 2))

        assert [used["quantity"] for used in treatment.medicines] == [3]

    def test_second_press_gives_the_first_treatment(self):
        batch, encounter, request_id = stocked(5), EncounterFactory(), uuid4()

        once = {"encounter": encounter, "treatment_type": TreatmentTypeFactory(), "request_id": request_id}

        first = treated((batch.medicine, 5), **once)

        assert treated((batch.medicine, 5), **once) == first
        with pytest.raises(RequestReused):
            treated((batch.medicine, 5), **once | {"treatment_type": TreatmentTypeFactory()})
        assert StockMovement.objects.filter(kind="OUT").count() == 1

    def test_request_of_another_visit_is_refused(self):
        batch, request_id = stocked(5), uuid4()
        treated((batch.medicine, 1), request_id=request_id)

        with pytest.raises(RequestReused):
            treated((batch.medicine, 1), request_id=request_id)

        assert Treatment.objects.count() == 1

    @pytest.mark.parametrize("state", ["quarantined", "recalled"])
    def test_nothing_set_aside_is_used(self, state):
        batch = stocked(5)
        change_batch_state(batch_id=batch.pk, to=state, reason="letter", by=None)

        with pytest.raises(InsufficientStock):
            treated((batch.medicine, 1))

        assert_nothing_was_used(batch)

    def test_nothing_expired_is_used(self):
        batch = stocked(5, expires_on=soon(30))

        with pytest.raises(InsufficientStock):
            treated((batch.medicine, 1), on=soon(30))

        assert_nothing_was_used(batch)

    @pytest.mark.parametrize("units", [0, -1, 2**31, 10**30])
    def test_quantity_out_of_range_is_refused(self, units):
        batch = stocked(5)

        with pytest.raises(InvalidInput):
            treated((batch.medicine, units))

        assert_nothing_was_used(batch)

    def test_closed_visit_uses_nothing(self):
        batch, encounter = stocked(5), EncounterFactory()
        mark_entered_in_error(encounter_id=encounter.pk, reason="wrong", by=encounter.doctor.user)

        with pytest.raises(EncounterClosed):
            treated((batch.medicine, 1), encounter=encounter)

        assert_nothing_was_used(batch)

    def test_controlled_medicine_needs_a_witness(self):
        medicine = MedicineFactory(is_controlled=True)
        batch = stocked(5, medicine=medicine)

        with pytest.raises(WitnessRequired):
            treated((medicine, 1))
        assert_nothing_was_used(batch)

        witness = pharmacist()
        treated((medicine, 1), witness=witness)
        assert StockMovement.objects.get(kind="OUT").witness == witness

    def test_signature_covers_the_medicines(self):
        batch = stocked(5)
        treatment = treated((batch.medicine, 2))
        encounter = treatment.encounter

        [signed] = content_of(encounter)["treatments"]

        assert signed["medicines"][0]["quantity"] == 2
        complete_visit(encounter_id=encounter.pk, by=encounter.doctor.user)
        with pytest.raises(EncounterClosed):
            take_back_treatment(encounter_id=encounter.pk, treatment_id=treatment.public_id, by=encounter.doctor.user)

    def test_movement_goes_to_the_mirror_with_who_and_what_for(self):
        batch = stocked(5)
        treatment = treated((batch.medicine, 2))

        document = OutboxEvent.objects.filter(topic="stock_movements").latest("id").document

        assert document["reference"] == {"type": "treatment", "id": str(treatment.public_id)}
        assert document["user"]["id"] == str(treatment.recorded_by.public_id)

    def test_counts_as_demand(self):
        batch = stocked(9)
        treated((batch.medicine, 2))

        assert dispensed_units(first=TODAY, until=TODAY + timedelta(days=1)) == {batch.medicine_id: 2}


class TestTakingBack:
    def test_units_return_to_their_batch(self):
        batch = stocked(5)
        treatment = treated((batch.medicine, 2))

        take_back_treatment(encounter_id=treatment.encounter_id, treatment_id=treatment.public_id, by=treatment.recorded_by)
        connection.check_constraints()

        assert not Treatment.objects.exists()
        assert Batch.objects.get().on_hand == 5
        assert Batch.objects.aggregate(sum=Sum("movements__quantity"))["sum"] == 5
        line = TreatmentLine.objects.get()
        assert (line.treatment, line.returned_quantity) == (None, 2)

    def test_second_time_is_not_found_and_returns_nothing(self):
        batch = stocked(5)
        treatment = treated((batch.medicine, 2))
        wanted = {"encounter_id": treatment.encounter_id, "treatment_id": treatment.public_id, "by": treatment.recorded_by}
        take_back_treatment(**wanted)

        with pytest.raises(NotFound):
            take_back_treatment(**wanted)

        assert Batch.objects.get().on_hand == 5


class TestRecall:
    def test_whoever_was_treated_from_the_batch_is_called(self):
        batch = stocked(5)
        patient = treated((batch.medicine, 2)).encounter.patient
        change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)
        batch.refresh_from_db()

        [recipient] = recipients_of(batch)
        record_call(batch_id=batch.pk, patient_id=patient.pk, outcome="reached", by=pharmacist(), request_id=uuid4())

        assert (recipient.patient, recipient.units) == (patient, 2)


def refused_by(write) -> str:
    def attempt():
        write()
        connection.check_constraints()

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    return constraint_of(refusal.value)


class TestRows:
    def line(self, **changes):
        batch = changes.pop("batch", None) or stocked(5)
        treatment = treated()
        values = {
            "treatment": treatment,
            "encounter": treatment.encounter,
            "batch": batch,
            "quantity": 1,
            "unit_price": Decimal("0.50"),
            "used_on": TODAY,
        }
        return TreatmentLine.objects.create(**(values | changes))

    def test_a_line_without_its_movement_is_refused(self):
        assert refused_by(lambda: self.line(unit_price=0)) == "treatment_line_is_its_movements"

    def test_shape_of_a_line_is_held(self):
        assert refused_by(lambda: self.line(quantity=0)) == "treatment_line_quantity_positive"
        assert refused_by(lambda: self.line(returned_quantity=2)) == "treatment_line_returned_within_used"
        assert refused_by(lambda: self.line(unit_price=-1)) == "treatment_line_price_not_negative"

    def test_batch_that_may_not_go_out_is_refused(self):
        assert refused_by(lambda: self.line(used_on=soon(4000))) == "treatment_line_fits"

    def test_treatment_of_another_visit_is_refused(self):
        assert refused_by(lambda: self.line(encounter=EncounterFactory())) == "treatment_line_fits_visit"

    def test_line_is_kept_as_it_is(self):
        batch = stocked(5)
        treated((batch.medicine, 2))
        line = TreatmentLine.objects.get()
        rows = TreatmentLine.objects.filter(pk=line.pk)

        assert refused_by(lambda: rows.update(quantity=1)) == "treatment_line_only_returned"
        assert refused_by(lambda: rows.update(treatment=None)) == "treatment_line_of_a_treatment"
        assert refused_by(lambda: rows.update(returned_quantity=1)) in {"treatment_costs_its_lines", "treatment_line_is_its_movements"}
        assert refused_by(lambda: rows._raw_delete("default")) == "treatment_line_kept"

    def test_cost_other_than_its_lines_is_refused(self):
        assert refused_by(lambda: self.line(unit_price=5)) in {"treatment_costs_its_lines", "treatment_line_is_its_movements"}


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_treatments_never_share_a_unit(self, at_once):
        medicine, visits = MedicineFactory(), [EncounterFactory() for _ in range(4)]
        stocked(3, medicine=medicine)
        kind = TreatmentTypeFactory()

        results = at_once(*[lambda visit=visit: treated((medicine, 2), encounter=visit, treatment_type=kind) for visit in visits])

        assert sum(isinstance(each, Treatment) for each in results) == 1
        assert sum(isinstance(each, InsufficientStock) for each in results) == 3
        assert Batch.objects.get().on_hand == 1

    def test_without_the_lock_the_ledger_refuses_the_second(self, at_once, monkeypatch):
        medicine, visits = MedicineFactory(), [EncounterFactory(), EncounterFactory()]
        stocked(3, medicine=medicine)
        kind, both_have_read = TreatmentTypeFactory(), threading.Barrier(2)

        def plain_read(medicine_ids, *, on, batch_ids=()):
            batches = list(Batch.objects.usable(on).filter(medicine__in=medicine_ids))
            both_have_read.wait(10)
            return batches

        monkeypatch.setattr("pharmacy.locks.lock_usable_batches", plain_read)

        results = at_once(*[lambda visit=visit: treated((medicine, 2), encounter=visit, treatment_type=kind) for visit in visits])

        assert sorted(type(each).__name__ for each in results) == ["IntegrityError", "Treatment"]
        assert Batch.objects.get().on_hand == 1


class TestApi:
    def test_doctor_records_medicines_and_sees_the_cost(self, api_as):
        medicine, encounter, kind = MedicineFactory(price="2.00"), EncounterFactory(), TreatmentTypeFactory(base_cost=Decimal("10.00"))
        stocked(5, medicine=medicine, expires_on=timezone.localdate() + timedelta(days=400), on=timezone.localdate())
        doctor, url = api_as(encounter.doctor.user), f"/api/v1/visits/{encounter.public_id}/treatments/"

        answer = doctor.post(
            url, {"treatment_type": str(kind.public_id), "notes": "", "medicines": [{"medicine": str(medicine.public_id), "quantity": 3}]}
        )

        assert (answer.status_code, answer.json()["cost"]) == (201, "16.00")
        assert doctor.get(url).json()["results"] == [answer.json()]
        assert doctor.get(f"/api/v1/visits/{encounter.public_id}/").json()["treatments"][0]["cost"] == "16.00"

    @pytest.mark.parametrize("quantity", [0, -1, 1.5, "x", 2**31, 10**30, None, True, "\0"])
    def test_bad_quantity_is_named_and_writes_nothing(self, api_as, quantity):
        batch, encounter, kind = stocked(5), EncounterFactory(), TreatmentTypeFactory()
        body = {"treatment_type": str(kind.public_id), "medicines": [{"medicine": str(batch.medicine.public_id), "quantity": quantity}]}

        answer = api_as(encounter.doctor.user).post(f"/api/v1/visits/{encounter.public_id}/treatments/", body)

        assert answer.status_code == 400
        assert list(answer.json().get("errors", ["medicines"])) == ["medicines"]  # what no JSON number holds is not read at all
        assert_nothing_was_used(batch)

    def test_others_may_not_record(self, api_as):
        encounter, kind = EncounterFactory(), TreatmentTypeFactory()

        answer = api_as(user(Role.NURSE)).post(f"/api/v1/visits/{encounter.public_id}/treatments/", {"treatment_type": str(kind.public_id)})

        assert answer.status_code == 403
        assert not Treatment.objects.exists()


class TestPage:
    def form(self, kind, **changes):
        return {"treatment_type": str(kind.public_id), "notes": "left arm", "request_id": str(uuid4())} | changes

    def test_treatment_is_recorded_and_removed_in_place(self, client_as):
        kind, encounter, medicine = TreatmentTypeFactory(name="Dressing"), EncounterFactory(), MedicineFactory(price="1.00")
        batch = stocked(5, medicine=medicine, expires_on=timezone.localdate() + timedelta(days=400), on=timezone.localdate())
        doctor = client_as(encounter.doctor.user)
        form = self.form(kind, medicine_1=medicine.name.upper(), quantity_1="2")

        added = doctor.post(reverse("pharmacy:add_treatment", args=[encounter.public_id]), form, headers={"HX-Request": "true"})

        assert b"left arm" in added.content
        assert b"14.50" in added.content
        assert Batch.objects.get(pk=batch.pk).on_hand == 3
        treatment = Treatment.objects.get()
        doctor.post(reverse("pharmacy:remove_treatment", args=[encounter.public_id, treatment.public_id]))
        assert not Treatment.objects.exists()
        assert Batch.objects.get(pk=batch.pk).on_hand == 5

    @pytest.mark.parametrize(
        "typed",
        [
            {"medicine_1": "no such", "quantity_1": "1"},
            {"medicine_1": "", "quantity_1": "1"},
            {"medicine_1": "Gauze", "quantity_1": ""},
            {"medicine_1": "Gauze", "quantity_1": "0"},
            {"medicine_1": "Gauze", "quantity_1": "1.5"},
            {"medicine_1": "Gauze", "quantity_1": str(10**30)},
            {"medicine_1": "Gauze", "quantity_1": "99"},
            {"medicine_1": "Ga\0uze", "quantity_1": "1"},
            {"treatment_type": "x"},
        ],
    )
    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_bad_input_is_shown_in_place_and_writes_nothing(self, client_as, typed, headers):
        kind, encounter = TreatmentTypeFactory(), EncounterFactory()
        batch = stocked(5, medicine=MedicineFactory(name="Gauze"))

        answer = client_as(encounter.doctor.user).post(
            reverse("pharmacy:add_treatment", args=[encounter.public_id]), self.form(kind, **typed), headers=headers
        )

        assert 400 <= answer.status_code < 500
        assert b'role="alert"' in answer.content
        assert_nothing_was_used(batch)

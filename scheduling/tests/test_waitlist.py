"""Who waits, whom a free time is offered to, and that it is kept for that one only."""

from datetime import timedelta

import pytest

from clinic.core.errors import InvalidInput
from clinic.core.redis import RedisDown
from patients.errors import PatientInactive
from scheduling import stores
from scheduling.errors import AlreadyOnWaitlist, InThePast, OfferClosed, PatientBusy, SlotHeld, SlotOffered, WrongStatus
from scheduling.models import Appointment, OfferStatus, WaitlistEntry, WaitlistOffer
from scheduling.selectors.hours import bookable_days
from scheduling.services import booking, waitlist
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, SessionFactory, at
from scheduling.tests.steps import EARLY, book, outcomes
from scheduling.tests.test_models import refused

pytestmark = pytest.mark.django_db


def one_slot_doctor():
    """Mondays from 9 to a quarter past."""
    return SessionFactory(ends=at(9, 15).time()).doctor


def wait(doctor=None, patient=None, department=None, **changes):
    data = {"first_on": DAY, "last_on": DAY, "priority": "routine", "reason": "knee"} | changes
    data |= {"doctor": doctor} if doctor else {"department": department}
    return waitlist.add_entry(patient_id=(patient or PatientFactory()).pk, data=data, by=None, on=DAY, request_id=None)


def offered():
    return [(offer.entry, offer.status) for offer in WaitlistOffer.objects.order_by("id")]


def accept(offer, now=EARLY, **more):
    return waitlist.accept_offer(offer_id=offer.pk, by=None, now=now, **more)


class TestTheList:
    def test_second_entry_for_the_same_place_is_refused(self):
        entry = wait(one_slot_doctor())

        with pytest.raises(AlreadyOnWaitlist):
            wait(entry.doctor, entry.patient)

        assert WaitlistEntry.objects.get() == entry

    @pytest.mark.parametrize(
        "changes", [{"last_on": DAY - timedelta(days=1)}, {"first_on": DAY - timedelta(days=9), "last_on": DAY - timedelta(days=1)}]
    )
    def test_days_that_cannot_be_are_refused(self, changes):
        with pytest.raises(InvalidInput):
            wait(one_slot_doctor(), **changes)

        assert not WaitlistEntry.objects.exists()

    def test_inactive_patient_is_refused(self):
        with pytest.raises(PatientInactive):
            wait(one_slot_doctor(), PatientFactory(status="inactive", deactivated_reason="moved away"))

    def test_shape_is_held_by_the_database(self):
        doctor, patient = one_slot_doctor(), PatientFactory()
        fields = {"patient": patient, "band": 2, "first_on": DAY, "last_on": DAY}

        for name, changes in [
            ("waitlist_entry_of_doctor_or_department", {}),
            ("waitlist_entry_days_in_order", {"doctor": doctor, "last_on": DAY - timedelta(days=1)}),
            ("waitlist_entry_booked_with_appointment", {"doctor": doctor, "status": "booked"}),
        ]:
            refused(name, lambda changes=changes: WaitlistEntry.objects.create(**fields | changes))
        WaitlistEntry.objects.create(**fields, doctor=doctor)
        refused("waitlist_entry_waits_once_per_doctor", lambda: WaitlistEntry.objects.create(**fields, doctor=doctor))
        WaitlistEntry.objects.create(**fields, department=doctor.department)
        refused("waitlist_entry_waits_once_per_department", lambda: WaitlistEntry.objects.create(**fields, department=doctor.department))

    def test_offers_are_held_by_the_database(self):
        doctor = one_slot_doctor()
        one, two = wait(doctor), wait(doctor)
        fields = {"doctor": doctor, "starts_at": at(9), "ends_at": at(9, 15), "expires_at": at(8)}

        for name, changes in [
            ("waitlist_offer_ends_after_start", {"ends_at": at(9)}),
            ("waitlist_offer_expires_before_its_time", {"expires_at": at(10)}),
            ("waitlist_offer_closed_with_time", {"status": "declined"}),
        ]:
            refused(name, lambda changes=changes: WaitlistOffer.objects.create(entry=one, **fields | changes))
        WaitlistOffer.objects.create(entry=one, **fields)
        refused("waitlist_offer_slot_to_one_at_a_time", lambda: WaitlistOffer.objects.create(entry=two, **fields))
        later = fields | {"starts_at": at(10), "ends_at": at(11)}
        refused("waitlist_offer_one_open_per_entry", lambda: WaitlistOffer.objects.create(entry=one, **later))
        closed = fields | {"status": "expired", "closed_at": at(8)}
        refused("waitlist_offer_slot_once_per_entry", lambda: WaitlistOffer.objects.create(entry=one, **closed))


class TestOffering:
    def test_freed_time_goes_to_the_most_urgent_then_to_who_asked_first(self):
        doctor = one_slot_doctor()
        taken = book(doctor)
        first, second, urgent = wait(doctor), wait(doctor), wait(doctor, priority="urgent")
        assert waitlist.sweep(EARLY) == 0

        booking.cancel_appointment(appointment_id=taken.pk, reason="ill", by=None, now=EARLY)
        assert waitlist.sweep(EARLY) == 1
        assert offered() == [(urgent, "open")]

        for after in (first, second):
            waitlist.decline_offer(offer_id=WaitlistOffer.objects.get(status="open").pk, by=None, now=EARLY)
            waitlist.sweep(EARLY)
            assert WaitlistOffer.objects.get(status="open").entry == after

    @pytest.mark.parametrize("free", ["move", "hours"])
    def test_moved_appointment_and_added_hours_free_time_too(self, free):
        doctor = one_slot_doctor()
        taken, entry = book(doctor), wait(doctor)

        if free == "move":
            other = SessionFactory(starts=at(10).time()).doctor
            booking.reschedule_appointment(appointment_id=taken.pk, doctor_id=other.pk, start=at(10), by=None, now=EARLY)
        else:
            SessionFactory(doctor=doctor, starts=at(10).time())
        waitlist.sweep(EARLY)

        assert offered() == [(entry, "open")]

    def test_entry_of_a_department_is_offered_any_of_its_doctors_and_only_its_days(self):
        doctor = one_slot_doctor()
        wait(department=doctor.department, first_on=DAY + timedelta(days=1), last_on=DAY + timedelta(days=2))
        entry = wait(department=doctor.department)

        waitlist.sweep(EARLY)

        assert offered() == [(entry, "open")]

    def test_time_that_starts_soon_is_not_offered(self):
        wait(one_slot_doctor())

        assert waitlist.sweep(at(8, 1)) == 0

    def test_unanswered_offer_expires_and_the_next_has_it(self):
        doctor = one_slot_doctor()
        first, second = wait(doctor), wait(doctor)
        waitlist.sweep(EARLY - timedelta(hours=3))

        waitlist.sweep(EARLY)

        assert offered() == [(first, "expired"), (second, "open")]
        assert not WaitlistOffer.objects.get(entry=first).closed_by

    def test_sweep_twice_offers_once(self):
        wait(one_slot_doctor())

        assert [waitlist.sweep(EARLY), waitlist.sweep(EARLY)] == [1, 0]

    def test_entry_whose_days_have_passed_is_let_go(self):
        entry = wait(one_slot_doctor())

        waitlist.sweep(at(9, day=DAY + timedelta(days=1)))

        entry.refresh_from_db()
        assert entry.status == "lapsed"


class TestTheOfferedTime:
    @pytest.fixture
    def offer(self):
        wait(one_slot_doctor())
        waitlist.sweep(EARLY)
        return WaitlistOffer.objects.get()

    def test_is_not_free_for_others_without_redis_too(self, offer, monkeypatch):
        monkeypatch.setattr(stores, "read_hold", lambda *args: (_ for _ in ()).throw(RedisDown))
        [day] = bookable_days(doctor_id=offer.doctor_id, first=DAY, days=1, now=EARLY)

        with pytest.raises(SlotOffered):
            book(offer.doctor)

        assert not day.available
        assert not Appointment.objects.exists()

    def test_is_free_again_once_it_expired_though_nobody_swept(self, offer):
        assert book(offer.doctor, now=offer.expires_at).status == "booked"

    def test_is_booked_by_accepting_twice_is_once(self, offer):
        one, two = accept(offer), accept(offer)

        offer.refresh_from_db()
        assert (one, one.patient, one.starts_at, one.reason) == (two, offer.entry.patient, at(9), "knee")
        assert (offer.status, offer.entry.status, offer.entry.appointment) == (OfferStatus.ACCEPTED, "booked", one)

    def test_cannot_be_accepted_after_it_expired_or_was_declined(self, offer):
        with pytest.raises(OfferClosed):
            accept(offer, now=offer.expires_at)
        waitlist.decline_offer(offer_id=offer.pk, by=None, now=EARLY)
        with pytest.raises(OfferClosed):
            accept(offer)

        assert not Appointment.objects.exists()

    def test_refused_booking_leaves_the_offer_open(self, offer):
        AppointmentFactory(patient=offer.entry.patient, during=(at(9), at(9, 15)))

        with pytest.raises(PatientBusy):
            accept(offer)

        offer.refresh_from_db()
        assert offer.status == "open"

    def test_is_taken_back_with_the_entry(self, offer):
        waitlist.withdraw_entry(entry_id=offer.entry_id, by=None, now=EARLY)

        offer.refresh_from_db()
        assert offer.status == "withdrawn"
        assert book(offer.doctor)

    def test_entry_that_lapsed_is_not_withdrawn(self):
        entry = wait(one_slot_doctor())
        WaitlistEntry.objects.filter(pk=entry.pk).update(status="lapsed")

        with pytest.raises(WrongStatus):
            waitlist.withdraw_entry(entry_id=entry.pk, by=None, now=EARLY)

    def test_past_is_not_booked_through_it(self, offer):
        WaitlistOffer.objects.filter(pk=offer.pk).update(expires_at=at(9))

        with pytest.raises((InThePast, OfferClosed)):
            accept(offer, now=at(9, 1))


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_sweeps_at_once_offer_a_time_once(self, at_once):
        doctor = one_slot_doctor()
        wait(doctor), wait(doctor)

        results = at_once(*[lambda: waitlist.sweep(EARLY)] * 4)

        assert sorted(results) == [0, 0, 0, 1]
        assert WaitlistOffer.objects.count() == 1

    def test_accepting_and_booking_at_once_sell_the_time_once(self, at_once):
        wait(one_slot_doctor())
        waitlist.sweep(EARLY)
        offer = WaitlistOffer.objects.get()

        results = at_once(lambda: accept(offer), lambda: accept(offer), lambda: book(offer.doctor))

        assert outcomes(results)[:2] == ["Appointment", "Appointment"]
        assert isinstance(results[2], (SlotOffered, SlotHeld, booking.SlotTaken))
        assert Appointment.objects.count() == 1

    def test_accepting_and_declining_at_once_end_in_one_of_them(self, at_once):
        wait(one_slot_doctor())
        waitlist.sweep(EARLY)
        offer = WaitlistOffer.objects.get()

        at_once(lambda: accept(offer), lambda: waitlist.decline_offer(offer_id=offer.pk, by=None, now=EARLY))

        offer.refresh_from_db()
        assert Appointment.objects.count() == (1 if offer.status == "accepted" else 0)

    def test_held_in_redis_while_it_is_open(self):
        wait(one_slot_doctor())
        waitlist.sweep(EARLY)
        offer = WaitlistOffer.objects.get()

        assert stores.read_hold(offer.doctor_id, at(9)) == f"waitlist:{offer.public_id}"
        waitlist.decline_offer(offer_id=offer.pk, by=None, now=EARLY)
        assert stores.read_hold(offer.doctor_id, at(9)) is None

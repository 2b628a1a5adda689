"""The waitlist on its pages."""

from uuid import uuid4

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from scheduling.services import waitlist
from scheduling.tests.factories import DAY, PatientFactory, SessionFactory
from scheduling.tests.steps import EARLY, url, words
from scheduling.tests.test_waitlist import one_slot_doctor, wait

pytestmark = pytest.mark.django_db


class TestPages:
    def form(self, doctor, **changes):
        return {
            "request_id": uuid4(), "place": f"doctor:{doctor.public_id}", "first_on": DAY, "last_on": DAY, "priority": "urgent",
        } | changes  # fmt: skip

    def test_desk_adds_answers_and_takes_off(self, client_as, desk):
        web, patient, doctor = client_as(desk), PatientFactory(), one_slot_doctor()
        to = url("waitlist_add", patient.public_id)

        assert web.post(to, self.form(doctor)).url == url("waitlist")
        assert web.post(to, self.form(doctor)).status_code == 409
        assert web.post(to, self.form(doctor, last_on="x")).status_code == 400
        waitlist.sweep(EARLY)
        assert patient.full_name in words(web.get(url("waitlist")))
        offer = WaitlistOffer.objects.get()
        response = web.post(url("offer_accept", offer.public_id), {"request_id": uuid4()})

        assert response.url == url("appointment", Appointment.objects.get().public_id)
        assert web.post(url("offer_decline", offer.public_id)).status_code == 409

    def test_patient_sees_and_answers_the_own_ones_only_and_is_never_urgent(self, client_as):
        own = PatientFactory(user=user(Role.PATIENT))
        web, doctor = client_as(own.user), one_slot_doctor()
        other = wait(doctor)
        waitlist.sweep(EARLY)
        offer = WaitlistOffer.objects.get()

        web.post(url("waitlist_add", own.public_id), self.form(doctor))
        page = words(web.get(url("waitlist")))

        assert WaitlistEntry.objects.get(patient=own).priority == "routine"
        assert (other.patient.full_name in page, str(doctor) in page) == (False, True)
        for name in ("offer_accept", "offer_decline"):
            assert web.post(url(name, offer.public_id)).status_code == 404
        assert web.post(url("waitlist_withdraw", other.public_id)).status_code == 404
        assert web.post(url("waitlist_add", other.patient.public_id), self.form(doctor)).status_code == 404
        assert web.post(url("waitlist_withdraw", WaitlistEntry.objects.get(patient=own).public_id)).status_code == 302

    @pytest.mark.parametrize("count", [3, 30])
    def test_costs_the_same_however_many(self, count, client_as, desk, django_assert_max_num_queries):
        doctor, web = SessionFactory().doctor, client_as(desk)
        for _ in range(count):
            wait(doctor)
        waitlist.sweep(EARLY)

        with django_assert_max_num_queries(9):
            web.get(url("waitlist"))

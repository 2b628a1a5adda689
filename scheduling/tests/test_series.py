"""Recurring appointments: every date is booked by itself, and says what became of it."""

from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from clinic.accounts.tests.factories import DoctorFactory
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from scheduling.errors import SlotTaken
from scheduling.models import Appointment, AppointmentSeries, SeriesDate
from scheduling.rules.series import dates_of, instant_of
from scheduling.services import booking, series
from scheduling.services.series import Repeat
from scheduling.tests.factories import DAY, AppointmentFactory, ExceptionFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import EARLY, problem, status_of, url, words

pytestmark = pytest.mark.django_db
WEEKS = [DAY + timedelta(weeks=n) for n in range(8)]
FOUR = Repeat(1, count=4)
API = "/api/v1/appointments/recurring/"


def ask(doctor, patient=None, start=None, repeat=FOUR, **more):
    wanted = {"by": None, "now": EARLY, "request_id": uuid4()} | more
    return series.book_series(
        patient_id=(patient or PatientFactory()).pk, doctor_id=doctor.pk, start=start or at(9), repeat=repeat, **wanted
    )


def outcome(made) -> list[tuple]:
    return [(row.on, row.status, row.refusal_code) for row in made.dates.order_by("on")]


class TestDates:
    def test_so_many_times(self):
        assert dates_of(date(2030, 12, 20), every_weeks=2, most=52, count=3) == [date(2030, 12, 20), date(2031, 1, 3), date(2031, 1, 17)]

    def test_until_a_day_included(self):
        assert dates_of(date(2028, 2, 22), every_weeks=1, most=52, until=date(2028, 3, 7))[1:] == [date(2028, 2, 29), date(2028, 3, 7)]

    def test_never_more_than_can_be_told_to_be_too_many(self):
        assert len(dates_of(date(2030, 1, 1), every_weeks=1, most=52, until=date(2190, 1, 1))) == 53

    def test_the_wall_clock_stays_when_the_clocks_change(self):
        berlin = ZoneInfo("Europe/Berlin")
        before, after = (instant_of(on, time(9), berlin) for on in (date(2030, 3, 29), date(2030, 4, 5)))

        assert after - before == timedelta(weeks=1) - timedelta(hours=1)
        assert instant_of(date(2030, 3, 31), time(2, 30), berlin) is None


class TestBooking:
    def test_every_date_is_booked_at_the_same_time(self):
        doctor = working_doctor()

        made = ask(doctor, repeat=Repeat(2, count=3), reason="dressing")

        assert outcome(made) == [(on, "booked", "") for on in WEEKS[0:5:2]]
        rows = Appointment.objects.order_by("during")
        assert [row.starts_at for row in rows] == [at(9, day=on) for on in WEEKS[0:5:2]]
        assert {(row.series, row.reason) for row in rows} == {(made, "dressing")}

    def test_a_date_that_cannot_be_booked_says_why_and_stops_no_other(self):
        doctor = working_doctor()
        AppointmentFactory(doctor=doctor, during=(at(9, day=WEEKS[1]), at(9, 15, day=WEEKS[1])))
        ExceptionFactory(doctor=doctor, during=(at(0, day=WEEKS[2]), at(23, day=WEEKS[2])))

        made = ask(doctor)

        assert outcome(made) == [
            (WEEKS[0], "booked", ""),
            (WEEKS[1], "refused", "slot_taken"),
            (WEEKS[2], "refused", "doctor_on_leave"),
            (WEEKS[3], "booked", ""),
        ]
        assert made.dates.get(on=WEEKS[1]).refusal_detail == SlotTaken.detail
        assert Appointment.objects.filter(series=made).count() == 2

    def test_a_repeated_request_makes_nothing_more(self):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()
        first = ask(doctor, patient, request_id=key)
        events = OutboxEvent.objects.count()

        assert ask(doctor, patient, request_id=key) == first
        assert (Appointment.objects.count(), OutboxEvent.objects.count()) == (4, events)

    def test_a_request_that_died_goes_on_where_it_ended(self, monkeypatch):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()
        real, calls = series.book_appointment, []

        def dies(**wanted):
            calls.append(wanted["start"])
            if len(calls) == 3:
                raise KeyboardInterrupt
            return real(**wanted)

        monkeypatch.setattr(series, "book_appointment", dies)
        with pytest.raises(KeyboardInterrupt):
            ask(doctor, patient, request_id=key)
        assert Appointment.objects.count() == 2, "each date was committed by itself"

        made = ask(doctor, patient, request_id=key)

        assert [status for _, status, _ in outcome(made)] == ["booked"] * 4
        assert (Appointment.objects.count(), len(calls)) == (4, 5)

    def test_a_key_of_another_request_is_refused(self, api_as, desk):
        doctor, key, api = working_doctor(), str(uuid4()), api_as(desk)
        body = {"patient": PatientFactory().public_id, "doctor": doctor.public_id, "start": at(9), "every_weeks": 1, "count": 2}
        assert api.post(API, body, headers={"Idempotency-Key": key}).status_code == 201

        for change in ({"start": at(10)}, {"count": 3}, {"every_weeks": 2}, {"reason": "Back"}, {"patient": PatientFactory().public_id}):
            problem(api.post(API, body | change, headers={"Idempotency-Key": key}), 422, "idempotency_key_reused")

        assert AppointmentSeries.objects.count() == 1


class TestEnding:
    def test_cancels_from_a_day_on_and_moved_ones_too(self):
        doctor = working_doctor()
        made = ask(doctor)
        moved = booking.reschedule_appointment(
            appointment_id=made.dates.get(on=WEEKS[2]).appointment_id, start=at(10, day=WEEKS[2]), by=None, now=EARLY
        )

        cancelled = series.cancel_series(series_id=made.pk, from_on=WEEKS[1], reason="moved away", by=None, now=EARLY)

        assert (cancelled, status_of(moved)) == (3, "cancelled")
        left = Appointment.objects.live().filter(series=made)
        assert [row.starts_at for row in left] == [at(9)]
        assert series.cancel_series(series_id=made.pk, from_on=WEEKS[1], reason="moved away", by=None, now=EARLY) == 0

    def test_what_is_over_stays(self):
        made = ask(working_doctor())

        assert series.cancel_series(series_id=made.pk, from_on=DAY, reason="ill", by=None, now=at(9, 5)) == 3


class TestPageAndApi:
    def test_api_shows_each_date(self, api_as, desk):
        doctor, patient, api = working_doctor(), PatientFactory(), api_as(desk)
        AppointmentFactory(doctor=doctor, during=(at(9, day=WEEKS[1]), at(9, 15, day=WEEKS[1])))
        body = {"patient": patient.public_id, "doctor": doctor.public_id, "start": at(9), "every_weeks": 1, "until": WEEKS[2]}

        answer = api.post(API, body)

        made = answer.json()
        assert answer.status_code == 201
        assert [(each["date"], each["status"], each["code"]) for each in made["dates"]] == [
            (WEEKS[0].isoformat(), "booked", None),
            (WEEKS[1].isoformat(), "refused", "slot_taken"),
            (WEEKS[2].isoformat(), "booked", None),
        ]
        assert datetime.fromisoformat(made["dates"][0]["start"]) == at(9)
        assert api.get(f"{API}{made['id']}/").json() == made
        ended = api.post(f"{API}{made['id']}/cancel/", {"date_from": WEEKS[1], "reason": "well again"}).json()
        assert (ended["cancelled"], ended["dates"][2]["appointment_status"]) == (1, "cancelled")

    def test_desk_books_sees_and_ends_one(self, client_as, desk):
        doctor, patient, web = working_doctor(), PatientFactory(), client_as(desk)
        AppointmentFactory(doctor=doctor, during=(at(9, day=WEEKS[1]), at(9, 15, day=WEEKS[1])))
        form = {"request_id": uuid4(), "doctor": doctor.public_id, "start": at(9).isoformat(), "every_weeks": 1, "count": 3, "until": ""}

        page = web.post(url("book", patient.public_id), form, follow=True)

        assert "2 of 3 booked" in words(page)
        assert SlotTaken.detail in words(page)
        made = AppointmentSeries.objects.get()
        assert url("series", made.public_id) in words(web.get(url("appointment", made.dates.first().appointment.public_id)))
        after = web.post(url("series_cancel", made.public_id), {"from_on": DAY, "reason": "well again"}, follow=True)
        assert "2 appointments are cancelled" in words(after)

    def test_form_says_in_place_what_is_wrong(self, client_as, desk):
        doctor, patient = working_doctor(), PatientFactory()
        form = {"request_id": uuid4(), "doctor": doctor.public_id, "start": at(9).isoformat(), "every_weeks": 1}

        page = client_as(desk).post(url("book", patient.public_id, doctor=doctor.public_id), form)

        assert (page.status_code, "how many times, or until when" in words(page)) == (400, True)
        assert not AppointmentSeries.objects.exists()

    @pytest.mark.parametrize("count", [2, 30])
    def test_page_costs_the_same_for_many_dates(self, client_as, desk, count, django_assert_max_num_queries):
        made, web = ask(working_doctor(), repeat=Repeat(1, count=count)), client_as(desk)

        with django_assert_max_num_queries(8):
            assert web.get(url("series", made.public_id)).status_code == 200


class TestDatabase:
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("series_every_1_to_12_weeks", lambda made: AppointmentSeries.objects.filter(pk=made.pk).update(every_weeks=0)),
            ("series_kept", lambda made: AppointmentSeries.objects.filter(pk=made.pk)._raw_delete("default")),
            ("series_date_kept", lambda made: made.dates.last().delete()),
            ("series_date_once", lambda made: SeriesDate.objects.create(series=made, on=DAY)),
            ("series_date_decided_once", lambda made: made.dates.update(appointment=None)),
            (
                "series_date_booked_or_refused",
                lambda made: SeriesDate.objects.create(series=made, on=WEEKS[7], appointment=AppointmentFactory(), refusal_code="x"),
            ),
        ],
    )
    def test_refuses(self, name, change):
        made = AppointmentSeries.objects.create(
            patient=PatientFactory(), doctor=DoctorFactory(), starts_at=at(9), every_weeks=1, request_id=uuid4()
        )
        SeriesDate.objects.create(series=made, on=DAY, refusal_code="slot_taken")

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            change(made)

        assert constraint_of(caught.value) == name


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_double_press_makes_one_series(self, at_once):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()

        results = at_once(*[lambda: ask(doctor, patient, request_id=key)] * 4)

        assert len({made.pk for made in results}) == 1
        assert Appointment.objects.count() == 4

    def test_two_patients_share_no_date(self, at_once):
        doctor, patients = working_doctor(), [PatientFactory(), PatientFactory()]

        at_once(*[lambda patient=patient: ask(doctor, patient, repeat=Repeat(1, count=6)) for patient in patients])

        assert Appointment.objects.count() == 6
        assert SeriesDate.objects.filter(refusal_code="slot_taken").count() == 6

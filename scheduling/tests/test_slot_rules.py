"""Slots are a pure function of hours: no database here."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.rules.slots import Buffers, Exceptional, Hours, Kind, Reason, Session, compute_days, day_bounds, slots_of, span_of

LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
AZORES = ZoneInfo("Atlantic/Azores")  # jumps at midnight
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
MONDAY = date(2030, 6, 3)


def session(starts=time(9), ends=time(12), minutes=15, on=MONDAY, **fields):
    return Session(on.isoweekday(), starts, ends, minutes, date(2020, 1, 1), **fields)


def walls(slots, tz):
    return [slot.start.astimezone(tz).strftime("%H:%M") for slot in slots]


def day_of(hours, on=MONDAY, tz=BERLIN, taken=(), now=EARLY):
    return compute_days(hours, taken, first=on, days=1, tz=tz, now=now)[0]


def test_session_is_cut_into_slots_of_its_length():
    slots = slots_of(Hours([session(ends=time(10))]), MONDAY, BERLIN)

    assert walls(slots, BERLIN) == ["09:00", "09:15", "09:30", "09:45"]
    assert {slot.end - slot.start for slot in slots} == {timedelta(minutes=15)}


def test_last_slot_has_to_fit_in_whole():
    slots = slots_of(Hours([session(ends=time(10), minutes=25)]), MONDAY, BERLIN)

    assert walls(slots, BERLIN) == ["09:00", "09:25"]


def test_half_hour_zone_gives_its_own_wall_clock():
    slots = slots_of(Hours([session(ends=time(9, 30))]), MONDAY, KOLKATA)

    assert [slot.start for slot in slots] == [datetime(2030, 6, 3, 3, 30, tzinfo=UTC), datetime(2030, 6, 3, 3, 45, tzinfo=UTC)]


@pytest.mark.parametrize("minutes", [15, 20, 30, 45, 60, 90])
def test_hour_that_spring_skips_is_not_offered(minutes):
    skipped = date(2030, 3, 31)  # 02:00 becomes 03:00

    slots = slots_of(Hours([session(time(0), time(6), minutes, skipped)]), skipped, BERLIN)

    assert not [wall for wall in walls(slots, BERLIN) if wall.startswith("02")]
    assert all(slot.end <= following.start for slot, following in itertools.pairwise(slots))


def test_hour_that_autumn_repeats_is_offered_once():
    repeated = date(2030, 10, 27)  # 03:00 becomes 02:00

    slots = slots_of(Hours([session(time(1), time(4), 30, repeated)]), repeated, BERLIN)

    assert walls(slots, BERLIN) == ["01:00", "01:30", "02:00", "02:30", "03:00", "03:30"]
    assert slots[2].start == datetime(2030, 10, 27, 0, 0, tzinfo=UTC)
    assert slots[4].start == datetime(2030, 10, 27, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "ends", "minutes", "expected"),
    [
        (time(1), time(2, 30), 30, ["01:00", "01:30"]),
        (time(1), time(2, 45), 45, ["01:00"]),  # a slot from 01:45 would end when the clocks show 03:30
        (time(1), time(3, 15), 45, ["01:00"]),
        (time(2, 30), time(4), 30, ["03:00", "03:30"]),
        (time(2), time(3), 15, []),
    ],
)
def test_session_that_touches_the_skipped_hour_has_what_is_left_of_it(starts, ends, minutes, expected):
    skipped = date(2030, 3, 31)

    slots = slots_of(Hours([session(starts, ends, minutes, skipped)]), skipped, BERLIN)

    assert walls(slots, BERLIN) == expected


def test_zone_that_jumps_by_half_an_hour_skips_just_that():
    skipped = date(2030, 10, 6)  # 02:00 becomes 02:30

    slots = slots_of(Hours([session(time(1), time(4), 30, skipped)]), skipped, LORD_HOWE)

    assert walls(slots, LORD_HOWE) == ["01:00", "01:30", "02:30", "03:00", "03:30"]


def test_day_bounds_follow_the_clocks():
    start, end = day_bounds(date(2030, 3, 31), BERLIN)

    assert end - start == timedelta(hours=23)


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        (Hours(), Reason.NO_SESSION),
        (Hours([session(on=MONDAY + timedelta(days=1))]), Reason.NO_SESSION),
        (Hours([Session(1, time(9), time(12), 15, date(2020, 1, 1), MONDAY)]), Reason.NO_SESSION),
        (Hours([Session(1, time(9), time(12), 15, MONDAY + timedelta(days=1))]), Reason.NO_SESSION),
    ],
)
def test_day_without_hours_says_so(hours, reason):
    day = day_of(hours)

    assert (day.slots, day.reason) == ((), reason)


def all_day(kind, **fields):
    start, end = day_bounds(MONDAY, BERLIN)
    return Exceptional(kind, start, end, **fields)


@pytest.mark.parametrize(("kind", "reason"), [(Kind.LEAVE, Reason.LEAVE), (Kind.HOLIDAY, Reason.HOLIDAY), (Kind.BREAK, Reason.NO_SESSION)])
def test_closed_day_says_why(kind, reason):
    assert day_of(Hours([session()], [all_day(kind)])).reason == reason


def test_break_closes_the_slots_that_it_touches():
    lunch = Exceptional(Kind.BREAK, datetime(2030, 6, 3, 9, 20, tzinfo=BERLIN), datetime(2030, 6, 3, 9, 40, tzinfo=BERLIN))

    slots = day_of(Hours([session(ends=time(10))], [lunch])).slots

    assert walls(slots, BERLIN) == ["09:00", "09:45"]


def test_exception_of_one_facility_leaves_the_others_open():
    closed = all_day(Kind.HOLIDAY, facility_id=1)

    assert day_of(Hours([session(facility_id=1)], [closed])).reason == Reason.HOLIDAY
    assert day_of(Hours([session(facility_id=2)], [closed])).reason is None


def extra(starts=14, ends=15):
    return Exceptional(Kind.OPEN, datetime(2030, 6, 3, starts, tzinfo=BERLIN), datetime(2030, 6, 3, ends, tzinfo=BERLIN), slot_minutes=30)


def test_extra_hours_add_slots():
    assert walls(day_of(Hours([], [extra()])).slots, BERLIN) == ["14:00", "14:30"]


def test_extra_hours_never_overlap_the_weekly_ones():
    slots = day_of(Hours([session(time(14), time(14, 45))], [extra()])).slots

    assert walls(slots, BERLIN) == ["14:00", "14:15", "14:30"]


def test_extra_hours_stay_open_on_the_clinics_holiday_but_not_on_the_doctors_leave():
    holiday = all_day(Kind.HOLIDAY, is_clinic_wide=True)

    assert day_of(Hours([], [extra(), holiday])).reason is None
    assert day_of(Hours([], [extra(), all_day(Kind.LEAVE)])).reason == Reason.LEAVE


def test_taken_slot_is_shown_but_not_available():
    taken = [(datetime(2030, 6, 3, 9, 10, tzinfo=BERLIN), datetime(2030, 6, 3, 9, 20, tzinfo=BERLIN))]

    day = day_of(Hours([session(ends=time(10))]), taken=taken)

    assert [slot.available for slot in day.slots] == [False, False, True, True]
    assert day.reason is None


def test_full_day_says_so():
    taken = [(datetime(2030, 6, 3, 9, tzinfo=BERLIN), datetime(2030, 6, 3, 12, tzinfo=BERLIN))]

    assert day_of(Hours([session()]), taken=taken).reason == Reason.FULL


def test_what_has_begun_is_not_offered():
    now = datetime(2030, 6, 3, 11, 31, tzinfo=BERLIN)

    assert walls(day_of(Hours([session()]), now=now).slots, BERLIN) == ["11:45"]
    assert day_of(Hours([session()]), now=now + timedelta(hours=1)).reason == Reason.PAST
    assert day_of(Hours(), now=now + timedelta(days=1)).reason == Reason.PAST


def test_slot_that_begins_now_is_offered():
    assert walls(day_of(Hours([session(ends=time(9, 15))]), now=datetime(2030, 6, 3, 9, tzinfo=BERLIN)).slots, BERLIN) == ["09:00"]


class TestSpan:
    slots = slots_of(Hours([session(time(9), time(10)), session(time(10), time(10, 30))]), MONDAY, UTC)

    def start(self, minute):
        return datetime(2030, 6, 3, 9, tzinfo=UTC) + timedelta(minutes=minute)

    def test_one_slot_without_an_end(self):
        assert span_of(self.slots, self.start(15)) == [self.slots[1]]

    def test_up_to_the_end_of_a_later_slot(self):
        assert len(span_of(self.slots, self.start(15), end=self.start(60))) == 3

    @pytest.mark.parametrize(("start", "end"), [(7, None), (0, 20), (45, 75), (120, None), (30, 15)])
    def test_nothing_off_the_grid_or_across_sessions(self, start, end):
        assert span_of(self.slots, self.start(start), end=self.start(end) if end else None) == []

    def test_as_long_as_asked(self):
        assert len(span_of(self.slots, self.start(0), at_least=timedelta(minutes=20))) == 2
        assert span_of(self.slots, self.start(45), at_least=timedelta(minutes=20)) == []


# --- Whatever the hours, the zone and the day ------------------------------------------------

zones = st.sampled_from(
    [BERLIN, LONDON, KOLKATA, LORD_HOWE, AZORES, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), ZoneInfo("UTC")]
)
days = st.one_of(
    st.dates(date(2010, 1, 1), date(2035, 12, 31)),
    st.sampled_from([date(2030, 3, 31), date(2030, 10, 27), date(2030, 10, 6), date(2030, 4, 7), date(2030, 3, 10), date(2030, 11, 3)]),
)
buffers = st.builds(Buffers.of_minutes, *[st.sampled_from([0, 0, 5, 7, 60])] * 2)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 5, 15, 30, 45]))


@st.composite
def hours_on(draw, on):
    opens = sorted(draw(st.lists(times, min_size=2, max_size=2, unique=True)))
    closing = []
    if draw(st.booleans()):
        start = datetime.combine(on, draw(times), tzinfo=UTC)
        closing.append(Exceptional(Kind.BREAK, start, start + timedelta(minutes=draw(st.integers(1, 300)))))
    if draw(st.booleans()):
        start = datetime.combine(on, draw(times), tzinfo=UTC)
        end = start + timedelta(minutes=draw(st.integers(30, 600)))
        closing.append(Exceptional(Kind.OPEN, start, end, draw(st.integers(5, 90)), buffers=draw(buffers)))
    return Hours([session(opens[0], opens[1], draw(st.integers(5, 120)), on, buffers=draw(buffers))], closing)


@settings(max_examples=400, deadline=None)
@given(st.data(), days, zones)
def test_slots_are_disjoint_real_and_inside_the_hours(data, on, tz):
    hours = data.draw(hours_on(on))
    weekly = hours.sessions[0]

    slots = slots_of(hours, on, tz)

    for slot, following in itertools.pairwise(slots):
        assert slot.occupied[1] <= following.occupied[0]
    shown = [slot.start.astimezone(tz).replace(tzinfo=None) for slot in slots]
    assert len(set(shown)) == len(shown), "a wall-clock time is offered once"
    for slot in slots:
        assert slot.start.astimezone(tz).date() == on
        assert not any(e.kind != Kind.OPEN and e.overlaps(slot.start, slot.end) for e in hours.exceptions)
        if not slot.is_extra:
            assert slot.end - slot.start == timedelta(minutes=weekly.slot_minutes), "a buffer does not lengthen what the patient sees"
            assert (slot.start - slot.occupied[0], slot.occupied[1] - slot.end) == (weekly.buffers.before, weekly.buffers.after)
            starts, ends = (at.astimezone(tz).replace(tzinfo=None) for at in slot.occupied)
            assert weekly.starts <= starts.time()
            assert ends <= datetime.combine(on, weekly.ends) or (ends - starts) > (slot.occupied[1] - slot.occupied[0])


@settings(max_examples=200, deadline=None)
@given(st.data(), days, zones, st.integers(-600, 2000))
def test_no_offered_slot_is_past_or_taken_and_a_reason_stands_exactly_where_nothing_is_free(data, on, tz, minutes):
    hours = data.draw(hours_on(on))
    start = day_bounds(on, tz)[0]
    now = start + timedelta(minutes=minutes)
    taken = [
        (start + timedelta(minutes=m), start + timedelta(minutes=m + 20)) for m in data.draw(st.lists(st.integers(0, 1440), max_size=5))
    ]

    [day] = compute_days(hours, taken, first=on, days=1, tz=tz, now=now)

    assert (day.reason is None) == bool(day.available)
    for slot in day.available:
        assert slot.start >= now
        assert not any(begin < slot.occupied[1] and slot.occupied[0] < finish for begin, finish in taken)

"""What may leave, held against rules written a second time: a week as a table of minutes, clocks by the law."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import (
    SafeContactPlan,
    SendDecision,
    SendKind,
    SendReason,
    decide_send,
    parse_safe_contact,
    strictest,
)

QUICK, MANY = 4_000, 120_000
DAY, WEEK = 1440, 10080
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # a Thursday
YEARS = range(2024, 2033)
CHANNELS = ("sms", "whatsapp", "webchat", "telegram", "email")
PUSHES = ("case_update", "invite", "broadcast")
KINDS = (
    "assistant_reply",
    "safety_line",
    "one_time_code",
    "staff_reply",
    "canned_text",
    "correction",
    *PUSHES,
)

Window = tuple[int, int, int]  # weekday, first minute, minute it ends


@dataclass(frozen=True, kw_only=True)
class Situation:
    windows: tuple[Window, ...]
    unasked: frozenset[str]
    answered: frozenset[str]
    is_unsolicited_agreed: bool
    channel: str
    kind: str
    at: datetime
    live_until: datetime | None
    is_same_contact_point: bool


Decide = Callable[[Situation], SendDecision]


def decide(situation: Situation) -> SendDecision:
    plan = SafeContactPlan(
        unasked_channels=frozenset(Channel(name) for name in situation.unasked),
        answered_channels=frozenset(Channel(name) for name in situation.answered),
        hours=tuple(
            ContactWindow(weekday=day, start_minute=start, end_minute=end)
            for day, start, end in situation.windows
        ),
        is_unsolicited_agreed=situation.is_unsolicited_agreed,
    )
    return decide_send(
        plan,
        channel=Channel(situation.channel),
        at=situation.at,
        kind=SendKind(situation.kind),
        live_until=situation.live_until,
        is_same_contact_point=situation.is_same_contact_point,
    )


# --- the rules a second time ----------------------------------------------------------------------


@lru_cache(maxsize=256)
def table_of(windows: tuple[Window, ...]) -> bytes:
    """Four equal weeks, a byte a minute from Monday 00:00: may an unasked message arrive?"""
    week = bytearray(b"\1" * WEEK if not windows else WEEK)
    for day, start, end in windows:
        minute = day * DAY + start
        while True:
            week[minute % WEEK] = 1
            minute += 1
            if minute % DAY == end % DAY:
                break
    return bytes(week) * 4


def last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    while day.weekday() != 6:
        day -= timedelta(days=1)
    return day


# Summer Time Order 2002: from 01:00 GMT on the last Sunday of March to 01:00 GMT on the last of October.
CHANGES = [
    datetime.combine(last_sunday(year, month), datetime.min.time(), UTC) + timedelta(hours=1)
    for year in (*YEARS, YEARS.stop)
    for month in (3, 10)
]


def wall_minute(at: datetime) -> int:
    """The minute of the week that British clocks show."""
    return ((at - EPOCH) // timedelta(minutes=1) + 3 * DAY + 60 * is_summer(at)) % WEEK


def is_summer(at: datetime) -> bool:
    return bisect_right(CHANGES, at) % 2 == 1


def first_open(table: bytes, at: datetime) -> datetime:
    moment = at - timedelta(seconds=at.second, microseconds=at.microsecond)
    while True:
        change = CHANGES[bisect_right(CHANGES, moment)]
        minutes = min(WEEK, (change - moment) // timedelta(minutes=1))
        start = wall_minute(moment)
        found = table.find(b"\1", start, start + minutes)
        if found >= 0:
            return moment + timedelta(minutes=found - start)
        moment += timedelta(minutes=minutes)


def expected(situation: Situation) -> tuple[bool, datetime | None]:
    """Whether it may leave and, if only the hour is wrong, from when."""
    seconds_left = (situation.live_until - situation.at).total_seconds() if situation.live_until else 0
    phone_in_hand = situation.is_same_contact_point and seconds_left > 0 and situation.kind not in PUSHES
    if phone_in_hand and (situation.kind == "safety_line" or situation.channel in situation.answered):
        return True, None
    if not (situation.is_unsolicited_agreed and situation.channel in situation.unasked):
        return False, None
    table = table_of(situation.windows)
    if table[wall_minute(situation.at)]:
        return True, None
    return False, first_open(table, situation.at)


def is_violated(situation: Situation, decide: Decide = decide) -> bool:
    decision = decide(situation)
    allowed, allowed_from = expected(situation)
    if (decision.allowed, decision.allowed_from) != (allowed, allowed_from):
        return True
    if (decision.reason is SendReason.OUTSIDE_HOURS) != (allowed_from is not None):
        return True
    if allowed_from is None:
        return False
    return not decide(replace(situation, at=allowed_from)).allowed


# --- random situations ----------------------------------------------------------------------------


def a_window(chance: random.Random) -> Window:
    if chance.random() < 0.4:  # in the small hours of a Sunday, where clocks change
        start = chance.choice([0, 30, 59, 60, 61, 90, 119, 120, 121, 150, 1380, 1439])
        end = chance.choice([0, 30, 59, 60, 61, 90, 119, 120, 121, 150, 1439, 1440])
        weekday = chance.choice([5, 6, 6, 0])
    else:
        start, end = chance.randrange(DAY), chance.randrange(DAY + 1)
        weekday = chance.randrange(7)
    return (weekday, start, end) if start != end else (weekday, 0, DAY)


def a_moment(chance: random.Random, windows: tuple[Window, ...]) -> datetime:
    if chance.random() < 0.6:
        change = chance.choice(CHANGES[:-2])
        within = chance.choice([timedelta(hours=2), timedelta(days=1), timedelta(days=8)])
        moment = change + within * chance.uniform(-1, 1)
    else:
        moment = datetime(YEARS.start, 1, 1, tzinfo=UTC) + timedelta(
            seconds=chance.randrange(len(YEARS) * 365 * 86400)
        )
    moment = moment.replace(
        second=chance.choice([0, 0, 1, 30, 59]), microsecond=chance.choice([0, 0, 999999])
    )
    if windows and chance.random() < 0.3:  # on the edge of a window
        day, start, end = chance.choice(windows)
        edge = day * DAY + chance.choice([start, end])
        moment += timedelta(minutes=(edge - wall_minute(moment) + WEEK // 2) % WEEK - WEEK // 2)
        moment = moment.replace(second=0, microsecond=0) + timedelta(seconds=chance.choice([-1, 0, 1]))
    return moment


def some_windows(chance: random.Random) -> tuple[Window, ...]:
    return tuple(a_window(chance) for _ in range(chance.choice([0, 1, 1, 2, 3, 5])))


def a_situation(chance: random.Random, windows: tuple[Window, ...]) -> Situation:
    at = a_moment(chance, windows)
    left = timedelta(seconds=chance.choice([-900, -1, 0, 0, 1, 60, 900]))
    return Situation(
        windows=windows,
        unasked=frozenset(name for name in CHANNELS if chance.random() < 0.6),
        answered=frozenset(name for name in CHANNELS if chance.random() < 0.6),
        is_unsolicited_agreed=chance.random() < 0.75,
        channel=chance.choice(CHANNELS),
        kind=chance.choice(KINDS),
        at=at,
        live_until=None if chance.random() < 0.2 else at + left,
        is_same_contact_point=chance.random() < 0.6,
    )


def violations(count: int, *, seed: int, decide: Decide = decide) -> Iterator[Situation]:
    chance = random.Random(seed)
    # Making a table costs more than all the rest, so eight situations in a row share their hours.
    hours = (some_windows(chance) for _ in range(count // 8))
    situations = (a_situation(chance, windows) for windows in hours for _ in range(8))
    return (situation for situation in situations if is_violated(situation, decide))


def test_nothing_leaves_that_breaks_a_plan() -> None:
    assert list(violations(QUICK, seed=1)) == []


@pytest.mark.slow
def test_nothing_leaves_that_breaks_a_plan_in_very_many_situations() -> None:
    found = list(violations(MANY, seed=2))

    print(f"violations: {len(found)} of {MANY} situations")  # noqa: T201
    assert found == []


MINUTES = st.integers(0, DAY - 1)
WINDOWS = st.tuples(st.integers(0, 6), MINUTES, MINUTES).filter(lambda window: window[1] != window[2])
MOMENTS = st.one_of(
    st.builds(
        lambda seconds: datetime(YEARS.start, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds),
        st.integers(0, len(YEARS) * 365 * 86400),
    ),
    st.builds(
        lambda change, seconds: change + timedelta(seconds=seconds),
        st.sampled_from(CHANGES[:-2]),
        st.integers(-8 * 86400, 8 * 86400),
    ),
)


@given(
    windows=st.lists(WINDOWS, max_size=4).map(tuple),
    unasked=st.frozensets(st.sampled_from(CHANNELS)),
    answered=st.frozensets(st.sampled_from(CHANNELS)),
    channel=st.sampled_from(CHANNELS),
    kind=st.sampled_from(KINDS),
    at=MOMENTS,
    left=st.one_of(st.none(), st.integers(-1000, 1000)),
    is_same_contact_point=st.booleans(),
    is_unsolicited_agreed=st.booleans(),
)
def test_the_smallest_plan_that_would_be_broken_is_found(at: datetime, left: int | None, **rest: Any) -> None:
    live_until = None if left is None else at + timedelta(seconds=left)

    assert not is_violated(Situation(at=at, live_until=live_until, **rest))


# --- broken twins that the property must catch ----------------------------------------------------

OPEN = SendDecision(allowed=True, reason=SendReason.UNASKED_AGREED)


def forgets_hours(situation: Situation) -> SendDecision:
    return decide(replace(situation, windows=()))


def reads_hours_as_utc(situation: Situation) -> SendDecision:
    return decide(replace(situation, at=situation.at - timedelta(hours=is_summer(situation.at))))


def lets_staff_write_at_any_time(situation: Situation) -> SendDecision:
    return OPEN if situation.kind == "staff_reply" else decide(situation)


def takes_any_contact_point(situation: Situation) -> SendDecision:
    return decide(replace(situation, is_same_contact_point=True))


def is_a_second_late(situation: Situation) -> SendDecision:
    live_until = situation.live_until and situation.live_until + timedelta(seconds=1)
    return decide(replace(situation, live_until=live_until))


def takes_a_push_for_an_answer(situation: Situation) -> SendDecision:
    return decide(replace(situation, kind="staff_reply") if situation.kind == "invite" else situation)


def holds_the_safety_line_back(situation: Situation) -> SendDecision:
    return decide(replace(situation, kind="canned_text") if situation.kind == "safety_line" else situation)


def forgets_to_say_when(situation: Situation) -> SendDecision:
    return replace(decide(situation), allowed_from=None)


@pytest.mark.parametrize(
    "twin",
    [
        forgets_hours,
        reads_hours_as_utc,
        lets_staff_write_at_any_time,
        takes_any_contact_point,
        is_a_second_late,
        takes_a_push_for_an_answer,
        holds_the_safety_line_back,
        forgets_to_say_when,
    ],
)
def test_a_broken_twin_is_caught(twin: Decide) -> None:
    assert next(violations(QUICK, seed=3, decide=twin), None) is not None


# --- whatever is asked, an answer comes -----------------------------------------------------------


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparing")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no looking")

    __hash__ = None  # type: ignore[assignment]


NOW = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
WITHOUT_ZONE = NOW.replace(tzinfo=None)
JUNK: list[Any] = [
    *(None, 0, 1, -1, float("nan"), "", "x", b"sms", [], {}, (), object(), Hostile(), Hostile, True),
    *(WITHOUT_ZONE, date(2026, 1, 1), timedelta(1)),
]
FAR = [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
CLOSED = SafeContactPlan(
    unasked_channels=frozenset(Channel),
    is_unsolicited_agreed=True,
    hours=(ContactWindow(weekday=2, start_minute=0, end_minute=1),),
)
SENSE: dict[str, list[Any]] = {
    "plan": [parse_safe_contact("any"), strictest(), SafeContactPlan(), CLOSED],
    "channel": [*Channel, "sms"],
    "at": [NOW, *FAR],
    "kind": [*SendKind, "safety_line"],
    "live_until": [NOW + timedelta(minutes=1), *FAR],
    "is_same_contact_point": [True, False],
}


def ask(question: dict[str, Any]) -> SendDecision:
    plan = question["plan"]
    return decide_send(plan, **{name: value for name, value in question.items() if name != "plan"})


def test_no_question_is_too_strange_for_an_answer() -> None:
    chance = random.Random(4)
    for _ in range(10_000):
        question = {name: chance.choice(values + JUNK) for name, values in SENSE.items()}

        assert isinstance(ask(question), SendDecision)


@pytest.mark.parametrize("name", ["channel", "at", "kind"])
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_what_makes_no_sense_does_not_leave(name: str, junk: Any) -> None:
    question = {name: values[0] for name, values in SENSE.items()} | {name: junk}

    assert ask(question) == SendDecision(allowed=False, reason=SendReason.NOT_UNDERSTOOD)


@pytest.mark.parametrize(
    "junk", [junk for junk in JUNK if junk is not True], ids=lambda junk: type(junk).__name__
)
def test_only_a_clear_yes_makes_it_the_same_contact_point(junk: Any) -> None:
    question = {name: values[0] for name, values in SENSE.items()}
    question |= {"plan": strictest(), "is_same_contact_point": junk}

    assert not ask(question).allowed


def test_a_plan_that_was_lost_does_not_silence_the_safety_line() -> None:
    question = {name: values[0] for name, values in SENSE.items()} | {"plan": None}

    assert ask(question | {"kind": SendKind.SAFETY_LINE}).allowed
    assert not ask(question | {"kind": SendKind.STAFF_REPLY}).allowed


def test_a_moment_without_a_time_zone_is_no_moment_even_where_any_hour_will_do() -> None:
    question = {name: values[0] for name, values in SENSE.items()} | {"live_until": None}

    assert ask(question).allowed
    assert ask(question | {"at": WITHOUT_ZONE}).reason is SendReason.NOT_UNDERSTOOD

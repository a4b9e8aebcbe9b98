"""What is new in a case said again, and where a case stands whatever order its events come in."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.case_changes import (
    FeedEvent,
    StoredCase,
    add_event,
    id_of_person,
    list_changes,
    name_of_file_event,
    settle,
)
from casework.model.cases import Case, CaseEvent
from tests.support.builders import REFERENCE, a_case

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOLD = CaseEvent(at=NOON - timedelta(days=2), kind="update_given", detail="by phone")


def stored(case: Case | None = None, *feed: FeedEvent) -> StoredCase:
    case = case or a_case(stage_since=date(2026, 11, 1))
    kept = replace(case, imported_at=NOON - timedelta(hours=6), person_id=id_of_person(case))
    events = {name_of_file_event(event): event for event in case.events}
    return StoredCase(case=kept, events=events | {event.event_id: event.told for event in feed})


def an_event(kind: str = "update_given", detail: str = "", **values: object) -> FeedEvent:
    defaults = {
        "crime_reference": REFERENCE,
        "event_id": "feed:1",
        "at": NOON,
        "kind": kind,
        "detail": detail,
    }
    return FeedEvent(**(defaults | values))  # type: ignore[arg-type]


def moved_to(stage: str, at: datetime = NOON, name: str = "feed:1") -> FeedEvent:
    return an_event("stage_changed", stage, at=at, event_id=name)


@given(st.text(), st.text())
def test_an_event_of_a_file_has_the_name_the_migration_gave_it(kind: str, detail: str) -> None:
    said = json.dumps([NOON.isoformat(), kind, detail])

    name = name_of_file_event(CaseEvent(at=NOON, kind=kind, detail=detail))

    assert name == f"file:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


# --- a case said whole --------------------------------------------------------------------------


def test_the_same_words_again_are_nothing_new() -> None:
    settled = settle(stored(a_case(events=(TOLD,))), a_case(events=(TOLD,)), as_of=NOON)

    assert not settled.is_changed
    assert list_changes(settled, None) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crime_type", "Robbery"),
        ("stage", "charged"),
        ("stage_since", date(2026, 11, 2)),
        ("oic_name", "DC Other-Test"),
        ("oic_collar_number", "T0002"),
        ("oic_contact", "101"),
        ("next_update_due", None),
        ("victim_name", "Sam Example"),
        ("contact_mobile", None),
        ("contact_email", None),
        ("safe_contact", "none"),
        ("enhanced_rights", None),
        ("language", "cy"),
        ("events", (TOLD,)),
    ],
)
def test_any_other_word_is_a_change(name: str, value: object) -> None:
    settled = settle(stored(), a_case(**{name: value}), as_of=NOON)

    assert settled.is_changed
    assert getattr(settled.after, name) == value


def test_a_case_never_seen_is_new_and_its_events_are_history() -> None:
    changes = list_changes(settle(None, a_case(events=(TOLD,)), as_of=NOON), "i1")

    assert [(change.event.told, change.is_history, change.import_id) for change in changes] == [
        (TOLD, True, "i1")
    ]


def test_a_stage_that_changed_without_an_event_is_told_once() -> None:
    [change] = list_changes(settle(stored(), a_case(stage="charged"), as_of=NOON), None)

    assert (change.event.kind, change.event.detail) == ("stage_changed", "charged")
    assert change.event.event_id == "stage:charged:2026-11-01"
    assert change.before is not None
    assert (change.before.stage, change.after.stage) == ("under_investigation", "charged")
    assert not change.is_history


def test_a_stage_and_the_event_that_says_it_are_one_piece_of_news() -> None:
    says = CaseEvent(at=NOON, kind="stage_changed", detail="charged")
    said = a_case(stage="charged", stage_since=NOON.date(), events=(says,))

    changes = list_changes(settle(stored(), said, as_of=NOON), None)

    assert [change.event.told for change in changes] == [says]


def test_an_event_left_out_of_the_file_goes_and_one_of_the_feed_stays() -> None:
    before = stored(a_case(events=(TOLD,)), an_event())

    settled = settle(before, a_case(), as_of=NOON)

    assert settled.removed == {name_of_file_event(TOLD)}
    assert settled.after.events == (an_event().told,)


def test_the_file_repeating_an_event_of_the_feed_adds_none() -> None:
    event = an_event(detail="by phone")

    settled = settle(stored(None, event), a_case(events=(event.told,)), as_of=NOON)

    assert not settled.is_changed


def test_a_file_that_lags_does_not_undo_a_stage_of_the_feed() -> None:
    known = add_event(stored(), moved_to("charged", NOON), now=NOON)

    settled = settle(known, a_case(oic_name="DC Other-Test"), as_of=NOON)

    assert (settled.after.stage, settled.after.stage_since) == ("charged", NOON.date())
    assert settled.after.oic_name == "DC Other-Test"


def test_a_case_said_whole_puts_a_wrong_stage_of_the_same_day_right() -> None:
    known = add_event(stored(), moved_to("charged", NOON), now=NOON)
    said = a_case(stage="released_no_charge", stage_since=NOON.date())

    assert settle(known, said, as_of=NOON).after.stage == "released_no_charge"


# --- events by themselves -----------------------------------------------------------------------


def test_a_later_stage_moves_the_case() -> None:
    after = add_event(stored(), moved_to("charged"), now=NOON).case

    assert (after.stage, after.stage_since, after.imported_at) == ("charged", date(2026, 11, 21), NOON)


def test_a_stage_older_than_the_one_known_moves_nothing_and_is_kept() -> None:
    early, late = (
        moved_to("arrested", NOON - timedelta(hours=1), "feed:1"),
        moved_to("charged", NOON, "feed:2"),
    )

    after = add_event(add_event(stored(), late, now=NOON), early, now=NOON).case

    assert after.stage == "charged"
    assert after.events == (early.told, late.told)


def test_a_stage_older_than_the_file_s_moves_nothing() -> None:
    after = add_event(stored(), moved_to("arrested", datetime(2026, 10, 30, 9, tzinfo=UTC)), now=NOON).case

    assert (after.stage, after.stage_since) == ("under_investigation", date(2026, 11, 1))


@pytest.mark.parametrize(("hour", "stage"), [(5, "released_on_bail"), (7, "charged")])
def test_on_the_file_s_own_day_only_what_happened_after_it_was_said_moves_the_case(
    hour: int, stage: str
) -> None:
    today = stored(a_case(stage="released_on_bail", stage_since=NOON.date()))  # said at 06:00

    after = add_event(today, moved_to("charged", NOON.replace(hour=hour)), now=NOON).case

    assert after.stage == stage


def test_the_day_of_a_stage_is_the_day_in_britain() -> None:
    half_past_midnight = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    before = stored(a_case(stage_since=date(2026, 6, 1)))

    after = add_event(before, moved_to("charged", half_past_midnight), now=NOON).case

    assert after.stage_since == date(2026, 7, 2)


def test_only_what_says_where_the_case_stands_makes_it_as_recorded_now() -> None:
    before = stored()

    assert add_event(before, an_event("update_given"), now=NOON).case.imported_at == before.case.imported_at
    assert add_event(before, an_event("victim_told"), now=NOON).case.imported_at == NOON


@given(st.lists(st.integers(0, 20 * 24 * 60), min_size=1, max_size=4, unique=True))
def test_the_newest_stage_stands_whatever_order_the_events_come_in(minutes: list[int]) -> None:
    stages = ("arrested", "released_on_bail", "charged", "trial")
    start = datetime(2026, 11, 2, tzinfo=UTC)
    events = [
        moved_to(stage, start + timedelta(minutes=after), f"feed:{after}")
        for stage, after in zip(stages, minutes, strict=False)
    ]
    newest = max(events, key=lambda event: event.at)

    for order in permutations(events):
        known = stored()
        for event in order:
            known = add_event(known, event, now=NOON)
        assert known.case.stage == newest.detail

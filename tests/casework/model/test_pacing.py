"""The token bucket: never more than its pace, and a part of it always there for what is urgent.

Red when: `counted_at` goes back with a clock that is behind (a second counted twice), `kept` is not held back, or
what is larger than the bucket is never let out.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.errors import SettingsInvalid
from casework.model.messages import Channel, Lane
from casework.model.pacing import (
    PACING_FILE,
    URGENT,
    Bucket,
    Pace,
    load_paces,
    make_pace,
    parse_paces,
    take_tokens,
)
from casework.model.toml_files import read_toml

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PACE = Pace(per_second=1.0, burst=10.0, kept=2.0)
FULL = Bucket(tokens=10.0, counted_at=START)

REVIEW = date(2027, 5, 21)

steps = st.lists(
    st.tuples(st.floats(0, 20), st.integers(1, 8), st.sampled_from(list(Lane))), min_size=1, max_size=60
)


@given(steps=steps)
def test_in_no_stretch_of_time_leaves_more_than_the_pace_and_one_bucket(
    steps: list[tuple[float, int, Lane]],
) -> None:
    bucket, now, left = FULL, START, [(START, 0)]
    for seconds, segments, lane in steps:
        now += timedelta(seconds=seconds)
        taken = take_tokens(bucket, PACE, tokens=segments, lane=lane, now=now)
        bucket = taken.bucket
        if taken.seconds is None:
            left.append((now, segments))

    for first in range(len(left)):
        sent = 0
        for at, segments in left[first:]:
            sent += segments
            allowed = PACE.burst + PACE.per_second * (at - left[first][0]).total_seconds()
            assert sent <= allowed + 0.001


@given(steps=steps)
def test_the_moment_named_is_the_moment_there_is_room(steps: list[tuple[float, int, Lane]]) -> None:
    bucket, now = FULL, START
    for seconds, segments, lane in steps:
        now += timedelta(seconds=seconds)
        taken = take_tokens(bucket, PACE, tokens=segments, lane=lane, now=now)
        bucket = taken.bucket
        if taken.seconds is not None:
            assert taken.seconds > 0
            later = now + timedelta(seconds=taken.seconds, milliseconds=1)
            assert take_tokens(bucket, PACE, tokens=segments, lane=lane, now=later).seconds is None


@given(steps=steps, segments=st.integers(1, 2), lane=st.sampled_from(sorted(URGENT)))
def test_right_after_anything_else_there_is_room_for_what_is_urgent(
    steps: list[tuple[float, int, Lane]], segments: int, lane: Lane
) -> None:
    bucket, now = FULL, START
    for seconds, asked, _ in steps:
        now += timedelta(seconds=seconds)
        bucket = take_tokens(bucket, PACE, tokens=min(asked, 8), lane=Lane.ASSISTANT, now=now).bucket

    assert take_tokens(bucket, PACE, tokens=segments, lane=lane, now=now).seconds is None


@pytest.mark.parametrize("lane", list(Lane))
def test_what_is_larger_than_a_bucket_leaves_from_a_full_one_and_is_made_up_for(lane: Lane) -> None:
    taken = take_tokens(FULL, PACE, tokens=24, lane=lane, now=START)
    after = take_tokens(taken.bucket, PACE, tokens=1, lane=Lane.SAFETY, now=START)

    assert taken.seconds is None
    assert after.seconds == pytest.approx(15.0)


def test_two_clocks_a_little_apart_count_no_second_twice() -> None:
    bucket = Bucket(tokens=0.0, counted_at=START)
    ahead, behind = START + timedelta(seconds=3), START + timedelta(seconds=1)

    bucket = take_tokens(bucket, PACE, tokens=9, lane=Lane.SAFETY, now=ahead).bucket
    for _ in range(5):
        bucket = take_tokens(bucket, PACE, tokens=9, lane=Lane.SAFETY, now=behind).bucket
        bucket = take_tokens(bucket, PACE, tokens=9, lane=Lane.SAFETY, now=ahead).bucket

    assert bucket.tokens == pytest.approx(3.0)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_an_hour_wrong_neither_stops_nor_opens_everything(hours: int) -> None:
    bucket = Bucket(tokens=0.0, counted_at=START)
    moved = START + timedelta(hours=hours)

    taken = take_tokens(bucket, PACE, tokens=10, lane=Lane.SAFETY, now=moved)
    later = take_tokens(taken.bucket, PACE, tokens=2, lane=Lane.SAFETY, now=moved + timedelta(seconds=2))

    assert taken.bucket.tokens <= 0.0 + (10.0 if hours > 0 else 0.0)
    assert later.seconds is None or taken.seconds is None


def test_each_channel_has_the_pace_of_its_provider() -> None:
    limits = load_paces()

    assert make_pace(Channel.SMS) == Pace(per_second=1.0, burst=10.0, kept=2.0)
    assert make_pace(Channel.SMS, per_second=20.0) == Pace(per_second=20.0, burst=200.0, kept=40.0)
    assert make_pace(Channel.WEBCHAT) is None and make_pace(Channel.EMAIL) is None
    assert set(limits.per_second) == {Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM}


@pytest.mark.parametrize(
    "change",
    [
        {"sms": {}},
        {"sms": {"per_second": 0, "source": "x", "review_by": REVIEW}},
        {"sms": {"per_second": 1, "source": "", "review_by": REVIEW}},
        {"sms": {"per_second": 1, "source": "x"}},
        {"bucket": {}},
        {"pigeon": {"per_second": 1, "source": "x", "review_by": REVIEW}},
    ],
)
def test_a_table_that_cannot_be_right_is_refused(change: dict[str, dict[str, object]]) -> None:
    with pytest.raises(SettingsInvalid, match=r"pacing\.toml"):
        parse_paces(read_toml(PACING_FILE) | change)

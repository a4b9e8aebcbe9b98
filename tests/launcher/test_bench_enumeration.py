"""The bench that looks for a tell: its arithmetic, a small run of it, and a tell it must notice."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from casework.model.messages import Channel
from casework.services.ports import AssistantAnswer
from launcher.bench_enumeration import Compared, Kind, ProvingAssistant, Seen, compare, measure, measure_again
from launcher.rank_test import get_p_value

HELD = Compared(step="sms, answer", kind=Kind.UNKNOWN, pairs=20, is_same=True, difference_ms=0.1, p_value=0.5)


# --- the rank test ----------------------------------------------------------------------------------


def test_equal_samples_are_as_likely_as_can_be() -> None:
    assert get_p_value([1, 2, 3] * 10, [1, 2, 3] * 10) > 0.9
    assert get_p_value([5.0] * 30, [5.0] * 30) == 1.0


def test_samples_apart_are_not_likely() -> None:
    assert get_p_value(list(range(30)), list(range(100, 130))) < 1e-9
    assert get_p_value(list(range(100, 130)), list(range(30))) < 1e-9


def test_the_value_is_that_of_a_worked_example() -> None:
    """n = m = 20, ranks 1-20 of every second place: U = 190, z = (|190 - 200| - 0.5) / sqrt(1366.67) = 0.257."""
    assert get_p_value(list(range(0, 40, 2)), list(range(1, 41, 2))) == pytest.approx(0.7972, abs=0.0005)


def test_among_equals_one_in_a_hundred_is_under_a_hundredth() -> None:
    dice = random.Random(4)
    values = [
        get_p_value([dice.random() for _ in range(40)], [dice.random() for _ in range(40)])
        for _ in range(2000)
    ]

    assert 5 <= sum(value < 0.01 for value in values) <= 40


# --- the verdict --------------------------------------------------------------------------------------


def seen(shown: str, *times: float) -> list[Seen]:
    return [Seen(shown=shown, milliseconds=each) for each in times]


def test_other_words_other_times_or_other_ranks_do_not_hold() -> None:
    assert HELD.holds
    assert not replace(HELD, is_same=False).holds
    assert not replace(HELD, difference_ms=-2.1).holds
    assert not replace(HELD, p_value=0.009).holds


def test_every_kind_is_compared_with_those_that_exist() -> None:
    step = {Kind.EXISTING: seen("a", 1, 2, 3), Kind.UNKNOWN: seen("a", 2, 3, 4), Kind.MALFORMED: seen("b", 1)}

    unknown, malformed = compare("sms", step)

    assert (unknown.kind, unknown.is_same, unknown.difference_ms) == (Kind.UNKNOWN, True, 1)
    assert (malformed.kind, malformed.is_same) == (Kind.MALFORMED, False)


def test_a_difference_must_show_twice_to_be_one() -> None:
    odd = replace(HELD, p_value=0.001)
    by_chance: Iterator[list[Compared]] = iter([[HELD, odd], [odd, HELD]])
    always: Iterator[list[Compared]] = iter([[odd], [odd]])

    assert all(each.holds for each in measure_again(lambda: next(by_chance)))
    assert not all(each.holds for each in measure_again(lambda: next(always)))


# --- the whole of it, small -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WEBCHAT])
async def test_nothing_an_asker_is_shown_tells_whether_a_reference_exists(channel: Channel) -> None:
    compared = await measure(channel, pairs=20)

    assert len(compared) == 7
    assert [each for each in compared if not each.is_same] == []


class TellTale(ProvingAssistant):
    """Broken on purpose: looks the reference up before it answers."""

    async def ask(self, *, text: str, **asked: object) -> AssistantAnswer:  # type: ignore[override]
        given = await super().ask(text=text, **asked)  # type: ignore[arg-type]
        database = self.reads._service.database
        is_known = await database.read(lambda tx: any(tx.cases.find(word) for word in text.split()))
        return replace(given, replies=given.replies * 2) if is_known else given


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_an_assistant_that_looks_first_is_caught() -> None:
    compared = await measure(Channel.SMS, pairs=20, make_assistant=TellTale)

    assert {each.step for each in compared if not each.is_same} == {"sms, answer", "sms, wrong code"}

"""How far a message got, read from news in any order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from casework.model.delivery_states import STATE_OF_WORD, News, find_furthest
from casework.model.messages import RANK_OF_STATE, DeliveryState

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def news(*words: str, code: str | None = None) -> list[News]:
    return [
        News(word=word, error_code=code, at=NOW + timedelta(seconds=place))
        for place, word in enumerate(words)
    ]


def state(*words: str) -> DeliveryState | None:
    reached = find_furthest(news(*words))
    return reached.state if reached else None


@pytest.mark.parametrize(
    ("words", "furthest"),
    [
        (("queued", "sending", "sent"), DeliveryState.SENT),
        (("queued", "sending", "sent", "undelivered"), DeliveryState.UNDELIVERED),
        (("queued", "sent", "failed"), DeliveryState.FAILED),
        (("accepted", "sent", "undelivered", "delivered"), DeliveryState.DELIVERED),
        (("accepted", "sending", "sent", "failed", "delivered", "read"), DeliveryState.READ),
    ],
)
def test_every_order_of_the_same_news_tells_the_same(words: tuple[str, ...], furthest: DeliveryState) -> None:
    """Red when: the last piece of news counts instead of the furthest."""
    orders = list(permutations(words))
    assert len(orders) > 5

    assert {state(*order) for order in orders} == {furthest}
    assert {state(*order, *order[:2]) for order in orders} == {furthest}


def test_of_two_of_one_rank_the_first_counts() -> None:
    assert state("undelivered", "failed") is DeliveryState.UNDELIVERED
    assert state("failed", "undelivered") is DeliveryState.FAILED


@pytest.mark.parametrize("word", ["", "received", "receiving", "vanished", "DELIVERED?"])
def test_a_word_nobody_has_sorted_counts_for_nothing(word: str) -> None:
    assert state(word) is None
    assert state("sent", word) is DeliveryState.SENT
    assert state(word, "sent", word) is DeliveryState.SENT


def test_words_are_known_however_they_are_spelt() -> None:
    assert state("Delivered") is DeliveryState.DELIVERED


def test_a_state_counts_from_when_it_was_first_told() -> None:
    reached = find_furthest(news("sent", "delivered", "sent", "delivered"))

    assert reached is not None
    assert reached.at == NOW + timedelta(seconds=1)


def test_a_failure_told_twice_keeps_the_code_that_one_of_them_brought() -> None:
    reached = find_furthest([*news("undelivered"), *news("sent", "undelivered", code="30003")])

    assert reached is not None
    assert (reached.state, reached.error_code) == (DeliveryState.UNDELIVERED, "30003")


def test_what_arrived_after_all_has_no_code() -> None:
    reached = find_furthest([*news("undelivered", code="30003"), *news("delivered")])

    assert reached is not None
    assert (reached.state, reached.error_code) == (DeliveryState.DELIVERED, None)


def test_every_state_has_a_word_and_a_rank() -> None:
    assert set(STATE_OF_WORD.values()) == set(RANK_OF_STATE) == set(DeliveryState)

"""One token among many decides, is pointed at, and what a writer did not say is not learnt."""

import math
from collections.abc import Iterator, Mapping

import pytest

from tests.bot.reading_bot.asking import Script, running_script

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(1500)]

TEXTS = 240
NEITHER = 2


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    log = tmp_path_factory.mktemp("attention") / "script.log"
    with running_script("attention", log) as script:
        script.ask("train", name="good", count=TEXTS, unknown=True)
        yield script


def best(
    heads: Script,
    seed: int,
    tokens: int,
    signs: Mapping[int, int],
    *,
    answer: str = "sign",
    name: str = "good",
) -> int:
    logits = heads.ask("read", name=name, seed=seed, tokens=tokens, signs=signs)[answer]
    return int(max(range(len(logits)), key=lambda index: logits[index]))


def share_of_kinds_right(heads: Script, name: str) -> float:
    asked = [(seed, seed % 2) for seed in range(1000, 1020)]
    found = [best(heads, seed, 20, {seed % 20: sign}, answer="kind", name=name) for seed, sign in asked]
    return sum(one == sign for one, (_, sign) in zip(found, asked, strict=True)) / len(asked)


@pytest.mark.parametrize("tokens", [8, 20, 120])
def test_one_token_among_many_decides(heads: Script, tokens: int) -> None:
    for seed in range(1000, 1010):
        for sign in (0, 1):
            assert best(heads, seed, tokens, {seed % tokens: sign}) == sign
        assert best(heads, seed, tokens, {}) == NEITHER


def test_a_single_token_is_read(heads: Script) -> None:
    logits = heads.ask("read", name="good", seed=1, tokens=1, signs={})
    assert {answer: len(values) for answer, values in logits.items()} == {"sign": 3, "kind": 3}
    assert all(math.isfinite(value) for values in logits.values() for value in values)


def test_the_token_that_decided_is_pointed_at(heads: Script) -> None:
    for seed in range(1000, 1010):
        shares = heads.ask("explain", seed=seed, tokens=60, signs={seed % 60: 0}, wanted=0, other=NEITHER)
        assert len(shares) == 60
        assert shares.index(max(shares)) == seed % 60


def test_what_speaks_for_one_class_speaks_against_the_other(heads: Script) -> None:
    asked = {"seed": 3, "tokens": 12, "signs": {5: 0}}
    for_it = heads.ask("explain", **asked, wanted=0, other=NEITHER)
    against = heads.ask("explain", **asked, wanted=NEITHER, other=0)
    assert for_it == pytest.approx([-share for share in against], abs=1e-5)


def test_an_answer_most_writers_did_not_give_is_learnt_from_the_others(heads: Script) -> None:
    assert share_of_kinds_right(heads, "good") >= 0.9


def test_wrong_answers_in_place_of_unknown_ones_are_noticed(heads: Script) -> None:
    heads.ask("train", name="misled", count=TEXTS, unknown=False)
    assert share_of_kinds_right(heads, "misled") < 0.9


def test_every_round_is_told_and_the_loss_falls(heads: Script) -> None:
    told = heads.ask("train", name="one", count=32, unknown=True)
    losses = [float(line.rpartition(" ")[2]) for line in told]
    assert len(told) == 12 and "round 12 of 12" in told[-1]
    assert losses[-1] < losses[0] and all(math.isfinite(loss) for loss in losses)


def test_the_same_data_gives_the_same_reading(heads: Script) -> None:
    readings = []
    for name in ("one", "two"):
        heads.ask("train", name=name, count=32, unknown=True)
        readings.append(heads.ask("read", name=name, seed=1, tokens=9, signs={4: 0}))
    assert readings[0] == readings[1]

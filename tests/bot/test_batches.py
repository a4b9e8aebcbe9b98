"""One text more changes little of what is learnt together, and every text is learnt once a round."""

from collections.abc import Iterator

import pytest

from tests.bot.reading_bot.asking import Script, running_script

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(600)]

COUNT, SIZE = 4000, 64


@pytest.fixture(scope="module")
def batching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    log = tmp_path_factory.mktemp("batching") / "script.log"
    with running_script("batching", log) as script:
        yield script


def test_every_text_comes_once_in_batches_of_about_the_size(batching: Script) -> None:
    found = batching.ask("batches", count=COUNT, size=SIZE, round_number=0)

    names = [name for batch in found for name in batch]
    assert sorted(names) == sorted(f"text {row}" for row in range(COUNT))
    assert max(map(len, found)) <= SIZE * 4 / 3
    assert COUNT / len(found) > SIZE / 2


def test_texts_alike_in_length_alone_still_come_apart(batching: Script) -> None:
    seeds = batching.ask("seeds", count=COUNT, size=SIZE)

    assert len(seeds) > COUNT / SIZE
    assert len({tuple(seed) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("without", [0, 17, COUNT - 1])
def test_one_text_less_changes_its_own_batch_alone(batching: Script, without: int) -> None:
    """Red when: texts are put into batches by their place in the data."""
    before = batching.ask("batches", count=COUNT, size=SIZE, round_number=1)
    after = batching.ask("batches", count=COUNT, size=SIZE, round_number=1, without=without)

    gone = [batch for batch in before if batch not in after]
    new = [batch for batch in after if batch not in before]
    assert 1 <= len(gone) <= 2 and len(new) <= 2
    assert any(f"text {without}" in batch for batch in gone)
    kept = [batch for batch in before if batch in after]
    assert [batch for batch in after if batch in kept] == kept


def test_another_round_has_other_batches(batching: Script) -> None:
    first, second = (batching.ask("batches", count=COUNT, size=SIZE, round_number=one) for one in (0, 1))

    assert [batch for batch in first if batch in second] == []


def test_there_may_be_nothing_and_texts_may_be_the_same(batching: Script) -> None:
    assert batching.ask("batches", count=0, size=SIZE, round_number=0) == []
    assert batching.ask("alike", count=3 * SIZE, size=SIZE) == [3 * SIZE]

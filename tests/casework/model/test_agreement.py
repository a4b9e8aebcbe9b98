"""Agreement of two people against values of textbooks, and nothing told of a few.

Red when: chance is reckoned from one person's labels alone; shown with `firsts` used twice.
"""

import pytest

from casework.model.agreement import FEWEST_ITEMS, Agreement, find_agreement, find_agreement_on


def pairs_of(table: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    return [pair for pair, count in table.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("table", "raw", "kappa"),
    [
        # Cohen (1960), table 1 as shares of 200 items.
        (
            {
                **{("a", "a"): 88, ("a", "b"): 14, ("a", "c"): 18},
                **{("b", "a"): 10, ("b", "b"): 40, ("b", "c"): 10},
                **{("c", "a"): 2, ("c", "b"): 6, ("c", "c"): 12},
            },
            0.70,
            0.492,
        ),
        # Altman (1991), Practical Statistics for Medical Research, section 14.3: two readers, 85 mammograms.
        (
            {
                **{("n", "n"): 21, ("n", "b"): 12},
                **{("b", "n"): 4, ("b", "b"): 17, ("b", "s"): 1},
                **{("s", "n"): 3, ("s", "b"): 9, ("s", "s"): 15, ("s", "c"): 2},
                **{("c", "c"): 1},
            },
            54 / 85,
            0.473,
        ),
        ({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}, 0.7, 0.4),
    ],
)
def test_kappa_takes_chance_away(table: dict[tuple[str, str], int], raw: float, kappa: float) -> None:
    found = find_agreement(pairs_of(table))

    assert found.raw == pytest.approx(raw)
    assert found.kappa == pytest.approx(kappa, abs=0.001)


def test_of_a_few_items_nothing_is_told() -> None:
    few = [("yes", "yes")] * (FEWEST_ITEMS - 1)

    assert find_agreement(few) == Agreement(n=FEWEST_ITEMS - 1, raw=None, kappa=None)
    assert find_agreement([*few, ("yes", "no")]).raw == 0.9


def test_one_label_throughout_has_no_kappa() -> None:
    assert find_agreement([("no", "no")] * 20) == Agreement(n=20, raw=1.0, kappa=None)


def test_whole_disagreement_is_below_chance() -> None:
    assert find_agreement([("yes", "no"), ("no", "yes")] * 10).kappa == -1.0


def test_one_label_is_taken_against_all_others() -> None:
    table = {("danger", "danger"): 6, ("calm", "news"): 6, ("danger", "calm"): 2}

    assert find_agreement_on("danger", pairs_of(table)).raw == pytest.approx(12 / 14)

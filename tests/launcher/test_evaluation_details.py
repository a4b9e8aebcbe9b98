"""What of an evaluation is kept: counted beside the live model, and of the frozen set no word.

Red when, each tried once: items are kept of the frozen set; what a person looks at counts as missed; the live model's
own misses count as new; a slice takes in what is not of it.
"""

from typing import Any

import msgspec

from casework.model.model_evaluations import LOOKED_AT, URGENT, ModelEvaluation, ReadAsTaught, ReadItem
from casework.model.release_gates import GateReport
from launcher.evaluation.answers import answer_of, key_of, set_beside
from launcher.evaluation.details import Extra, OwnRow, describe
from launcher.evaluation.figures import Judged
from tests.launcher.evaluating import LIMITS, a_judged, a_parsed
from tests.support.builders import a_hit, an_amber_hit
from tests.support.models import a_report

DANGER = "immediate_danger"
REPORT: GateReport = a_report("new")


def missed(text: str, **labels: Any) -> Judged:
    return a_judged(category=DANGER, text=text, **labels)


def seen(text: str, **labels: Any) -> Judged:
    return a_judged(category=DANGER, text=text, screen=a_hit(1), **labels)


def described(
    now: list[Judged], was: list[Judged] | None = None, own: dict[str, OwnRow] | None = None, **extra: Any
) -> ModelEvaluation:
    live = None if was is None else {key_of(one.example): answer_of(one, LIMITS) for one in was}
    given: dict[str, Any] = {"own": own or {}, "dev": (), "taught": None} | extra
    return describe(REPORT, set_beside(now, LIMITS, live), Extra(**given))


def cells(found: ModelEvaluation, of: str) -> dict[tuple[str, str], tuple[int, tuple[ReadItem, ...]]]:
    [confusion] = [each for each in found.confusions if each.of == of]
    return {(cell.meant, cell.read): (cell.n, cell.items) for cell in confusion.cells}


def test_figures_are_paired_with_the_live_model_on_the_very_same_messages() -> None:
    now = [missed("one"), seen("two"), seen("three"), missed("four")]
    was = [seen("one"), missed("two"), missed("three"), missed("four")]
    danger = {each.name: each for each in described(now, was).figures}["danger_now"]

    assert (danger.wrong, danger.n, danger.was, danger.newly_right, danger.newly_wrong) == (2, 4, 3, 2, 1)
    alone = {each.name: each for each in described(now).figures}["danger_now"]
    assert (alone.wrong, alone.n, alone.was, alone.newly_right, alone.newly_wrong) == (2, 4, None, None, None)


def test_of_the_frozen_set_counts_alone_are_kept_and_of_others_what_was_read_otherwise() -> None:
    frozen = [missed("secret words"), seen("more secret words")]
    mine = missed("my own words", style="real")
    own = {key_of(mine.example): OwnRow(row="r1", channel="sms", language="en")}
    dev = [missed("an invented miss"), seen("an invented hit")]
    found = described([*frozen, mine], own=own, dev=dev)

    assert cells(found, "test") == {(URGENT, "ask_status"): (1, ()), (URGENT, URGENT): (1, ())}
    assert cells(found, "own") == {(URGENT, "ask_status"): (1, (ReadItem(row="r1"),))}
    assert cells(found, "dev") == {
        (URGENT, "ask_status"): (1, (ReadItem(text="an invented miss"),)),
        (URGENT, URGENT): (1, ()),
    }
    kept = msgspec.json.encode(found).decode()
    assert "an invented miss" in kept
    assert "secret words" not in kept and "my own words" not in kept and "invented hit" not in kept


def test_danger_somebody_looks_at_is_not_taken_for_something_else() -> None:
    doubted = a_judged(category=DANGER, text="a", screen=an_amber_hit(1))
    to_person = a_judged(category=DANGER, text="b", parsed=a_parsed("request_human", to_person=True))
    calm = a_judged("ask_status", text="c", screen=an_amber_hit(1))
    found = described([doubted, to_person, calm])

    assert {pair: n for pair, (n, _) in cells(found, "test").items()} == {
        (URGENT, LOOKED_AT): 2,
        ("ask_status", "ask_status"): 1,
    }
    assert all(cell.is_right for cell in found.confusions[0].cells)


def test_slices_go_by_style_and_length_and_of_own_rows_by_channel_and_language_the_worst_first() -> None:
    rows = [missed("a", style="real"), seen("b", style="real"), seen("c", style="real")]
    places = [("whatsapp", "cy"), ("sms", "en"), (None, None)]
    own = {
        key_of(one.example): OwnRow(row=str(n), channel=channel, language=language)
        for n, (one, (channel, language)) in enumerate(zip(rows, places, strict=True))
    }
    frozen = [missed("d" * 200, style="angry"), seen("e"), a_judged("ask_status", text="calm")]
    found = described([*rows, *frozen], own=own)

    told = {
        (each.of, each.by): [(row.name, row.wrong, row.n) for row in each.rows] for each in found.slicings
    }
    assert told == {
        ("danger", "style"): [("angry", 1, 1), ("real", 1, 3), ("plain", 0, 1)],
        ("danger", "length"): [("long", 1, 1), ("short", 1, 4)],
        ("danger", "channel"): [("whatsapp", 1, 1), ("sms", 0, 1)],
        ("danger", "language"): [("cy", 1, 1), ("en", 0, 1)],
        ("wishes", "style"): [("plain", 0, 1)],
        ("wishes", "length"): [("short", 0, 1)],
    }


def test_how_sure_it_was_is_kept_of_danger_and_of_wishes() -> None:
    sure = a_judged(category=DANGER, text="a", parsed=a_parsed("ask_status", 0.95))
    found = described([sure, a_judged("ask_status", text="b", parsed=a_parsed("ask_status", 0.05))])

    assert [(each.title, each.n) for each in found.calibrations] == [("danger", 2), ("wishes", 1)]
    assert [(each.n, each.was) for each in found.calibrations[0].bins if each.n] == [(1, 0.0), (1, 1.0)]


def test_an_evaluation_says_of_what_model_and_against_which() -> None:
    taught = ReadAsTaught(right=1, n=1, wrong=())
    found = described([seen("a")], taught=taught)

    assert (found.model_id, found.against, found.made_at) == ("new", REPORT.against, REPORT.made_at)
    assert found.taught == taught

"""Stored turns asked again of stand-ins over real sockets: masked, in any order, twice the same.

Red when: the order of the answers enters the digest, a RED turn keeps its answer, or a raw text is asked; shown with
`sorted` taken out of `digest_of`, with `is_red` False, and with `stored.text` in `prepare`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from casework.adapters.assistant import RasaAssistant
from casework.adapters.masking import TOWNS_FILE
from casework.adapters.storage.database import Database
from casework.model.bands import Bands
from casework.model.disclosures import CALM, Band, Category
from casework.model.masking import CaseValues
from casework.model.masking.masker import load_masker
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.model.turn_outcomes import Change, Truth
from casework.services.workbench_ports import StoredTurn
from launcher.compare import (
    Compared,
    digest_of_pair,
    find_changes,
    read_outcome,
    replay_kept,
    tell_comparison,
    write_outcome,
)
from launcher.progress import find_seconds_left
from launcher.replay import Progress, Replayed, find_p95, replay_with
from launcher.replay_input import ReplayInput, a_strangers_turn, find_input_sha, prepare
from launcher.replay_reads import CASE, ReplayReads
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.builders import a_hit, an_amber_hit
from tests.support.line import load_bands
from tests.support.running import free_port

SURE = {"probability": 0.99, "categories": {"immediate_danger": 0.95}, "spans": []}
UNSURE = {"probability": 0.2, "categories": {"immediate_danger": 0.1}, "spans": []}
BANDS: Bands = load_bands()
URGENT = Truth(is_urgent=True, category=Category.IMMEDIATE_DANGER, intent=None, by="settled")


def hands_off(text: str) -> list[dict[str, Any]]:
    return [{"effect": "hand_off", "reason": "asked_for_person"}] if "person" in text else []


def a_stand_in(**values: Any) -> AssistantStandIn:
    return AssistantStandIn(effects_of=hands_off, **values)


def forty_turns() -> list[ReplayInput]:
    """Calm ones, among them one for a person, one the detector is sure of, one it doubts, and two the screen marked."""
    turns = [a_strangers_turn(f"t{number:02d}", f"message {number}") for number in range(40)]
    turns[3] = replace(turns[3], text="a person please")
    turns[5] = replace(turns[5], text="he has a knife", truth=URGENT)
    turns[7] = replace(turns[7], text="not safe maybe")
    turns[9] = replace(turns[9], screen=a_hit(1))
    turns[11] = replace(turns[11], screen=an_amber_hit(2))
    return turns


@asynccontextmanager
async def asking(stand_in: AssistantStandIn) -> AsyncIterator[RasaAssistant]:
    runner = web.AppRunner(stand_in.make_app(), access_log=None)
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with aiohttp.ClientSession() as session:
            yield RasaAssistant([f"http://127.0.0.1:{port}"], "x" * 32, session)
    finally:
        await runner.cleanup()


async def replay_of(stand_in: AssistantStandIn, turns: Sequence[ReplayInput]) -> Replayed:
    async with asking(stand_in) as assistant:
        return await replay_with(assistant, turns, bands=BANDS, on_progress=lambda _done, _of: None)


READS_DANGER = {"he has a knife": SURE, "not safe maybe": UNSURE}


async def test_each_turn_comes_to_what_its_victim_would_get() -> None:
    found = await replay_of(a_stand_in(urgency=READS_DANGER), forty_turns())

    outcomes = found.outcomes
    assert len(outcomes) == 40 and found.failed == ()
    assert outcomes["t00"].responses == ("utter_test",) and outcomes["t00"].band is Band.GREEN
    assert outcomes["t03"].effects == ("hand_off:asked_for_person",) and outcomes["t03"].to_person
    for red in ("t05", "t09"):
        assert (outcomes[red].band, outcomes[red].responses, outcomes[red].to_person) == (Band.RED, (), True)
    for amber in ("t07", "t11"):
        assert (outcomes[amber].band, outcomes[amber].responses) == (Band.AMBER, ("utter_test",))
    assert (outcomes["t05"].urgency, outcomes["t05"].category) == (0.99, "immediate_danger")


async def test_what_the_model_says_without_the_screen_is_kept_beside() -> None:
    found = await replay_of(a_stand_in(urgency=READS_DANGER), forty_turns())

    assert (found.alone["t05"], found.alone["t09"]) == (Band.RED, Band.GREEN)


async def test_two_replays_agree_exactly_whatever_the_order() -> None:
    turns = forty_turns()
    first = await replay_of(a_stand_in(urgency=READS_DANGER), turns)
    again = await replay_of(a_stand_in(urgency=READS_DANGER), turns[::-1])
    other = await replay_of(a_stand_in(), turns)

    assert first.digest == again.digest and first.outcomes == again.outcomes
    assert other.digest != first.digest


async def test_progress_is_told_after_each_turn() -> None:
    told: list[tuple[int, int]] = []
    async with asking(a_stand_in()) as assistant:
        await replay_with(
            assistant, forty_turns(), bands=BANDS, on_progress=lambda done, of: told.append((done, of))
        )

    assert told == [(done, 40) for done in range(1, 41)]


async def test_a_turn_without_an_answer_is_named_and_the_digest_says_so(monkeypatch: Any) -> None:
    monkeypatch.setattr("launcher.replay.TRY_AGAIN_SECONDS", 0.0)
    turns = forty_turns()[:2]
    found = await replay_of(AssistantStandIn(mood="is broken"), turns)

    assert found.failed == ("t00", "t01") and found.outcomes == {}
    assert found.digest != (await replay_of(AssistantStandIn(mood="is broken"), turns[:1])).digest


# --- two models -----------------------------------------------------------------------------------------


async def compare(turns: Sequence[ReplayInput], before: Any, after: Any) -> Compared:
    old, new = [await replay_of(a_stand_in(urgency=urgency), turns) for urgency in (before, after)]
    return Compared(
        changes=tuple(find_changes(turns, old, new)),
        digest=digest_of_pair(old, new),
        before=old,
        after=new,
        seconds=0.0,
    )


async def test_a_model_that_no_longer_sees_danger_is_newly_wrong_and_a_risk() -> None:
    turns = forty_turns()
    compared = await compare(turns, READS_DANGER, {})

    by_text = {turns[5].text: Change.NEWLY_WRONG, turns[7].text: Change.CHANGED}
    assert [one.kind for one in compared.changes] == list(by_text.values())
    assert all(one.is_risk for one in compared.changes)
    assert [one.harm for one in compared.changes] == [1, 1]
    assert compared.changes[0].before["band"] == "red" and compared.changes[0].after["band"] == "green"


async def test_the_same_model_twice_changes_nothing_and_the_words_say_so() -> None:
    turns = forty_turns()
    compared = await compare(turns, READS_DANGER, READS_DANGER)

    assert compared.changes == ()
    assert list(tell_comparison(compared, turns))[:2] == [
        "Urgent by people's word, and nobody would look: 0 of 1 (was 0).",
        "Of 40 turns 40 would get the same answer.",
    ]


async def test_a_difference_in_words_begins_with_danger() -> None:
    turns = forty_turns()
    told = list(tell_comparison(await compare(turns, READS_DANGER, {}), turns))

    assert told[0] == "Urgent by people's word, and nobody would look: 1 of 1 (was 0)."
    assert "Newly wrong: 1, of which 1 touch danger." in told


async def test_an_outcome_is_kept_whole() -> None:
    found = await replay_of(a_stand_in(urgency=READS_DANGER), forty_turns())

    for turn_id, outcome in found.outcomes.items():
        assert read_outcome(write_outcome(outcome, found.alone[turn_id])) == (outcome, found.alone[turn_id])


# --- asked once -----------------------------------------------------------------------------------------


async def test_what_a_model_was_asked_before_is_not_asked_again(database: Database) -> None:
    turns, stand_in = forty_turns(), a_stand_in(urgency=READS_DANGER)

    async def ask(some: Sequence[ReplayInput], tell: Progress) -> Replayed:
        async with asking(stand_in) as assistant:
            return await replay_with(assistant, some, bands=BANDS, on_progress=tell)

    async def replay_again(
        those: Sequence[ReplayInput], model_id: str = "m1", bands: Bands = BANDS
    ) -> Replayed:
        return await replay_kept(
            database, model_id, those, limits=bands.limits, on_progress=lambda _done, _of: None, ask=ask
        )

    first = await replay_again(turns)
    asked_first = len(stand_in.asked)
    second = await replay_again(turns)
    asked_second = len(stand_in.asked)
    reworded = await replay_again([replace(turns[0], text="another mask"), *turns[1:]])

    assert (asked_first, asked_second) == (40, 40)
    assert second.digest == first.digest and second.outcomes == first.outcomes
    assert stand_in.asked[40:] == ["another mask"] and len(reworded.outcomes) == 40
    await replay_again(turns[1:3], model_id="m2")
    stricter = replace(BANDS, limits=replace(BANDS.limits, least_wish_confidence=0.99))
    await replay_again(turns[1:3], bands=stricter)
    assert len(stand_in.asked) == 45


def test_whatever_decides_a_turn_makes_another_question() -> None:
    turn = a_strangers_turn("t1", "hello")
    others = [
        replace(turn, text="hullo"),
        replace(turn, earlier=("before",)),
        replace(turn, state={"v": 1}),
        replace(turn, standing=Standing.LINKED),
        replace(turn, code_pending=True),
        replace(turn, safe_question=True),
        replace(turn, channel=Channel.WEBCHAT),
        replace(turn, screen=a_hit(1)),
    ]
    shas = {find_input_sha(each, BANDS.limits) for each in (turn, *others)}

    assert len(shas) == 9 and all(len(sha) == 32 for sha in shas)
    assert find_input_sha(replace(turn, truth=URGENT), BANDS.limits) in shas


# --- what is asked --------------------------------------------------------------------------------------

STORED = StoredTurn(
    turn_id="t1",
    inbox_id=1,
    conversation_id="c1",
    channel=Channel.SMS,
    text="its Kezia Canary on 07700 900123 any news",
    earlier=("my name is Kezia", "ref 43260099876"),
    state={"v": 1},
    standing="linked",
    code_pending=True,
    safe_question=False,
    screen=CALM,
    truth=None,
)
VALUES = CaseValues(names=("Kezia Canary",), phones=("+447700900123",), references=("43260099876",))


def test_a_turn_is_asked_masked_with_the_facts_of_its_time() -> None:
    masker = load_masker(key=b"k" * 32, towns=TOWNS_FILE.read_text(encoding="utf-8"))
    turn = prepare(STORED, masker=masker, values_of={"c1": VALUES}.__getitem__)

    asked = " ".join((turn.text, *turn.earlier))
    for value in ("Kezia", "Canary", "900123", "43260099876"):
        assert value.casefold() not in asked.casefold()
    assert turn.text.endswith("any news")
    assert turn.facts | {"earlier": []} == {
        "channel": "sms",
        "standing": "linked",
        "code_pending": True,
        "safe_question": False,
        "earlier": [],
    }


async def test_the_actions_read_one_invented_case_and_nobody_proves_anything() -> None:
    linked = replace(a_strangers_turn("linked"), standing=Standing.LINKED)
    reads = ReplayReads([linked, replace(a_strangers_turn("asked"), code_pending=True)])

    assert (await reads.read_view("linked")).case == CASE
    assert (await reads.read_view("asked")).code_is_pending
    stranger = await reads.read_view("nobody's", as_if_code="482913")
    assert (stranger.standing, stranger.case) == (Standing.UNKNOWN, None)
    assert not await reads.would_accept_code("linked", "482913")


@pytest.mark.parametrize(("waits", "p95"), [([], 0.0), ([7.0], 7.0), ([float(n) for n in range(100)], 95.0)])
def test_the_wait_of_ninety_five_in_a_hundred(waits: list[float], p95: float) -> None:
    assert find_p95(waits) == p95


@pytest.mark.parametrize(
    ("first", "now", "left"),
    [
        ((20.0, 1), (20.0, 1), None),  # the start took twenty seconds, and says nothing of the rest
        ((20.0, 1), (30.0, 51), 30.0),
        ((20.0, 150), (30.0, 175), 10.0),  # much of it was known before
        ((20.0, 1), (60.0, 200), None),
    ],
)
def test_the_bar_reckons_the_rest_from_what_was_done_at_work(
    first: tuple[float, int], now: tuple[float, int], left: float | None
) -> None:
    assert find_seconds_left(first, now, 201 if left == 30.0 else 200) == left

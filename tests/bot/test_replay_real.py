"""Thirty turns asked again of the real model, twice: whole, and alike to the last figure.

Red when: the order of the answers enters the digest; shown with `sorted` taken out of `digest_of`.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from casework.model.disclosures import Band
from casework.model.messages import Channel
from casework.model.standings import Standing
from launcher.compare import digest_of_pair, find_changes
from launcher.evaluation.sets import read_set
from launcher.model_files import read_birth
from launcher.model_loader import check_birth
from launcher.replay import Replayed, replay, running_model
from launcher.replay_input import ReplayInput, a_strangers_turn
from launcher.replay_reads import ReplayReads
from tests.support.builders import a_hit
from tests.support.line import load_bands
from tests.support.running import ROOT

pytestmark = pytest.mark.rasa

COUNT = 30
BANDS = load_bands()


def thirty_turns(state: dict[str, object]) -> list[ReplayInput]:
    """First messages and later ones, of strangers and of people who proved a case, one marked by the screen."""
    texts = [example.text for example in read_set(ROOT, "dev")][: COUNT - 4]
    turns = [a_strangers_turn(f"real-{number}", text) for number, text in enumerate(texts)]
    turns = [turn if number % 3 else replace(turn, state=state) for number, turn in enumerate(turns)]
    asked = a_strangers_turn("real-status", "what is happening with my case")
    return [
        *turns,
        asked,
        replace(asked, turn_id="real-linked", standing=Standing.LINKED, channel=Channel.WEBCHAT),
        replace(asked, turn_id="real-screened", screen=a_hit(1)),
        a_strangers_turn("real-danger", "he is outside my house now with a knife"),
    ]


async def _both(model: Path, folder: Path) -> tuple[list[ReplayInput], Replayed, Replayed]:
    checked = check_birth(model, read_birth(model), run_dir=folder)
    stranger = a_strangers_turn("first")
    async with running_model(ROOT, checked, ReplayReads([stranger])) as assistant:
        answer = await assistant.ask(
            turn_id="first", conversation="first", text="hello", state=None, facts=stranger.facts
        )
    turns = thirty_turns(answer.state)
    first, again = await asyncio.gather(
        *(
            replay(ROOT, checked, those, bands=BANDS, on_progress=lambda _done, _of: None)
            for those in (turns, turns[::-1])
        )
    )
    return turns, first, again


@pytest.mark.timeout(300)
def test_two_replays_of_the_real_model_agree_exactly(model: Path, tmp_path: Path) -> None:
    turns, first, again = asyncio.run(_both(model, tmp_path / "models"))

    assert len(first.outcomes) == COUNT and first.failed == again.failed == ()
    assert first.digest == again.digest
    assert digest_of_pair(first, again) == digest_of_pair(again, first)
    assert list(find_changes(turns, first, again)) == []
    outcomes = first.outcomes
    assert outcomes["real-status"].responses == ("utter_need_reference",)
    assert outcomes["real-linked"].responses == ("utter_stage_under_investigation", "utter_next_update_due")
    assert (outcomes["real-screened"].band, outcomes["real-screened"].responses) == (Band.RED, ())
    assert first.alone["real-screened"] is Band.GREEN
    assert outcomes["real-danger"].is_caught

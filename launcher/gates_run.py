"""Measuring a candidate for its gates: the frozen sets, the packs, the talks, stored disclosures and its speed."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from casework.model.bands import Bands
from casework.model.disclosure_screen import DisclosureScreen, load_disclosure_screen
from casework.model.errors import AssistantUnavailable, WaymarkError
from casework.model.release_gates import GateReport, Measured
from casework.services.comparison_ports import EvaluationAnswer
from casework.services.ports import Assistant
from launcher.evaluation import answers as kept
from launcher.evaluation.answers import Read
from launcher.evaluation.conversations import NAME as TALKS
from launcher.evaluation.conversations import TalkHeld, hold_talks, read_talks
from launcher.evaluation.figures import Judged, judge
from launcher.evaluation.frozen import check_frozen
from launcher.evaluation.packs import Pack, judge_pack, read_packs
from launcher.evaluation.sets import HeldOutSet, read_set
from launcher.gate_figures import (
    count,
    find_newly_missed,
    measure_corpora,
    measure_pack,
    measure_talks,
    score,
)
from launcher.model_loader import CheckedModel
from launcher.replay import Replayed, find_p95, replay_with, running_model
from launcher.replay_input import ReplayInput, a_strangers_turn
from launcher.replay_reads import ReplayReads
from launcher.training import Model
from launcher.understanding import Parsed, understand_texts

CORPUS, CORPUS_FOLDER = "test", "corpus_test"
WORKBENCH = "data/held_out/workbench"
TIMED_TURNS = 200

Known = Callable[[str, str], Mapping[str, EvaluationAnswer]]
"""Answers kept before, by model and set as `answers.name_set` names it."""
Tell = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""


class GatesNotMeasured(WaymarkError):
    """A gate could not be measured; the message says why. Nothing was judged."""


@dataclass(frozen=True, kw_only=True)
class GateSets:
    """`sha_of`: set -> sha256 of what is asked."""

    corpora: tuple[HeldOutSet, ...]
    packs: tuple[Pack, ...]
    sha_of: Mapping[str, str]

    def list_texts(self) -> list[str]:
        corpora = [example.text for one in self.corpora for example in one.examples]
        return [*corpora, *(text for pack in self.packs for text in pack.texts)]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One model on all sets: the corpora judged, and by set what is to be kept."""

    judged: tuple[Judged, ...]
    answers: Mapping[str, tuple[EvaluationAnswer, ...]]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`answers`: by model and set, what was asked now and is to be kept. `read`: the corpora, new beside live."""

    report: GateReport
    read: tuple[Read, ...]
    answers: Mapping[tuple[str, str], tuple[EvaluationAnswer, ...]]
    talks: tuple[TalkHeld, ...]
    missed: tuple[str, ...]  # turn ids of stored disclosures newly missed


@dataclass(frozen=True, kw_only=True)
class GateInputs:
    """`stored`: turns that people or both layers called urgent. `findings`: rows of the trainers' data, and faults."""

    root: Path
    bands: Bands
    stored: Sequence[ReplayInput]
    findings: tuple[int, int]
    known: Known
    tell: Tell


def measure_gates(inputs: GateInputs, candidate: CheckedModel, live: CheckedModel | None) -> Measurement:
    """Every gate of release_gates.toml, against the live model's numbers on the same messages.

    Raises GatesNotMeasured, SetAltered for a frozen set that is another, UnderstandingFailed, or what
    `replay.replay` raises.
    """
    sets, screen = read_gate_sets(inputs.root), load_disclosure_screen()
    new = ask_sets(inputs, candidate, sets, screen)
    answers = {(candidate.model_id, name): found for name, found in new.answers.items()}
    old = _find_live(inputs, live, sets, screen)
    if live is not None:
        answers |= {(live.model_id, name): found for name, found in old.items()}
    by_key = {one.item_key: one for name in _corpora(sets) for one in old.get(name, ())}
    read = kept.set_beside(new.judged, inputs.bands.limits, by_key if live is not None else None)
    talks, p95_ms, replayed = asyncio.run(_ask_process(inputs, candidate, sets, screen))
    name = _kept_name(sets, TALKS)
    answers[candidate.model_id, name] = tuple(kept.answer_of_talk(one) for one in talks)
    held_before, before = asyncio.run(_ask_live(inputs, live, sets, screen))
    if live is not None:
        answers[live.model_id, name] = held_before
    missed = find_newly_missed(inputs.stored, replayed, before)
    measured = [
        *measure_corpora(read),
        *_measure_packs(sets, new, old if live is not None else None),
        *measure_talks(talks, held_before if live is not None else None),
        count("live_disclosures", "stored", len(missed), len(inputs.stored)),
        score("p95", "turn_ms", p95_ms, TIMED_TURNS),
        count("data", "findings", inputs.findings[1], max(inputs.findings)),
    ]
    report = GateReport(
        model_id=candidate.model_id,
        against=live.model_id if live is not None else None,
        sets=sets.sha_of,
        measured=tuple(measured),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Measurement(
        report=report, read=tuple(read), answers=answers, talks=tuple(talks), missed=tuple(missed)
    )


# --- the sets -------------------------------------------------------------------------------------------


def read_gate_sets(root: Path) -> GateSets:
    """The frozen corpus, the newest set of the trainers' own test messages, and the packs."""
    corpora = [HeldOutSet(name=CORPUS, examples=tuple(read_set(root, CORPUS)))]
    sha_of = {CORPUS: check_frozen(root, CORPUS_FOLDER)}
    for path in sorted((root / WORKBENCH).glob("v*.jsonl"))[-1:]:
        name = f"workbench/{path.stem}"
        corpora.append(HeldOutSet(name=name, examples=tuple(read_set(root, str(path)))))
        sha_of[name] = check_frozen(root, f"workbench/{path.name}")
    packs = read_packs(root)
    sha_of |= {f"packs/{pack.name}": pack.sha256 for pack in packs}
    sha_of[TALKS] = read_talks(root)[1]
    return GateSets(corpora=tuple(corpora), packs=tuple(packs), sha_of=sha_of)


def ask_sets(inputs: GateInputs, model: CheckedModel, sets: GateSets, screen: DisclosureScreen) -> Reading:
    """One process of that model reads every message of the corpora and the packs."""
    texts = sets.list_texts()
    inputs.tell("Reading the held-out messages", 0, len(texts))
    parsed_of = understand_texts(inputs.root, Model(model.copy, "", ""), texts)
    inputs.tell("Reading the held-out messages", len(texts), len(texts))
    return judge_sets(sets, parsed_of, screen, inputs.bands)


def judge_sets(
    sets: GateSets, parsed_of: Mapping[str, Parsed], screen: DisclosureScreen, bands: Bands
) -> Reading:
    limits = bands.limits
    judged: list[Judged] = []
    answers: dict[str, tuple[EvaluationAnswer, ...]] = {}
    for one in sets.corpora:
        texts = [example.text for example in one.examples]
        those = judge(one.examples, texts, parsed_of, screen, limits)
        judged += those
        answers[_kept_name(sets, one.name)] = tuple(kept.answer_of(each, limits) for each in those)
    for pack in sets.packs:
        lines = judge_pack(pack, parsed_of, screen, limits)
        found = tuple(kept.answer_of_pack(each, limits) for each in lines)
        answers[_kept_name(sets, f"packs/{pack.name}")] = found
    return Reading(judged=tuple(judged), answers=answers)


def _kept_name(sets: GateSets, name: str) -> str:
    return kept.name_set(name, sets.sha_of[name])


def _corpora(sets: GateSets) -> list[str]:
    return [_kept_name(sets, one.name) for one in sets.corpora]


def _find_live(
    inputs: GateInputs, live: CheckedModel | None, sets: GateSets, screen: DisclosureScreen
) -> Mapping[str, tuple[EvaluationAnswer, ...]]:
    """What is kept of the live model on these very sets; where something is not, it is asked all of them again."""
    if live is None:
        return {}
    names = [*_corpora(sets), *(_kept_name(sets, f"packs/{pack.name}") for pack in sets.packs)]
    found = {name: tuple(inputs.known(live.model_id, name).values()) for name in names}
    if all(found.values()):
        return found
    return ask_sets(inputs, live, sets, screen).answers


def _measure_packs(
    sets: GateSets, new: Reading, old: Mapping[str, tuple[EvaluationAnswer, ...]] | None
) -> Iterator[Measured]:
    for pack in sets.packs:
        name = _kept_name(sets, f"packs/{pack.name}")
        yield from measure_pack(pack, new.answers[name], None if old is None else old[name])


# --- what a running process is asked --------------------------------------------------------------------


async def _ask_process(
    inputs: GateInputs, model: CheckedModel, sets: GateSets, screen: DisclosureScreen
) -> tuple[list[TalkHeld], float, Replayed]:
    talks, _ = read_talks(inputs.root)
    timed = _make_timed(sets)
    turns = [*inputs.stored, *(talk.as_input() for talk in talks), *timed]
    async with running_model(inputs.root, model, ReplayReads(turns)) as assistant:
        inputs.tell("Holding the talks", 0, len(talks))
        held = await hold_talks(assistant, talks, screen=screen, bands=inputs.bands)
        p95_ms = await _time_turns(assistant, timed, inputs)
        replayed = await replay_with(
            assistant,
            inputs.stored,
            bands=inputs.bands,
            on_progress=lambda done, of: inputs.tell("Asking stored disclosures again", done, of),
        )
    return held, p95_ms, replayed


async def _ask_live(
    inputs: GateInputs, live: CheckedModel | None, sets: GateSets, screen: DisclosureScreen
) -> tuple[tuple[EvaluationAnswer, ...], Replayed | None]:
    """How the live model held the talks, as kept or asked now, and the stored disclosures asked of it again."""
    if live is None:
        return (), None
    talks, _ = read_talks(inputs.root)
    held = tuple(inputs.known(live.model_id, _kept_name(sets, TALKS)).values())
    if held and not inputs.stored:
        return held, None
    turns = [*inputs.stored, *(talk.as_input() for talk in talks)]
    async with running_model(inputs.root, live, ReplayReads(turns)) as assistant:
        if not held:
            inputs.tell("Holding the talks with the live model", 0, len(talks))
            found = await hold_talks(assistant, talks, screen=screen, bands=inputs.bands)
            held = tuple(kept.answer_of_talk(one) for one in found)
        if not inputs.stored:
            return held, None
        return held, await replay_with(
            assistant,
            inputs.stored,
            bands=inputs.bands,
            on_progress=lambda done, of: inputs.tell("Asking the live model the same", done, of),
        )


def _make_timed(sets: GateSets) -> list[ReplayInput]:
    examples = sets.corpora[0].examples[:TIMED_TURNS]
    return [a_strangers_turn(f"timed-{at}", one.text) for at, one in enumerate(examples)]


async def _time_turns(assistant: Assistant, turns: Sequence[ReplayInput], inputs: GateInputs) -> float:
    """Milliseconds 95 in 100 stay within, one asked at a time."""
    inputs.tell("Timing turns", 0, len(turns))
    waits = []
    for turn in turns:
        began = time.perf_counter()
        try:
            await assistant.ask(
                turn_id=turn.turn_id,
                conversation=turn.turn_id,
                text=turn.text,
                state=None,
                facts=turn.facts,
            )
        except AssistantUnavailable as fault:
            raise GatesNotMeasured(f"A turn of {len(turns)} was not answered: {fault.code}") from fault
        waits.append((time.perf_counter() - began) * 1000)
    return find_p95(waits)

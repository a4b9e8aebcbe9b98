"""What the gates are measured on: frozen sets, packs, talks, and the trainers' data.

Red when: an altered set is read, a calm line of a pack may be AMBER, or a RED turn moves a talk on; shown with each
taken out.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.corpus import CorpusInvalid
from casework.model.bands import Bands
from casework.model.disclosures import CALM as SCREENED_CALM
from casework.model.disclosures import Band, Category, ScreenResult
from casework.model.errors import AssistantUnavailable
from casework.services.comparison_ports import EvaluationAnswer
from casework.services.ports import AssistantAnswer
from launcher.data_findings import DataUnreadable, count_findings
from launcher.evaluation.answers import answer_of, name_set
from launcher.evaluation.conversations import Talk, TalkTurn, hold_talks, read_talks
from launcher.evaluation.frozen import SetAltered, check_frozen, sha_of
from launcher.evaluation.packs import PACKS, Pack, PackLine, judge_pack, read_packs
from launcher.evaluation.sets import FILES, read_set
from launcher.understanding import Parsed
from tests.launcher.evaluating import LIMITS, a_judged, a_parsed
from tests.support.builders import a_learned, an_answer
from tests.support.line import load_bands
from tests.support.running import ROOT

DANGER = "immediate_danger"
SURE = {Category(DANGER): 0.95}
BANDS: Bands = load_bands()


class QuietScreen:
    """Finds every text calm: what is measured here is the model's word."""

    def screen_text(self, text: str, earlier: Sequence[str] = ()) -> ScreenResult:
        return SCREENED_CALM


QUIET: Any = QuietScreen()


# --- frozen sets ----------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The held-out sets in a tree of their own, to be altered."""
    shutil.copytree(ROOT / "data" / "held_out", tmp_path / "data" / "held_out")
    return tmp_path


def test_every_named_set_is_frozen_and_is_as_it_was() -> None:
    for name in sorted(FILES):
        assert read_set(ROOT, name)
    assert {pack.name for pack in read_packs(ROOT)} == set(PACKS)
    talks, sha = read_talks(ROOT)
    assert len(talks) == 30 and len(sha) == 64


@pytest.mark.parametrize(
    "path",
    [
        *("conversations/risk.yml", "corpus_dev/calm_01.txt", "corpus_test/urgent_01.txt"),
        *("packs/negation.jsonl", "first_messages.jsonl"),
    ],
)
def test_a_frozen_set_that_was_changed_is_refused(tree: Path, path: str) -> None:
    name = path if path.endswith(".jsonl") else path.partition("/")[0]
    check_frozen(tree, name)
    file = tree / "data" / "held_out" / path
    file.write_bytes(file.read_bytes() + b"\n")

    with pytest.raises(SetAltered, match="changed since it was frozen"):
        check_frozen(tree, name)
    readers = {"conversations": read_talks, "packs/negation.jsonl": read_packs}
    read = readers.get(name) or (lambda root: [read_set(root, each) for each in sorted(FILES)])
    with pytest.raises(SetAltered):
        read(tree)


def test_a_file_more_or_one_called_otherwise_makes_another_set(tree: Path) -> None:
    folder = tree / "data" / "held_out" / "conversations"
    shas = [sha_of(folder)]
    (folder / "README.md").write_text("words about it")
    shas.append(sha_of(folder))
    (folder / "risk.yml").rename(folder / "risks.yml")
    shas.append(sha_of(folder))

    assert shas[0] == shas[1] != shas[2]


def test_a_set_nobody_froze_is_refused(tree: Path) -> None:
    with pytest.raises(SetAltered, match="does not name packs/new"):
        check_frozen(tree, "packs/new.jsonl")


def test_without_the_list_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(SetAltered, match="cannot be read"):
        read_set(tmp_path, "test")


# --- packs ----------------------------------------------------------------------------------------------


def judge_lines(parsed_of: Mapping[str, Parsed], *lines: PackLine) -> list[bool]:
    pack = Pack(name="negation", sha256="", lines=lines)
    return [one.passed for one in judge_pack(pack, parsed_of, QUIET, LIMITS)]


CALM, URGENT = a_parsed("ask_status", 0.0), a_parsed("ask_status", 0.99, kinds=SURE)
DOUBT = a_parsed("ask_status", 0.2, kinds={Category(DANGER): 0.2})
COURT, PERSON = a_parsed("ask_court", 0.0), a_parsed("request_human", 0.0, to_person=True)


@pytest.mark.parametrize(
    ("label", "passes"),
    [
        ({"category": Category(DANGER)}, [False, True, True, False, True]),
        ({"calm": True}, [True, False, False, True, True]),
        ({"outcome": "ask_status"}, [True, False, False, False, False]),
    ],
    ids=["urgent", "calm", "outcome"],
)
def test_a_line_passes_when_it_is_decided_as_marked(label: dict[str, Any], passes: list[bool]) -> None:
    read = {"calm": CALM, "urgent": URGENT, "doubt": DOUBT, "court": COURT, "person": PERSON}

    lines = [PackLine(id=text, text=text, **label) for text in read]
    assert judge_lines(read, *lines) == passes


def test_a_line_must_be_decided_as_its_plain_twin_is() -> None:
    plain = PackLine(id="a", text="plain", category=Category(DANGER))
    twin = replace_line(plain, id="b", text="twin", like="a")

    assert judge_lines({"plain": URGENT, "twin": URGENT}, plain, twin) == [True, True]
    assert judge_lines({"plain": URGENT, "twin": DOUBT}, plain, twin) == [True, False]
    calm = PackLine(id="a", text="plain", calm=True)
    assert judge_lines(
        {"plain": CALM, "twin": COURT}, calm, replace_line(calm, id="b", text="twin", like="a")
    ) == [
        True,
        False,
    ]


def replace_line(line: PackLine, **values: Any) -> PackLine:
    fields = {name: getattr(line, name) for name in line.__struct_fields__}
    return PackLine(**(fields | values))


@pytest.mark.parametrize(
    "row",
    [
        '{"id": "n1", "text": "x", "like": null}',
        '{"id": "n1", "text": "x", "calm": true, "outcome": "greet", "like": null}',
        '{"id": "n1", "text": "x", "calm": true, "like": "n2"}',
        '{"id": "n1", "text": "x", "category": "danger", "like": null}',
        "no json",
    ],
)
def test_a_pack_that_cannot_be_read_is_refused_with_its_name(tree: Path, row: str) -> None:
    file = tree / "data" / "held_out" / "packs" / "negation.jsonl"
    frozen = tree / "data" / "held_out" / "frozen.toml"
    before = sha_of(file)
    file.write_text(row + "\n")
    frozen.write_text(frozen.read_text().replace(before, sha_of(file)))

    with pytest.raises(CorpusInvalid, match="negation"):
        read_packs(tree, ["negation"])


def test_mistyped_messages_are_always_the_same_and_each_has_its_plain_twin() -> None:
    [one], [other] = read_packs(ROOT, ["typos"]), read_packs(ROOT, ["typos"])

    assert one == other and len(one.lines) == len(one.twins) == 200
    plain = {twin.id: twin for twin in one.twins}
    assert all(
        (line.category, line.outcome) == (plain[line.like or ""].category, plain[line.like or ""].outcome)
        for line in one.lines
    )
    assert sum(line.text != plain[line.like or ""].text for line in one.lines) > 180


# --- talks ----------------------------------------------------------------------------------------------


class ScriptedAssistant:
    """Answers each text from a table, remembers what it was asked with, and counts turns in its state."""

    def __init__(self, answers: Mapping[str, AssistantAnswer | None]) -> None:
        self._answers = answers
        self.asked: list[dict[str, Any]] = []

    async def ask(self, **asked: Any) -> AssistantAnswer:
        self.asked.append(asked)
        answer = self._answers[asked["text"]]
        if answer is None:
            raise AssistantUnavailable("deadline")
        return replace(answer, state={"turns": (asked["state"] or {"turns": 0})["turns"] + 1})


async def hold(answers: Mapping[str, AssistantAnswer | None], *turns: TalkTurn, **values: Any) -> Any:
    assistant = ScriptedAssistant(answers)
    talk = Talk(id="t", turns=list(turns), **values)
    [held] = await hold_talks(assistant, [talk], screen=QUIET, bands=BANDS)
    return held, assistant.asked


STATUS = an_answer()
RED = an_answer(learned=a_learned())


async def test_a_talk_passes_when_every_turn_comes_to_what_it_should() -> None:
    held, asked = await hold(
        {"news": STATUS, "he is here": RED, "ok": STATUS},
        TalkTurn(says="news", expects=["utter_case_status"]),
        TalkTurn(says="he is here", band="red"),
        TalkTurn(says="ok", band="green"),
    )

    assert held.passed
    assert [one["state"] for one in asked] == [None, {"turns": 1}, {"turns": 1}]
    assert [one["facts"]["earlier"] for one in asked] == [[], ["news"], ["news", "he is here"]]


@pytest.mark.parametrize(
    ("turn", "wrong"),
    [
        (TalkTurn(says="news", expects=["utter_greet"]), "green: utter_case_status"),
        (TalkTurn(says="news", band="red"), "green: utter_case_status"),
        (TalkTurn(says="news", band="caught"), "green: utter_case_status"),
        (TalkTurn(says="he is here", expects=["utter_case_status"]), "red: the safety line"),
        (TalkTurn(says="silence"), "no answer"),
    ],
)
async def test_what_came_to_something_else_is_said_with_its_turn(turn: TalkTurn, wrong: str) -> None:
    held, _ = await hold({"news": STATUS, "he is here": RED, "silence": None}, turn)

    assert held.wrong == ((1, wrong),)


async def test_a_talk_is_held_with_the_standing_it_names() -> None:
    _, [asked] = await hold({"news": STATUS}, TalkTurn(says="news"), standing="linked", safe_question=True)

    assert (asked["facts"]["standing"], asked["facts"]["safe_question"]) == ("linked", True)
    assert asked["conversation"] == "talk-t"


# --- as it is kept --------------------------------------------------------------------------------------


def test_a_set_of_other_messages_is_kept_under_another_name() -> None:
    assert name_set("packs/third_person", "a" * 64) == "packs/third_person@aaaaaaaaaaaa"
    assert len(name_set("packs/third_person", "a" * 64)) <= 48


def test_answers_are_kept_with_the_word_of_the_model_alone() -> None:
    kept: EvaluationAnswer = answer_of(a_judged(category=DANGER, parsed=DOUBT), LIMITS)

    assert (kept.band, kept.is_caught, kept.is_caught_alone, kept.urgency) == (Band.AMBER, True, True, 0.2)


# --- the trainers' data ---------------------------------------------------------------------------------


def write_rows(root: Path, *texts: str) -> None:
    folder = root / "data" / "workbench" / "nlu"
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"  - text: {text!r}\n    metadata: {{row: a}}\n" for text in texts)
    (folder / "ask_status.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: ask_status\n  examples:\n{rows}', encoding="utf-8"
    )


def test_rows_that_are_no_words_or_stand_in_a_test_set_are_found(tree: Path) -> None:
    held_out = read_set(ROOT, "test")[0].text
    write_rows(tree, "whens my update due then", "${HOME}", "/restart", "see [this](thing)", held_out)

    assert count_findings(tree) == (5, 4)


def test_no_rows_have_no_findings_and_a_broken_file_is_told(tree: Path) -> None:
    assert count_findings(tree) == (0, 0)
    write_rows(tree, "fine")
    (tree / "data" / "workbench" / "nlu" / "broken.yml").write_text("nlu: [")
    with pytest.raises(DataUnreadable, match=r"broken\.yml"):
        count_findings(tree)

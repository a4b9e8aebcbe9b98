"""Words and letters decide, misspelt ones too; what is stored reads as what was trained."""

from collections.abc import Iterator

import pytest

from tests.bot.reading_bot.asking import Script, running_script

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(1500)]

NEWS, COURT, PROPERTY, NEVER_SEEN = range(4)
TEXTS = {
    "any news on my case": NEWS,
    "is there an update yet": NEWS,
    "what is happening with the investigation": NEWS,
    "have you heard anything new": NEWS,
    "any update on the burglary": NEWS,
    "when is the trial": COURT,
    "what day am I in court": COURT,
    "where is the crown court and who do I ask for": COURT,
    "has the hearing been moved": COURT,
    "do I give evidence at the trial": COURT,
    "when do I get my phone back": PROPERTY,
    "I want my laptop back": PROPERTY,
    "can I collect my things": PROPERTY,
    "is my car still with you, I need it back": PROPERTY,
    "you took my jacket, I need it returned": PROPERTY,
}
ABOUT_THINGS = [None if kind == NEWS else int(kind == PROPERTY) for kind in TEXTS.values()]


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    folder = tmp_path_factory.mktemp("words")
    with running_script("words", folder / "script.log") as script:
        script.ask(
            "train",
            texts=list(TEXTS),
            targets={"wish": list(TEXTS.values()), "things": ABOUT_THINGS},
            classes={"wish": 4, "things": 2},
            folder=str(folder),
        )
        yield script


def best(heads: Script, text: str, answer: str = "wish") -> int:
    logits = heads.ask("read", text=text, which="stored")[answer]
    return int(max(range(len(logits)), key=lambda index: logits[index]))


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("is there any news", NEWS),
        ("what time is the trial", COURT),
        ("I want my phone back", PROPERTY),
        ("any updte on teh case", NEWS),
        ("wat day is the tria", COURT),
        ("wen do i get my lapotp bak", PROPERTY),
    ],
)
def test_words_and_parts_of_words_decide(heads: Script, text: str, wish: int) -> None:
    assert best(heads, text) == wish


def test_an_answer_is_learnt_from_those_who_gave_it(heads: Script) -> None:
    assert best(heads, "where is my phone", "things") == 1
    assert best(heads, "when is the hearing", "things") == 0


def test_a_class_nobody_wrote_for_has_no_chance(heads: Script) -> None:
    for text in (*TEXTS, "", "zzz"):
        logits = heads.ask("read", text=text, which="stored")["wish"]
        assert logits[NEVER_SEEN] < min(logits[:NEVER_SEEN]) - 20


def test_what_is_stored_reads_as_what_was_trained(heads: Script) -> None:
    for text in ("is there any news", "wen do i get my lapotp bak", "what??"):
        stored, trained = (heads.ask("read", text=text, which=which) for which in ("stored", "trained"))
        assert stored.keys() == trained.keys() == {"wish", "things"}
        for answer, logits in trained.items():
            assert stored[answer] == pytest.approx(logits, abs=0.01)


@pytest.mark.parametrize("text", ["", " ", "?", "\U0001f62d", "\u0645\u0631\u062d\u0628\u0627", "x" * 10_000])
def test_any_text_is_read(heads: Script, text: str) -> None:
    logits = heads.ask("read", text=text, which="stored")
    assert {answer: len(values) for answer, values in logits.items()} == {"wish": 4, "things": 2}

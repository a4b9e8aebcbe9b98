"""What one reading of a message gives: the wish, further wishes, the topic, how urgent, and where that stands."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.bot.reading_bot.asking import Script, running_script

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(1500)]

STATUS = """
any news on my case
is there an update on the burglary
what is happening with my case
have you found who took my car
has anyone been arrested yet
just checking for an update on my case
did you find anything out about the break in
whats going on with the investigation
any progress on my stolen bike
has he been charged with it yet
"""
COURT = """
when is the trial
what day do I have to be in court
where is the crown court
has the hearing been moved to another day
do I have to give evidence at the trial
what time does court start
is the court date still in march
how long will the trial take
will I see the judge at court
which court is the hearing in
"""
INTERPRETER = """
do I have a right to an interpreter
can I have an interpreter for the interview
I need someone who speaks Polish to translate
my english is bad can you translate
is an interpreter free for victims
"""
DATA = """
what information do you hold about me
can I see my data
how do I get a copy of the records you keep on me
who do you share my personal data with
what data do the police keep about me
"""
STALKING = """
he keeps following me home from work
he was waiting outside my house again tonight
he follows me everywhere I go
my ex is parked outside my house watching me
he has been standing outside my window again
he turned up outside my work again and followed me
he is outside again, he followed me from the bus
someone is following me home every night
"""
SUICIDE = """
I dont want to be alive any more
I want to end my life
I cant go on, I am going to kill myself
I have taken a load of tablets
everyone would be better off if I was dead
I just want to die
I have thought about how to end my life
I dont want to wake up tomorrow
"""
LONG = """
It is about my bike that was stolen in may. Have you found anything out yet, and is the officer still the same one
Sorry to bother you again, I had a letter about the trial and I have lost it. What day is it and which court is it in
Hi, I rang last week about the break in and nobody rang back. Could you let me know what is going on with it, thanks
Good morning, I will be a witness at the trial in june and I work nights. Can you tell me what time it starts please
Hello I am after an update on the burglary from my home could you also tell me who my officer is now thanks a lot
"""
BURIED_STALKING = """
Have you found anything out about my bike yet. He was outside my window again last night. Is the officer the same one
I had a letter about the trial and I have lost it, what day is it, and my ex has been waiting outside my work. Thanks
Hi, I rang last week about the break in. Someone followed me home from the shop on monday. Could you let me know, thanks
Can you tell me what time the trial starts, he has followed me all week, I work nights so I need to plan for it
Hello I am after an update on the burglary he was outside my home again could you also tell me who my officer is now
I had a letter about court she keeps following me home can you send me another one with the day and the time on it
"""
BURIED_SUICIDE = """
Have you found anything out about my bike yet. I do not want to be alive to be honest. Is the officer the same one
I had a letter about the trial and I have lost it, what day is it, I keep thinking about how to end my life. Thanks
Hi, I rang last week about the break in. I have taken some tablets. Could you let me know what is going on, thanks
Can you tell me what time the trial starts, I just want to die if I am honest, I work nights so I need to plan for it
"""
HALVES = """
he keeps
following me
I have taken
a load of tablets
he is outside
the trial and
outside my house
my case is
"""
CALM_BEFORE = (
    "Hi there, just checking for an update on my case about the stolen bike, it was taken from the shed"
)
CALM_AFTER = "could you also tell me what time the court starts, I want to book the train soon. Thanks a lot"
DANGER = "he keeps following me home from work"
NO_FURTHER_WISH = ["nlu_fallback"]


def written(block: str, **labels: str) -> list[dict[str, Any]]:
    return [{"text": text, **labels} for text in block.splitlines() if text]


CALM = [
    *written(STATUS, intent="ask_status"),
    *written(COURT, intent="ask_court"),
    *written(INTERPRETER, intent="ask_rights", sub="right_1"),
    *written(DATA, intent="ask_rights", sub="data"),
    *written(LONG, intent="ask_status"),
    *written(HALVES, intent="nlu_fallback"),
]
URGENT = [
    *written(STALKING + BURIED_STALKING, category="stalking"),
    *written(SUICIDE + BURIED_SUICIDE, category="suicide"),
]
SETTINGS = {"topic_intents": ["ask_rights"], "no_further_wish": NO_FURTHER_WISH, "least_further_wish": 0.5}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    folder = tmp_path_factory.mktemp("classifier")
    with running_script("classifier", folder / "script.log") as script:
        train(script, folder / "good", [*CALM, *URGENT])
        yield script


def train(script: Script, folder: Path, messages: Sequence[dict[str, Any]], **settings: object) -> None:
    folder.mkdir()
    script.ask(
        "train", name=folder.name, folder=str(folder), messages=messages, settings={**SETTINGS, **settings}
    )


def read(classifier: Script, text: str, *, earlier: Sequence[str] = (), name: str = "good") -> Any:
    return classifier.ask("read", name=name, text=text, earlier=earlier)


def urgency(classifier: Script, text: str, *, earlier: Sequence[str] = ()) -> float:
    return float(read(classifier, text, earlier=earlier)["urgency"]["probability"])


def odds(probability: float) -> float:
    return probability / (1 - probability)


def entities(reading: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in reading.get("entities", []) if one["entity"] == kind]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("any update on my bike", "ask_status"),
        ("what day is the trial", "ask_court"),
        ("can I get an interpreter", "ask_rights"),
        ("ANY NEWZ ON MY CASE M8", "ask_status"),
        ("wot tiem does cuort start", "ask_court"),
    ],
)
def test_the_wish_is_found_and_likelier_ones_stand_first(classifier: Script, text: str, intent: str) -> None:
    reading = read(classifier, text)
    confidences = [one["confidence"] for one in reading["intent_ranking"]]
    assert reading["intent"]["name"] == intent
    assert reading["intent"] == reading["intent_ranking"][0]
    assert {one["name"] for one in reading["intent_ranking"]} == {
        "ask_status",
        "ask_court",
        "ask_rights",
        "nlu_fallback",
    }
    assert confidences == sorted(confidences, reverse=True) and sum(confidences) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "category"),
    [("he is following me home again", "stalking"), ("I want to end it and die", "suicide")],
)
def test_danger_is_found_with_its_category(classifier: Script, text: str, category: str) -> None:
    found = read(classifier, text)["urgency"]
    assert found["probability"] > 0.5
    assert next(iter(found["categories"])) == category
    assert set(found["categories"]) == {"stalking", "suicide"}
    assert sum(found["categories"].values()) == pytest.approx(found["probability"], abs=0.001)


def test_a_calm_message_is_not_urgent(classifier: Script) -> None:
    for one in CALM:
        assert urgency(classifier, one["text"]) < 0.5, one["text"]


@pytest.mark.parametrize(
    "text", [f"{CALM_BEFORE}. {DANGER}. {CALM_AFTER}", f"{CALM_BEFORE} {DANGER} {CALM_AFTER}"]
)
def test_danger_told_in_passing_is_found_in_a_long_calm_message(classifier: Script, text: str) -> None:
    calm = urgency(classifier, f"{CALM_BEFORE}. {CALM_AFTER}")
    assert calm < 0.5
    assert odds(urgency(classifier, text)) > 5 * odds(calm)


def test_the_span_lies_on_the_clause_that_tells_of_it(classifier: Script) -> None:
    text = f"\U0001f62d\U0001f62d {CALM_BEFORE.replace('there', 'm8')}. {DANGER}. {CALM_AFTER}"
    [[start, end]] = read(classifier, text)["urgency"]["spans"]
    clause = text.index(DANGER), text.index(DANGER) + len(DANGER)
    shared = min(end, clause[1]) - max(start, clause[0])
    assert shared >= 0.7 * len(DANGER), text[start:end]


@pytest.mark.parametrize(
    "before", ["", "\U0001f62d ", "\U0001f62d\U0001f3fd\U0001f62d pls u m8 ", "sooooo   2moro "]
)
def test_a_span_is_offsets_into_the_text_as_written(classifier: Script, before: str) -> None:
    said = "he keeps folowing me home"
    [[start, end]] = read(classifier, before + said)["urgency"]["spans"]
    assert 0 <= start < end <= len(before + said)
    assert "folowing" in (before + said)[start:end]
    if not before:
        assert (start, end) == (0, len(said))


def test_what_only_together_is_danger_is_read_together(classifier: Script) -> None:
    first, last = "he keeps", "following me"
    alone = max(urgency(classifier, first), urgency(classifier, last))
    assert urgency(classifier, last, earlier=[first]) > 2 * alone


def test_a_danger_told_before_is_not_told_again_by_a_calm_message(classifier: Script) -> None:
    calm = "what time does court start"
    assert urgency(classifier, calm, earlier=[DANGER]) == urgency(classifier, calm)


def test_what_was_said_earlier_never_lowers(classifier: Script) -> None:
    for earlier in (["thanks"], [one["text"] for one in CALM[:4]], ["", "\U0001f62d"]):
        assert urgency(classifier, DANGER, earlier=earlier) >= urgency(classifier, DANGER)


def test_a_wish_of_another_clause_is_named_with_its_place(classifier: Script) -> None:
    text = "any news on my case. also what day do I have to be in court"
    reading = read(classifier, text)
    [also] = entities(reading, "also")
    assert {reading["intent"]["name"], also["value"]} == {"ask_status", "ask_court"}
    clause = text[also["start"] : also["end"]]
    assert clause in text.split(". also ") or clause.strip() in text


def test_one_wish_said_twice_is_one_wish(classifier: Script) -> None:
    assert entities(read(classifier, "any news on my case. any update on my stolen bike"), "also") == []


def test_a_wish_that_is_never_a_further_one_is_not(classifier: Script, tmp_path: Path) -> None:
    text = "any news on my case. also what day do I have to be in court"
    train(
        classifier,
        tmp_path / "none_further",
        CALM,
        no_further_wish=["ask_status", "ask_court"],
        heads={"epochs": 2},
    )
    assert entities(read(classifier, text, name="none_further"), "also") == []


@pytest.mark.parametrize(
    ("text", "topic"),
    [("can I have an interpreter", "right_1"), ("can I see the data you hold about me", "data")],
)
def test_a_topic_is_named_where_the_wish_has_topics(classifier: Script, text: str, topic: str) -> None:
    [right] = entities(read(classifier, text), "right")
    assert (right["value"], right["start"], right["end"]) == (topic, 0, len(text))


def test_a_wish_without_topics_names_none(classifier: Script) -> None:
    assert entities(read(classifier, "what day is the trial"), "right") == []


def test_without_disclosures_nothing_is_said_of_urgency(classifier: Script, tmp_path: Path) -> None:
    train(classifier, tmp_path / "calm_only", CALM, heads={"epochs": 2})
    assert "urgency" not in read(classifier, DANGER, name="calm_only")


def test_the_same_data_gives_the_same_answers(classifier: Script, tmp_path: Path) -> None:
    train(classifier, tmp_path / "again", [*CALM, *URGENT])
    for text in ("any news", DANGER, "can I get an interpreter", f"{CALM_BEFORE}. {DANGER}"):
        assert read(classifier, text, name="again") == read(classifier, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "a",
        "\U0001f62d",
        "\u200b",
        "\u0645\u0631\u062d\u0628\u0627",
        "x" * 10_000,
        "help. and also " * 700,
    ],
)
def test_any_text_is_read(classifier: Script, text: str) -> None:
    reading = read(classifier, text)
    if not text:
        assert "urgency" not in reading
        return
    found = reading["urgency"]
    assert 0 <= found["probability"] <= 1 and math.isfinite(found["probability"])
    assert all(0 <= start <= end <= len(text) for start, end in found["spans"])

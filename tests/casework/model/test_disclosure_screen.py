"""The rules hold on their own examples, on the sets in tests/data, and on text meant to break them."""

import json
import shutil
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.model.disclosure_phrases import RuleInvalid
from casework.model.disclosure_screen import (
    MOST_PRESSING_FIRST,
    RULES_DIRECTORY,
    DisclosureRule,
    DisclosureScreen,
    find_rules_version,
    load_disclosure_screen,
)
from casework.model.disclosures import CALM, TIER_OF, Band, Category
from casework.model.messages import Channel, InboundMessage
from casework.model.readable_text import ReadableText, TextReader

DATA = Path(__file__).parents[2] / "data"
SCREEN = load_disclosure_screen()


def examples(name: str) -> list[dict[str, Any]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[1:]]


SEEN = examples("screen_examples.jsonl")
HELD_BACK = examples("screen_held_back.jsonl")


def a_message(text: str = "", **changes: Any) -> InboundMessage:
    fields: dict[str, Any] = {
        "channel": Channel.SMS,
        "provider_message_id": "SM0001",
        "external_id": "+447700900123",
        "text": text,
        "received_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
    }
    return InboundMessage(**{**fields, **changes})


def rule_examples(kind: str) -> Iterator[Any]:
    for rule in SCREEN.rules:
        for text in getattr(rule, kind):
            yield pytest.param(rule, text, id=f"{rule.category}.{rule.id}: {text}")


@pytest.mark.parametrize(("rule", "text"), list(rule_examples("must_hit")))
def test_a_rule_fires_on_what_it_must_hit(rule: DisclosureRule, text: str) -> None:
    assert f"{rule.category}.{rule.id}" in SCREEN.matching_rules(text)


@pytest.mark.parametrize(("rule", "text"), list(rule_examples("must_not_hit")))
def test_a_rule_stays_quiet_on_what_it_must_not_hit(rule: DisclosureRule, text: str) -> None:
    assert f"{rule.category}.{rule.id}" not in SCREEN.matching_rules(text)


@pytest.mark.parametrize(("rule", "text"), list(rule_examples("must_hit")))
def test_the_words_round_a_match_never_silence_a_red_rule_of_tier_1(rule: DisclosureRule, text: str) -> None:
    if rule.band is Band.RED and TIER_OF[rule.category] == 1:
        assert SCREEN.screen_text(text).urgent


def test_calm_words_lower_a_tier_1_hit_to_amber_and_no_further() -> None:
    before = "hello, when will my compensation form and the letter about my laptop insurance claim arrive"
    after = "thanks, please can you send the reference number for my stolen bike insurance claim form"

    result = SCREEN.screen_text(f"{before}, he is outside now, {after}")

    assert (result.band, result.tier) == (Band.AMBER, 1)


def test_the_weighed_words_alone_can_raise_an_alarm_and_show_where() -> None:
    text = "I sleep with my shoes on in case he comes back"

    result = SCREEN.screen_text(text)

    assert SCREEN.matching_rules(text) == frozenset()
    assert result.urgent
    assert [item.rule.rpartition(".")[2] for item in result.evidence] == ["weighed_words"]


def test_a_broken_table_of_weights_is_refused_at_start(rule_copy: Path) -> None:
    (rule_copy / "weighed_words.tsv").write_text("no numbers here\n", encoding="utf-8")

    with pytest.raises(RuleInvalid, match=r"weighed_words\.tsv"):
        load_disclosure_screen(rule_copy)


def test_the_table_of_weights_stays_small_and_in_order() -> None:
    table = (RULES_DIRECTORY / "weighed_words.tsv").read_text(encoding="utf-8")
    parts = [line.split("\t")[0] for line in table.splitlines()[1:]]

    assert len(table.encode()) <= 1_000_000
    assert parts == sorted(set(parts))


def test_every_category_has_rules_a_rank_and_unique_rule_ids() -> None:
    names = [(rule.category, rule.id) for rule in SCREEN.rules]

    assert {rule.category for rule in SCREEN.rules} == set(Category) == set(MOST_PRESSING_FIRST)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("example", [e for e in SEEN if e["kind"] == "urgent"], ids=lambda e: e["id"])
def test_every_urgent_message_seen_so_far_is_a_hit_and_tier_1_stays_tier_1(example: dict[str, Any]) -> None:
    result = SCREEN.screen_text(example["text"])

    assert result.urgent
    if TIER_OF[Category(example["category"])] == 1:
        assert result.tier == 1


def test_routine_messages_seldom_raise_an_alarm() -> None:
    routine = [e for e in SEEN + HELD_BACK if e["kind"] == "routine"]
    plain = [e for e in routine if e["style"] == "plain"]

    alarms = [e["id"] for e in routine if SCREEN.screen_text(e["text"]).urgent]
    plain_alarms = [e["id"] for e in plain if SCREEN.screen_text(e["text"]).urgent]

    assert len(alarms) <= 0.03 * len(routine), alarms
    assert not plain_alarms


def test_held_back_recall_does_not_fall() -> None:
    urgent = [e for e in HELD_BACK if e["kind"] == "urgent"]
    tier_1 = [e for e in urgent if TIER_OF[Category(e["category"])] == 1]

    # The figures of the day the set was first looked at: 68 of 106, 25 of 52. Raise them only with a new set.
    assert sum(SCREEN.screen_text(e["text"]).urgent for e in urgent) >= 68
    assert sum(SCREEN.screen_text(e["text"]).urgent for e in tier_1) >= 25


def test_no_held_back_message_is_a_rule_example_or_was_seen() -> None:
    known = {e["text"].lower() for e in SEEN}
    known |= {text.lower() for rule in SCREEN.rules for text in (*rule.must_hit, *rule.must_not_hit)}

    assert not known & {e["text"].lower() for e in HELD_BACK}


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace("'", "\u2019"),
        lambda text: f"...!! {text} xx",
        lambda text: "\u200b".join(text),
        lambda text: text.replace(" ", "\n"),
        lambda text: text.replace("'", ""),
        lambda text: f"\u201c{text}\u201d \U0001f62d",
    ],
    ids=[
        "capitals",
        "curly quotes",
        "junk round it",
        "zero-width",
        "one word a line",
        "no apostrophes",
        "quoted with an emoji",
    ],
)
def test_how_a_message_is_typed_does_not_remove_a_hit(change: Any) -> None:
    urgent = [e["text"] for e in SEEN if e["kind"] == "urgent"]

    assert [text for text in urgent if not SCREEN.screen_text(change(text)).urgent] == []


def test_the_most_urgent_category_is_shown_and_all_evidence_is_kept() -> None:
    text = "he is outside now with a knife, he broke his bail conditions"

    result = SCREEN.screen_text(text)

    assert (result.tier, result.category) == (1, Category.IMMEDIATE_DANGER)
    prefixes = {item.rule.split(".")[0] for item in result.evidence}
    assert {"immediate_danger", "threats_to_kill_or_weapons", "breach_of_bail_or_order"} <= prefixes


def test_evidence_points_at_the_words_as_received() -> None:
    text = "\U0001f62d Any news?\n He put his  HANDS round my sister\u2019s neck!!"

    result = SCREEN.screen_text(text)

    assert result.category is Category.STRANGULATION
    assert "HANDS round my sister\u2019s neck" in {text[item.start : item.end] for item in result.evidence}


@pytest.mark.parametrize(
    ("message", "rule", "tier"),
    [
        (a_message(media_count=1), "media_only", 2),
        (a_message(has_location=True), "location_only", 2),
        (a_message(is_readable=False), "undecodable", 2),
        (a_message("\x00\x07\ufffd\ufffd"), "undecodable", 2),
        (a_message("\u043f\u043e\u043c\u043e\u0433\u0438\u0442\u0435 \u043c\u043d\u0435"), "other_script", 2),
        (a_message(""), "no_words", 3),
        (a_message(" \n "), "no_words", 3),
        (a_message("\U0001f62d\U0001f62d\U0001f62d\U0001f630"), "no_words", 3),
        (a_message("!!!!"), "no_words", 3),
        (a_message("hello " * 2000), "too_long", 3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_cannot_be_read_is_a_hit(message: InboundMessage, rule: str, tier: int) -> None:
    result = SCREEN.screen(message)

    assert (result.urgent, result.tier, result.category) == (True, tier, None)
    assert rule in {item.rule for item in result.evidence}


@pytest.mark.parametrize(
    "text",
    ["\U0001f44d", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U0001f64f", "?", "...", "ok", "43240012345"],
)
def test_a_sign_that_only_means_yes_or_thanks_is_calm(text: str) -> None:
    assert SCREEN.screen_text(text) == CALM


def test_words_beat_being_unreadable_when_they_are_more_urgent() -> None:
    result = SCREEN.screen(a_message("he is outside now", media_count=1, is_readable=False))

    assert (result.tier, result.category) == (1, Category.IMMEDIATE_DANGER)
    assert "undecodable" in {item.rule for item in result.evidence}


def test_both_ends_of_an_overlong_message_are_read_with_true_offsets() -> None:
    text = "hello " * 3000 + "he is outside now"

    result = SCREEN.screen_text(text)

    assert result.category is Category.IMMEDIATE_DANGER
    assert text[result.evidence[0].start : result.evidence[0].end].startswith("he is outside")


def test_every_rule_says_what_it_means_to_a_detective() -> None:
    assert all(SCREEN.says(f"{rule.category}.{rule.id}") for rule in SCREEN.rules)
    assert SCREEN.says("immediate_danger.weighed_words")


def test_a_cue_split_over_two_messages_is_seen_and_its_span_stays_in_the_new_one() -> None:
    result = SCREEN.screen(a_message("my neck last night"), earlier=["hi", "he put his hands round"])

    assert (result.tier, result.category) == (1, Category.STRANGULATION)
    assert all(0 <= item.start <= item.end <= len("my neck last night") for item in result.evidence)


def test_danger_only_in_an_earlier_message_does_not_count_again() -> None:
    assert SCREEN.screen(a_message("what is my reference"), earlier=["he is outside now"]) == CALM


def test_an_urgent_result_is_never_green() -> None:
    assert SCREEN.screen_text("he is outside now").band is Band.RED
    assert CALM.band is Band.GREEN


class BrokenReader(TextReader):
    def read(self, text: str, *, offset: int = 0) -> ReadableText:
        raise RuntimeError("broken on purpose")


def test_a_fault_inside_the_screen_is_a_hit() -> None:
    broken = DisclosureScreen(SCREEN.rules, BrokenReader(text_speak={}, signs={}))

    for result in (broken.screen(a_message("thanks")), broken.screen_text("thanks")):
        assert (result.urgent, result.tier, result.category) == (True, 2, None)
        assert result.evidence[0].rule == "screen_failed"


@given(st.text(alphabet=st.characters(), max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_a_verdict_with_evidence_inside_it(text: str) -> None:
    result = SCREEN.screen_text(text)

    assert "screen_failed" not in {item.rule for item in result.evidence}
    assert all(0 <= item.start <= item.end <= len(text) for item in result.evidence)
    assert result.urgent == bool(result.evidence)


@pytest.fixture
def rule_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES_DIRECTORY, tmp_path / "rules"))


def test_a_missing_category_is_refused_at_start(rule_copy: Path) -> None:
    (rule_copy / "missing_person.toml").unlink()

    with pytest.raises(RuleInvalid, match=r"missing_person\.toml"):
        load_disclosure_screen(rule_copy)


def test_an_emptied_category_is_refused_at_start(rule_copy: Path) -> None:
    (rule_copy / "missing_person.toml").write_text("", encoding="utf-8")

    with pytest.raises(RuleInvalid, match=r"missing_person\.toml"):
        load_disclosure_screen(rule_copy)


def test_nothing_may_explain_away_a_tier_1_rule(rule_copy: Path) -> None:
    path = rule_copy / "strangulation.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'unless = ["joking"]\n', encoding="utf-8")

    with pytest.raises(RuleInvalid, match="tier 1 rules take no unless"):
        load_disclosure_screen(rule_copy)


def test_a_phrase_with_an_unknown_list_is_refused_by_name(rule_copy: Path) -> None:
    path = rule_copy / "missing_person.toml"
    rule = '\n[[rule]]\nid = "x"\nsays = "x"\nphrases = ["{nobody_knows} gone"]\nmust_hit = ["x"]\nmust_not_hit = []\n'
    path.write_text(path.read_text(encoding="utf-8") + rule, encoding="utf-8")

    with pytest.raises(RuleInvalid, match="nobody_knows"):
        load_disclosure_screen(rule_copy)


def cost_of_doubling(screen: DisclosureScreen, piece: str) -> float:
    """How many times longer twice the text takes: 2 when linear, 4 when quadratic. The calmest of five tries."""

    def seconds(text: str) -> float:
        started = time.process_time()
        screen._screen_part(text, 0)  # the part that is not cut short
        return time.process_time() - started

    short = piece * (12_000 // len(piece))
    return min(seconds(short * 2) / seconds(short) for _ in range(5))


def near_misses() -> Iterator[Any]:
    yield pytest.param("he ", id="he he he")
    yield pytest.param("a", id="aaaa")
    yield pytest.param("h.e.l.p ", id="split words")
    yield pytest.param("h e l ", id="single letters")
    yield pytest.param("he put his hands round the ", id="hands round the")
    yield pytest.param("\u200b'", id="marks that fold away")
    for rule in SCREEN.rules:
        words = rule.must_hit[0].split()
        yield pytest.param(" ".join(words[: max(1, len(words) - 1)]) + " ", id=f"{rule.category}.{rule.id}")


@pytest.mark.slow
@pytest.mark.parametrize("piece", list(near_misses()))
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    assert cost_of_doubling(SCREEN, piece) <= 3


class QuadraticReader(TextReader):
    def read(self, text: str, *, offset: int = 0) -> ReadableText:
        for place in range(0, len(text), 2):
            text[place:].count("zz")
        return ReadableText(())


@pytest.mark.slow
def test_a_reader_that_looks_back_too_often_is_caught() -> None:
    slow = DisclosureScreen([], QuadraticReader(text_speak={}, signs={}))

    assert cost_of_doubling(slow, "he ") > 3


def test_a_megabyte_of_hostile_text_costs_what_the_cap_costs() -> None:
    started = time.process_time()

    results = [
        SCREEN.screen_text(piece * (1_000_000 // len(piece)))
        for piece in ("he ", "a", "h.e.l.p ", "he put his hands ")
    ]

    assert all(result.urgent for result in results)
    assert time.process_time() - started < 4


def test_an_ordinary_message_takes_under_a_millisecond() -> None:
    texts = [e["text"] for e in SEEN]

    def microseconds(text: str) -> float:
        started = time.perf_counter()
        SCREEN.screen_text(text)
        return (time.perf_counter() - started) * 1e6

    assert statistics.median(min(microseconds(text) for _ in range(3)) for text in texts) < 1000


def test_every_verdict_names_the_rules_it_was_made_by(tmp_path: Path) -> None:
    """Red when: `screen` does not put the version in; a file of the rules is left out of it."""
    assert SCREEN.screen(a_message("hello")).rules == find_rules_version() == SCREEN.version
    changed = tmp_path / "rules"
    shutil.copytree(RULES_DIRECTORY, changed)
    assert find_rules_version(changed) == SCREEN.version
    (changed / "immediate_danger.toml").write_text("# another day\n")
    assert find_rules_version(changed) != SCREEN.version

"""What the assistant must know, and what is made of what it says."""

from pathlib import Path

import pytest

from casework.model.bands import load_band_limits
from casework.model.errors import SettingsInvalid
from casework.model.known_turns import KNOWN_TURNS_FILE, Heard, find_worst, load_known_turns
from tests.support.running import ROOT

TURNS = load_known_turns()
[REPLY, *_] = sorted(TURNS.replies)


@pytest.mark.parametrize(
    ("responses", "urgency", "heard"),
    [
        ([REPLY], 0.0, Heard.WELL),
        ([REPLY, "utter_anything_else"], TURNS.at_most, Heard.WELL),
        ([REPLY], TURNS.at_most + 0.01, Heard.FALSE_DANGER),
        ([REPLY], None, Heard.WRONG_REPLY),
        (["utter_anything_else", REPLY], 0.0, Heard.WRONG_REPLY),
        ([], 0.0, Heard.WRONG_REPLY),
    ],
)
def test_a_calm_text_has_a_known_reply_and_no_danger(
    responses: list[str], urgency: float | None, heard: Heard
) -> None:
    """Red when: a detector that is silent, or a reply that comes second, is well."""
    assert TURNS.judge_calm(responses, urgency) is heard


@pytest.mark.parametrize(
    ("urgency", "heard"),
    [
        (1.0, Heard.WELL),
        (TURNS.at_least, Heard.WELL),
        (0.0, Heard.MISSED_DANGER),
        (None, Heard.MISSED_DANGER),
    ],
)
def test_a_text_of_danger_is_seen_as_one(urgency: float | None, heard: Heard) -> None:
    assert TURNS.judge_danger(urgency) is heard


def test_what_it_must_see_is_what_would_bring_a_person_at_once() -> None:
    limits = load_band_limits()

    assert TURNS.at_least >= limits.tiers[1].red
    assert TURNS.at_most <= limits.tiers[4].amber


def test_the_reply_it_must_give_is_one_it_has() -> None:
    domain = "\n".join(path.read_text() for path in sorted((ROOT / "bot" / "domain").glob("*.yml")))

    assert [name for name in TURNS.replies if f"  {name}:" not in domain] == []


def test_danger_that_is_missed_is_the_worst_of_all() -> None:
    assert find_worst([]) is Heard.WELL
    assert find_worst([Heard.WELL, Heard.MISSED_DANGER, Heard.AWAY]) is Heard.MISSED_DANGER
    assert [each for each in Heard if each.is_wrong] == [
        Heard.WRONG_REPLY,
        Heard.FALSE_DANGER,
        Heard.MISSED_DANGER,
    ]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("at_least = 0.55", "at_least = 0.1"),
        ("replies = [", 'reply = ["x"]\nother = ['),
        ("[danger]", "[risk]"),
    ],
)
def test_a_file_that_could_not_tell_danger_from_calm_is_refused(
    tmp_path: Path, was: str, becomes: str
) -> None:
    path = tmp_path / "known_turns.toml"
    written = KNOWN_TURNS_FILE.read_text()
    assert was in written
    path.write_text(written.replace(was, becomes))

    with pytest.raises(SettingsInvalid, match=r"known_turns\.toml"):
        load_known_turns(path)

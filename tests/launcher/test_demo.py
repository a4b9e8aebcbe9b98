"""The evening of the demo, as it is written. Red when: a number that is not kept for drama is let through."""

from pathlib import Path

import pytest

from casework.model.disclosure_screen import load_disclosure_screen
from launcher.demo import SCRIPT, DemoRefused, find_running, load_moments, render_clock


def test_the_evening_is_of_fourteen_conversations_on_three_channels_with_what_it_must_show() -> None:
    moments = load_moments()
    assert len({moment.victim["name"] for moment in moments}) == 14
    assert {moment.victim["channel"] for moment in moments} == {"sms", "whatsapp", "web"}
    assert [moment.does for moment in moments if moment.does != "writes"] == ["races", "leaves", "lowers"]
    assert any("\u0600" <= letter <= "\u06ff" for moment in moments for letter in moment.text)
    assert moments == sorted(moments, key=lambda moment: moment.minute)
    assert render_clock(19 * 60 + moments[-1].minute) == "01:10"


def test_what_the_desk_must_see_at_once_is_seen_without_the_assistant() -> None:
    """The race and the wrong grade need a row in the transaction that stores the message."""
    screen = load_disclosure_screen()
    acted_on = [m for m in load_moments() if m.victim.get("race") or m.victim.get("wrong_grade")]
    first = {m.victim["name"]: m.text for m in reversed(acted_on) if m.does == "writes"}
    assert [screen.screen_text(text).urgent for text in first.values()] == [True, True]


def test_a_number_that_could_be_somebodys_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text(
        SCRIPT.read_text(encoding="utf-8").replace("07700 900714", "07911 123456"), encoding="utf-8"
    )
    with pytest.raises(DemoRefused):
        load_moments(script)


@pytest.mark.parametrize(
    "addresses",
    [None, '{"addresses": {"public": "http://127.0.0.1:1", "console": "http://127.0.0.1:2"}}'],
    ids=["nothing_runs", "no_sandbox"],
)
def test_only_a_sandbox_that_runs_is_written_to(tmp_path: Path, addresses: str | None) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "sandbox-staff-password").write_text("a password of nobody")
    if addresses:
        (tmp_path / "run.json").write_text(addresses)
    with pytest.raises(DemoRefused):
        find_running(tmp_path)

"""Alerts watch figures there are, and each has a page that says what to do; each promise is watched.

Names, labels, brackets and pages are checked here. What an expression means is not: Prometheus's promtool does that.
"""

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from ruamel.yaml import YAML

from casework.adapters.metrics import ASSISTANT_FAULTS, COUNTED, ROUTES
from casework.adapters.metrics_page import HELP
from casework.adapters.storage.metric_reads import NEWS
from casework.adapters.storage.tables import OUTBOX_UNFINISHED
from casework.model.desk import Grade
from launcher.__main__ import build_parser
from tests.support.running import ROOT

RULES = ROOT / "deploy" / "prometheus" / "waymark.rules.yml"
RUNBOOK = ROOT / "docs" / "runbook"
ALARMS = sorted(
    tomllib.loads((ROOT / "console" / "templates" / "words.toml").read_text())["alarms"].keys() - {"unknown"}
)
FIGURES = {f"waymark_{name}" for name in HELP} | {family.name for family in COUNTED.collect()}
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")
VALUES = {
    "kind": {*ALARMS, "other", "tried_again"},
    "grade": {str(grade.value) for grade in Grade},
    "status": {*NEWS, *OUTBOX_UNFINISHED},
    "route": set(ROUTES),
    "fault": set(ASSISTANT_FAULTS),
}
SELECTOR = re.compile(r'(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)"')
# Looked at when something else sounds; by themselves they say nothing is wrong.
WATCHED_BY_NOBODY = {
    "waymark_acts",
    "waymark_build_info",
    "waymark_delivery_attempts",
    "waymark_assistant_answers",  # its alarms are assistant_wrong and assistant_away
    "waymark_messages_in",
    "waymark_queue",
    "waymark_queue_unclaimed",
    "waymark_screen",
    "waymark_turns_unanswered",
}
LOGGED = {
    event
    for folder in ("casework", "channels")
    for path in (ROOT / folder).rglob("*.py")
    for event in re.findall(r'log\.[a-z]+\(\s*"([a-z_]+)"', path.read_text())
}
HEADINGS = ["What it means for a victim", "Look at", "Do", "Call", "Over when"]


def load_rules() -> list[dict[str, Any]]:
    found: Any = YAML(typ="safe").load(RULES.read_text())
    assert found.keys() == {"groups"}
    return [rule for group in found["groups"] for rule in group["rules"]]


RULE_LIST = load_rules()


def find_figure(name: str) -> str | None:
    return next((each for each in (name, SUFFIX.sub("", name)) if each in FIGURES), None)


def find_faults(rule: dict[str, Any]) -> Iterator[str]:
    """What Prometheus would refuse, and what would watch nothing or lead nowhere."""
    if rule.keys() != {"alert", "expr", "for", "labels", "annotations"}:
        yield "keys"
        return
    expression = rule["expr"]
    if not re.fullmatch(r"Waymark[A-Za-z]+", rule["alert"]) or not re.fullmatch(r"[0-9]+[smh]", rule["for"]):
        yield "name or time"
    if rule["labels"].get("severity") not in ("page", "ticket", "none") or rule["labels"].keys() - {
        "severity",
        "promise",
    }:
        yield "labels"
    if rule["annotations"].keys() != {"summary", "remedy", "runbook"} or not all(
        rule["annotations"].values()
    ):
        yield "annotations"
    elif not (ROOT / rule["annotations"]["runbook"]).is_file():
        yield "runbook"
    bare = re.sub(r'"[^"]*"', '""', expression)
    if '"' in bare.replace('""', "") or not _is_balanced(bare):
        yield "brackets"
    named = re.findall(r"waymark_[a-z_]+", bare)
    if not named and expression != "vector(1)":
        yield "watches nothing"
    yield from (f"no figure {name}" for name in named if find_figure(name) is None)
    for label, sign, value in SELECTOR.findall(expression):
        given = value.split("|") if "~" in sign else [value]
        yield from (f"{label} is never {each}" for each in given if each not in VALUES.get(label, set()))


def _is_balanced(text: str) -> bool:
    open_ones: list[str] = []
    closes = {")": "(", "]": "[", "}": "{"}
    for sign in text:
        if sign in closes.values():
            open_ones.append(sign)
        elif sign in closes and (not open_ones or open_ones.pop() != closes[sign]):
            return False
    return not open_ones


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: str(rule["alert"]))
def test_a_rule_watches_what_there_is_and_leads_to_a_page(rule: dict[str, Any]) -> None:
    assert list(find_faults(rule)) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"expr": "waymark_oldest_turn_secs > 60"}, "no figure waymark_oldest_turn_secs"),
        ({"expr": 'waymark_alarm{kind="of_tomorrow"} == 1'}, "kind is never of_tomorrow"),
        ({"expr": 'waymark_queue{status="1"} > 1'}, "status is never 1"),
        ({"expr": "sum(waymark_queue > 1"}, "brackets"),
        ({"expr": 'waymark_alarm{kind="other} == 1'}, "brackets"),
        ({"expr": "up == 0"}, "watches nothing"),
        ({"for": "soon"}, "name or time"),
        ({"labels": {"severity": "loud"}}, "labels"),
        ({"annotations": {"summary": "x", "remedy": "x"}}, "annotations"),
        (
            {"annotations": {"summary": "x", "remedy": "x", "runbook": "docs/runbook/nowhere.md"}},
            "runbook",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_a_rule_that_is_wrong_is_noticed(change: dict[str, Any], fault: str) -> None:
    assert fault in list(find_faults(deepcopy(RULE_LIST[0]) | change))


def test_no_two_rules_have_one_name() -> None:
    names = [rule["alert"] for rule in RULE_LIST]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("kind", ALARMS)
def test_every_alarm_of_the_desk_has_a_rule_and_a_page(kind: str) -> None:
    """Red when: a kind gets words for the desk, and nobody outside the desk hears of it."""
    watching = [rule for rule in RULE_LIST if f'kind="{kind}"' in rule["expr"]]

    assert watching
    assert {rule["annotations"]["runbook"] for rule in watching} == {
        f"docs/runbook/{kind.replace('_', '-')}.md"
    }


def test_an_alarm_that_nobody_has_heard_of_has_the_rule_for_the_rest() -> None:
    [rest] = [rule for rule in RULE_LIST if "kind!~" in rule["expr"]]

    assert set(SELECTOR.findall(rest["expr"])[0][2].split("|")) == set(ALARMS)


def test_every_figure_is_watched_or_was_decided_not_to_be() -> None:
    watched = {
        find_figure(name) for rule in RULE_LIST for name in re.findall(r"waymark_[a-z_]+", rule["expr"])
    }

    assert watched.isdisjoint(WATCHED_BY_NOBODY)
    assert sorted(FIGURES - watched - WATCHED_BY_NOBODY) == []


@pytest.mark.parametrize("promise", [f"P{number}" for number in range(1, 9)])
def test_every_promise_is_watched(promise: str) -> None:
    watching = {rule["alert"] for rule in RULE_LIST if rule["labels"].get("promise") == promise}
    [line] = [
        each
        for each in (ROOT / "docs" / "metrics.md").read_text().splitlines()
        if each.startswith(f"| {promise} ")
    ]

    assert watching
    assert set(re.findall(r"`(Waymark\w+)`", line)) == watching


def test_that_nobody_watches_is_noticed_by_somebody() -> None:
    """The dead man's switch: one rule that is always on, and one for no figures at all."""
    assert [rule["alert"] for rule in RULE_LIST if rule["expr"] == "vector(1)"] == ["WaymarkWatched"]
    assert any("absent(waymark_database_up)" in rule["expr"] for rule in RULE_LIST)


# --- the pages ----------------------------------------------------------------------------------

PAGES = sorted(path for path in RUNBOOK.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_it_means_what_to_do_and_when_it_is_over(page: Any) -> None:
    text = page.read_text()

    assert re.findall(r"^## (.+)$", text, re.M) == HEADINGS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.M)[1:])
    assert f"]({page.name})" in (RUNBOOK / "README.md").read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).resolve().is_file(), link
    # Roles, no numbers to ring: those are the force's own, and go out of date.
    assert not re.search(r"\b0[0-9 ]{9,}\b", text)
    for command in re.findall(r"`\./waymark ([^`]+)`", text):
        _check_command(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_what_a_page_sends_people_to_look_at_is_there(page: Any) -> None:
    """Red when: a figure, a finding of the doctor or an event of the logs is renamed, and a page goes on naming it."""
    text, findings = page.read_text(), (ROOT / "docs" / "doctor.md").read_text()

    for name in re.findall(r"waymark_[a-z_]+", text):
        assert find_figure(name) is not None, name
    for line in re.findall(r"^- `\./waymark doctor`: (.+)$", text, re.M):
        for finding in re.findall(r"`([^`]+)`", line):
            assert f"`{finding.removesuffix('…')}" in findings, finding
    for line in re.findall(r"^- `logs/[^:]+: (.+)$", text, re.M):
        for event in re.findall(r"`([a-z]+_[a-z_]+)`", line):
            assert event in LOGGED, event


def _check_command(command: str) -> None:
    """As it would be typed, with something in place of what stands in capitals."""
    given = re.sub(r"\b(NAME|FILE|TEXT|LOGIN)\b", "x", command)
    try:
        build_parser().parse_args(shlex.split(given))
    except (SystemExit, argparse.ArgumentError):
        raise AssertionError(f"there is no command ./waymark {command}") from None


def test_a_command_that_is_none_is_noticed() -> None:
    with pytest.raises(AssertionError):
        _check_command("models --louder")


def test_every_page_is_reached_from_a_rule() -> None:
    named = {rule["annotations"]["runbook"] for rule in RULE_LIST}

    assert {f"docs/runbook/{page.name}" for page in PAGES} == named

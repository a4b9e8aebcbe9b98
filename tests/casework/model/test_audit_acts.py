"""The audit takes acts of the register alone, and of each only what cannot be content."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.model.audit_acts import ActKind, ActUnknown, ThingUnfit, check_entry, load_acts, parse_acts
from casework.model.errors import SettingsInvalid

ROOT = Path(__file__).parent.parent.parent.parent
PACKAGES = ("actions", "casework", "channels", "console", "launcher")
ID = "0123456789abcdef" * 2


def list_recorded() -> Iterator[tuple[str, str]]:
    """Every act that is written out where it is recorded, and the place."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.record"):
                    for named in ast.walk(node.args[0]):
                        if isinstance(named, ast.Constant) and isinstance(named.value, str):
                            yield named.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_act_that_the_code_records_is_in_the_register() -> None:
    """Red when: a row is taken out of audit_acts.toml, or an act is recorded that has none."""
    acts = load_acts()

    recorded = [(act, place) for act, place in list_recorded() if not act.endswith("_") and " " not in act]

    assert len(recorded) > 100
    # What stands beside an act, to choose between two, is of no form an act has.
    assert [(act, place) for act, place in recorded if act not in acts and "_" in act] == []


def test_what_is_in_no_row_is_refused() -> None:
    with pytest.raises(ActUnknown, match=r"audit_acts\.toml"):
        check_entry("looked_around", None)


@pytest.mark.parametrize(
    ("act", "thing"),
    [
        ("conversation_read", "he said he would kill me"),
        ("desk_item_opened", "He hit me"),
        ("message_received", None),
        ("message_received", "in-7\n"),
        ("message_received", "in-7 he hit me"),
        ("signed_in", "with a word"),
        ("staff_ended", "Alex Test"),
        ("victim_told", "43260990001:charged, by PC Jo Test"),
    ],
)
def test_what_might_be_content_is_refused_and_not_repeated(act: str, thing: str | None) -> None:
    """Red when: `takes` uses match or search, or an act without a form takes anything."""
    with pytest.raises(ThingUnfit) as refusal:
        check_entry(act, thing)

    assert not thing or thing not in str(refusal.value)


@pytest.mark.parametrize(
    ("act", "thing"),
    [
        ("access_refused", "GET /console/c/{conversation_id}"),
        ("cases_recorded", "file: 40 new, 0 changed, 0 unchanged, 12 events"),
        ("conversation_read", None),
        ("conversation_returned", f"unattended:{ID}"),
        ("glass_reviewed", f"{ID}:not_justified"),
        ("item_regraded", f"{ID}:3>1"),
        ("message_received", "in-7"),
        ("signed_in", None),
        ("victim_told", "43260990001:released_on_bail"),
    ],
)
def test_ids_codes_and_counts_are_taken(act: str, thing: str | None) -> None:
    check_entry(act, thing)


def test_the_kinds_are_those_of_the_act_of_parliament() -> None:
    """DPA 2018 section 62(1); nothing of the register is consulted, altered or erased without one.

    Red when: the kind of `conversation_read` is left out.
    """
    used = {each.kind for each in load_acts().values()}

    assert used == {*ActKind, None}
    assert load_acts()["conversation_read"].kind is ActKind.CONSULTATION
    assert load_acts()["signed_in"].kind is None


@pytest.mark.parametrize(
    "row", [{"kind": "gossip"}, {"thing": ["{words}"]}, {"things": []}, {"thing": "in-{number}", "kind": 7}]
)
def test_a_register_that_cannot_be_right_is_refused(row: object) -> None:
    with pytest.raises(SettingsInvalid, match=r"audit_acts\.toml"):
        parse_acts({"acts": {"looked_around": row}})

"""The policy, whole: every role, action and relation against a page written by hand.

Red when: any role or relation is added to or taken from any row of the table; an unknown name is let through.
"""

from itertools import product
from pathlib import Path

import pytest

from casework.model.policy import NEEDS_FRESH_PROOF, READERS, Action, Relation, Role, can, can_through_any

EXPECTED = Path(__file__).with_name("policy_expected.txt")


def read_expected() -> dict[str, tuple[set[str], set[str]]]:
    """action -> (roles, relations)."""
    rows = [
        [part.strip() for part in line.split("|")]
        for line in EXPECTED.read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    every = {each.value for each in Relation}
    return {
        action: (set(roles.split()), every if relations == "any" else set(relations.split()))
        for action, roles, relations in rows
    }


def test_every_role_action_and_relation_is_as_the_page_says() -> None:
    expected = read_expected()
    compared = 0

    for role, action, relation in product(Role, Action, Relation):
        roles, relations = expected[action.value]
        assert can(role, action, relation) is (role.value in roles and relation.value in relations), (
            role,
            action,
            relation,
        )
        compared += 1

    assert compared == len(Role) * len(Action) * len(Relation)
    assert set(expected) == {each.value for each in Action}
    assert {role for roles, _ in expected.values() for role in roles} == {each.value for each in Role}


@pytest.mark.parametrize("role", ["", "root", "Supervisor", "investigator ", "none", "*"])
def test_a_role_nobody_defined_may_do_nothing(role: str) -> None:
    assert not any(can(role, action, relation) for action, relation in product(Action, Relation))


def test_an_action_nobody_listed_is_refused() -> None:
    assert not any(can(role, "unlisted", Relation.OWNER) for role in Role)  # type: ignore[arg-type]


def test_without_a_word_about_the_relation_there_is_none() -> None:
    assert not can(Role.SUPERVISOR, Action.READ_CONVERSATION)


def test_no_relation_at_all_is_enough_for_nothing() -> None:
    assert not any(can_through_any(role, action, []) for role, action in product(Role, Action))


@pytest.mark.parametrize("role", ["trainer", "auditor", "admin"])
def test_trainer_auditor_and_admin_read_no_conversation_and_break_no_glass(role: str) -> None:
    for action in (Action.READ_CONVERSATION, Action.OPEN_FILE, Action.CLAIM, Action.BREAK_GLASS, Action.NOTE):
        assert not can_through_any(role, action, Relation)
    assert role not in READERS


def test_what_cannot_be_undone_by_somebody_at_an_open_desk_asks_for_proof_again() -> None:
    proved = {
        *(Action.BREAK_GLASS, Action.EXPORT_RECORD, Action.EXPORT_ANY),
        Action.MANAGE_STAFF,
        Action.UNMASK,
        Action.APPROVE_MODEL,
        Action.GIVE_ACCESS,
        Action.AGREE_ERASING,
        Action.ERASE,
    }
    assert proved == NEEDS_FRESH_PROOF

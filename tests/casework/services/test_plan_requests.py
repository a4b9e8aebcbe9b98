"""The safe-contact plan as its person may see it, ask to have it changed, and change it after an officer's call.

Red when, each tried once: the plan is shown below a step-up, a change takes a secret away, lifts a doubt about the
number, or is taken below OFFICER_CONFIRMED.
"""

import dataclasses
from dataclasses import replace

import pytest

from casework.adapters.storage.tables import audit, desk_item, inbox, person
from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel, InboundMessage
from casework.model.safe_contact import SafeContactPlan, Wording
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.model.stored_plans import parse_plan
from casework.services.left_messages import LEFT_FOR, Receiving
from casework.services.plan_requests import (
    OwnPlan,
    ShownPlan,
    ask_for_change,
    change_own_plan,
    find_own_plan,
    has_asked,
)
from casework.services.proved import StandingTooLow
from tests.support.builders import REFERENCE, a_case, a_hit
from tests.support.line import Line

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
AGREED = SafeContactPlan(
    unasked_channels=frozenset({Channel.SMS, Channel.WHATSAPP}),
    answered_channels=frozenset(Channel),
    hours=(ContactWindow(weekday=0, start_minute=540, end_minute=1020),),
    wording=Wording.NEUTRAL,
    is_unsolicited_agreed=True,
    is_safe_first=False,
    who_may_be_present="partner reads the phone on Sundays",
    safe_word_hash=HASH,
    duress_phrase_hash=HASH,
)
METHODS = {
    Standing.LINKED: [ProofMethod.INVITE],
    Standing.STEPPED_UP: [ProofMethod.INVITE, ProofMethod.PIN],
    Standing.OFFICER_CONFIRMED: [ProofMethod.CALL_BACK],
}


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases()
    line.database.write_now(lambda tx: tx.people.set_plan(person_id(line), AGREED, by="staff"))
    return line


def person_id(line: Line) -> str:
    found: str = line.row(person).id
    return found


def prove(line: Line, standing: Standing) -> str:
    conversation_id = line.open("browser", Channel.WEBCHAT)
    for method in METHODS[standing]:
        line.database.write_now(
            lambda tx, method=method: tx.standings.record(
                conversation_id, REFERENCE, HIGHEST_OF_METHOD[method], method=method.value
            )
        )
    return conversation_id


def find(line: Line, conversation_id: str) -> OwnPlan | None:
    return line.database.read_now(lambda tx: find_own_plan(tx, conversation_id))


def stored(line: Line) -> SafeContactPlan:
    return parse_plan(line.row(person).plan)


def ask(line: Line, text: str = "I ask for a change. Write to me at night.") -> bool:
    message = InboundMessage(
        channel=Channel.WEBCHAT,
        provider_message_id=f"browser:{text}",
        external_id="browser",
        text=text,
        received_at=line.clock.now(),
    )
    receiving = Receiving(
        screen=line.screen, safety_lines=line.safety_lines, bands=line.bands, texts=line.texts
    )
    return line.database.write_now(lambda tx: ask_for_change(tx, message, receiving=receiving))


def change(line: Line, conversation_id: str, plan: ShownPlan) -> None:
    line.database.write_now(lambda tx: change_own_plan(tx, conversation_id, plan))


def test_below_a_step_up_nothing_of_the_plan_is_shown(line: Line) -> None:
    assert find(line, line.open("stranger", Channel.WEBCHAT)) is None
    assert find(line, prove(line, Standing.LINKED)) is None


def test_what_is_shown_holds_no_secret_and_not_who_may_be_present(line: Line) -> None:
    own = find(line, prove(line, Standing.STEPPED_UP))

    assert own is not None and not own.may_change
    assert own.plan == ShownPlan(
        unasked_channels=frozenset({Channel.SMS, Channel.WHATSAPP}),
        answered_channels=frozenset({Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM}),
        hours=AGREED.hours,
        is_neutral=True,
        is_safe_first=False,
    )
    assert not {"safe_word_hash", "duress_phrase_hash", "who_may_be_present"} & {
        each.name for each in dataclasses.fields(own.plan)
    }


def test_what_is_shown_is_what_counts_now(line: Line) -> None:
    line.add_cases(a_case(safe_contact="reply_only"))

    own = find(line, prove(line, Standing.STEPPED_UP))

    assert own is not None and own.plan.unasked_channels == frozenset()


def test_where_nothing_is_written_nothing_is_said_to_be(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))

    own = find(line, prove(line, Standing.STEPPED_UP))

    assert own is not None
    assert (own.plan.answered_channels, own.plan.is_answered_here) == (frozenset(), False)


# --- asking --------------------------------------------------------------------------------------


def test_a_wish_is_a_message_and_a_persons_task_and_changes_nothing(line: Line) -> None:
    conversation_id = prove(line, Standing.STEPPED_UP)

    assert ask(line) and ask(line)

    assert stored(line) == AGREED
    item = line.row(desk_item)
    assert (item.reason, item.inbox_id, item.grade) == ("plan_change_asked", line.row(inbox).id, 3)
    assert line.row(inbox).details == {LEFT_FOR: "plan"}
    assert line.database.read_now(lambda tx: has_asked(tx, conversation_id))


def test_danger_in_a_wish_is_a_disclosure_as_well(line: Line) -> None:
    conversation_id = prove(line, Standing.STEPPED_UP)
    words = "he reads my phone and will kill me"
    line.screen.results[words] = a_hit(1)

    ask(line, words)

    assert sorted(row.reason for row in line.rows(desk_item)) == ["disclosure", "plan_change_asked"]
    assert "999" in line.outgoing(conversation_id)[0][0]


def test_a_wish_after_the_step_up_ran_out_is_a_message_in_the_chat(line: Line) -> None:
    prove(line, Standing.LINKED)

    assert not ask(line)

    assert line.row(inbox).details is None
    assert line.rows(desk_item) == []


# --- changing ------------------------------------------------------------------------------------


def test_after_an_officers_call_the_person_changes_it_and_the_secrets_stay(line: Line) -> None:
    conversation_id = prove(line, Standing.OFFICER_CONFIRMED)
    own = find(line, conversation_id)
    assert own is not None and own.may_change

    change(
        line,
        conversation_id,
        ShownPlan(
            unasked_channels=frozenset({Channel.TELEGRAM}),
            answered_channels=frozenset({Channel.SMS}),
            is_neutral=False,
            is_safe_first=True,
            may_leave_voicemail=True,
        ),
    )

    assert stored(line) == replace(
        AGREED,
        unasked_channels=frozenset({Channel.TELEGRAM}),
        # The page itself, and e-mail, are not theirs to close here.
        answered_channels=frozenset({Channel.SMS, Channel.WEBCHAT, Channel.EMAIL}),
        hours=(),
        wording=Wording.PLAIN,
        is_safe_first=True,
        may_leave_voicemail=True,
    )
    assert line.row(person).plan_changed_by == "person"
    assert [row.act for row in line.rows(audit)][-1] == "plan_changed"


def test_ticking_nothing_ends_everything_unasked(line: Line) -> None:
    conversation_id = prove(line, Standing.OFFICER_CONFIRMED)

    change(line, conversation_id, ShownPlan(answered_channels=frozenset({Channel.SMS})))

    assert not stored(line).is_unsolicited_agreed
    assert stored(line).unasked_channels == frozenset()


def test_a_doubt_about_the_number_is_not_lifted_by_a_change(line: Line) -> None:
    conversation_id = prove(line, Standing.OFFICER_CONFIRMED)
    line.database.write_now(lambda tx: tx.people.suspend_contact(person_id(line), why="wrong_person"))

    change(line, conversation_id, ShownPlan(unasked_channels=frozenset({Channel.SMS})))

    assert line.row(person).contact_suspended_at is not None
    own = find(line, conversation_id)
    assert own is not None and own.plan.unasked_channels == frozenset()


@pytest.mark.parametrize("standing", [Standing.LINKED, Standing.STEPPED_UP])
def test_below_an_officers_call_nobody_changes_it(line: Line, standing: Standing) -> None:
    conversation_id = prove(line, standing)

    with pytest.raises(StandingTooLow):
        change(line, conversation_id, ShownPlan(unasked_channels=frozenset({Channel.SMS})))

    assert stored(line) == AGREED


def test_an_hour_after_the_call_it_is_over(line: Line) -> None:
    conversation_id = prove(line, Standing.OFFICER_CONFIRMED)
    line.clock.advance(minutes=61)

    with pytest.raises(StandingTooLow):
        change(line, conversation_id, ShownPlan())

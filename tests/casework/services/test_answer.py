"""A turn is asked, then its reply, its state and its effects are committed as one, or a person gets it."""

import contextlib
import json

import pytest
import sqlalchemy as sa

from casework.adapters.storage.conversations import screen_to_json
from casework.adapters.storage.tables import (
    audit,
    code_request,
    desk_item,
    inbox,
    metadata,
    outbox,
    standing,
    turn,
)
from casework.model.desk import HandoffReason, Outcome
from casework.model.disclosures import CALM
from casework.model.errors import EffectUnknown
from casework.model.messages import Channel
from casework.services import answer, effects
from casework.services.ports import AssistantReply
from casework.services.prove import request_code
from tests.support.builders import REFERENCE, VICTIM, a_hit, an_answer
from tests.support.line import Line
from tests.support.rows import put_rows

TWO_REPLIES = (
    AssistantReply(response="utter_one", text="First.", choices=("ignored",)),
    AssistantReply(response="utter_two", text="Second.", choices=("Yes", "No")),
)
HAND_OFF = {"effect": "hand_off", "reason": "asked_for_person"}
ASKED = "what is happening with my case"


def holding_text(line: Line) -> str:
    return line.texts.render("holding", Channel.SMS)


# --- one commit -----------------------------------------------------------------------------------


async def test_a_turn_leaves_its_reply_its_state_its_effects_and_its_record(line: Line) -> None:
    effects = ({"effect": "request_code", "reference": REFERENCE},)
    line.assistant.answer = an_answer("Thank you.", effects=effects, state={"v": 1, "asked": True})
    received = line.receive()

    assert await line.answer()

    done, reply, asked = line.row(turn), line.row(outbox), line.row(code_request)
    assert (done.status, done.outcome) == ("done", "answered")
    assert (reply.text, reply.status, reply.author, reply.turn_id) == (
        "Thank you.",
        "waiting",
        "assistant",
        done.id,
    )
    assert line.conversation(received.conversation_id).state == {"v": 1, "asked": True}
    assert (asked.reference, asked.status) == (REFERENCE, "waiting")
    assert [row.act for row in line.rows(audit)][-2:] == ["code_requested", "turn_answered"]
    assert not await line.answer()


async def test_a_commit_that_fails_half_way_leaves_the_turn_as_it_was(line: Line) -> None:
    """Whatever step breaks, no state, effect or reply of the turn may be found alone."""
    line.assistant.answer = an_answer(effects=(HAND_OFF,))
    line.receive()
    leased = line.database.write_now(lambda tx: tx.turns.lease_next("w", lease_seconds=10))
    before = line.everything()
    assert leased is not None

    def commit_then_die(tx: object) -> None:
        answer.commit_answer(tx, leased, line.assistant.answer, line.answering())  # type: ignore[arg-type]
        raise SystemError("the worker died here")

    with pytest.raises(SystemError):
        line.database.write_now(commit_then_die)

    assert line.everything() == before


async def test_the_next_turn_is_given_the_state_of_the_last(line: Line) -> None:
    line.assistant.answers = {"one": an_answer("1", state={"n": 1}), "two": an_answer("2", state={"n": 2})}
    line.receive("one")
    line.receive("two")

    await line.answer_all()

    assert line.assistant.asked == ["one", "two"]
    assert line.assistant.states == [None, {"n": 1}]


async def test_turns_of_one_conversation_are_answered_in_the_order_they_came(line: Line) -> None:
    texts = [f"message {number}" for number in range(8)]
    line.assistant.answers = {text: an_answer(f"answer to {text}") for text in texts}
    for text in texts:
        line.receive(text)

    await line.answer_all()
    await line.deliver_all()

    assert [message.text for message in line.sender.sent] == [f"answer to {text}" for text in texts]


@pytest.mark.parametrize(
    ("channel", "starts"), [(Channel.SMS, "First.\nSecond."), (Channel.WEBCHAT, "First.\n\nSecond.")]
)
async def test_two_replies_leave_as_one_message_joined_for_their_channel(
    line: Line, channel: Channel, starts: str
) -> None:
    line.assistant.answer = an_answer(replies=TWO_REPLIES)
    line.receive(channel=channel)

    await line.answer()

    reply = line.row(outbox)
    assert reply.text.startswith(starts)
    assert (reply.choices, reply.template) == (["Yes", "No"], "utter_one+utter_two")


async def test_where_there_are_no_buttons_the_choices_are_written_out(line: Line) -> None:
    line.assistant.answer = an_answer(replies=TWO_REPLIES)
    line.receive(channel=Channel.SMS, external_id="sms")
    line.receive(channel=Channel.WEBCHAT, external_id="web")

    await line.answer_all()

    written = {row.channel: "Yes" in row.text and "No" in row.text for row in line.rows(outbox)}
    assert written == {"sms": True, "webchat": False}


# --- effects --------------------------------------------------------------------------------------


async def test_a_hand_off_puts_the_conversation_on_the_queue_with_the_words_that_say_so(line: Line) -> None:
    line.assistant.answer = an_answer("A person will read this.", effects=(HAND_OFF,))
    received = line.receive("can I speak to someone")

    await line.answer()

    item = line.row(desk_item)
    assert (item.reason, item.status, item.inbox_id) == ("asked_for_person", "open", received.inbox_id)
    assert item.waiting_since == line.row(outbox).created_at
    assert line.row(outbox).text == "A person will read this."


async def test_asking_for_a_person_twice_is_one_place_in_the_queue(line: Line) -> None:
    line.assistant.answer = an_answer("A person will read this.", effects=(HAND_OFF,))
    line.receive("a person")
    line.receive("a person")

    await line.answer_all()

    assert len(line.rows(desk_item)) == 1
    assert len(line.rows(outbox)) == 2


async def test_asking_again_after_the_item_was_closed_is_a_new_item(line: Line) -> None:
    line.assistant.answer = an_answer("A person will read this.", effects=(HAND_OFF,))
    rowan = line.add_staff()
    received = line.receive("a person")
    await line.answer()
    line.claim(received.conversation_id, rowan)
    line.hand_back(received.conversation_id, Outcome.INFORMATION_GIVEN, by=rowan)

    line.receive("a person")
    await line.answer()

    assert sorted(row.status for row in line.rows(desk_item)) == ["closed", "open"]


async def test_an_unknown_effect_does_nothing_and_brings_a_person(line: Line) -> None:
    effects = (
        {"effect": "request_code", "reference": REFERENCE},
        {"effect": "close_case", "reference": REFERENCE},
    )
    line.assistant.answer = an_answer("Your case is closed.", effects=effects)
    received = line.receive()

    assert await line.answer()

    assert line.rows(code_request) == []
    assert line.outgoing(received.conversation_id) == [(holding_text(line), "waiting")]
    assert line.row(desk_item).reason == "assistant_unavailable"
    assert line.row(turn).outcome == "effect_refused"
    assert line.conversation(received.conversation_id).state is None


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"effect": "open_case", "reference": REFERENCE},
        {"effect": "request_code"},
        {"effect": "request_code", "reference": 43260012345},
        {"effect": "confirm_code", "code": "123456", "conversation": "another"},
        {"effect": "hand_off", "reason": "because"},
        {"effect": None},
        {"effect": "REQUEST_CODE", "reference": REFERENCE},
    ],
)
def test_an_effect_is_whole_and_known_or_refused(declared: dict[str, object]) -> None:
    with pytest.raises(EffectUnknown):
        effects.parse_effect(declared)


@pytest.mark.parametrize(
    "reason",
    sorted(set(HandoffReason) - {"asked_for_person", "not_understood", "message_for_officer"}),
)
def test_an_action_may_not_hand_off_for_a_reason_that_is_the_services_own(reason: str) -> None:
    with pytest.raises(EffectUnknown):
        effects.parse_effect({"effect": "hand_off", "reason": reason})


@pytest.mark.parametrize("reason", ["asked_for_person", "not_understood", "message_for_officer"])
def test_an_action_may_hand_off_for_these_reasons(reason: str) -> None:
    assert effects.parse_effect({"effect": "hand_off", "reason": reason}) == effects.HandOff(
        reason=HandoffReason(reason)
    )


async def answer_with_code(line: Line, code: str) -> str:
    """A turn whose action saw that code hold, while by the commit it does not; the asker's conversation."""
    line.add_cases()
    received = line.receive(code, external_id="+447700900777")
    line.database.write_now(lambda tx: request_code(tx, received.conversation_id, REFERENCE))
    await line.issue_codes()
    effects = ({"effect": "confirm_code", "code": code, "accepted": True},)
    line.assistant.answer = an_answer("Your report is with an officer.", effects=effects)
    await line.answer()
    return received.conversation_id


async def test_a_reply_that_rests_on_a_code_that_no_longer_holds_never_leaves(line: Line) -> None:
    conversation_id = await answer_with_code(line, "not the code")

    assert line.outgoing(conversation_id) == [(holding_text(line), "waiting")]
    assert line.row(turn).outcome == "effect_refused"
    assert line.rows(standing) == []


async def test_a_code_refused_at_the_commit_is_counted_all_the_same(line: Line) -> None:
    """Else whoever can make the assistant say "accepted" may guess for ever."""
    await answer_with_code(line, "not the code")

    assert line.row(code_request).failures == 1


# --- a person takes over --------------------------------------------------------------------------


async def test_a_reply_begun_before_a_person_took_over_never_leaves(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive()
    line.assistant.answer = an_answer(effects=(HAND_OFF, {"effect": "request_code", "reference": REFERENCE}))
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None

    await line.answer()
    await line.deliver_all()

    assert line.row(outbox).status == "suppressed"
    assert line.row(outbox).reason == "person_took_over"
    assert line.row(turn).outcome == "suppressed"
    assert line.conversation(received.conversation_id).state is None
    assert line.rows(code_request) == []
    assert line.rows(desk_item, reason="asked_for_person") == []
    assert line.sender.sent == []


async def test_a_reply_that_was_waiting_when_a_person_took_over_never_leaves(line: Line) -> None:
    received = line.receive()
    await line.answer()
    line.claim(received.conversation_id, line.add_staff())

    await line.deliver_all()

    assert [status for _, status in line.outgoing(received.conversation_id)] == ["suppressed"]
    assert line.sender.sent == []


async def test_a_holding_text_is_not_sent_once_a_person_took_over(line: Line) -> None:
    line.assistant.is_down = True
    received = line.receive()
    await line.answer()
    line.claim(received.conversation_id, line.add_staff())

    await line.deliver_all()

    assert line.sender.sent == []


async def test_a_turn_that_waits_when_a_person_takes_over_is_theirs(line: Line) -> None:
    received = line.receive()
    line.claim(received.conversation_id, line.add_staff())

    await line.answer_all()

    assert (line.row(turn).status, line.row(turn).outcome) == ("done", "with_person")
    assert line.assistant.asked == []


async def test_a_person_who_takes_over_is_left_an_item_for_the_message_nobody_answered(line: Line) -> None:
    """Else they could hand the conversation back and the message would have had no end at all."""
    rowan = line.add_staff()
    received = line.receive()
    line.claim(received.conversation_id, rowan)

    await line.answer()

    item = line.row(desk_item)
    assert (item.status, item.owner_id, item.inbox_id) == ("claimed", rowan.id, received.inbox_id)


async def test_a_reply_dropped_while_being_written_leaves_an_item(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive()
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None

    await line.answer()

    assert line.row(desk_item).owner_id == rowan.id


async def test_a_waiting_reply_dropped_by_a_claim_leaves_an_item(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive()
    await line.answer()

    line.claim(received.conversation_id, rowan)

    assert line.row(desk_item).owner_id == rowan.id


async def test_a_message_whose_reply_was_dropped_is_on_the_queue_when_the_person_let_go(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive()

    def take_and_let_go() -> None:
        line.claim(received.conversation_id, rowan)
        line.return_to_queue(received.conversation_id, rowan)

    line.assistant.while_answering = take_and_let_go

    await line.answer_all()
    await line.deliver_all()

    answered = len(line.sender.sent)
    queued = len(line.rows(desk_item, status="open"))
    assert answered + queued == 1


async def test_after_a_hand_back_the_assistant_answers_again_from_where_it_was(line: Line) -> None:
    rowan = line.add_staff()
    line.assistant.answer = an_answer("one", state={"n": 1})
    received = line.receive("before")
    await line.answer()
    await line.deliver_all()
    line.claim(received.conversation_id, rowan)
    line.receive("to rowan")
    line.hand_back(received.conversation_id, Outcome.INFORMATION_GIVEN, by=rowan)

    line.receive("after")
    await line.answer_all()

    assert line.assistant.asked == ["before", "after"]
    assert line.assistant.states[-1] == {"n": 1}


async def test_a_flood_of_turns_in_an_owned_conversation_holds_up_nobody(line: Line) -> None:
    received = line.receive("first")
    line.claim(received.conversation_id, line.add_staff())
    count = 300

    def flood(tx: object) -> None:
        conversation_id = received.conversation_id
        values = {"conversation_id": conversation_id, "channel": "sms", "text": "x", "raw": b""}
        values |= {
            "media_count": 0,
            "has_location": False,
            "screen": screen_to_json(CALM),
            "received_at": line.clock.now(),
        }
        rows = [values | {"provider_message_id": f"flood {n}"} for n in range(count)]
        put_rows(tx.connection, inbox, *rows)  # type: ignore[attr-defined]
        stored = sa.select(inbox.c.id).where(inbox.c.provider_message_id.startswith("flood"))
        tx.connection.execute(  # type: ignore[attr-defined]
            sa.insert(turn),
            [
                {
                    "id": f"turn {inbox_id}",
                    "inbox_id": inbox_id,
                    "conversation_id": conversation_id,
                    "status": "waiting",
                    "created_at": line.clock.now(),
                }
                for inbox_id in tx.connection.execute(stored).scalars().all()  # type: ignore[attr-defined]
            ],
        )

    line.database.write_now(flood)
    line.receive("hello", external_id="+447700900002")

    await line.answer_all()

    assert line.assistant.asked == ["hello"]
    assert len(line.rows(turn, status="waiting")) == 0


# --- leases and crashes ---------------------------------------------------------------------------


async def test_a_worker_that_lost_its_lease_writes_nothing(line: Line) -> None:
    received = line.receive()
    snapshots = []

    def another_worker_takes_it() -> None:
        line.clock.advance(seconds=answer.LEASE_SECONDS + 1)
        line.database.write_now(lambda tx: tx.turns.lease_next("another", lease_seconds=10))
        snapshots.append(line.everything())

    line.assistant.while_answering = another_worker_takes_it

    await line.answer()

    assert line.everything() == snapshots[0]
    assert line.conversation(received.conversation_id).state is None


async def test_a_turn_asked_again_after_a_crash_gives_one_reply(line: Line) -> None:
    received = line.receive()
    line.database.write_now(lambda tx: tx.turns.lease_next("died", lease_seconds=answer.LEASE_SECONDS))
    assert not await line.answer()
    line.clock.advance(seconds=answer.LEASE_SECONDS + 1)

    await line.answer_all()

    assert len(line.outgoing(received.conversation_id)) == 1
    assert line.row(turn).attempts == 2


async def test_a_worker_that_comes_back_late_adds_no_second_reply(line: Line) -> None:
    received = line.receive()

    async def answer_meanwhile() -> None:
        line.assistant.while_answering = None
        await line.answer("quick")

    slow = line.database.write_now(lambda tx: tx.turns.lease_next("slow", lease_seconds=10))
    line.clock.advance(seconds=11)
    await answer_meanwhile()
    assert slow is not None
    with pytest.raises(answer.LeaseLost):
        line.database.write_now(
            lambda tx: answer.commit_answer(tx, slow, an_answer("late"), line.answering())
        )

    assert line.outgoing(received.conversation_id) == [("Your case is with an officer.", "waiting")]


async def test_a_turn_whose_step_broke_is_taken_up_again_though_its_worker_lives_on(line: Line) -> None:
    """The living worker renews every lease that bears its name; a broken step must not be among them."""
    received = line.receive()
    healthy, line.assistant.while_answering = line.assistant.while_answering, lambda: 1 / 0  # type: ignore[assignment,return-value]
    with pytest.raises(ZeroDivisionError):
        await line.answer("worker")
    line.assistant.while_answering = healthy

    for _ in range(5):
        line.database.write_now(lambda tx: tx.turns.renew("worker", (), lease_seconds=answer.LEASE_SECONDS))
        line.clock.advance(seconds=3)
        await line.answer("worker")

    assert len(line.outgoing(received.conversation_id)) == 1


async def test_a_turn_that_breaks_every_time_goes_to_a_person_within_two_minutes(line: Line) -> None:
    line.receive()
    line.assistant.while_answering = lambda: 1 / 0  # type: ignore[assignment,return-value]

    for _ in range(40):
        line.database.write_now(lambda tx: tx.turns.renew("worker", (), lease_seconds=answer.LEASE_SECONDS))
        line.clock.advance(seconds=3)
        with contextlib.suppress(ZeroDivisionError):
            await line.answer("worker")

    assert line.row(turn).status == "done"
    assert line.row(desk_item).reason == "assistant_unavailable"


async def test_after_too_many_attempts_a_person_gets_it_and_the_conversation_continues(line: Line) -> None:
    received = line.receive("poison")
    line.receive("next")
    line.assistant.answer = an_answer("Next answered.")
    for _ in range(answer.MAX_ATTEMPTS):
        line.database.write_now(lambda tx: tx.turns.lease_next("died", lease_seconds=10))
        line.clock.advance(seconds=11)

    await line.answer_all()

    assert line.assistant.asked == ["next"]
    assert line.row(desk_item).reason == "assistant_unavailable"
    assert [text for text, _ in line.outgoing(received.conversation_id)] == [
        holding_text(line),
        "Next answered.",
    ]
    assert [row.outcome for row in line.rows(turn, status="done")].count("answered") == 1


# --- the assistant is away ------------------------------------------------------------------------


async def test_while_the_assistant_is_away_each_message_is_told_so_once_and_one_item_stands(
    line: Line,
) -> None:
    line.assistant.is_down = True
    received = line.receive("one")
    line.receive("two")
    line.receive("three")

    await line.answer_all()

    assert line.outgoing(received.conversation_id) == [(holding_text(line), "waiting")] * 3
    assert [row.outcome for row in line.rows(turn)] == ["assistant_unreachable"] * 3
    item = line.row(desk_item)
    assert (item.reason, item.status, item.inbox_id) == ("assistant_unavailable", "open", received.inbox_id)
    assert line.row(outbox, turn_id=line.row(turn, inbox_id=received.inbox_id).id).author == "service"


async def test_each_conversation_has_its_own_item_while_the_assistant_is_away(line: Line) -> None:
    line.assistant.is_down = True
    line.receive(external_id="+447700900001")
    line.receive(external_id="+447700900002")

    await line.answer_all()

    assert len({row.conversation_id for row in line.rows(desk_item)}) == 2


async def test_the_assistant_is_asked_twice_before_a_person_is(line: Line) -> None:
    line.receive("hello")
    line.assistant.is_down = True

    def come_back() -> None:
        line.assistant.is_down = len(line.assistant.asked) < 2

    line.assistant.while_answering = come_back
    await line.answer()

    assert line.assistant.asked == ["hello", "hello"]
    assert line.row(turn).outcome == "answered"
    assert line.rows(desk_item) == []


async def test_a_person_who_took_over_while_the_assistant_was_away_gets_the_item_and_no_holding_text_leaves(
    line: Line,
) -> None:
    rowan = line.add_staff()
    received = line.receive()
    line.assistant.is_down = True
    line.assistant.while_answering = lambda: line.claim(received.conversation_id, rowan) and None

    await line.answer()

    assert (line.row(desk_item).status, line.row(desk_item).owner_id) == ("claimed", rowan.id)
    assert line.outgoing(received.conversation_id) == []


async def test_a_disclosure_is_on_the_desk_while_the_assistant_is_away(line: Line) -> None:
    line.assistant.is_down = True
    line.screen.results["he is here"] = a_hit(1)

    received = line.receive("he is here")
    await line.answer_all()

    assert line.row(desk_item).tier == 1
    assert line.assistant.asked == []
    assert len(line.outgoing(received.conversation_id)) == 1


# --- what the assistant is told -------------------------------------------------------------------


FACTS = {"channel": "sms", "standing": "unknown", "safe_question": False}


async def test_the_assistant_is_told_the_channel_the_standing_and_whether_a_code_is_out(line: Line) -> None:
    told = []

    class Listening(type(line.assistant)):  # type: ignore[misc]
        async def ask(self, **asked: object) -> object:
            told.append((asked["facts"], set(asked)))
            return await super().ask(**asked)

    line.assistant = Listening()
    received = line.receive(ASKED, external_id=VICTIM)
    await line.answer()
    line.database.write_now(lambda tx: request_code(tx, received.conversation_id, REFERENCE))
    line.receive(ASKED, external_id=VICTIM)
    await line.answer()

    assert [facts for facts, _ in told] == [
        FACTS | {"code_pending": False, "earlier": []},
        FACTS | {"code_pending": True, "earlier": [ASKED]},
    ]
    assert told[0][1] == {"turn_id", "conversation", "text", "state", "facts", "models"}


async def test_the_assistant_is_never_told_a_number(line: Line) -> None:
    heard = []

    class Listening(type(line.assistant)):  # type: ignore[misc]
        async def ask(self, **asked: object) -> object:
            heard.append(json.dumps(asked))
            return await super().ask(**asked)

    line.assistant = Listening()
    line.receive("hello", external_id=VICTIM)
    await line.answer()

    assert VICTIM not in heard[0]
    assert VICTIM.removeprefix("+44") not in heard[0]


def test_every_table_is_looked_at_when_a_test_compares_everything(line: Line) -> None:
    # What the keys are checked by is there before anybody writes.
    everything = {table.name for table in metadata.sorted_tables} - {"key_check"}
    assert set(line.everything()) == everything

"""One owner at a time; only the owner answers, having read; nothing is handed back unread."""

import threading

import pytest

from casework.adapters.storage.tables import audit, desk_item, outbox
from casework.model.desk import Outcome
from casework.model.errors import (
    AlreadyClaimed,
    ConversationNotFound,
    NotTheOwner,
    OutcomeNeeded,
    UnreadMessages,
)
from casework.model.messages import Channel
from casework.services import desk
from tests.support.builders import VICTIM, a_hit
from tests.support.line import Line

URGENT = "he is at the door"
WORSE = "he has a knife"


@pytest.fixture
def line(line: Line) -> Line:
    line.screen.results = {URGENT: a_hit(2), WORSE: a_hit(1)}
    return line


# --- claiming -------------------------------------------------------------------------------------


def test_of_fifty_who_claim_at_once_exactly_one_owns_it_and_the_others_are_told_who(line: Line) -> None:
    received = line.receive(URGENT)
    staff = [line.add_staff(f"staff{number}") for number in range(50)]
    start = threading.Barrier(50)
    won: list[str] = []
    refused: list[str] = []

    def claim(number: int) -> None:
        start.wait()
        try:
            line.claim(received.conversation_id, staff[number])
            won.append(staff[number].display_name)
        except AlreadyClaimed as error:
            refused.append(error.owner_name)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert refused == won * 49
    owner_id = line.conversation(received.conversation_id).owner_id
    assert [each.display_name for each in staff if each.id == owner_id] == won
    assert line.conversation(received.conversation_id).epoch == 1
    assert line.row(desk_item).owner_id == owner_id
    assert len(line.rows(audit, act="conversation_claimed")) == 1


def test_claiming_what_is_already_ones_own_changes_nothing(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    before = line.everything()

    line.claim(received.conversation_id, rowan)

    assert line.everything() == before


def test_a_refused_claim_says_who_has_it_and_since_when(line: Line) -> None:
    rowan, sasha = line.add_staff("rowan"), line.add_staff("sasha")
    received = line.receive(URGENT)
    since = line.claim(received.conversation_id, rowan).owned_since

    with pytest.raises(AlreadyClaimed) as refusal:
        line.claim(received.conversation_id, sasha)

    assert refusal.value.owner_name == "Rowan Test-Detective"
    assert refusal.value.owned_since == since is not None


def test_a_conversation_nobody_knows_cannot_be_claimed(line: Line) -> None:
    rowan = line.add_staff()
    with pytest.raises(ConversationNotFound):
        line.claim("no such conversation", rowan)


def test_a_claim_takes_every_item_of_the_conversation_and_no_other(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.receive(WORSE)
    line.receive(URGENT, external_id="+447700900002")

    line.claim(received.conversation_id, rowan)

    assert {
        (row.status, row.owner_id) for row in line.rows(desk_item, conversation_id=received.conversation_id)
    } == {("claimed", rowan.id)}
    assert len(line.rows(desk_item, status="open")) == 1


def test_the_epoch_moves_on_with_a_claim_and_with_letting_go(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    epochs = [line.conversation(received.conversation_id).epoch]

    line.claim(received.conversation_id, rowan)
    epochs.append(line.conversation(received.conversation_id).epoch)
    line.return_to_queue(received.conversation_id, rowan)
    epochs.append(line.conversation(received.conversation_id).epoch)
    line.claim(received.conversation_id, rowan)
    line.hand_back(received.conversation_id, Outcome.TEST, by=rowan)
    epochs.append(line.conversation(received.conversation_id).epoch)

    assert epochs == [0, 1, 2, 4]


@pytest.mark.parametrize(("channel", "told"), [(Channel.SMS, 0), (Channel.WHATSAPP, 0), (Channel.WEBCHAT, 1)])
def test_only_an_open_page_is_told_at_once_that_a_person_joined(
    line: Line, channel: Channel, told: int
) -> None:
    received = line.receive("hello", channel=channel, external_id="someone")

    line.claim(received.conversation_id, line.add_staff())

    assert len(line.rows(outbox, template="person_joined")) == told


async def test_a_claim_lets_safety_lines_and_codes_through(line: Line) -> None:
    received = line.receive(URGENT)
    line.claim(received.conversation_id, line.add_staff())

    assert [status for _, status in line.outgoing(received.conversation_id)] == ["waiting"]


# --- replying -------------------------------------------------------------------------------------


def test_only_the_owner_replies(line: Line) -> None:
    rowan, sasha = line.add_staff("rowan"), line.add_staff("sasha")
    received = line.receive("hello")
    with pytest.raises(NotTheOwner):
        line.reply(received.conversation_id, "nobody owns it", by=rowan)
    line.claim(received.conversation_id, rowan)
    with pytest.raises(NotTheOwner):
        line.reply(received.conversation_id, "not mine", by=sasha)
    line.reply(received.conversation_id, "mine", by=rowan)
    line.hand_back(received.conversation_id, Outcome.INFORMATION_GIVEN, by=rowan)
    with pytest.raises(NotTheOwner):
        line.reply(received.conversation_id, "no longer mine", by=rowan)

    staff_row = line.row(outbox, author="staff")
    assert (staff_row.text, staff_row.staff_id, staff_row.lane) == ("mine", rowan.id, 2)


async def test_a_reply_goes_back_on_the_channel_and_to_the_address_it_came_from(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive("hello", channel=Channel.WHATSAPP, external_id=VICTIM)
    line.claim(received.conversation_id, rowan)
    line.reply(received.conversation_id, "I am reading this now", by=rowan)

    await line.deliver_all()

    [message] = line.sender.sent
    assert (message.channel, message.to, message.text) == (Channel.WHATSAPP, VICTIM, "I am reading this now")


def test_a_reply_written_before_the_latest_message_was_seen_is_refused(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive("hello")
    line.claim(received.conversation_id, rowan)
    line.receive("wait, do not text me")

    with pytest.raises(UnreadMessages):
        line.reply(
            received.conversation_id, "I will text you", by=rowan, last_seen_inbox_id=received.inbox_id
        )

    assert line.rows(outbox, author="staff") == []


def test_a_message_in_another_conversation_makes_no_reply_unread(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive("hello")
    line.claim(received.conversation_id, rowan)
    line.receive("elsewhere", external_id="+447700900002")

    line.reply(received.conversation_id, "hello", by=rowan, last_seen_inbox_id=received.inbox_id)

    assert len(line.rows(outbox, author="staff")) == 1


def test_the_same_form_twice_is_one_message_and_one_record(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive("hello")
    line.claim(received.conversation_id, rowan)

    line.reply(received.conversation_id, "I will call", by=rowan, form_id="form 1")
    line.reply(received.conversation_id, "I will call", by=rowan, form_id="form 1")
    line.reply(received.conversation_id, "I will call", by=rowan, form_id="form 2")

    assert len(line.rows(outbox, author="staff")) == 2
    assert len(line.rows(audit, act="staff_replied")) == 2


# --- letting go -----------------------------------------------------------------------------------


def test_handing_back_needs_an_outcome_while_an_item_stands_open(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)

    with pytest.raises(OutcomeNeeded):
        line.hand_back(received.conversation_id, None, by=rowan)
    assert line.conversation(received.conversation_id).owner_id == rowan.id
    line.hand_back(received.conversation_id, Outcome.TOLD_TO_CALL_999, by=rowan)

    item = line.row(desk_item)
    assert (item.status, item.outcome) == ("closed", "told_to_call_999")
    assert line.conversation(received.conversation_id).owner_id is None


def test_handing_back_needs_no_outcome_when_every_item_has_one(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    line.close(received.conversation_id, Outcome.SIGNPOSTED, by=rowan)
    assert line.conversation(received.conversation_id).owner_id == rowan.id

    line.hand_back(received.conversation_id, None, by=rowan)

    assert line.conversation(received.conversation_id).owner_id is None


@pytest.mark.parametrize("letting_go", ["hand_back", "close"])
def test_a_disclosure_that_came_after_the_page_was_read_is_not_closed_with_the_rest(
    line: Line, letting_go: str
) -> None:
    """One click on "hand back" may not close what nobody has read."""
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    line.receive(WORSE)

    def let_go(tx: object) -> None:
        values = {"by": rowan, "last_seen_inbox_id": received.inbox_id}
        if letting_go == "hand_back":
            desk.hand_back(
                tx, received.conversation_id, Outcome.INFORMATION_GIVEN, texts=line.texts, **values
            )
        else:
            desk.close_items(tx, received.conversation_id, Outcome.INFORMATION_GIVEN, **values)

    with pytest.raises(UnreadMessages):
        line.database.write_now(let_go)

    assert [row.status for row in line.rows(desk_item)] == ["claimed", "claimed"]
    assert line.conversation(received.conversation_id).owner_id == rowan.id


@pytest.mark.parametrize("letting_go", ["hand_back", "close", "return_to_queue"])
def test_only_the_owner_lets_go(line: Line, letting_go: str) -> None:
    rowan, sasha = line.add_staff("rowan"), line.add_staff("sasha")
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    before = line.everything()

    with pytest.raises(NotTheOwner):
        if letting_go == "return_to_queue":
            line.return_to_queue(received.conversation_id, sasha)
        else:
            getattr(line, letting_go)(received.conversation_id, Outcome.TEST, by=sasha)

    assert line.everything() == before


def test_an_item_put_back_has_waited_since_it_first_waited(line: Line) -> None:
    rowan, sasha = line.add_staff("rowan"), line.add_staff("sasha")
    received = line.receive(URGENT)
    since = line.row(desk_item).waiting_since
    line.clock.advance(minutes=10)
    line.claim(received.conversation_id, rowan)
    line.clock.advance(minutes=10)

    line.return_to_queue(received.conversation_id, rowan)

    item = line.row(desk_item)
    assert (item.status, item.owner_id, item.waiting_since) == ("open", None, since)
    line.claim(received.conversation_id, sasha)
    assert line.row(desk_item).owner_id == sasha.id


def test_put_back_with_everything_closed_it_stays_in_sight_and_nothing_closed_is_opened(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    line.close(received.conversation_id, Outcome.SIGNPOSTED, by=rowan)

    line.return_to_queue(received.conversation_id, rowan)

    found = {(row.reason, row.status) for row in line.rows(desk_item)}
    assert found == {("disclosure", "closed"), ("passed_on", "open")}


async def test_a_persons_words_still_leave_after_they_handed_back(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    line.reply(received.conversation_id, "I will call", by=rowan)
    line.hand_back(received.conversation_id, Outcome.OFFICER_WILL_CALL, by=rowan)

    await line.deliver_all()

    assert "I will call" in [message.text for message in line.sender.sent]


# --- the queue and the record ---------------------------------------------------------------------


def test_the_queue_shows_the_gravest_first_and_then_the_longest_wait(line: Line) -> None:
    line.screen.results["news"] = a_hit(4)
    for text, number in [("news", 1), (URGENT, 2), (WORSE, 3), (URGENT, 4), (WORSE, 5)]:
        line.receive(text, external_id=f"+44770090000{number}")
        line.clock.advance(seconds=5)

    queue = line.database.read_now(lambda tx: tx.desk.list_queue())

    assert [item.inbox_id for item in queue] == [3, 5, 2, 4, 1]


def test_the_queue_can_be_read_in_pages_without_losing_or_repeating(line: Line) -> None:
    for number in range(7):
        line.receive(URGENT if number % 2 else WORSE, external_id=f"+44770090000{number}")
    whole = line.database.read_now(lambda tx: tx.desk.list_queue())

    pages, after = [], None
    while page := line.database.read_now(lambda tx, after=after: tx.desk.list_queue(limit=3, after=after)):
        pages += page
        after = page[-1]

    assert [item.id for item in pages] == [item.id for item in whole]


def test_reading_a_conversation_leaves_a_record(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive("hello")

    line.database.write_now(
        lambda tx: desk.read_conversation(tx, received.conversation_id, by=rowan, relations=())
    )

    [entry] = line.rows(audit, act="conversation_read")
    assert (entry.actor, entry.conversation_id) == (rowan.id, received.conversation_id)


def test_everything_a_person_does_leaves_a_record_in_their_name(line: Line) -> None:
    rowan = line.add_staff()
    received = line.receive(URGENT)
    line.claim(received.conversation_id, rowan)
    line.reply(received.conversation_id, "hello", by=rowan)
    line.return_to_queue(received.conversation_id, rowan)
    line.claim(received.conversation_id, rowan)
    line.close(received.conversation_id, Outcome.SIGNPOSTED, by=rowan)
    line.hand_back(received.conversation_id, None, by=rowan)

    assert [row.act for row in line.rows(audit, actor=rowan.id)] == [
        "shift_started",
        "conversation_claimed",
        "staff_replied",
        "conversation_returned",
        "conversation_claimed",
        "items_closed",
        "conversation_handed_back",
    ]

"""What a word that acts by itself does, in the transaction that stores it and after the screen has read it."""

from casework.model.desk import HandoffReason
from casework.model.keywords import KEYWORD_CHANNELS, Keyword, packaged_keywords
from casework.model.messages import Author, Channel, InboundMessage
from casework.services import opt_outs, outgoing
from casework.services.hand_off import request_person
from casework.services.menus import read_choice
from casework.services.outgoing import LEFT, STOPPED
from casework.services.ports import Conversation, Transaction
from casework.services.service_texts import ServiceTexts

ASKED_FOR_HELP = "asked_for_help"
MENU_GONE = "menu_gone"
OVERTAKEN = "overtaken"
PROVIDER_HELPED = "HELP"


def find_keyword(message: InboundMessage) -> Keyword | None:
    """The keyword that is the whole message. With a picture or a place there is more to it than the word."""
    if message.channel not in KEYWORD_CHANNELS or message.media_count or message.has_location:
        return None
    return packaged_keywords().find(message.text)


def close(
    tx: Transaction,
    conversation: Conversation,
    message: InboundMessage,
    keyword: Keyword,
    *,
    inbox_id: int,
    texts: ServiceTexts,
) -> None:
    """EXIT: not a word of ours, now or from what waits. STOP: the same but for one text, once ever."""
    outcome = LEFT if keyword is Keyword.EXIT else STOPPED
    turn_id = tx.turns.record_finished(inbox_id, conversation.id, outcome)
    tx.outbox.suppress_waiting(conversation.id, authors=[Author.ASSISTANT], reason=outcome)
    if keyword is Keyword.EXIT:
        tx.audit.record("left_by_text", by="person", conversation_id=conversation.id, thing=f"in-{inbox_id}")
        return
    opt_outs.stop_writing(tx, conversation, message, inbox_id=inbox_id)
    has_provider_answered = message.details.get("opt_out") == opt_outs.PROVIDER_STOPPED
    if conversation.owner_id is not None or has_provider_answered:
        return
    if tx.opt_outs.record_told(conversation.channel, conversation.external_id):
        _answer(tx, conversation, "stop_done", turn_id=turn_id, texts=texts)


def read_whole_text(
    tx: Transaction,
    conversation: Conversation,
    message: InboundMessage,
    keyword: Keyword | None,
    *,
    inbox_id: int,
    texts: ServiceTexts,
) -> None:
    """Gives the message its turn: answered here, or waiting for the assistant, in its own words or in ours."""
    if keyword is Keyword.HELP:
        _help(tx, conversation, message, inbox_id=inbox_id, texts=texts)
        return
    read_as = packaged_keywords().asks.get(keyword) if keyword else None
    if read_as is None:
        chosen = read_choice(tx, conversation, message)
        if chosen.is_gone:
            turn_id = tx.turns.record_finished(inbox_id, conversation.id, MENU_GONE)
            _answer(tx, conversation, "list_gone", turn_id=turn_id, texts=texts)
            return
        read_as = chosen.choice
    if read_as is not None:
        tx.inbox.record_reading(inbox_id, read_as)
    tx.turns.record_waiting(inbox_id, conversation.id)


def keep_overtaken(tx: Transaction, conversation: Conversation, keyword: Keyword, *, inbox_id: int) -> None:
    """An EXIT or STOP found late: they have written since, so nothing is closed, but a person knows of a STOP."""
    tx.turns.record_finished(inbox_id, conversation.id, OVERTAKEN)
    if keyword is Keyword.STOP:
        request_person(tx, conversation.id, HandoffReason.ASKED_TO_STOP, inbox_id=inbox_id)


def _help(
    tx: Transaction,
    conversation: Conversation,
    message: InboundMessage,
    *,
    inbox_id: int,
    texts: ServiceTexts,
) -> None:
    turn_id = tx.turns.record_finished(inbox_id, conversation.id, ASKED_FOR_HELP)
    request_person(tx, conversation.id, HandoffReason.ASKED_FOR_HELP, inbox_id=inbox_id)
    if message.details.get("opt_out") != PROVIDER_HELPED:
        _answer(tx, conversation, "help", turn_id=turn_id, texts=texts)


def _answer(
    tx: Transaction, conversation: Conversation, name: str, *, turn_id: str, texts: ServiceTexts
) -> None:
    cost = texts.cost() if conversation.channel is Channel.SMS else ""
    words = " ".join(texts.render(name, conversation.channel, cost=cost).split())
    # As they stand now: this very message has just opened the window that the plan is asked about.
    current = tx.conversations.get(conversation.id)
    outgoing.reply_as_service(
        tx,
        current,
        words,
        template=name,
        dedupe_key=f"turn:{turn_id}",
        turn_id=turn_id,
    )

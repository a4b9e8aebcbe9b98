"""A visit to the web chat: which conversation a session token opens, until when, and how new its page is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    OUTBOX_UNFINISHED,
    TURN_UNFINISHED,
    audit,
    conversation,
    desk_item,
    inbox,
    outbox,
    status_in,
    turn,
    web_session,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, OutboxStatus, SendKind

LONGEST = timedelta(hours=12)
# A form sent twice arrives twice within that time.
SECOND_PRESS = timedelta(minutes=2)

NOTHING_YET = "0.0.0.0"  # the version of a page before its first message
LEFT = "web_session_left"
TAKEN, GIVEN_BACK = "conversation_claimed", ("conversation_handed_back", "conversation_returned")

FIND = (
    sa.select(web_session, conversation.c.id.label("conversation_id"))
    .select_from(
        web_session.join(
            conversation,
            sa.and_(
                conversation.c.external_id == web_session.c.external_id,
                conversation.c.channel == Channel.WEBCHAT.value,
            ),
            isouter=True,
        )
    )
    .where(web_session.c.token_hash == sa.bindparam("token_hash"), web_session.c.ended_at.is_(None))
)
_of = sa.bindparam("of", type_=sa.String)
_sent = sa.and_(outbox.c.conversation_id == _of, outbox.c.status == OutboxStatus.SENT.value)
_on_desk = sa.exists().where(desk_item.c.conversation_id == _of, status_in(desk_item, DESK_ITEM_OPEN))


def is_answer_coming(conversation_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """A turn is unfinished, or the assistant's reply has not left: it is about to be shown."""
    is_with_assistant = sa.exists().where(
        turn.c.conversation_id == conversation_id, status_in(turn, TURN_UNFINISHED)
    )
    is_leaving = sa.exists().where(
        outbox.c.conversation_id == conversation_id,
        status_in(outbox, OUTBOX_UNFINISHED),
        outbox.c.kind == SendKind.ASSISTANT_REPLY.value,
    )
    return is_with_assistant | is_leaving


STATE = sa.select(
    sa.select(sa.func.max(inbox.c.id))
    .where(inbox.c.conversation_id == _of)
    .scalar_subquery()
    .label("last_in"),
    sa.select(sa.func.count()).where(inbox.c.conversation_id == _of).scalar_subquery().label("came"),
    sa.select(sa.func.max(outbox.c.id)).where(_sent).scalar_subquery().label("last_out"),
    sa.select(sa.func.count()).where(_sent).scalar_subquery().label("went"),
    is_answer_coming(_of).label("is_being_answered"),
    sa.select(conversation.c.owner_id.is_not(None))
    .where(conversation.c.id == _of)
    .scalar_subquery()
    .label("has_owner"),
    _on_desk.label("is_on_desk"),
)


@dataclass(frozen=True, kw_only=True)
class WebVisit:
    external_id: str
    conversation_id: str | None  # None until the first message
    language: str = "en"
    screen_seen: str | None = None  # what they said of who may see their screen: "no", "unsure", "yes"
    idle_minutes: int = 30
    last_seen_at: datetime
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class SeenVisit:
    """What a visit that may be over tells staff: the answer before the chat, and when they left by the exit."""

    screen_seen: str | None
    left_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PageState:
    """What the page says beside the messages. `shown`: how many of them there are, however old."""

    shown: int
    is_being_answered: bool  # from a message until the assistant's reply to it has left
    has_owner: bool
    is_on_desk: bool
    version: str

    @property
    def is_waited_for(self) -> bool:
        """They wait for a person: the time after which a visit ends stands still."""
        return self.has_owner or self.is_on_desk


def find_visit(tx: SqlTransaction, token_hash: str) -> WebVisit | None:
    """The visit, or None when it is unknown, was ended, began 12 hours ago, or nothing was done in it for too long.

    Too long is `idle_minutes` without an act of theirs. While they wait for a person that time stands still.
    """
    row = tx.connection.execute(FIND, {"token_hash": token_hash}).first()
    if row is None or row.started_at <= tx.now - LONGEST:
        return None
    visit = WebVisit(
        external_id=row.external_id,
        conversation_id=row.conversation_id,
        language=row.language,
        screen_seen=row.screen_seen,
        idle_minutes=row.idle_minutes,
        last_seen_at=row.last_seen_at,
        started_at=row.started_at,
    )
    # Looked at first because it is nearly always so: what else keeps a visit open takes more reading.
    if visit.last_seen_at + timedelta(minutes=visit.idle_minutes) > tx.now:
        return visit
    return visit if _find_idle_end(tx, visit) > tx.now else None


def find_said_before(tx: SqlTransaction, token_hash: str) -> tuple[str | None, str | None]:
    """The language and the answer about the screen of the browser's last visit, also of one that ended by itself."""
    query = sa.select(web_session.c.language, web_session.c.screen_seen)
    row = tx.connection.execute(query.where(web_session.c.token_hash == token_hash)).first()
    return (None, None) if row is None else (row.language, row.screen_seen)


def find_end(tx: SqlTransaction, visit: WebVisit) -> datetime:
    """When the visit ends if nothing more is done in it; while they wait for a person it is not over then."""
    return min(_find_idle_end(tx, visit), visit.started_at + LONGEST)


def find_last_visit(tx: SqlTransaction, conversation_id: str) -> SeenVisit | None:
    """Of the person's newest visit; None where the conversation is not on the web."""
    newest = (
        sa.select(web_session.c.screen_seen)
        .join(conversation, conversation.c.external_id == web_session.c.external_id)
        .where(conversation.c.id == conversation_id, conversation.c.channel == Channel.WEBCHAT.value)
        .order_by(web_session.c.started_at.desc())
        .limit(1)
    )
    row = tx.connection.execute(newest).first()
    if row is None:
        return None
    left = sa.select(sa.func.max(audit.c.at)).where(
        audit.c.conversation_id == conversation_id, audit.c.act == LEFT
    )
    return SeenVisit(screen_seen=row.screen_seen, left_at=tx.connection.execute(left).scalar())


def may_open_again(tx: SqlTransaction, external_id: str) -> bool:
    """Whether a new session may be of that writer: nobody's yet, or opened a moment ago by the same press."""
    began = sa.select(web_session.c.started_at, web_session.c.ended_at).where(
        web_session.c.external_id == external_id
    )
    return all(
        row.ended_at is None and row.started_at > tx.now - SECOND_PRESS
        for row in tx.connection.execute(began)
    )


def read_page_state(tx: SqlTransaction, conversation_id: str) -> PageState:
    row = tx.connection.execute(STATE, {"of": conversation_id}).one()
    flags = 4 * bool(row.is_being_answered) + 2 * bool(row.has_owner) + bool(row.is_on_desk)
    return PageState(
        shown=row.came + row.went,
        is_being_answered=bool(row.is_being_answered),
        has_owner=bool(row.has_owner),
        is_on_desk=bool(row.is_on_desk),
        # The count too: a row may be sent after one with a higher id.
        version=f"{row.last_in or 0}.{row.last_out or 0}.{row.went}.{flags}",
    )


def get_version(tx: SqlTransaction, token_hash: str) -> str:
    """Changes whenever the visit's page would: ids, a count and a number, never a word of a message."""
    visit = find_visit(tx, token_hash)
    if visit is None:
        return "ended"
    if visit.conversation_id is None:
        return NOTHING_YET
    return read_page_state(tx, visit.conversation_id).version


# --- the rest ------------------------------------------------------------------------------------


def _find_idle_end(tx: SqlTransaction, visit: WebVisit) -> datetime:
    """Each wait for a person that began before the visit had ended starts the time anew when it is over."""
    idle = timedelta(minutes=visit.idle_minutes)
    end = visit.last_seen_at + idle
    if visit.conversation_id is None:
        return end
    for began_at, over_at in sorted(_list_waits(tx, visit.conversation_id)):
        if began_at < end:
            end = max(end, over_at + idle)
    return end


def _list_waits(tx: SqlTransaction, conversation_id: str) -> list[tuple[datetime, datetime]]:
    """From when until when they waited for a person: their places on the desk, and a person's hold of it."""
    items = sa.select(desk_item.c.created_at, desk_item.c.closed_at).where(
        desk_item.c.conversation_id == conversation_id
    )
    waits = [(row.created_at, row.closed_at or tx.now) for row in tx.connection.execute(items)]
    holds = (
        sa.select(audit.c.at, audit.c.act)
        .where(audit.c.conversation_id == conversation_id, audit.c.act.in_((TAKEN, *GIVEN_BACK)))
        .order_by(audit.c.id)
    )
    taken_at: datetime | None = None
    rows: list[Any] = list(tx.connection.execute(holds))
    for row in rows:
        if row.act == TAKEN:
            taken_at = taken_at or row.at
        elif taken_at is not None:
            waits.append((taken_at, row.at))
            taken_at = None
    return waits if taken_at is None else [*waits, (taken_at, tx.now)]

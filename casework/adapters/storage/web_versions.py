"""How new the open pages of the web chat are: one look for all of them, and each one's own version."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.changes import Changes, watch_changes
from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    conversation,
    desk_item,
    inbox,
    outbox,
    status_in,
    web_session,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import get_version, is_answer_coming
from casework.model.messages import Channel, OutboxStatus

# Half of the time for which an open page counts as somebody being there (queue_facts).
SEEN_EVERY = timedelta(seconds=15)


class VisitVersions:
    """The web chat's visits, by the hash of their session token, for a stream hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def watch(self) -> Changes:
        return watch_changes(self._database.engine)

    async def list_marks(self, keys: Collection[str]) -> Mapping[str, object]:
        return await self._database.read(lambda tx: list_marks(tx, keys))

    async def get_versions(self, keys: Collection[str]) -> Mapping[str, str]:
        """`ended` where there is no such visit, or not any more."""
        versions, unseen = await self._database.read(
            lambda tx: ({key: get_version(tx, key) for key in keys}, list_unseen(tx, keys))
        )
        if unseen:
            await self._database.write(lambda tx: note_open(tx, unseen))
        return versions


def list_unseen(tx: SqlTransaction, token_hashes: Collection[str]) -> list[str]:
    """The visits whose page is open, whom a person is waited for, and of which that was last noted too long ago.

    The desk puts first who is there now; for anybody else nothing is written.
    """
    since = {"hashes": list(token_hashes), "since": tx.now - SEEN_EVERY}
    return list(tx.connection.execute(_unseen(), since).scalars())


def note_open(tx: SqlTransaction, token_hashes: Collection[str]) -> None:
    tx.connection.execute(
        sa.update(web_session)
        .where(web_session.c.token_hash.in_(token_hashes), web_session.c.ended_at.is_(None))
        .values(page_open_at=tx.now)
    )


@cache
def _unseen() -> sa.Select[Any]:
    is_on_desk = sa.exists().where(
        desk_item.c.conversation_id == conversation.c.id, status_in(desk_item, DESK_ITEM_OPEN)
    )
    noted_at = sa.func.coalesce(web_session.c.page_open_at, web_session.c.started_at)
    return (
        sa.select(web_session.c.token_hash)
        .join(conversation, conversation.c.external_id == web_session.c.external_id)
        .where(
            conversation.c.channel == Channel.WEBCHAT.value,
            web_session.c.token_hash.in_(sa.bindparam("hashes", expanding=True)),
            web_session.c.ended_at.is_(None),
            noted_at < sa.bindparam("since", type_=web_session.c.page_open_at.type),
            is_on_desk,
        )
    )


def list_marks(tx: SqlTransaction, token_hashes: Collection[str]) -> Mapping[str, object]:
    """By token hash, what moves whenever a commit moves its `get_version`. An unknown hash is left out.

    Cheap, and no answer: what it means and who may see it is `get_version`'s to say. What time alone brings about
    (a visit that stood idle) moves nothing here.
    """
    rows = tx.connection.execute(_marks(), {"hashes": list(token_hashes)})
    return {row.token_hash: tuple(row)[1:] for row in rows}


@cache
def _marks() -> sa.Select[Any]:
    """Each part is a seek in an index, but for the count of what was sent: a row may be sent after a newer one."""
    mine = conversation.c.id
    came = sa.select(sa.func.max(inbox.c.id)).where(inbox.c.conversation_id == mine)
    went = sa.select(sa.func.count()).where(
        outbox.c.conversation_id == mine, outbox.c.status == OutboxStatus.SENT.value
    )
    is_on_desk = sa.exists().where(desk_item.c.conversation_id == mine, status_in(desk_item, DESK_ITEM_OPEN))
    on_the_web = sa.and_(
        conversation.c.external_id == web_session.c.external_id,
        conversation.c.channel == Channel.WEBCHAT.value,
    )
    return (
        sa.select(web_session.c.token_hash, web_session.c.ended_at, web_session.c.idle_minutes)
        .add_columns(conversation.c.owner_id, came.scalar_subquery(), went.scalar_subquery())
        .add_columns(is_answer_coming(mine), is_on_desk)
        .select_from(web_session.join(conversation, on_the_web, isouter=True))
        .where(web_session.c.token_hash.in_(sa.bindparam("hashes", expanding=True)))
    )

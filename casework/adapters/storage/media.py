"""Pictures and files that came with messages: first where they are, then, fetched by a worker, their bytes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import lock_rows
from casework.adapters.storage.tables import (
    MEDIA_WAITING,
    conversation,
    inbound_media,
    inbox,
    media_content,
    status_in,
)
from casework.model.messages import Channel, InboundMedia
from casework.services.ports import LeasedMedia, MediaStatus, StoredMedia

_TALK_OF = sa.select(inbox.c.conversation_id).where(inbox.c.id == sa.bindparam("of"))


class SqlMedia:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, inbox_id: int, media: Sequence[InboundMedia]) -> None:
        rows = [
            {
                "inbox_id": inbox_id,
                "position": position,
                "source": each.source,
                "stated_type": each.stated_type[:96],
                "status": MediaStatus.WAITING.value,
                "attempts": 0,
                "not_before": self._now,
            }
            for position, each in enumerate(media)
        ]
        if rows:
            talk = self._connection.execute(_TALK_OF, {"of": inbox_id}).scalar_one()
            sealed = [seal(self._connection, inbound_media, row, owner=talk) for row in rows]
            self._connection.execute(sa.insert(inbound_media), sealed)

    def lease_next(self, *, lease_seconds: float) -> LeasedMedia | None:
        query = (
            sa.select(inbound_media, inbox.c.conversation_id, conversation.c.channel)
            .join_from(inbound_media, inbox, inbound_media.c.inbox_id == inbox.c.id)
            .join(conversation, inbox.c.conversation_id == conversation.c.id)
            .where(status_in(inbound_media, MEDIA_WAITING), inbound_media.c.not_before <= self._now)
            .order_by(inbound_media.c.not_before, inbound_media.c.id)
            .limit(1)
        )
        row = self._connection.execute(lock_rows(self._connection, query, inbound_media)).first()
        if row is None:
            return None
        self._connection.execute(
            sa.update(inbound_media)
            .where(inbound_media.c.id == row.id)
            .values(attempts=row.attempts + 1, not_before=self._now + timedelta(seconds=lease_seconds))
        )
        return LeasedMedia(
            media_id=row.id,
            channel=Channel(row.channel),
            conversation_id=row.conversation_id,
            source=row.source,
            stated_type=row.stated_type,
            attempts=row.attempts + 1,
        )

    def postpone(self, media_id: int, *, until: datetime) -> None:
        self._connection.execute(
            sa.update(inbound_media)
            .where(inbound_media.c.id == media_id, inbound_media.c.status == MediaStatus.WAITING.value)
            .values(not_before=until)
        )

    def keep(self, media_id: int, content: bytes, *, found_type: str, sha256: str) -> None:
        kept = self._connection.execute(
            sa.update(inbound_media)
            .where(inbound_media.c.id == media_id, inbound_media.c.status == MediaStatus.WAITING.value)
            .values(
                status=MediaStatus.KEPT.value,
                found_type=found_type,
                size=len(content),
                sha256=sha256,
                kept_at=self._now,
            )
        )
        if kept.rowcount == 1:
            of = sa.select(inbound_media.c.inbox_id).where(inbound_media.c.id == media_id)
            talk = self._connection.execute(_TALK_OF, {"of": self._connection.execute(of).scalar_one()})
            values = {"media_id": media_id, "content": content}
            sealed = seal(self._connection, media_content, values, owner=talk.scalar_one())
            self._connection.execute(sa.insert(media_content).values(sealed))

    def give_up(self, media_id: int, *, status: MediaStatus, reason: str) -> None:
        self._connection.execute(
            sa.update(inbound_media)
            .where(inbound_media.c.id == media_id, inbound_media.c.status == MediaStatus.WAITING.value)
            .values(status=status.value, reason=reason)
        )

    def list_of_conversation(self, conversation_id: str, *, limit: int = 200) -> list[StoredMedia]:
        query = _stored().where(inbox.c.conversation_id == conversation_id)
        rows = self._connection.execute(query.order_by(inbound_media.c.id.desc()).limit(limit)).all()
        return [_media(row) for row in reversed(rows)]

    def find(self, media_id: int) -> tuple[StoredMedia, bytes | None] | None:
        row = self._connection.execute(_stored().where(inbound_media.c.id == media_id)).first()
        if row is None:
            return None
        content = sa.select(media_content.c.content).where(media_content.c.media_id == media_id)
        return _media(row), self._connection.execute(content).scalar()


def _stored() -> sa.Select[Any]:
    return sa.select(inbound_media, inbox.c.conversation_id).join_from(
        inbound_media, inbox, inbound_media.c.inbox_id == inbox.c.id
    )


def _media(row: Any) -> StoredMedia:
    return StoredMedia(
        media_id=row.id,
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        position=row.position,
        status=MediaStatus(row.status),
        reason=row.reason,
        stated_type=row.stated_type,
        found_type=row.found_type,
        size=row.size,
    )

"""Invites: issued, withdrawn, and used once."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import case, invite
from casework.services.ports import InviteWord, OpenedInvite

MOST_WORDS = 3


class SqlInvites:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(
        self,
        *,
        token_hash: str,
        crime_reference: str,
        by_way_of: str,
        by: str,
        expires_at: datetime,
        sent_to: str | None = None,
        word_hash: str | None = None,
    ) -> str:
        invite_id = new_id()
        self._connection.execute(
            sa.insert(invite).values(
                seal(
                    self._connection,
                    invite,
                    {
                        "id": invite_id,
                        "token_hash": token_hash,
                        "crime_reference": crime_reference,
                        "by_way_of": by_way_of,
                        "issued_by": by,
                        "issued_at": self._now,
                        "expires_at": expires_at,
                        "sent_to": sent_to,
                        "word_hash": word_hash,
                    },
                )
            )
        )
        return invite_id

    def withdraw_unused(self, crime_reference: str, by_way_of: str) -> int:
        withdrawn = self._connection.execute(
            sa.update(invite)
            .where(
                invite.c.crime_reference == crime_reference,
                invite.c.by_way_of == by_way_of,
                invite.c.used_at.is_(None),
                invite.c.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=self._now)
        )
        return withdrawn.rowcount

    def use(self, token_hash: str, conversation_id: str) -> OpenedInvite | None:
        return self._use(invite.c.token_hash == token_hash, conversation_id)

    def use_word(self, invite_id: str, conversation_id: str) -> OpenedInvite | None:
        return self._use(invite.c.id == invite_id, conversation_id)

    def _use(self, which: sa.ColumnElement[bool], conversation_id: str) -> OpenedInvite | None:
        row = self._connection.execute(
            sa.update(invite)
            .where(which, self._is_open())
            .values(used_at=self._now, conversation_id=conversation_id)
            .returning(invite.c.id, invite.c.crime_reference, invite.c.by_way_of)
        ).first()
        if row is None:
            return None
        return OpenedInvite(id=row.id, crime_reference=row.crime_reference, by_way_of=row.by_way_of)

    def list_words(self, sent_to: str) -> list[InviteWord]:
        query = (
            sa.select(invite.c.id, invite.c.word_hash)
            .where(invite.c.sent_to == sent_to, invite.c.word_hash.is_not(None), self._is_open())
            .order_by(invite.c.issued_at.desc(), invite.c.id)
            .limit(MOST_WORDS)
        )
        return [
            InviteWord(invite_id=row.id, word_hash=row.word_hash) for row in self._connection.execute(query)
        ]

    def _is_open(self) -> sa.ColumnElement[bool]:
        of_record = sa.exists().where(
            case.c.crime_reference == invite.c.crime_reference,
            sa.or_(case.c.contact_mobile == invite.c.sent_to, case.c.contact_email == invite.c.sent_to),
        )
        return sa.and_(
            invite.c.used_at.is_(None),
            invite.c.withdrawn_at.is_(None),
            invite.c.expires_at > self._now,
            sa.or_(invite.c.sent_to.is_(None), of_record),
        )

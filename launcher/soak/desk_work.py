"""Staff at work while everything breaks: they claim, answer and hand back, through the desk's own services."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import ItemStatus, Outcome
from casework.model.errors import WaymarkError
from casework.model.policy import Role
from casework.services import desk
from casework.services.ports import StaffMember
from launcher import staff

PAUSE_SECONDS = 0.7
QUEUE_SEEN = 40
REPLIES_EACH = 2

Act = Callable[[SqlTransaction], str | None]


@dataclass(kw_only=True)
class DeskWork:
    """`members` people who each have one conversation at a time; `counts` what they did."""

    service: Service
    members: int
    counts: Counter[str] = field(default_factory=Counter)

    def hire(self) -> None:
        for number in range(self.members):
            staff.add_member(
                self.service,
                login=f"soak-{number}",
                display_name=f"Soak Test-Officer {number}",
                role=Role.INVESTIGATOR,
                password=secrets.token_hex(12),
            )

    async def run(self, enough: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self.members):
                group.create_task(self._work(f"soak-{number}", enough))

    async def _work(self, login: str, enough: asyncio.Event) -> None:
        while not enough.is_set():
            await asyncio.sleep(PAUSE_SECONDS * self.members)
            conversation = await self._do("claimed", lambda tx: self._claim(tx, login))
            if conversation is not None:
                await self._talk(login, conversation, enough)

    async def _talk(self, login: str, conversation: str, enough: asyncio.Event) -> None:
        for _ in range(REPLIES_EACH):
            await asyncio.sleep(PAUSE_SECONDS)
            key = secrets.token_hex(8)
            await self._do("answered", partial(self._reply, login=login, conversation=conversation, key=key))
        while not enough.is_set():
            await asyncio.sleep(PAUSE_SECONDS)
            if await self._do("handed back", lambda tx: self._hand_back(tx, login, conversation)):
                return

    async def _do(self, what: str, act: Act) -> str | None:
        """None where it could not be done now: somebody was quicker, they wrote meanwhile, the database is away."""
        try:
            done = await self.service.database.write(act)
        except WaymarkError:
            self.counts["refused"] += 1
            return None
        except sa.exc.SQLAlchemyError:
            self.counts["database away"] += 1
            return None
        if done is not None:
            self.counts[what] += 1
        return done

    def _claim(self, tx: SqlTransaction, login: str) -> str | None:
        for item in tx.desk.list_queue(limit=QUEUE_SEEN, with_evidence=False):
            if item.status is ItemStatus.OPEN:
                by = _get(tx, login)
                desk.claim_conversation(tx, item.conversation_id, by=by, texts=self.service.texts)
                return item.conversation_id
        return None

    def _reply(self, tx: SqlTransaction, *, login: str, conversation: str, key: str) -> str:
        desk.reply_as_staff(
            tx,
            conversation,
            f"This is a detective, answer {key}.",
            by=_get(tx, login),
            last_seen_inbox_id=tx.inbox.latest_id(conversation) or 0,
            form_id=key,
        )
        return key

    def _hand_back(self, tx: SqlTransaction, login: str, conversation: str) -> str:
        desk.hand_back(
            tx,
            conversation,
            Outcome.INFORMATION_GIVEN,
            by=_get(tx, login),
            last_seen_inbox_id=tx.inbox.latest_id(conversation) or 0,
            texts=self.service.texts,
        )
        return conversation


def _get(tx: SqlTransaction, login: str) -> StaffMember:
    found = tx.staff.find(login)
    assert found is not None  # hired before anything broke
    return found

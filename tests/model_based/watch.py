"""What must hold at every moment: asked after each commit, and of each message as the provider takes it.

Whatever does not hold is written down in words and shown when the rule that did it is over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, turn
from casework.model.messages import Channel, Lane, OutboundMessage, SendKind
from casework.services.windows import is_nudge
from tests.model_based.people import KNOWN, PEOPLE

if TYPE_CHECKING:
    from tests.model_based.world import World

LONDON = ZoneInfo("Europe/London")
# By plan: how long after their message an answer may still leave, and whether anything may leave unasked.
TRUSTED_FOR = {
    "any time": timedelta(hours=24),
    "never at night": timedelta(minutes=15),
    "answers only": timedelta(hours=24),
    "nothing in writing": timedelta(minutes=15),
}
UNASKED = ("any time", "never at night")
PHONES = (Channel.SMS, Channel.WHATSAPP)
ANSWERS_NOTHING = (SendKind.CASE_UPDATE,)
OF_DANGER = ("disclosure", "unreadable")
WITHOUT_ITEM = """
    SELECT id FROM inbox WHERE provider_message_id IN ({}) AND NOT EXISTS (
        SELECT 1 FROM desk_item WHERE inbox_id = inbox.id AND reason IN ('disclosure', 'unreadable'))
"""


class Watch:
    """`broken`: every promise seen broken, in words."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.broken: list[str] = []

    def _ask(self, query: sa.Select[Any]) -> Sequence[Any]:
        # A connection of its own: what any reader sees at this moment.
        return self._world.database.read_now(lambda tx: tx.connection.execute(query).all())

    # --- P4: after each commit ---

    def see_commit(self) -> None:
        """Each message that is of danger by our own list, whatever the screen found in it, is there with its item."""
        dangerous = [each.sid for each in self._world.twilio.written if each.is_danger]
        if not dangerous:
            return
        # Written out: it is asked after every commit, and building it would cost more than asking it.
        query = WITHOUT_ITEM.format(", ".join(repr(sid) for sid in dangerous))
        rows = self._world.database.read_now(lambda tx: tx.connection.exec_driver_sql(query).all())
        self.broken += [f"P4: in-{row.id} is of danger, is stored, and has no item" for row in rows]

    # --- P5, P6, P7, P9: as the provider takes a message ---

    def see_taken(self, message: OutboundMessage) -> None:
        [talk] = self._ask(sa.select(conversation).where(conversation.c.id == message.conversation_id))
        said = f"{message.template} to {message.to} ({message.dedupe_key.split(':')[0]})"
        taken = [each.message.dedupe_key for each in self._world.twilio.taken]
        if message.dedupe_key in taken:
            self.broken.append(f"P6: {said} was taken twice")
        if message.lane is Lane.ASSISTANT and (talk.owner_id is not None or talk.epoch != message.epoch):
            self.broken.append(f"P6: {said} left after a person took over")
        self._see_order(message, said)
        self._see_item(message, said)
        self._see_words(message, said)
        why_not = self._find_why_not(message)
        if why_not is not None:
            self.broken.append(f"P7: {said} left, and {why_not}")

    def _see_order(self, message: OutboundMessage, said: str) -> None:
        """Nothing younger of its lane left before it, but for what the plan had put off to an hour."""
        [mine] = self._ask(
            sa.select(outbox.c.id, outbox.c.safe_contact_decision).where(
                outbox.c.dedupe_key == message.dedupe_key
            )
        )
        if mine.safe_contact_decision == "outside_hours" or self._was_postponed(mine.id):
            return
        keys = [
            each.message.dedupe_key
            for each in self._world.twilio.taken
            if each.message.conversation_id == message.conversation_id
            and each.message.lane is message.lane
            # "Something waits" comes before what waits.
            and not is_nudge(each.message)
        ]
        younger = sa.select(outbox.c.id).where(outbox.c.dedupe_key.in_(keys), outbox.c.id > mine.id)
        for row in self._ask(younger):
            self.broken.append(f"P6: out-{mine.id}, {said}, left after out-{row.id}")

    def _was_postponed(self, outbox_id: int) -> bool:
        attempts = sa.text("SELECT 1 FROM delivery_attempt WHERE outbox_id = :id AND outcome = 'postponed'")
        found = self._world.database.read_now(
            lambda tx: tx.connection.execute(attempts, {"id": outbox_id}).first()
        )
        return found is not None

    def _see_item(self, message: OutboundMessage, said: str) -> None:
        """P5: words that say a person has it, or will, leave with an item behind them."""
        if message.template.startswith("safety."):
            of_turn = sa.select(turn.c.inbox_id).where(turn.c.id == message.turn_id).scalar_subquery()
            items = sa.select(desk_item.c.id).where(
                desk_item.c.inbox_id == of_turn, desk_item.c.reason.in_(OF_DANGER)
            )
        elif message.template == "holding":
            items = sa.select(desk_item.c.id).where(
                desk_item.c.conversation_id == message.conversation_id,
                desk_item.c.reason == "assistant_unavailable",
            )
        else:
            return
        self._world.told["words that promise a person"] += 1
        if not self._ask(items):
            self.broken.append(f"P5: {said} left, and no item stands behind it")

    def _see_words(self, message: OutboundMessage, said: str) -> None:
        """P9: nobody reads another's words, and a code goes to a contact of record."""
        others = {each.word for each in PEOPLE.values() if each.number != message.to}
        if any(word in message.text for word in others):
            self.broken.append(f"P9: {said} holds another person's words")
        if message.lane is Lane.ONE_TIME_CODE:
            self._world.told["a code left"] += 1
            if message.to not in KNOWN:
                self.broken.append(f"P9: {said} went to no contact of record")

    # --- P7, from what was agreed alone ---

    def _find_why_not(self, message: OutboundMessage) -> str | None:
        """Why it may not leave at this moment, in words; None where it may.

        Worked out again from the plan by its name and what they wrote, with none of the service's own rules.
        """
        now = self._world.clock.now()
        plan = self._world.plans.get(message.to, "answers only")
        heard = self._list_heard(message.channel, message.to)
        newest = heard[-1] if heard else None
        is_closed = newest is not None and newest[1] in ("left", "stopped")
        is_its_own = newest is not None and newest[2] == message.turn_id
        is_answer = message.kind not in ANSWERS_NOTHING
        is_live = newest is not None and now - newest[0] < TRUSTED_FOR[plan]
        if is_closed and not is_its_own and message.kind in (SendKind.ASSISTANT_REPLY, SendKind.SAFETY_LINE):
            return "they had closed the conversation"
        may_answer = is_answer and is_live and (not is_closed or is_its_own)
        if may_answer and (plan != "nothing in writing" or message.kind is SendKind.SAFETY_LINE):
            return None
        if plan not in UNASKED:
            return f"the plan is {plan!r}, and this answers nothing written lately"
        if self._have_stopped(message.channel, message.to):
            return "they had asked us to stop"
        if plan == "never at night" and not 8 <= now.astimezone(LONDON).hour < 20:
            return f"it was {now.astimezone(LONDON):%H:%M} at night"
        return None

    def _have_stopped(self, channel: Channel, number: str) -> bool:
        """A STOP on this channel that is the last word there, or on the other and nothing written here since."""
        heard = self._list_heard(channel, number)
        for each in PHONES:
            there = self._list_heard(each, number)
            if there and there[-1][1] == "stopped" and (each is channel or heard_before(heard, there[-1][0])):
                return True
        return False

    def _list_heard(self, channel: Channel, number: str) -> list[tuple[datetime, str | None, str]]:
        """(when they wrote it, what became of it, its turn) of everything stored, in the order it was written."""
        sids = [
            each.sid
            for each in self._world.twilio.written
            if each.channel is channel and each.number == number
        ]
        if not sids:
            return []
        query = (
            sa.select(inbox.c.id, inbox.c.origin, inbox.c.received_at, inbox.c.sent_at)
            .add_columns(turn.c.outcome, turn.c.id.label("turn_id"))
            .join_from(inbox, turn, turn.c.inbox_id == inbox.c.id)
            .where(inbox.c.provider_message_id.in_(sids))
        )
        rows = sorted(self._ask(query), key=lambda row: (_written_at(row), row.id))
        return [(_written_at(row), row.outcome, row.turn_id) for row in rows]


def heard_before(heard: list[tuple[datetime, str | None, str]], moment: datetime) -> bool:
    return not heard or heard[-1][0] <= moment


def _written_at(row: Any) -> datetime:
    """A webhook that says no time is believed to be of the moment it came."""
    at: datetime = row.received_at if row.origin == "webhook" else (row.sent_at or row.received_at)
    return at

"""The people cases are about: how each may be reached, and whether their contact of record is still theirs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversations import list_told
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.tables import case, conversation, duress_check, person, standing
from casework.model.messages import PHONES, Channel
from casework.model.safe_contact import SafeContactPlan
from casework.model.stored_plans import parse_plan, write_plan
from casework.services.ports import DuressCheck, Reach


class SqlPeople:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def list_reaches(self, channel: Channel, to: str, conversation_id: str) -> list[Reach]:
        """Every case whose person this address or this conversation may belong to; [] for a stranger."""
        found: dict[str, Reach] = {}
        for row in self._list_reaches(channel, to, conversation_id):
            found[row.crime_reference] = _reach(row)
        return list(found.values())

    def _list_reaches(self, channel: Channel, to: str, conversation_id: str) -> Sequence[Any]:
        """By the address first, then by what was proved in the conversation; some twice."""
        of: dict[str, Any] = {"of": conversation_id}
        if channel in PHONES:
            numbers = [to, *self.list_seen_numbers(channel, conversation_id)]
            return self._connection.execute(REACHES_OF_NUMBERS, {**of, "numbers": numbers}).all()
        if channel is Channel.EMAIL:
            return self._connection.execute(REACHES_OF_EMAIL, {**of, "email": to}).all()
        return self._connection.execute(REACHES_OF_STANDING, of).all()

    def list_seen_numbers(self, channel: Channel, conversation_id: str) -> list[str]:
        if channel is not Channel.WHATSAPP:
            return []
        return list_told(self._connection, conversation_id, "phone")

    def find_of_case(self, crime_reference: str) -> Reach | None:
        row = self._connection.execute(_reaches().where(case.c.crime_reference == crime_reference)).first()
        return None if row is None else _reach(row)

    def set_plan(self, person_id: str, plan: SafeContactPlan, *, by: str) -> None:
        sealed = seal(self._connection, person, {"id": person_id, "plan": write_plan(plan)})
        self._update(person_id, plan=sealed["plan"], plan_changed_at=self._now, plan_changed_by=by)

    def confirm_contact(self, person_id: str) -> None:
        """The person has just answered from the contact of record, or an officer rang it."""
        self._update(
            person_id,
            contact_confirmed_at=self._now,
            contact_suspended_at=None,
            contact_suspended_why=None,
        )

    def suspend_contact(self, person_id: str, *, why: str) -> bool:
        """False when it was suspended already. Until it is confirmed nothing goes there unasked."""
        result = self._connection.execute(
            sa.update(person)
            .where(person.c.id == person_id, person.c.contact_suspended_at.is_(None))
            .values(contact_suspended_at=self._now, contact_suspended_why=why)
        )
        return result.rowcount == 1

    def list_at(self, mobile: str) -> list[str]:
        """The ids of the people whose contact of record this is."""
        query = sa.select(person.c.id).where(person.c.contact_mobile == mobile).order_by(person.c.id)
        return list(self._connection.execute(query).scalars())

    def _update(self, person_id: str, **values: object) -> None:
        self._connection.execute(sa.update(person).where(person.c.id == person_id).values(**values))

    # Words that mean "I am not free to speak", listened for apart from the answer.

    def request_duress_check(self, inbox_id: int, conversation_id: str) -> None:
        self._connection.execute(
            sa.insert(duress_check).values(
                inbox_id=inbox_id, conversation_id=conversation_id, due_at=self._now, tries=0
            )
        )

    def next_duress_check(self) -> DuressCheck | None:
        row = self._find_duress_check()
        return None if row is None else _check(row)

    def take_duress_check(self) -> DuressCheck | None:
        row = self._find_duress_check()
        if row is None:
            return None
        self._connection.execute(
            sa.update(duress_check)
            .where(duress_check.c.inbox_id == row.inbox_id)
            .values(tries=row.tries + 1, due_at=self._now + timedelta(seconds=5 * 2 ** min(row.tries, 8)))
        )
        return _check(row)

    def _find_duress_check(self) -> Any:
        return self._connection.execute(
            sa.select(duress_check, conversation.c.channel, conversation.c.external_id)
            .join(conversation, conversation.c.id == duress_check.c.conversation_id)
            .where(duress_check.c.due_at <= self._now)
            .order_by(duress_check.c.due_at, duress_check.c.inbox_id)
            .limit(1)
        ).first()

    def end_duress_check(self, inbox_id: int) -> bool:
        """False when another worker has ended it."""
        result = self._connection.execute(sa.delete(duress_check).where(duress_check.c.inbox_id == inbox_id))
        return result.rowcount == 1


def _check(row: Any) -> DuressCheck:
    return DuressCheck(
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        channel=Channel(row.channel),
        external_id=row.external_id,
    )


def _reaches(rank: int = 0) -> sa.Select[Any]:
    """`rank`: which come first where several of these are one query."""
    return sa.select(
        sa.literal_column(str(rank), sa.Integer).label("rank"),
        case.c.crime_reference,
        case.c.crime_type,
        case.c.safe_contact,
        person.c.id.label("person_id"),
        person.c.plan,
        person.c.contact_mobile,
        person.c.contact_confirmed_at,
        person.c.contact_suspended_at,
    ).join(person, person.c.id == case.c.person_id)


# Built once: asked for each message, as it is stored and as it is sent.
REACHES_OF_STANDING = (
    _reaches(rank=1)
    .join(standing, standing.c.crime_reference == case.c.crime_reference)
    .where(standing.c.conversation_id == sa.bindparam("of"), standing.c.ended_at.is_(None))
)


def _and_of_standing(by_address: sa.Select[Any]) -> sa.CompoundSelect[Any]:
    return sa.union_all(by_address, REACHES_OF_STANDING).order_by(sa.literal_column("rank"))


REACHES_OF_NUMBERS = _and_of_standing(
    _reaches().where(person.c.contact_mobile.in_(sa.bindparam("numbers", expanding=True)))
)
REACHES_OF_EMAIL = _and_of_standing(_reaches().where(case.c.contact_email == sa.bindparam("email")))


def _reach(row: Any) -> Reach:
    return Reach(
        person_id=row.person_id,
        crime_reference=row.crime_reference,
        crime_type=row.crime_type,
        safe_contact=row.safe_contact,
        # A plan that was never agreed is no plan; one that cannot be read is the strictest.
        stored_plan=None if row.plan is None else parse_plan(row.plan),
        contact_mobile=row.contact_mobile,
        contact_confirmed_at=row.contact_confirmed_at,
        is_suspended=row.contact_suspended_at is not None,
    )

"""Who has proved a link to which case."""

from datetime import datetime

import sqlalchemy as sa

from casework.adapters.storage.tables import case, conversation, person, standing
from casework.model.messages import Channel
from casework.model.standings import CONFIRMS_CONTACT, ProofMethod, Standing
from casework.services.ports import Proof
from casework.services.standings import weigh

# Built once: each turn asks it several times.
PROOFS = (
    sa.select(standing, conversation.c.channel, person.c.contact_confirmed_at)
    .join(conversation, conversation.c.id == standing.c.conversation_id)
    .join(case, case.c.crime_reference == standing.c.crime_reference)
    .outerjoin(person, person.c.id == case.c.person_id)
    .where(standing.c.conversation_id == sa.bindparam("of"), standing.c.ended_at.is_(None))
    .order_by(standing.c.id)
)


class SqlStandings:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, conversation_id: str) -> tuple[Standing, str | None]:
        return weigh(self.list_proofs(conversation_id), self._now)

    def list_proofs(self, conversation_id: str) -> list[Proof]:
        return [
            Proof(
                id=row.id,
                crime_reference=row.crime_reference,
                level=Standing(row.level),
                method=row.method,
                channel=Channel(row.channel),
                proved_at=row.proved_at,
                last_used_at=row.last_used_at,
                contact_confirmed_at=row.contact_confirmed_at,
            )
            for row in self._connection.execute(PROOFS, {"of": conversation_id})
        ]

    def record(self, conversation_id: str, crime_reference: str, level: Standing, *, method: str) -> None:
        self._end_replaced(conversation_id, crime_reference, method)
        self._connection.execute(
            sa.insert(standing).values(
                conversation_id=conversation_id,
                crime_reference=crime_reference,
                level=level.value,
                method=method,
                proved_at=self._now,
            )
        )

    def _end_replaced(self, conversation_id: str, crime_reference: str, method: str) -> None:
        """A new link takes the place of every other of this case on this channel; a PIN only of the one before it."""
        of_case = standing.c.crime_reference == crime_reference
        if method not in CONFIRMS_CONTACT:
            same = sa.and_(standing.c.conversation_id == conversation_id, standing.c.method == method)
            self._end(of_case, same, why="replaced")
            return
        channel = sa.select(conversation.c.channel).where(conversation.c.id == conversation_id)
        on_channel = sa.select(conversation.c.id).where(conversation.c.channel == channel.scalar_subquery())
        self._end(of_case, standing.c.conversation_id.in_(on_channel), why="replaced")

    def record_use(self, proof_id: int, worth: Standing) -> None:
        self._connection.execute(
            sa.update(standing)
            .where(standing.c.id == proof_id)
            .values(last_used_at=self._now, level=worth.value)
        )

    def end_of_conversation(self, conversation_id: str, *, why: str) -> int:
        return self._end(standing.c.conversation_id == conversation_id, why=why)

    def end_of_contact(self, mobile: str, *, why: str) -> int:
        """What was proved through this contact of record: from it, or by a code sent to it."""
        cases = sa.select(case.c.crime_reference).join(person, person.c.id == case.c.person_id)
        from_it = sa.select(conversation.c.id).where(conversation.c.external_id == mobile)
        return self._end(
            standing.c.crime_reference.in_(cases.where(person.c.contact_mobile == mobile)),
            sa.or_(
                standing.c.method == ProofMethod.CODE.value,
                standing.c.conversation_id.in_(from_it),
            ),
            why=why,
        )

    def end_of_method(self, person_id: str, method: str, *, why: str) -> int:
        cases = sa.select(case.c.crime_reference).where(case.c.person_id == person_id)
        return self._end(standing.c.crime_reference.in_(cases), standing.c.method == method, why=why)

    def _end(self, *which: sa.ColumnElement[bool], why: str) -> int:
        result = self._connection.execute(
            sa.update(standing)
            .where(standing.c.ended_at.is_(None), *which)
            .values(ended_at=self._now, ended_why=why[:32])
        )
        return result.rowcount

"""What people thought of how they were treated, kept so that nobody can be found by it.

A row's id is drawn, its times are rounded down to their week and its token is replaced once it is used: neither order
nor moment nor token says which conversation it followed. That questions were shown is noted in the record of that
conversation; that they were answered, nowhere but here.
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.tables import audit, case, feedback, standing
from casework.model.messages import Channel
from casework.model.tokens import hash_token, make_address_token
from casework.services.feedback import OFFERED, QUESTIONS
from casework.services.ports import FeedbackRow

# Below 2 ** 53: drawn, and a whole number to whatever reads it.
LARGEST_ID = 2**53
ANSWERABLE_FOR = timedelta(weeks=1)
_WAS_ANSWERED = feedback.c.answered_at.is_not(None)


class SqlFeedback:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def offer(self, token_hash: str, *, channel: Channel, language: str) -> None:
        self._connection.execute(
            sa.insert(feedback).values(
                id=secrets.randbelow(LARGEST_ID),
                token_hash=token_hash,
                channel=channel.value,
                language=language,
                offered_at=start_of_week(self._now),
            )
        )

    def answer(self, token_hash: str, answers: Mapping[str, int]) -> bool:
        this_week = start_of_week(self._now)
        written = self._connection.execute(
            sa.update(feedback)
            .where(
                feedback.c.token_hash == token_hash,
                feedback.c.answered_at.is_(None),
                feedback.c.offered_at >= this_week - ANSWERABLE_FOR,
            )
            .values(
                answered_at=this_week,
                token_hash=hash_token(make_address_token()),
                **{name: answers.get(name) for name in QUESTIONS},
            )
        )
        return written.rowcount == 1

    def list_cases(self, conversation_id: str) -> list[str]:
        proved = sa.select(standing.c.crime_reference).where(standing.c.conversation_id == conversation_id)
        people = sa.select(case.c.person_id).where(case.c.crime_reference.in_(proved))
        of_them = sa.or_(case.c.crime_reference.in_(proved), case.c.person_id.in_(people))
        query = sa.select(case.c.crime_reference).where(of_them).order_by(case.c.crime_reference)
        return list(self._connection.execute(query).scalars())

    def was_offered(self, conversation_id: str) -> bool:
        query = sa.select(audit.c.id).where(
            audit.c.conversation_id == conversation_id, audit.c.act == OFFERED
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def was_offered_to(self, person_ids: Collection[str], *, since: datetime) -> bool:
        query = (
            sa.select(audit.c.id)
            .join(standing, standing.c.conversation_id == audit.c.conversation_id)
            .join(case, case.c.crime_reference == standing.c.crime_reference)
            .where(case.c.person_id.in_(person_ids), audit.c.act == OFFERED, audit.c.at >= since)
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def count_offered(self) -> int:
        return self._connection.execute(sa.select(sa.func.count()).select_from(feedback)).scalar_one()

    def list_answered(self) -> list[FeedbackRow]:
        columns = [feedback.c[name] for name in QUESTIONS]
        rows = self._connection.execute(sa.select(*columns).where(_WAS_ANSWERED).order_by(feedback.c.id))
        return [
            FeedbackRow(answers={name: value for name, value in row._asdict().items() if value is not None})
            for row in rows
        ]


def start_of_week(at: datetime) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())

"""Counts and times of one period: each one statement, bounded by the period through an index. Drills are left out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.desk_tables import regrade
from casework.adapters.storage.durations import seconds_between, utc_hour
from casework.adapters.storage.supervision_tables import act_is_measured
from casework.adapters.storage.tables import (
    audit,
    case,
    conversation,
    desk_item,
    feedback,
    running_clock,
    standing,
    web_session,
)
from casework.model.desk import Grade, ItemStatus, Outcome
from casework.model.messages import Channel
from casework.model.periods import Period
from casework.model.working_days import local_day
from casework.services.ports import ClockStatus
from casework.services.supervision_ports import Came, Wait, WaitTimes

LEFT_ACTS = ("web_session_left", "left_by_text")  # by the page, and by EXIT
STATUS_TOLD = "status_told"
DAY_SECONDS = 24 * 60 * 60
NOT_KNOWN = "not_known"
SATISFIED = 4  # of 5: satisfied, or very satisfied

_ITEMS = desk_item.join(conversation, desk_item.c.conversation_id == conversation.c.id)
_NO_DRILL = conversation.c.is_drill.is_(False)
_CLOSED = ItemStatus.CLOSED.value
# What came while somebody had the conversation already was never on the queue.
_CLAIM_WAITED = sa.or_(
    desk_item.c.claimed_at > desk_item.c.created_at,
    sa.and_(desk_item.c.claimed_at.is_(None), desk_item.c.status != _CLOSED),
)
_WORD_WAITED = sa.or_(desk_item.c.answered_at.is_not(None), desk_item.c.status != _CLOSED)


class SqlMeasures:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def weigh_claims(self, period: Period) -> list[WaitTimes]:
        return self._weigh(period, desk_item.c.claimed_at, _CLAIM_WAITED)

    def weigh_first_words(self, period: Period) -> list[WaitTimes]:
        return self._weigh(period, desk_item.c.answered_at, _WORD_WAITED)

    def count_claims_within(self, period: Period, grade: Grade, seconds: float) -> int:
        return self._count_within(period, grade, desk_item.c.claimed_at, _CLAIM_WAITED, seconds)

    def count_first_words_within(self, period: Period, grade: Grade, seconds: float) -> int:
        return self._count_within(period, grade, desk_item.c.answered_at, _WORD_WAITED, seconds)

    def list_longer_claims(self, period: Period, grade: Grade, seconds: float) -> list[Wait]:
        return self._list_longer(period, grade, desk_item.c.claimed_at, _CLAIM_WAITED, seconds)

    def list_longer_first_words(self, period: Period, grade: Grade, seconds: float) -> list[Wait]:
        return self._list_longer(period, grade, desk_item.c.answered_at, _WORD_WAITED, seconds)

    def count_came(self, period: Period) -> Came:
        return Came(
            by_grade={Grade(key): count for key, count in self._group(period, desk_item.c.grade)},
            by_channel=dict(self._group(period, conversation.c.channel)),
            by_language=dict(self._group(period, _language())),
            by_hour_utc={
                _read_hour(key): count for key, count in self._group(period, utc_hour(desk_item.c.created_at))
            },
            left=self._count_left(_during(desk_item.c.created_at, period)),
        )

    def count_left_since(self, moment: datetime) -> tuple[int, int]:
        during = (desk_item.c.created_at >= moment,)
        query = sa.select(sa.func.count()).select_from(_ITEMS).where(*during, _NO_DRILL)
        return self._count_left(during), self._connection.execute(query).scalar_one()

    def count_regrades(self, period: Period) -> dict[str, int]:
        way = sa.case((regrade.c.to_grade < regrade.c.from_grade, "up"), else_="down")
        query = (
            sa.select(way, sa.func.count())
            .select_from(regrade.join(conversation, regrade.c.conversation_id == conversation.c.id))
            .where(*_during(regrade.c.at, period), regrade.c.by_id.is_not(None), _NO_DRILL)
            .group_by(sa.text("1"))
        )
        return {"up": 0, "down": 0} | _pairs(self._connection.execute(query))

    def count_outcomes(self, period: Period) -> dict[str, int]:
        query = (
            sa.select(desk_item.c.outcome, sa.func.count())
            .select_from(_ITEMS)
            .where(*_during(desk_item.c.closed_at, period), desk_item.c.outcome.is_not(None), _NO_DRILL)
            .group_by(desk_item.c.outcome)
        )
        return _pairs(self._connection.execute(query))

    def count_kept_informed(self, period: Period) -> tuple[int, int]:
        satisfied = sa.func.sum(sa.case((feedback.c.kept_informed >= SATISFIED, 1), else_=0))
        query = sa.select(satisfied, sa.func.count()).where(
            *_during(feedback.c.answered_at, period), feedback.c.kept_informed.is_not(None)
        )
        row = self._connection.execute(query).one()
        return row[0] or 0, row[1]

    def count_status_days(self, period: Period) -> tuple[int, int]:
        day = sa.func.substr(utc_hour(audit.c.at), 1, 10)
        told = (
            sa.select(audit.c.conversation_id, sa.func.min(audit.c.at).label("first_at"))
            .select_from(audit.join(conversation, audit.c.conversation_id == conversation.c.id))
            .where(
                act_is_measured(),
                audit.c.act == sa.literal_column(repr(STATUS_TOLD)),
                *_during(audit.c.at, period),
                _NO_DRILL,
            )
            .group_by(audit.c.conversation_id, day)
            .subquery()
        )
        after = seconds_between(told.c.first_at, desk_item.c.created_at)
        needed = sa.exists().where(
            desk_item.c.conversation_id == told.c.conversation_id, after >= 0, after <= DAY_SECONDS
        )
        without = sa.func.sum(sa.case((needed, 0), else_=1))
        row = self._connection.execute(sa.select(without, sa.func.count()).select_from(told)).one()
        return row[0] or 0, row[1]

    def count_code_clocks(self, first: date, last: date) -> dict[str, int]:
        # Grouped by the hour it was met in: the day is British, and few hours fall on a limit's last day.
        met = utc_hour(sa.func.coalesce(running_clock.c.met_at, running_clock.c.read_at))
        columns = (running_clock.c.status, running_clock.c.due_on, met)
        query = (
            sa.select(*columns, sa.func.count())
            .where(
                running_clock.c.due_on.between(first, last),
                running_clock.c.status != ClockStatus.VOID.value,
                running_clock.c.status != ClockStatus.UNDATED.value,
            )
            .group_by(*columns)
        )
        counts = {"met": 0, "late": 0, "open": 0}
        today = local_day(self._now)
        for status, due_on, hour, count in self._connection.execute(query):
            counts[_name_clock(status, due_on, hour, today)] += count
        return counts

    def _weigh(
        self, period: Period, ended_at: sa.ColumnElement[Any], waited: sa.ColumnElement[bool]
    ) -> list[WaitTimes]:
        """By nearest rank: the median of four is the second, and every figure is one that was."""
        seconds = seconds_between(desk_item.c.waiting_since, ended_at).label("seconds")
        ranked = (
            sa.select(
                desk_item.c.grade,
                seconds,
                sa.func.row_number().over(partition_by=desk_item.c.grade, order_by=seconds).label("place"),
                sa.func.count().over(partition_by=desk_item.c.grade).label("many"),
            )
            .select_from(_ITEMS)
            .where(*_during(desk_item.c.created_at, period), waited, ended_at.is_not(None), _NO_DRILL)
            .subquery()
        )
        at, many = ranked.c.place, ranked.c.many
        query = (
            sa.select(
                ranked.c.grade,
                sa.func.max(many),
                sa.func.max(sa.case((at == (many + 1) // 2, ranked.c.seconds))),
                sa.func.max(sa.case((at == (9 * many + 9) // 10, ranked.c.seconds))),
                sa.func.max(ranked.c.seconds),
            )
            .group_by(ranked.c.grade)
            .order_by(ranked.c.grade)
        )
        return [
            WaitTimes(grade=Grade(row[0]), count=row[1], median=row[2], p90=row[3], worst=row[4])
            for row in self._connection.execute(query)
        ]

    def _count_within(
        self,
        period: Period,
        grade: Grade,
        ended_at: sa.ColumnElement[Any],
        waited: sa.ColumnElement[bool],
        seconds: float,
    ) -> int:
        query = self._waits((sa.func.count(),), period, grade, waited).where(
            ended_at.is_not(None), seconds_between(desk_item.c.waiting_since, ended_at) <= seconds
        )
        found: int = self._connection.execute(query).scalar_one()
        return found

    def _list_longer(
        self,
        period: Period,
        grade: Grade,
        ended_at: sa.ColumnElement[Any],
        waited: sa.ColumnElement[bool],
        seconds: float,
    ) -> list[Wait]:
        is_longer = seconds_between(desk_item.c.waiting_since, ended_at) > seconds
        columns = (desk_item.c.waiting_since, ended_at)
        query = self._waits(columns, period, grade, waited).where(sa.or_(ended_at.is_(None), is_longer))
        return [Wait(grade=grade, since=row[0], ended_at=row[1]) for row in self._connection.execute(query)]

    def _waits(
        self, columns: Sequence[Any], period: Period, grade: Grade, waited: sa.ColumnElement[bool]
    ) -> sa.Select[Any]:
        return (
            sa.select(*columns)
            .select_from(_ITEMS)
            .where(
                *_during(desk_item.c.created_at, period),
                desk_item.c.grade == grade.value,
                waited,
                _NO_DRILL,
            )
        )

    def _group(self, period: Period, by: sa.ColumnElement[Any]) -> list[tuple[Any, int]]:
        named = by.label("of")
        query = (
            sa.select(named, sa.func.count())
            .select_from(_ITEMS)
            .where(*_during(desk_item.c.created_at, period), _NO_DRILL)
            .group_by(sa.text("1"))
        )
        return [(row[0], row[1]) for row in self._connection.execute(query)]

    def _count_left(self, during: tuple[sa.ColumnElement[bool], ...]) -> int:
        has_left = sa.exists().where(
            audit.c.conversation_id == desk_item.c.conversation_id,
            audit.c.act.in_(LEFT_ACTS),
            audit.c.at >= desk_item.c.created_at,
            sa.or_(desk_item.c.closed_at.is_(None), audit.c.at <= desk_item.c.closed_at),
        )
        query = (
            sa.select(sa.func.count())
            .select_from(_ITEMS)
            .where(
                *during,
                _NO_DRILL,
                desk_item.c.answered_at.is_(None),
                sa.or_(desk_item.c.outcome == Outcome.LEFT_BEFORE_ANSWER.value, has_left),
            )
        )
        return self._connection.execute(query).scalar_one()


def _during(moment: sa.ColumnElement[Any], period: Period) -> tuple[sa.ColumnElement[bool], ...]:
    return moment >= period.starts_at, moment < period.ends_at


def _language() -> sa.ColumnElement[str]:
    """The page's, for web chat; else that of the case they proved last; else not known."""
    of_page = (
        sa.select(sa.func.max(web_session.c.language))
        .where(
            web_session.c.external_id == conversation.c.external_id,
            conversation.c.channel == Channel.WEBCHAT.value,
        )
        .correlate(conversation)
        .scalar_subquery()
    )
    of_case = (
        sa.select(case.c.language)
        .join(standing, standing.c.crime_reference == case.c.crime_reference)
        .where(standing.c.conversation_id == conversation.c.id)
        .order_by(standing.c.id.desc())
        .limit(1)
        .correlate(conversation)
        .scalar_subquery()
    )
    return sa.func.coalesce(of_page, of_case, NOT_KNOWN)


def _name_clock(status: str, due_on: date, hour: str | None, today: date) -> str:
    if status == ClockStatus.MET.value and hour is not None:
        return "met" if local_day(_read_hour(hour)) <= due_on else "late"
    return "late" if due_on < today else "open"


def _read_hour(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def _pairs(rows: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}

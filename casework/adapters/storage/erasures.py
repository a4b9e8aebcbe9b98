"""Erasings: what each is about, what speaks against it, and taking the rows out, a few at a time."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.belongings import CASE, CONVERSATION, KEY_OF, PERSON
from casework.adapters.storage.keeping_tables import erasure, hold, record_export
from casework.adapters.storage.retention_rows import find_belongings, list_in_work, remove_some
from casework.adapters.storage.statements import insert, lock_rows, new_id
from casework.adapters.storage.tables import (
    IMPORT_HELD,
    case,
    conversation,
    held_import,
    inbox,
    opt_out,
    outbox,
    person,
    standing,
    status_in,
    throttle,
)
from casework.model.holds import (
    CLOSED_STAGES,
    ErasureReason,
    ErasureStage,
    LeftWhy,
    Refusal,
    Subject,
    SubjectKind,
)
from casework.model.messages import Channel, OutboxStatus
from casework.model.retention import RetentionRules
from casework.model.throttles import Tried
from casework.services.keeping_ports import Addresses, Counts, Covers, Erasure
from casework.services.throttles import name_bucket


class SqlErasures:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # --- the erasing itself -----------------------------------------------------------------------

    def record(
        self, subject: Subject, reason: ErasureReason, covers: Covers, *, stage: ErasureStage, by: str
    ) -> str | None:
        erasure_id = new_id()
        statement = insert(self._connection, erasure).values(
            id=erasure_id,
            subject_kind=subject.kind.value,
            subject_id=subject.id,
            reason=reason.value,
            asked_by=by,
            asked_at=self._now,
            covers=asdict(covers),
            stage=stage.value,
            counts={},
        )
        made = self._connection.execute(statement.on_conflict_do_nothing().returning(erasure.c.id)).first()
        return None if made is None else erasure_id

    def find(self, erasure_id: str) -> Erasure | None:
        row = self._connection.execute(sa.select(erasure).where(erasure.c.id == erasure_id)).first()
        return None if row is None else _erasure(row)

    def list_newest(self, *, limit: int) -> list[Erasure]:
        query = sa.select(erasure).order_by(erasure.c.asked_at.desc(), erasure.c.id).limit(limit)
        return [_erasure(row) for row in self._connection.execute(query)]

    def next_unfinished(self, stages: Collection[ErasureStage]) -> Erasure | None:
        query = (
            sa.select(erasure)
            .where(erasure.c.finished_at.is_(None), erasure.c.stage.in_([each.value for each in stages]))
            .order_by(erasure.c.asked_at, erasure.c.id)
            .limit(1)
        )
        row = self._connection.execute(lock_rows(self._connection, query, erasure)).first()
        return None if row is None else _erasure(row)

    def advance(self, erasure_id: str, stage: ErasureStage, done: Counts) -> None:
        before = self._connection.execute(
            sa.select(erasure.c.counts).where(erasure.c.id == erasure_id)
        ).scalar_one()
        values: dict[str, Any] = {"stage": stage.value, "counts": dict(Counter(before) + Counter(done))}
        if stage is ErasureStage.DONE:
            values |= {"finished_at": self._now, "covers": sa.null()}
        self._connection.execute(sa.update(erasure).where(erasure.c.id == erasure_id).values(**values))

    def stop(self, erasure_id: str, why: Refusal) -> None:
        self._connection.execute(
            sa.update(erasure)
            .where(erasure.c.id == erasure_id)
            .values(
                stage=ErasureStage.STOPPED.value,
                stopped_why=why.value,
                finished_at=self._now,
                covers=sa.null(),
            )
        )

    # --- what it is about -------------------------------------------------------------------------

    def find_covers(self, subject: Subject) -> Covers | None:
        if subject.kind is SubjectKind.CONVERSATION:
            found = sa.select(conversation.c.id).where(conversation.c.id == subject.id)
            conversations, cases, people = list(self._connection.execute(found).scalars()), [], list[str]()
        elif subject.kind is SubjectKind.PERSON:
            found = sa.select(person.c.id).where(person.c.id == subject.id)
            people = list(self._connection.execute(found).scalars())
            theirs = sa.select(case.c.crime_reference).where(case.c.person_id.in_(people))
            cases = sorted(self._connection.execute(theirs).scalars())
            conversations = sorted({*self._list_theirs_alone(cases), *self._list_of_their_number(subject.id)})
        else:
            return None
        if not conversations and not people:
            return None
        return Covers(
            conversations=tuple(conversations),
            cases=tuple(cases),
            people=tuple(people),
            proved=tuple(self._list_proved(conversations)),
            last_inbox_id=self._find_newest(conversations),
        )

    def _list_theirs_alone(self, cases: list[str]) -> list[str]:
        """Where somebody else has proved a case too, both wrote: a person decides, conversation by conversation."""
        theirs = sa.select(standing.c.conversation_id).where(standing.c.crime_reference.in_(cases))
        others = sa.select(standing.c.conversation_id).where(standing.c.crime_reference.not_in(cases))
        query = sa.select(conversation.c.id).where(
            conversation.c.id.in_(theirs), conversation.c.id.not_in(others)
        )
        return sorted(self._connection.execute(query).scalars())

    def _list_of_their_number(self, person_id: str) -> list[str]:
        """Where nothing was proved, and the number was nobody else's for as long as it was spoken there: the contact of
        record since before the first word, nobody doubts it, and no other person or case has it."""
        theirs, number = person.alias(), sa.select(person.c.contact_mobile).where(person.c.id == person_id)
        others = (
            sa.select(sa.literal(1)).where(
                theirs.c.contact_mobile == conversation.c.external_id, theirs.c.id != person_id
            ),
            sa.select(sa.literal(1)).where(
                case.c.contact_mobile == conversation.c.external_id,
                sa.or_(case.c.person_id.is_(None), case.c.person_id != person_id),
            ),
        )
        known_since = sa.select(person.c.created_at).where(
            person.c.id == person_id, person.c.contact_suspended_at.is_(None)
        )
        query = sa.select(conversation.c.id).where(
            conversation.c.external_id.in_(number.where(person.c.contact_mobile.is_not(None))),
            _is_by_number(),
            ~_is_proved_there(),
            conversation.c.created_at >= known_since.scalar_subquery(),
            *(~sa.exists(each.correlate(conversation)) for each in others),
        )
        return sorted(self._connection.execute(query).scalars())

    def list_left(self, subject: Subject) -> list[tuple[str, LeftWhy]]:
        covers = self.find_covers(subject)
        if covers is None or subject.kind is not SubjectKind.PERSON:
            return []
        gone = set(covers.conversations)
        shared = sa.select(standing.c.conversation_id).where(standing.c.crime_reference.in_(covers.cases))
        numbers = (
            sa.select(person.c.contact_mobile).where(
                person.c.id == subject.id, person.c.contact_mobile.is_not(None)
            ),
            sa.select(case.c.contact_mobile).where(
                case.c.person_id == subject.id, case.c.contact_mobile.is_not(None)
            ),
        )
        by_number = sa.select(conversation.c.id).where(
            sa.or_(*(conversation.c.external_id.in_(each) for each in numbers)),
            _is_by_number(),
            ~_is_proved_there(),
        )
        found = dict.fromkeys(self._connection.execute(by_number).scalars(), LeftWhy.NUMBER)
        found |= dict.fromkeys(self._connection.execute(shared).scalars(), LeftWhy.SHARED)
        return sorted((each, why) for each, why in found.items() if each not in gone)

    def list_unexported(self, covers: Covers) -> list[str]:
        said = sa.union_all(
            *(
                sa.select(table.c.conversation_id, at.label("at")).where(
                    table.c.conversation_id.in_(covers.conversations)
                )
                for table, at in ((inbox, inbox.c.received_at), (outbox, outbox.c.created_at))
            )
        ).subquery()
        known = sa.exists().where(
            record_export.c.conversation_id == said.c.conversation_id,
            record_export.c.covers_until >= said.c.at,
        )
        of_case = sa.exists().where(standing.c.conversation_id == said.c.conversation_id)
        query = sa.select(said.c.conversation_id).where(~known, of_case).distinct()
        return sorted(self._connection.execute(query).scalars())

    def _list_proved(self, conversations: Collection[str]) -> list[str]:
        query = sa.select(standing.c.crime_reference).where(standing.c.conversation_id.in_(conversations))
        return sorted(self._connection.execute(query.distinct()).scalars())

    def _find_newest(self, conversations: Collection[str]) -> int:
        query = sa.select(sa.func.max(inbox.c.id)).where(inbox.c.conversation_id.in_(conversations))
        return self._connection.execute(query).scalar() or 0

    def list_refusals(self, covers: Covers) -> list[Refusal]:
        found = [
            (Refusal.HELD, self._is_held(covers)),
            (Refusal.NEW_MESSAGE, self._find_newest(covers.conversations) > covers.last_inbox_id),
            (Refusal.IN_WORK, self._is_in_work(covers)),
            (Refusal.OPEN_CASE, self._has_open_case(covers)),
            (Refusal.IMPORT_WAITS, self._is_to_be_imported(covers)),
        ]
        return [refusal for refusal, is_so in found if is_so]

    def _is_held(self, covers: Covers) -> bool:
        # A case that was proved there, and whose case it is: a hold on either keeps what was said.
        cases = {*covers.cases, *covers.proved}
        of_cases = sa.select(case.c.person_id).where(case.c.crime_reference.in_(cases))
        named = {
            CONVERSATION: hold.c.subject_id.in_(covers.conversations),
            CASE: hold.c.subject_id.in_(cases),
            PERSON: sa.or_(hold.c.subject_id.in_(covers.people), hold.c.subject_id.in_(of_cases)),
        }
        which = sa.or_(*(sa.and_(hold.c.subject_kind == kind, is_named) for kind, is_named in named.items()))
        query = sa.select(hold.c.id).where(hold.c.lifted_at.is_(None), which).limit(1)
        return self._connection.execute(query).first() is not None

    def _is_in_work(self, covers: Covers) -> bool:
        mine = sa.select(conversation.c.id).where(conversation.c.id.in_(covers.conversations))
        busy = mine.where(conversation.c.id.in_(list_in_work())).limit(1)
        held = sa.select(outbox.c.id).where(
            outbox.c.conversation_id.in_(covers.conversations), outbox.c.status == OutboxStatus.HELD.value
        )
        return any(self._connection.execute(each).first() is not None for each in (busy, held.limit(1)))

    def _has_open_case(self, covers: Covers) -> bool:
        references = {*covers.cases, *covers.proved}
        query = sa.select(case.c.crime_reference).where(
            case.c.crime_reference.in_(references), case.c.stage.not_in(sorted(CLOSED_STAGES))
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def _is_to_be_imported(self, covers: Covers) -> bool:
        """Whether a case file that nobody decided on names one of the cases; one that was decided on is empty."""
        if not covers.cases:
            return False
        waiting = sa.select(held_import.c.id).where(status_in(held_import, IMPORT_HELD))
        sought = [each.encode() for each in covers.cases]
        for import_id in self._connection.execute(waiting).scalars().all():
            content = self._connection.execute(
                sa.select(held_import.c.content).where(held_import.c.id == import_id)
            ).scalar_one()
            if any(each in content for each in sought):
                return True
        return False

    def find_addresses(self, covers: Covers) -> Addresses:
        query = sa.select(conversation.c.channel, conversation.c.external_id).where(
            conversation.c.id.in_(covers.conversations)
        )
        ids = (
            sa.select(table.c.provider_message_id).where(
                table.c.conversation_id.in_(covers.conversations), table.c.provider_message_id.is_not(None)
            )
            for table in (inbox, outbox)
        )
        return Addresses(
            by_channel=[(Channel(row.channel), row.external_id) for row in self._connection.execute(query)],
            message_ids=frozenset(
                each for found in ids for each in self._connection.execute(found).scalars()
            ),
        )

    # --- taking rows out --------------------------------------------------------------------------

    def remove_addressed(self, covers: Covers) -> Counter[str]:
        done: Counter[str] = Counter()
        for channel, address in self.find_addresses(covers).by_channel:
            done[opt_out.name] += self._delete(
                opt_out, opt_out.c.channel == channel.value, opt_out.c.external_id == address
            )
        # A bucket is known by its index alone: those that begin with one of these are found, what else was counted
        # with one names nobody to anybody, and ends by itself.
        named = (*covers.conversations, *covers.cases, *covers.people)
        buckets = [name_bucket(tried, each) for each in named for tried in Tried]
        done[throttle.name] += self._delete(throttle, throttle.c.bucket.in_(buckets))
        return +done

    def _delete(self, table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
        return self._connection.execute(sa.delete(table).where(*which)).rowcount

    def remove_some(self, covers: Covers, rules: RetentionRules, *, limit: int) -> Counter[str]:
        belongings, theirs = find_belongings(rules), _as_subjects(covers)
        done: Counter[str] = Counter()
        for table in belongings.list_of_somebody():
            which = belongings.is_of(table, theirs)
            done += remove_some(self._connection, belongings, table, which, limit=limit)
            if done.total() >= limit:
                break
        return done

    def list_tables(self, rules: RetentionRules) -> list[str]:
        also = (opt_out, throttle)
        return sorted({*(each.name for each in (*find_belongings(rules).list_of_somebody(), *also))})


def _is_by_number() -> sa.ColumnElement[bool]:
    """Of somebody real, on a channel whose address is a phone number."""
    numbered = (Channel.SMS.value, Channel.WHATSAPP.value)
    return sa.and_(conversation.c.channel.in_(numbered), conversation.c.is_drill.is_(sa.false()))


def _is_proved_there() -> sa.ColumnElement[bool]:
    return sa.exists().where(standing.c.conversation_id == conversation.c.id).correlate(conversation)


def _as_subjects(covers: Covers) -> Mapping[str, sa.Select[Any]]:
    return {
        kind: sa.select(KEY_OF[kind]).where(KEY_OF[kind].in_(ids)).correlate(None)
        for kind, ids in covers.list_subjects().items()
    }


def _erasure(row: Any) -> Erasure:
    covers = row.covers
    return Erasure(
        id=row.id,
        subject=Subject(kind=SubjectKind(row.subject_kind), id=row.subject_id),
        reason=ErasureReason(row.reason),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        covers=None
        if covers is None
        else Covers(
            **{name: tuple(covers[name]) for name in ("conversations", "cases", "people", "proved")},
            last_inbox_id=covers["last_inbox_id"],
        ),
        stage=ErasureStage(row.stage),
        stopped_why=None if row.stopped_why is None else Refusal(row.stopped_why),
        counts=row.counts,
        finished_at=row.finished_at,
    )

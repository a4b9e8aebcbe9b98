"""What storage knows of whoever writes, and what either side said: raw, for the masking alone."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import correction, ending, staff_note
from casework.adapters.storage.conversations import hide_keys, list_told
from casework.adapters.storage.desk_tables import regrade
from casework.adapters.storage.tables import (
    case,
    code_request,
    conversation,
    inbox,
    outbox,
    person,
    staff_member,
    standing,
)
from casework.adapters.storage.workbench_tables import annotation
from casework.model.errors import MessageNotFound
from casework.model.masking import CaseValues, MaskKind
from casework.model.messages import Author, OutboxStatus
from casework.services.masking_ports import MarkedSpans, Said, Written

# Fewer figures than this are an extension or a short number that everybody may call.
FEWEST_OF_A_PHONE = 9
# What they may have read: an attempt whose outcome is not known counts.
LEFT = tuple(status.value for status in (OutboxStatus.SENT, OutboxStatus.SENDING, OutboxStatus.UNKNOWN))
# The kinds of a trainer's span that hide what it covers.
PERSONAL = frozenset({"personal", *(kind.value for kind in MaskKind)})


class SqlMaskingReads:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get_written(self, inbox_id: int) -> Written:
        found = self.list_written([inbox_id])
        if not found:
            raise MessageNotFound(inbox_id)
        return found[0]

    def list_written(self, inbox_ids: Sequence[int]) -> list[Written]:
        query = sa.select(inbox.c.id, inbox.c.conversation_id, inbox.c.text)
        rows = self._connection.execute(query.where(inbox.c.id.in_(inbox_ids)).order_by(inbox.c.id))
        return [Written(inbox_id=row.id, conversation_id=row.conversation_id, text=row.text) for row in rows]

    def list_around(self, inbox_id: int, *, before: int, after: int) -> list[Said]:
        here = self._connection.execute(sa.select(inbox).where(inbox.c.id == inbox_id)).first()
        if here is None:
            raise MessageNotFound(inbox_id)
        came = sa.select(inbox).where(inbox.c.conversation_id == here.conversation_id)
        went = sa.select(outbox).where(
            outbox.c.conversation_id == here.conversation_id, outbox.c.status.in_(LEFT)
        )
        at = here.received_at
        earlier = [
            *self._came(came.where(inbox.c.id < inbox_id).order_by(inbox.c.id.desc()).limit(before)),
            *self._went(went.where(outbox.c.created_at < at).order_by(outbox.c.id.desc()).limit(before)),
        ]
        later = [
            *self._came(came.where(inbox.c.id > inbox_id).order_by(inbox.c.id).limit(after)),
            *self._went(went.where(outbox.c.created_at >= at).order_by(outbox.c.id).limit(after)),
        ]
        return [*_in_order(earlier)[max(0, len(earlier) - before) :], _came(here), *_in_order(later)[:after]]

    def _came(self, query: sa.Select[Any]) -> list[Said]:
        return [_came(row) for row in self._connection.execute(query)]

    def _went(self, query: sa.Select[Any]) -> list[Said]:
        return [
            Said(at=row.created_at, author=Author(row.author), text=hide_keys(row))
            for row in self._connection.execute(query)
        ]

    def list_marked(self, inbox_id: int) -> list[MarkedSpans]:
        query = sa.select(annotation.c.text_sha, annotation.c.spans).where(
            annotation.c.inbox_id == inbox_id, annotation.c.undone_at.is_(None)
        )
        rows = self._connection.execute(query.order_by(annotation.c.made_at, annotation.c.id)).all()
        marked = [(row.text_sha, [span for span in row.spans if span[2] in PERSONAL]) for row in rows]
        return [
            MarkedSpans(text_sha=sha, spans=tuple((start, end, kind) for start, end, kind in spans))
            for sha, spans in marked
            if spans
        ]

    def find_values(self, conversation_id: str) -> CaseValues:
        rows = self._connection.execute(CASES_OF_CONVERSATION, {"of": conversation_id}).all()
        staff = self._connection.execute(STAFF_OF_CONVERSATION, {"of": conversation_id}).all()
        addresses = self._list_addresses(conversation_id)
        contacts = [
            contact for row in rows for contact in (row.contact_mobile, row.of_record, row.oic_contact)
        ]
        said = _distinct([*contacts, *addresses])
        numbers = [*(row.oic_collar_number for row in rows), *(row.collar_number for row in staff)]
        return CaseValues(
            names=_distinct([row.victim_name for row in rows]),
            officers=_distinct([*(row.oic_name for row in rows), *(row.display_name for row in staff)]),
            phones=tuple(value for value in said if _is_phone(value)),
            emails=_distinct([*(row.contact_email for row in rows), *(one for one in said if "@" in one)]),
            references=_distinct([row.crime_reference for row in rows]),
            others=_distinct(
                [*numbers, *(one for one in addresses if not _is_phone(one) and "@" not in one)]
            ),
        )

    def _list_addresses(self, conversation_id: str) -> list[str]:
        """The writer's own: of the channel, and what it told of them beside their words."""
        own = sa.select(conversation.c.external_id).where(conversation.c.id == conversation_id)
        found: list[Any] = list(self._connection.execute(own).scalars())
        for key in ("profile_name", "phone"):
            found += sorted(list_told(self._connection, conversation_id, key))
        return list(_distinct(found))


def _cases_of_conversation() -> sa.Select[Any]:
    of: sa.BindParameter[str] = sa.bindparam("of")
    proved = sa.select(standing.c.crime_reference).where(standing.c.conversation_id == of)
    # What was typed, whether or not a code was sent: it names a case if there is one.
    typed = sa.select(code_request.c.reference).where(code_request.c.conversation_id == of)
    bound = sa.select(code_request.c.crime_reference).where(
        code_request.c.conversation_id == of, code_request.c.crime_reference.is_not(None)
    )
    named = sa.or_(*(case.c.crime_reference.in_(those) for those in (proved, typed, bound)))
    same_people = sa.select(case.c.person_id).where(named, case.c.person_id.is_not(None))
    return (
        sa.select(case, person.c.contact_mobile.label("of_record"))
        .outerjoin(person, person.c.id == case.c.person_id)
        .where(sa.or_(named, case.c.person_id.in_(same_people)))
        .order_by(case.c.crime_reference)
    )


def _staff_of_conversation() -> sa.Select[Any]:
    """Whoever has it, answered in it or wrote of it: they sign with their names, and are called by them."""
    of: sa.BindParameter[str] = sa.bindparam("of")
    columns = (outbox.c.staff_id, ending.c.staff_id, correction.c.staff_id, staff_note.c.staff_id)
    known = [sa.select(column).where(column.table.c.conversation_id == of) for column in columns]
    known.append(sa.select(regrade.c.by_id).where(regrade.c.conversation_id == of))
    known.append(sa.select(conversation.c.owner_id).where(conversation.c.id == of))
    return (
        sa.select(staff_member.c.display_name, staff_member.c.collar_number)
        .where(staff_member.c.id.in_(sa.union(*known)))
        .order_by(staff_member.c.id)
    )


# Built once: asked for each message that a page shows.
CASES_OF_CONVERSATION = _cases_of_conversation()
STAFF_OF_CONVERSATION = _staff_of_conversation()


def _came(row: Any) -> Said:
    return Said(at=row.received_at, author=Author.PERSON, text=row.text, inbox_id=row.id)


def _in_order(said: list[Said]) -> list[Said]:
    """As it was said: what they wrote before what answers it in the same moment."""
    return sorted(said, key=lambda one: (one.at, one.inbox_id is None, one.inbox_id or 0))


def _is_phone(value: str) -> bool:
    return "@" not in value and len(re.sub(r"[^0-9]", "", value)) >= FEWEST_OF_A_PHONE


def _distinct(values: list[Any]) -> tuple[str, ...]:
    """In their order, each once, without what is empty."""
    return tuple(dict.fromkeys(value for value in values if value))

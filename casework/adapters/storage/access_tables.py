"""Requests for a copy of what is kept about somebody, and what was decided of each thing that may speak of others."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, of_service, sealed_rows
from casework.adapters.storage.tables import UtcDateTime, metadata

REQUEST_OPEN = ("looking", "ready")
_OPEN = sa.text("status IN ('looking', 'ready')")


def _staff(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), sa.ForeignKey("staff_member.id"), nullable=nullable)


# `identity`: how it was proved who asks, in words of staff. `due_on`: by law, moved once where it is put off.
access_request = sa.Table(
    "access_request",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("person_id", sa.String(32), sa.ForeignKey("person.id"), nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("asked_by", Sealed(), nullable=False),
    sa.Column("identity", Sealed(), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("put_off_why", Sealed(), nullable=True),
    # looking, ready, given, closed.
    sa.Column("status", sa.String(16), nullable=False),
    # Whether the copy names members of staff; without, it says their roles.
    sa.Column("names_staff", sa.Boolean, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    # NULL: they asked themselves, on their own page.
    _staff("opened_by", nullable=True),
    sa.Column("ready_at", UtcDateTime, nullable=True),
    _staff("ready_by", nullable=True),
    # Of the copy that was last made.
    sa.Column("copy_sha256", sa.String(64), nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    _staff("ended_by", nullable=True),
    sa.Column("ended_how", Sealed(), nullable=True),
    sa.Index("ix_access_request_person_id", "person_id"),
    # One at a time: two people must not decide differently of the same words.
    sa.Index("uq_access_request_open", "person_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    info=sealed_rows(row=["id"], owner="person_id"),
)

# The register of restrictions (Data Protection Act 2018 s.45(7)) is its rows with a reason.
access_decision = sa.Table(
    "access_decision",
    metadata,
    sa.Column("request_id", sa.String(32), sa.ForeignKey("access_request.id"), primary_key=True),
    # "table:key" of the row that was looked at.
    sa.Column("item", sa.String(160), primary_key=True),
    # Of what was read then: another text is looked at anew.
    sa.Column("digest", sa.String(64), nullable=False),
    # give, hold_back, not_theirs.
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(24), nullable=True),
    sa.Column("why", Sealed(), nullable=True),
    # Which parts, by column: places of the text, never its words. None: all of it.
    sa.Column("spans", sa.JSON, nullable=True),
    # Whether the person is told that something is held back: s.45(6).
    sa.Column("is_told", sa.Boolean, nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
    _staff("decided_by"),
    # The second person, for whatever is not given.
    sa.Column("agreed_at", UtcDateTime, nullable=True),
    _staff("agreed_by", nullable=True),
    info=sealed_rows(row=["request_id", "item"], owner=of_service),
)

"""The conversation page: notes, drafts, canned replies, summaries at hand-back, and what an item was about."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import Sealed, sealed_rows
from casework.adapters.storage.tables import Serial, UtcDateTime, metadata


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(32), primary_key=True)


def _conversation() -> sa.Column[str]:
    return sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), nullable=False)


def _staff(name: str = "staff_id", nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), sa.ForeignKey("staff_member.id"), nullable=nullable)


# Words of staff to staff. Nothing that sends reads this table.
staff_note = sa.Table(
    "staff_note",
    metadata,
    _id(),
    _conversation(),
    _staff(),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_staff_note_conversation_id", "conversation_id", "created_at"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

# A reply half written, one an author and conversation. It stays when the conversation changes hands.
draft = sa.Table(
    "draft",
    metadata,
    sa.Column("conversation_id", sa.String(32), sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), primary_key=True),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    info=sealed_rows(row=["conversation_id", "staff_id"], owner="conversation_id"),
)

# Every version is kept: the record of what was sent names one. The newest of a name is the one offered.
canned_reply = sa.Table(
    "canned_reply",
    metadata,
    _id(),
    sa.Column("name", sa.String(48), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("title", sa.String(96), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("is_offered", sa.Boolean, nullable=False),
    sa.Column("is_closing", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(48), nullable=False),
    sa.UniqueConstraint("name", "version"),
)

# "This is wrong", for whoever looks after the rules, the model and the case file.
correction = sa.Table(
    "correction",
    metadata,
    _id(),
    _conversation(),
    _staff(),
    sa.Column("block", sa.String(24), nullable=False),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sa.Column("handled_at", UtcDateTime, nullable=True),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

# What came of it, each time a person says so.
ending = sa.Table(
    "ending",
    metadata,
    _id(),
    _conversation(),
    _staff(),
    sa.Column("outcome", sa.String(32), nullable=False),
    sa.Column("log_number", sa.String(48), nullable=True),
    # yes, no, or sooner: it should have been before a person sooner than it was.
    sa.Column("was_urgent", sa.String(8), nullable=True),
    sa.Column("about", sa.String(48), nullable=True),
    # Up to here it speaks of; 0 where they had written nothing. What comes late belongs to the next one.
    sa.Column("last_inbox_id", Serial, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_ending_conversation_id", "conversation_id", "created_at"),
)

# One a message of the window that an ending speaks of. A suggestion: nothing is trained on it until a trainer agrees.
label_suggestion = sa.Table(
    "label_suggestion",
    metadata,
    _id(),
    sa.Column("ending_id", sa.String(32), sa.ForeignKey("ending.id"), nullable=False),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=False, index=True),
    sa.Column("was_urgent", sa.String(8), nullable=True),
    sa.Column("about", sa.String(48), nullable=True),
    # suggested, accepted, refused.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("ending_id", "inbox_id"),
)

# "What happened next", one row for each of those who had handled the conversation.
follow_up = sa.Table(
    "follow_up",
    metadata,
    _id(),
    _conversation(),
    _staff("to_staff_id"),
    _staff("by_staff_id"),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=True),
    sa.Index("ix_follow_up_to_staff_id", "to_staff_id", "created_at"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

# What may be said of a talk with a person, word for word as they approved it.
hand_back_summary = sa.Table(
    "hand_back_summary",
    metadata,
    _id(),
    _conversation(),
    _staff(),
    sa.Column("done", sa.String(32), nullable=False),
    sa.Column("next", sa.String(32), nullable=False),
    sa.Column("due_on", sa.Date, nullable=True),
    # The case whose link they had proved there then; without one it is nobody's but theirs who wrote that day.
    sa.Column("crime_reference", sa.String(32), sa.ForeignKey("case.crime_reference"), nullable=True),
    # As the conversation stood once it was handed back: the next owner's words take its place.
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=True),
    sa.Index("ix_hand_back_summary_conversation_id", "conversation_id", "created_at"),
    info=sealed_rows(row=["id"], owner="conversation_id"),
)

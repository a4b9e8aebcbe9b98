"""Models of the assistant: each that was trained, how it did, what it would change, and which one is live."""

import sqlalchemy as sa

from casework.adapters.storage.sealed import JSON, Sealed, of_service, row_key, sealed_rows
from casework.adapters.storage.tables import Serial, UtcDateTime, metadata


def _model(name: str = "model_id", *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False, primary_key=primary_key)


model_version = sa.Table(
    "model_version",
    metadata,
    _model(primary_key=True),
    # Its name in models/.
    sa.Column("file", sa.String(96), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("birth", sa.JSON, nullable=False),
    sa.Column("data_version", sa.Integer, nullable=True),
    # trained, refused, candidate, released, rolled_back.
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("paper", sa.Text, nullable=True),
    sa.Column("report", sa.JSON, nullable=True),
    sa.Column("trained_by", sa.String(48), nullable=False),
    sa.Column("trained_at", UtcDateTime, nullable=False, index=True),
)

# How a model read each message of a frozen set.
evaluation_answer = sa.Table(
    "evaluation_answer",
    metadata,
    _model(primary_key=True),
    sa.Column("set_name", sa.String(48), primary_key=True),
    sa.Column("item_key", sa.String(32), primary_key=True),
    sa.Column("outcome", sa.String(64), nullable=True),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("band", sa.String(8), nullable=False),
    sa.Column("tier", sa.Integer, nullable=True),
    sa.Column("urgency", sa.Float, nullable=True),
    sa.Column("is_caught", sa.Boolean, nullable=False),
    # Without the screen.
    sa.Column("is_caught_alone", sa.Boolean, nullable=False),
    sa.Column("is_right", sa.Boolean, nullable=False),
)

# What a model's newest evaluation found, whole: counts, rows by their ids, and messages that are invented.
model_evaluation = sa.Table(
    "model_evaluation",
    metadata,
    _model(primary_key=True),
    sa.Column("found", sa.JSON, nullable=False),
)

replay_answer = sa.Table(
    "replay_answer",
    metadata,
    _model(primary_key=True),
    sa.Column("turn_id", sa.String(32), primary_key=True),
    # Of what was asked: another mask or another state makes it another question.
    sa.Column("input_sha", sa.String(32), nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),
    sa.Index("ix_replay_answer_turn_id", "turn_id"),
)

comparison = sa.Table(
    "comparison",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _model(),
    _model("against_id"),
    # recent, disclosures, shadow.
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("turns", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("made_by", sa.String(48), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Index("ix_comparison_model_id_made_at", "model_id", "made_at"),
)

comparison_change = sa.Table(
    "comparison_change",
    metadata,
    sa.Column("comparison_id", sa.String(32), sa.ForeignKey("comparison.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("inbox_id", Serial, sa.ForeignKey("inbox.id"), nullable=True, index=True),
    sa.Column("set_name", sa.String(48), nullable=True),
    sa.Column("item_key", sa.String(32), nullable=True),
    # newly_right, newly_wrong, changed.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("is_risk", sa.Boolean, nullable=False),
    sa.Column("harm", sa.SmallInteger, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Index("ix_comparison_change_kind", "comparison_id", "is_risk", "kind", "harm"),
)

# Who has looked at which change.
comparison_opening = sa.Table(
    "comparison_opening",
    metadata,
    sa.Column("comparison_id", sa.String(32), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("staff_id", sa.String(32), sa.ForeignKey("staff_member.id"), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["comparison_id", "place"], ["comparison_change.comparison_id", "comparison_change.place"]
    ),
)

# The newest one released is live.
model_release = sa.Table(
    "model_release",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    _model(),
    # founding, promotion, rollback, upgrade.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("replaces", sa.String(64), nullable=True),
    sa.Column("proposed_by", sa.String(48), nullable=False),
    sa.Column("proposed_at", UtcDateTime, nullable=False),
    sa.Column("approved_by", sa.String(48), nullable=True),
    sa.Column("released_at", UtcDateTime, nullable=True),
    sa.Column("refused_at", UtcDateTime, nullable=True),
    sa.Column("reason", sa.String(500), nullable=False),
)
_released = sa.text("released_at IS NOT NULL")
_proposed = sa.text("released_at IS NULL AND refused_at IS NULL")
sa.Index("ix_model_release_released", model_release.c.id, sqlite_where=_released, postgresql_where=_released)
# One proposal at a time: only promotions are proposed.
sa.Index(
    "uq_model_release_proposed",
    model_release.c.kind,
    unique=True,
    sqlite_where=_proposed,
    postgresql_where=_proposed,
)

shadow = sa.Table(
    "shadow",
    metadata,
    # Of the comparison that grows with it.
    sa.Column("id", sa.String(32), primary_key=True),
    _model(),
    # Always 1: there is one seat, and one shadow at a time has it.
    sa.Column("seat", sa.SmallInteger, nullable=False),
    sa.Column("started_by", sa.String(48), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("last_inbox_id", Serial, nullable=False),
    sa.Column("unanswered", sa.Integer, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("ended_by", sa.String(48), nullable=True),
    sa.Column("why_ended", sa.String(24), nullable=True),
)
_shadowing = sa.text("ended_at IS NULL")
sa.Index("uq_shadow_seat", shadow.c.seat, unique=True, sqlite_where=_shadowing, postgresql_where=_shadowing)

guest_link = sa.Table(
    "guest_link",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    # In addresses of the desk, where the token's hash has no business.
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    _model(),
    sa.Column("group_name", sa.String(80), nullable=False),
    sa.Column("issued_by", sa.String(48), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
)

guest_message = sa.Table(
    "guest_message",
    metadata,
    sa.Column("id", Serial, primary_key=True, autoincrement=True),
    sa.Column("token_hash", sa.String(64), sa.ForeignKey("guest_link.token_hash"), nullable=False),
    sa.Column("visit", sa.String(32), nullable=False),
    row_key(),
    sa.Column("text", Sealed(), nullable=False),
    sa.Column("state", Sealed(JSON), nullable=True),
    sa.Column("responses", sa.JSON, nullable=False),
    sa.Column("said", Sealed(JSON), nullable=False),
    sa.Column("band", sa.String(8), nullable=False),
    sa.Column("tier", sa.Integer, nullable=True),
    sa.Column("at", UtcDateTime, nullable=False),
    # A trainer has seen it.
    sa.Column("handled_at", UtcDateTime, nullable=True),
    sa.Index("ix_guest_message_token_hash_visit_id", "token_hash", "visit", "id"),
    info=sealed_rows(row=["row_key"], owner=of_service),
)

"""The trainers' workbench: records of turns, review, annotations, examples, models, published words"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "data_version",
    "review_mark",
    "workbench_job",
    "annotation",
    "example",
    "review_item",
    "review_reason",
    "training_flag",
    "unmasking",
    "example_change",
    "turn_record",
    "comparison",
    "evaluation_answer",
    "guest_link",
    "model_release",
    "model_version",
    "replay_answer",
    "shadow",
    "guest_message",
    "comparison_change",
    "comparison_opening",
    "content_version",
    "told_content",
)


def upgrade() -> None:
    _add_columns()
    _add_workbench()
    _add_models()
    _add_content()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_label_suggestion_created_at", "label_suggestion")
    op.drop_index("ix_inbox_received_at", "inbox")
    op.drop_index("ix_ending_created_at", "ending")
    op.execute("ALTER TABLE conversation DROP COLUMN model_at")
    op.execute("ALTER TABLE conversation DROP COLUMN model_id")


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _partial(
    name: str, table: str, columns: list[str | sa.ColumnElement[Any]], *, where: str, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _add_columns() -> None:
    op.add_column("conversation", sa.Column("model_id", sa.String(64), nullable=True))
    op.add_column("conversation", _at("model_at", nullable=True))
    op.create_index("ix_ending_created_at", "ending", ["created_at"])
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])
    op.create_index("ix_label_suggestion_created_at", "label_suggestion", ["created_at"])


def _add_workbench() -> None:
    op.create_table(
        "data_version",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        _at("written_at"),
        sa.Column("by", sa.String(48), nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_data_version"),
    )
    op.create_table(
        "review_mark",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        _at("at"),
        sa.PrimaryKeyConstraint("name", name="pk_review_mark"),
    )
    op.create_table(
        "workbench_job",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(48), nullable=False),
        _at("asked_at"),
        _at("started_at", nullable=True),
        _at("finished_at", nullable=True),
        _at("stop_asked_at", nullable=True),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("says", sa.String(200), nullable=False),
        sa.Column("result", sa.JSON, nullable=True),
        sa.Column("fault", sa.String(500), nullable=True),
        sa.Column("leased_by", sa.String(32), nullable=True),
        _at("lease_until", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workbench_job"),
    )
    op.create_index("ix_workbench_job_asked_at", "workbench_job", ["asked_at"])
    _partial(
        "uq_workbench_job_unfinished",
        "workbench_job",
        ["kind"],
        where="status IN ('queued', 'running')",
        unique=True,
    )
    op.create_table(
        "annotation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("form_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("intent", sa.String(64), nullable=True),
        sa.Column("sub", sa.String(64), nullable=True),
        sa.Column("risks", sa.JSON, nullable=False),
        sa.Column("spans", sa.JSON, nullable=False),
        sa.Column("text_sha", sa.String(16), nullable=False),
        sa.Column("judgement", sa.String(24), nullable=True),
        sa.Column("was_blind", sa.Boolean, nullable=False),
        sa.Column("suggested", sa.JSON, nullable=True),
        sa.Column("seconds", sa.Float, nullable=False),
        _at("made_at"),
        _at("undone_at", nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_annotation_inbox_id_inbox"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name="fk_annotation_staff_id_staff_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
        sa.UniqueConstraint("form_id", name="uq_annotation_form_id"),
    )
    op.create_index("ix_annotation_staff_id_made_at", "annotation", ["staff_id", "made_at"])
    op.create_index("ix_annotation_inbox_id", "annotation", ["inbox_id"])
    _partial(
        "uq_annotation_decided",
        "annotation",
        ["inbox_id", "staff_id", "kind"],
        where="undone_at IS NULL AND act = 'decided'",
        unique=True,
    )
    op.create_table(
        "example",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=True),
        sa.Column("guest_message_id", SERIAL, nullable=True),
        sa.Column("conversation_id", sa.String(32), nullable=True),
        sa.Column("derived_from", sa.String(32), nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("intent", sa.String(64), nullable=True),
        sa.Column("category", sa.String(48), nullable=True),
        sa.Column("sub", sa.String(64), nullable=True),
        sa.Column("spans", sa.JSON, nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("scenario", sa.String(48), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("is_reworded", sa.Boolean, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False),
        sa.Column("accepted_by", sa.String(48), nullable=False),
        _at("accepted_at"),
        sa.Column("in_data_since", sa.Integer, nullable=True),
        sa.Column("in_data_until", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_example_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(["derived_from"], ["example.id"], name="fk_example_derived_from_example"),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_example_inbox_id_inbox"),
        sa.PrimaryKeyConstraint("id", name="pk_example"),
    )
    op.create_index("ix_example_conversation_id", "example", ["conversation_id"])
    op.create_index("ix_example_derived_from", "example", ["derived_from"])
    op.create_index("ix_example_side_status", "example", ["side", "status"])
    _partial("uq_example_accepted", "example", ["inbox_id"], where="status = 'accepted'", unique=True)
    op.create_table(
        "review_item",
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        _at("said_at"),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=True),
        sa.Column("category_seen", sa.String(48), nullable=True),
        sa.Column("tier_seen", sa.Integer, nullable=True),
        sa.Column("band_seen", sa.String(8), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("intent", sa.String(64), nullable=True),
        sa.Column("sub", sa.String(64), nullable=True),
        sa.Column("risks", sa.JSON, nullable=False),
        _at("settled_at", nullable=True),
        sa.Column("is_restricted", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_review_item_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_review_item_inbox_id_inbox"),
        sa.PrimaryKeyConstraint("inbox_id", name="pk_review_item"),
    )
    op.create_index("ix_review_item_conversation_id", "review_item", ["conversation_id"])
    op.create_index("ix_review_item_settled_at", "review_item", ["settled_at"])
    _partial("ix_review_item_third", "review_item", ["said_at"], where="status = 'needs_third'")
    op.create_table(
        "review_reason",
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("queue", sa.String(24), nullable=False),
        sa.Column("harm", sa.SmallInteger, nullable=False),
        _at("said_at"),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("cluster", sa.String(48), nullable=True),
        _at("settled_at", nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_review_reason_inbox_id_inbox"),
        sa.PrimaryKeyConstraint("inbox_id", "queue", name="pk_review_reason"),
    )
    _partial(
        "ix_review_reason_cluster",
        "review_reason",
        ["cluster"],
        where="settled_at IS NULL AND cluster IS NOT NULL",
    )
    _partial(
        "ix_review_reason_open",
        "review_reason",
        ["queue", "harm", sa.literal_column("said_at DESC"), "inbox_id"],
        where="settled_at IS NULL",
    )
    op.create_table(
        "training_flag",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=True),
        sa.Column("flag", sa.String(16), nullable=False),
        sa.Column("by", sa.String(48), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        _at("at"),
        _at("ended_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_training_flag_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_training_flag_inbox_id_inbox"),
        sa.PrimaryKeyConstraint("id", name="pk_training_flag"),
    )
    op.create_index("ix_training_flag_conversation_id", "training_flag", ["conversation_id"])
    op.create_table(
        "unmasking",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        _at("at"),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_unmasking_inbox_id_inbox"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name="fk_unmasking_staff_id_staff_member"),
        sa.PrimaryKeyConstraint("id", name="pk_unmasking"),
    )
    op.create_index("ix_unmasking_staff_id_at", "unmasking", ["staff_id", "at"])
    op.create_table(
        "example_change",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("example_id", sa.String(32), nullable=False),
        _at("at"),
        sa.Column("by", sa.String(48), nullable=False),
        sa.Column("what", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["example_id"], ["example.id"], name="fk_example_change_example_id_example"),
        sa.PrimaryKeyConstraint("id", name="pk_example_change"),
    )
    op.create_index("ix_example_change_example_id", "example_change", ["example_id"])
    op.create_table(
        "turn_record",
        sa.Column("turn_id", sa.String(32), nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        _at("at"),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("state", sa.JSON, nullable=True),
        sa.Column("standing", sa.String(24), nullable=False),
        sa.Column("code_pending", sa.Boolean, nullable=False),
        sa.Column("safe_question", sa.Boolean, nullable=False),
        sa.Column("earlier_ids", sa.JSON, nullable=False),
        sa.Column("intent", sa.String(64), nullable=True),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("runner_up", sa.String(64), nullable=True),
        sa.Column("runner_up_confidence", sa.Float, nullable=False),
        sa.Column("urgency", sa.Float, nullable=True),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("responses", sa.JSON, nullable=False),
        sa.Column("effects", sa.JSON, nullable=False),
        sa.Column("band", sa.String(8), nullable=False),
        sa.Column("tier", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_turn_record_conversation_id_conversation"
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_turn_record_inbox_id_inbox"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_turn_record_turn_id_turn"),
        sa.PrimaryKeyConstraint("turn_id", name="pk_turn_record"),
        sa.UniqueConstraint("inbox_id", name="uq_turn_record_inbox_id"),
    )
    op.create_index("ix_turn_record_conversation_id_inbox_id", "turn_record", ["conversation_id", "inbox_id"])


def _add_models() -> None:
    op.create_table(
        "comparison",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("against_id", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("made_by", sa.String(48), nullable=False),
        _at("made_at"),
        sa.PrimaryKeyConstraint("id", name="pk_comparison"),
    )
    op.create_index("ix_comparison_model_id_made_at", "comparison", ["model_id", "made_at"])
    op.create_table(
        "evaluation_answer",
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("set_name", sa.String(48), nullable=False),
        sa.Column("item_key", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=True),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("band", sa.String(8), nullable=False),
        sa.Column("tier", sa.Integer, nullable=True),
        sa.Column("urgency", sa.Float, nullable=True),
        sa.Column("is_caught", sa.Boolean, nullable=False),
        sa.Column("is_caught_alone", sa.Boolean, nullable=False),
        sa.Column("is_right", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "set_name", "item_key", name="pk_evaluation_answer"),
    )
    op.create_table(
        "guest_link",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("group_name", sa.String(80), nullable=False),
        sa.Column("issued_by", sa.String(48), nullable=False),
        _at("issued_at"),
        _at("expires_at"),
        _at("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_guest_link"),
        sa.UniqueConstraint("number", name="uq_guest_link_number"),
    )
    op.create_table(
        "model_release",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("replaces", sa.String(64), nullable=True),
        sa.Column("proposed_by", sa.String(48), nullable=False),
        _at("proposed_at"),
        sa.Column("approved_by", sa.String(48), nullable=True),
        _at("released_at", nullable=True),
        _at("refused_at", nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_release"),
    )
    _partial("ix_model_release_released", "model_release", ["id"], where="released_at IS NOT NULL")
    _partial(
        "uq_model_release_proposed",
        "model_release",
        ["kind"],
        where="released_at IS NULL AND refused_at IS NULL",
        unique=True,
    )
    op.create_table(
        "model_version",
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("file", sa.String(96), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("birth", sa.JSON, nullable=False),
        sa.Column("data_version", sa.Integer, nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("paper", sa.Text, nullable=True),
        sa.Column("report", sa.JSON, nullable=True),
        sa.Column("trained_by", sa.String(48), nullable=False),
        _at("trained_at"),
        sa.PrimaryKeyConstraint("model_id", name="pk_model_version"),
    )
    op.create_index("ix_model_version_trained_at", "model_version", ["trained_at"])
    op.create_table(
        "replay_answer",
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("turn_id", sa.String(32), nullable=False),
        sa.Column("input_sha", sa.String(32), nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "turn_id", name="pk_replay_answer"),
    )
    op.create_index("ix_replay_answer_turn_id", "replay_answer", ["turn_id"])
    op.create_table(
        "shadow",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("started_by", sa.String(48), nullable=False),
        _at("since"),
        _at("until"),
        sa.Column("last_inbox_id", SERIAL, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shadow"),
    )
    op.create_table(
        "guest_message",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("visit", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.JSON, nullable=True),
        sa.Column("responses", sa.JSON, nullable=False),
        sa.Column("said", sa.JSON, nullable=False),
        sa.Column("band", sa.String(8), nullable=False),
        sa.Column("tier", sa.Integer, nullable=True),
        _at("at"),
        _at("handled_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["token_hash"], ["guest_link.token_hash"], name="fk_guest_message_token_hash_guest_link"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guest_message"),
    )
    op.create_index("ix_guest_message_token_hash_visit_id", "guest_message", ["token_hash", "visit", "id"])
    op.create_table(
        "comparison_change",
        sa.Column("comparison_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("inbox_id", SERIAL, nullable=True),
        sa.Column("set_name", sa.String(48), nullable=True),
        sa.Column("item_key", sa.String(32), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("is_risk", sa.Boolean, nullable=False),
        sa.Column("harm", sa.SmallInteger, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["comparison.id"], name="fk_comparison_change_comparison_id_comparison"
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_comparison_change_inbox_id_inbox"),
        sa.PrimaryKeyConstraint("comparison_id", "place", name="pk_comparison_change"),
    )
    op.create_index("ix_comparison_change_inbox_id", "comparison_change", ["inbox_id"])
    op.create_index(
        "ix_comparison_change_kind", "comparison_change", ["comparison_id", "is_risk", "kind", "harm"]
    )
    op.create_table(
        "comparison_opening",
        sa.Column("comparison_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        _at("at"),
        sa.ForeignKeyConstraint(
            ["comparison_id", "place"],
            ["comparison_change.comparison_id", "comparison_change.place"],
            name="fk_comparison_opening_comparison_id_comparison_change",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name="fk_comparison_opening_staff_id_staff_member"
        ),
        sa.PrimaryKeyConstraint("comparison_id", "place", "staff_id", name="pk_comparison_opening"),
    )


def _add_content() -> None:
    op.create_table(
        "content_version",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("forms", sa.JSON, nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("review_by", sa.Date, nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("drafted_by", sa.String(48), nullable=False),
        _at("drafted_at"),
        sa.Column("approved_by", sa.String(48), nullable=True),
        _at("published_at", nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_version"),
        sa.UniqueConstraint("name", "version", name="uq_content_version_name_version"),
    )
    _partial("uq_content_version_draft", "content_version", ["name"], where="status = 'draft'", unique=True)
    _partial(
        "uq_content_version_published", "content_version", ["name"], where="status = 'published'", unique=True
    )
    op.create_table(
        "told_content",
        sa.Column("outbox_id", SERIAL, nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        _at("at"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_told_content_outbox_id_outbox"),
        sa.PrimaryKeyConstraint("outbox_id", "name", "version", name="pk_told_content"),
    )
    op.create_index("ix_told_content_name_version_at", "told_content", ["name", "version", "at"])

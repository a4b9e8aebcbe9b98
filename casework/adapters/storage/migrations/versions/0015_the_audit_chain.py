"""The audit is a chain: each record bound to the one before, never changed, and its heads signed"""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from casework.model.audit_chain import SHARDS, Entry, Head, begin_chain, chain, find_shard

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
MEASURED = "act IN ('conversation_read', 'conversation_claimed', 'status_told')"
CONVERSATION = "fk_audit_conversation_id_conversation"
BATCH = 5000
SAID = ("id", "at", "actor", "act", "conversation_id", "thing")
KEPT = ("audit", "audit_anchor")
Row = dict[str, Any]


def upgrade() -> None:
    _add_tables()
    if op.get_bind().dialect.name == "postgresql":
        _chain_on_postgresql()
        _refuse_change_on_postgresql()
    else:
        _chain_on_sqlite()
        _refuse_change_on_sqlite()


def downgrade() -> None:
    """The chain is gone after it: what was signed proves nothing any more."""
    if op.get_bind().dialect.name == "postgresql":
        for table in KEPT:
            op.execute(f"DROP TRIGGER {table}_is_only_added_to ON {table}")
        op.execute("DROP FUNCTION refuse_change_of_audit")
        op.drop_constraint("uq_audit_shard_seq", "audit")
        for column in _place_columns(nullable=True):
            op.drop_column("audit", column.name)
        op.create_foreign_key(CONVERSATION, "audit", "conversation", ["conversation_id"], ["id"])
    else:
        _unchain_on_sqlite()
    for table in ("anchor_place", "audit_anchor", "audit_head"):
        op.drop_table(table)


def _add_tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("shard", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("shard", name="pk_audit_head"),
    )
    op.create_table(
        "audit_anchor",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("signed_at", AT, nullable=False),
        sa.Column("signed", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_anchor"),
    )
    op.create_table(
        "anchor_place",
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("handed_number", sa.BigInteger, nullable=False),
        sa.Column("handed_at", AT, nullable=True),
        sa.Column("tried_at", AT, nullable=True),
        sa.Column("fault", sa.String(48), nullable=True),
        sa.PrimaryKeyConstraint("place", name="pk_anchor_place"),
    )


def _place_columns(*, nullable: bool) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("shard", sa.SmallInteger, nullable=nullable),
        sa.Column("seq", sa.BigInteger, nullable=nullable),
        sa.Column("hash", sa.String(64), nullable=nullable),
    )


# --- what is there already, chained in the order of its ids -----------------------------------------


def _chain_rows(table: str) -> Iterator[list[Row]]:
    """A few rows at a time, each with its place; at the end the heads are written."""
    connection = op.get_bind()
    source = sa.table(table, *(sa.column(name, AT if name == "at" else None) for name in SAID))
    heads = {shard: begin_chain(shard) for shard in range(SHARDS)}
    last = 0
    while True:
        query = sa.select(source).where(source.c.id > last).order_by(source.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            break
        last = rows[-1].id
        yield [_to_chained(row, heads) for row in rows]
    audit_head = sa.table("audit_head", *(sa.column(name) for name in ("shard", "seq", "hash")))
    for each in (head for head in heads.values() if head.seq > 0):  # a chain without a record has no head yet
        connection.execute(sa.insert(audit_head), {"shard": each.shard, "seq": each.seq, "hash": each.hash})


def _to_chained(row: Any, heads: dict[int, Head]) -> Row:
    at = row.at if row.at.tzinfo is not None else row.at.replace(tzinfo=UTC)
    entry = Entry(at, row.actor, row.act, row.conversation_id, row.thing)
    shard = find_shard(entry)
    [record] = chain(heads[shard], [entry])
    heads[shard] = Head(shard, record.seq, record.hash)
    said = {name: getattr(row, name) for name in SAID}
    return said | {"at": at, "shard": shard, "seq": record.seq, "hash": record.hash}


def _chain_on_postgresql() -> None:
    op.drop_constraint(CONVERSATION, "audit", type_="foreignkey")
    for column in _place_columns(nullable=True):
        op.add_column("audit", column)
    to_place = sa.text("UPDATE audit SET shard = :shard, seq = :seq, hash = :hash WHERE id = :id")
    for rows in _chain_rows("audit"):
        op.get_bind().execute(to_place, rows)
    for column in _place_columns(nullable=False):
        op.alter_column("audit", column.name, nullable=False)
    op.create_unique_constraint("uq_audit_shard_seq", "audit", ["shard", "seq"])


def _chain_on_sqlite() -> None:
    """SQLite cannot take a foreign key away: the rows move into a new table, ids and all."""
    _set_aside_on_sqlite()
    places = (*_place_columns(nullable=False), sa.UniqueConstraint("shard", "seq", name="uq_audit_shard_seq"))
    made = _make_on_sqlite(*places)
    for rows in _chain_rows("audit_before"):
        op.get_bind().execute(sa.insert(made), rows)
    op.drop_table("audit_before")


def _unchain_on_sqlite() -> None:
    _set_aside_on_sqlite()
    _make_on_sqlite(sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=CONVERSATION))
    said = ", ".join(SAID)
    op.execute(f"INSERT INTO audit ({said}) SELECT {said} FROM audit_before")
    op.drop_table("audit_before")


def _set_aside_on_sqlite() -> None:
    op.drop_index("ix_audit_conversation_id", "audit")
    op.drop_index("ix_audit_measured", "audit")
    op.rename_table("audit", "audit_before")


def _make_on_sqlite(*more: sa.schema.SchemaItem) -> sa.Table:
    made = op.create_table(
        "audit",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("actor", sa.String(48), nullable=False),
        sa.Column("act", sa.String(48), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=True),
        sa.Column("thing", sa.String(96), nullable=True),
        *more,
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_conversation_id", "audit", ["conversation_id"])
    op.create_index("ix_audit_measured", "audit", ["at"], sqlite_where=sa.text(MEASURED))
    return made


# --- nothing is changed or taken away -----------------------------------------------------------------


def _refuse_change_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()"
        )


def _refuse_change_on_sqlite() -> None:
    refusal = "BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"
    for table in KEPT:
        for act in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_refuses_{act.lower()} BEFORE {act} ON {table} {refusal}")
    # INSERT OR REPLACE takes a row away without asking the trigger of DELETE (sqlite.org/lang_conflict.html).
    for table, place in (
        ("audit", "id = NEW.id OR (shard = NEW.shard AND seq = NEW.seq)"),
        ("audit_anchor", "number = NEW.number"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {place}) {refusal}"
        )

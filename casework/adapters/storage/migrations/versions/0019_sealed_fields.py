"""Fields are sealed"""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from casework.adapters.storage.vaults import Vault

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

WORDS, BYTES, JSON = "words", "bytes", "json"
AT_ONCE = 500
AT_ONCE_LARGE = 10
CASE = "'case:' || crime_reference"
TALK_OR_CASE = f"coalesce(conversation_id, {CASE}, 'service')"
SERVICE = "'service'"
OF_MESSAGE = "(SELECT i.conversation_id FROM inbox i WHERE i.id = {}.inbox_id)"
OF_MEDIA = (
    "(SELECT i.conversation_id FROM inbound_media m JOIN inbox i ON i.id = m.inbox_id WHERE m.id = media_id)"
)
OF_ITEM = "(SELECT d.conversation_id FROM desk_item d WHERE d.id = quality_review.item_id)"

# Table: what names a row, whose it is, its sealed columns, and its columns that are found by an index.
SEALED: dict[str, tuple[tuple[str, ...], str, dict[str, str], tuple[str, ...]]] = {
    "conversation": (("id",), "id", {"state": JSON}, ("external_id",)),
    "inbox": (
        ("channel", "provider_message_id"),
        "conversation_id",
        {"text": WORDS, "raw": BYTES, "read_as": WORDS, "details": JSON},
        (),
    ),
    "outbox": (("dedupe_key",), "conversation_id", {"text": WORDS, "choices": JSON}, ("to",)),
    "person": (("id",), "id", {"plan": JSON}, ("contact_mobile",)),
    "case": (("crime_reference",), CASE, {"victim_name": WORDS}, ("contact_mobile", "contact_email")),
    "case_event": (("crime_reference", "event_id"), CASE, {"detail": WORDS}, ()),
    "held_import": (("id",), SERVICE, {"content": BYTES}, ()),
    "invite": (("id",), CASE, {}, ("sent_to",)),
    "officer_message": (("id",), TALK_OR_CASE, {"author_name": WORDS, "text": WORDS}, ()),
    "promise": (("id",), TALK_OR_CASE, {"words": WORDS}, ()),
    "web_session": (("token_hash",), SERVICE, {}, ("external_id",)),
    "opt_out": (("row_key",), SERVICE, {}, ("external_id",)),
    "inbound_media": (("inbox_id", "position"), OF_MESSAGE.format("inbound_media"), {"source": WORDS}, ()),
    "media_content": (("media_id",), OF_MEDIA, {"content": BYTES}, ()),
    "regrade": (("row_key",), "conversation_id", {"reason": WORDS}, ()),
    "transfer": (("id",), "conversation_id", {"reason": WORDS, "promised": WORDS}, ()),
    "staff_note": (("id",), "conversation_id", {"text": WORDS}, ()),
    "draft": (("conversation_id", "staff_id"), "conversation_id", {"text": WORDS}, ()),
    "correction": (("id",), "conversation_id", {"text": WORDS}, ()),
    "follow_up": (("id",), "conversation_id", {"text": WORDS}, ()),
    "hand_back_summary": (("id",), "conversation_id", {"text": WORDS}, ()),
    "rota_entry": (("id",), SERVICE, {"mobile": WORDS, "email": WORDS, "webhook": WORDS}, ()),
    "staff_notice": (("id",), SERVICE, {"to": WORDS}, ()),
    "staff_factor": (("staff_id",), SERVICE, {"secret": WORDS}, ()),
    "glass_opening": (("id",), "conversation_id", {"reason": WORDS, "review_words": WORDS}, ()),
    "broadcast": (("id",), SERVICE, {"text": WORDS}, ()),
    "quality_review": (("item_id",), OF_ITEM, {"words": WORDS}, ()),
    "turn_record": (("turn_id",), "conversation_id", {"state": JSON}, ()),
    "review_reason": (("inbox_id", "queue"), OF_MESSAGE.format("review_reason"), {}, ("cluster",)),
    "training_flag": (("id",), "conversation_id", {"why": WORDS}, ()),
    "unmasking": (("id",), OF_MESSAGE.format("unmasking"), {"reason": WORDS}, ()),
    "example": (("id",), SERVICE, {"text": WORDS}, ()),
    "hold": (("id",), SERVICE, {"why": WORDS, "lifted_why": WORDS}, ()),
    "access_request": (
        ("id",),
        "person_id",
        {"asked_by": WORDS, "identity": WORDS, "put_off_why": WORDS, "ended_how": WORDS},
        (),
    ),
    "access_decision": (("request_id", "item"), SERVICE, {"why": WORDS}, ()),
    "unusual_reading": (("id",), SERVICE, {"review_words": WORDS}, ()),
    "guest_message": (("row_key",), SERVICE, {"text": WORDS, "state": JSON, "said": JSON}, ()),
}
WITH_ROW_KEY = ("opt_out", "regrade", "guest_message")
LARGE = ("held_import", "media_content")
# Too short for an index of 64 digits.
WIDENED = (
    *(("person", "contact_mobile"), ("case", "contact_mobile")),
    *(("web_session", "external_id"), ("review_reason", "cluster")),
)


def upgrade() -> None:
    _add_tables()
    _change_columns()
    connection = op.get_bind()
    vault: Vault = connection.dialect.waymark_vault  # type: ignore[attr-defined]
    people = _rename_people(connection, vault)
    _index_throttles(connection, vault, people)
    for name in SEALED:
        _seal_table(connection, vault, name)
    vault.note_field(connection)
    vault.note_index(connection, vault.newest_index)


def downgrade() -> None:
    # What is sealed stays sealed: only a database that holds nothing yet goes back.
    if op.get_bind().execute(sa.text("SELECT 1 FROM data_key")).first() is not None:
        raise RuntimeError("Something is sealed: restore the backup from before the upgrade instead.")
    if op.get_bind().dialect.name == "postgresql":
        for table, (_, _, columns, _) in SEALED.items():
            for column, kind in columns.items():
                _to_what_it_was(table, column, kind)
    for table, (_, _, _, found) in SEALED.items():
        for column in found:
            op.drop_column(table, f"{column}_sealed")
    for table in WITH_ROW_KEY:
        op.drop_column(table, "row_key")
    op.drop_column("inbox", "told_index")
    op.drop_table("key_check")
    op.drop_table("data_key")


def _to_what_it_was(table: str, column: str, kind: str) -> None:
    if kind == BYTES:
        op.alter_column(
            table, column, type_=sa.LargeBinary(), postgresql_using=f"decode(\"{column}\", 'base64')"
        )
    elif kind == JSON:
        op.alter_column(table, column, type_=sa.JSON(), postgresql_using=f'"{column}"::json')


def _add_tables() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_key"),
        sa.UniqueConstraint("owner", name="uq_data_key_owner"),
    )
    op.create_index("ix_data_key_key_version", "data_key", ["key_version"])
    op.create_table(
        "key_check",
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("made", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name="pk_key_check"),
    )


def _change_columns() -> None:
    op.add_column("inbox", sa.Column("told_index", sa.String(64), nullable=True))
    for table in WITH_ROW_KEY:
        op.add_column(table, sa.Column("row_key", sa.String(32), nullable=False, server_default=""))
    for table, (_, _, _, found) in SEALED.items():
        for column in found:
            op.add_column(table, sa.Column(f"{column}_sealed", sa.Text, nullable=True))
    # SQLite holds any text in any column: what a column was declared as stays, and means nothing.
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in WIDENED:
        op.alter_column(table, column, type_=sa.String(64))
    for table, (_, _, columns, _) in SEALED.items():
        for column, kind in columns.items():
            as_text = f"encode(\"{column}\", 'base64')" if kind == BYTES else f'"{column}"::text'
            op.alter_column(table, column, type_=sa.Text(), postgresql_using=as_text)


def _rename_people(connection: sa.Connection, vault: Vault) -> dict[str, str]:
    """A person's id was made of their name and number, without a key: from now on it is drawn. Old ids to new ones."""
    columns = [each["name"] for each in sa.inspect(connection).get_columns("person")]
    person = sa.table("person", *(sa.column(name) for name in columns))
    renamed: dict[str, str] = {}
    for row in connection.execute(sa.select(person)).mappings().all():
        new = renamed[row["id"]] = secrets.token_hex(16)
        values = dict(row) | {"id": new, "match_key": vault.index(row["match_key"])}
        connection.execute(sa.insert(person).values(values))
        for child in ("case", "credential", "passkey", "access_request"):
            table = sa.table(child, sa.column("person_id"))
            connection.execute(sa.update(table).where(table.c.person_id == row["id"]).values(person_id=new))
        connection.execute(sa.delete(person).where(person.c.id == row["id"]))
    return renamed


def _index_throttles(connection: sa.Connection, vault: Vault, people: dict[str, str]) -> None:
    throttle = sa.table("throttle", sa.column("bucket"))
    for bucket in connection.execute(sa.select(throttle.c.bucket)).scalars().all():
        kind, colon, of = bucket.partition(":")
        if not colon:
            continue
        index = f"{kind}:{vault.index(f'{kind}:{people.get(of, of)}')}"
        connection.execute(sa.update(throttle).where(throttle.c.bucket == bucket).values(bucket=index))


def _seal_table(connection: sa.Connection, vault: Vault, name: str) -> None:
    row, owner, columns, found = SEALED[name]
    keys = sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]
    names = dict.fromkeys((*keys, *row, *columns, *found))
    written = ("told_index", "row_key", *(f"{each}_sealed" for each in found))
    table = sa.table(name, *(sa.column(each) for each in dict.fromkeys((*names, *written))))
    query = sa.select(*(table.c[each] for each in names), sa.literal_column(owner).label("whose"))
    done = 0
    for rows in _in_parts(connection, query, [table.c[key] for key in keys], large=name in LARGE):
        vault.prepare(connection, {each["whose"] for each in rows})
        for each in rows:
            same = [table.c[key] == each[key] for key in keys]
            values = _sealed(connection, vault, name, each)
            connection.execute(sa.update(table).where(*same).values(values))
        done += len(rows)
        _say(name, done)


def _in_parts(
    connection: sa.Connection, query: sa.Select[Any], keys: list[Any], *, large: bool
) -> Iterator[list[Any]]:
    ordered = query.order_by(*keys).limit(AT_ONCE_LARGE if large else AT_ONCE)
    rows = connection.execute(ordered).mappings().all()
    while rows:
        yield list(rows)
        last = [sa.literal(rows[-1][key.name]) for key in keys]
        rows = connection.execute(ordered.where(sa.tuple_(*keys) > sa.tuple_(*last))).mappings().all()


def _sealed(connection: sa.Connection, vault: Vault, name: str, values: Any) -> dict[str, Any]:
    row, _, columns, found = SEALED[name]
    made: dict[str, Any] = {}
    if "row_key" in row:
        made["row_key"] = secrets.token_hex(16)
    about = "|".join(str(made.get(each, values[each])) for each in row)
    key = vault.get_for_writing(connection, values["whose"])

    def seal(column: str, words: bytes) -> None:
        made[column] = key.seal(words, f"{name}.{column}|{about}")

    for column, kind in columns.items():
        words = _read(kind, values[column])
        if words is not None:
            seal(column, words)
        elif values[column] is not None:
            made[column] = None
    for column in found:
        if values[column] is not None:
            seal(f"{column}_sealed", values[column].encode())
            made[column] = vault.index(values[column])
    if name == "inbox" and (told := _read(JSON, values["details"])):
        made["told_index"] = _index_of_told(vault.index, json.loads(told))
    return made


def _read(kind: str, value: Any) -> bytes | None:
    if value is None:
        return None
    if kind == BYTES:
        return base64.b64decode(value) if isinstance(value, str) else bytes(value)
    text = str(value)
    # An empty value of JSON was stored as the word null.
    return None if kind == JSON and text == "null" else text.encode()


def _index_of_told(index: Callable[[str], str], details: dict[str, Any]) -> str | None:
    told = [details.get("phone"), details.get("profile_name")]
    return index(json.dumps(told)) if any(told) else None


def _say(table: str, rows: int) -> None:
    say = context.config.attributes.get("say")
    if say is not None and rows >= AT_ONCE:
        say(f"Sealing what is stored: {table}, {rows} rows")

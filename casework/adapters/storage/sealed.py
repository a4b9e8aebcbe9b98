"""Columns that hold nobody's words in the clear: sealed ones, and those found again by a keyed index.

A table says what its sealed rows are called and whose they are: `info=sealed_rows(row=..., owner=...)`. Reading is as
ever, `select(inbox.c.text)`: the database hands over the column's name and the row's beside what is sealed, and all
three must fit. Writing takes what `seal` made of the values; a bare word is refused. No condition may look inside a
sealed column; one that has to be found has an index (`BlindIndex`) and is compared whole.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators

from casework.adapters.storage.statements import new_id
from casework.adapters.vault.data_keys import DataKey, FieldUnreadable, KeyDestroyed
from casework.model.erased import Erased, load_erased

SERVICE = "service"  # the owner of what is nobody's own: secrets and contacts of staff
BESIDE = "_sealed"  # the column with the words beside the column with their index
ROW_KEY = "row_key"
SEPARATOR = "|"
WORDS, BYTES, JSON = "words", "bytes", "json"
_SAYS_SO = object()
_MAY_ASK = (operators.is_, operators.is_not)
_WHOLE = (*_MAY_ASK, operators.eq, operators.ne, operators.in_op, operators.not_in_op)
Values = Mapping[str, Any]


class Ciphertext(str):
    """What `seal` made, for one column of one row."""

    __slots__ = ()


class Sealing(Protocol):
    """What the columns ask of a database's vault: see vaults.py."""

    def get_for_writing(self, connection: sa.Connection, owner: str) -> DataKey: ...

    def prepare(self, connection: sa.Connection, owners: Iterable[str]) -> None: ...

    def open(self, text: str, about: str) -> bytes: ...

    def index(self, text: str) -> str: ...


def find_vault(dialect: sa.Dialect) -> Sealing:
    """The vault that `create_engine` hung on the engine's dialect."""
    vault: Sealing | None = getattr(dialect, "waymark_vault", None)
    if vault is None:
        raise TypeError("This engine has no keys: make it with storage.database.create_engine.")
    return vault


@dataclass(frozen=True)
class SealedRows:
    """`row`: columns known before the insert that no other row has together. `owner`: whose key, by those values."""

    row: tuple[str, ...]
    owner: Callable[[Values], str]


def sealed_rows(*, row: Sequence[str], owner: str | Callable[[Values], str]) -> dict[str, SealedRows]:
    """For a table's `info`. `owner`: a column, or what finds the owner in the values of a row."""
    find = owner if callable(owner) else lambda values: str(values[owner])
    return {"sealed_rows": SealedRows(tuple(row), find)}


def of_service(_values: Values) -> str:
    return SERVICE


def of_case(crime_reference: str) -> str:
    """The owner of what is kept of a case."""
    return f"case:{crime_reference}"


class _Closed(sa.types.TypeDecorator[Any]):
    """What both kinds of column share: what they hold may be compared with nothing in SQL."""

    impl = sa.Text
    cache_ok = True

    class Comparator(sa.types.TypeDecorator.Comparator[Any], sa.Text.Comparator[Any]):
        def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> Any:
            if op in _MAY_ASK or (other and other[0] is None):
                return super().operate(op, *other, **kwargs)
            return _refuse(self.expr)

        def reverse_operate(self, op: operators.OperatorType, other: Any, **kwargs: Any) -> NoReturn:
            _refuse(self.expr)

    comparator_factory = Comparator


def _refuse(what: object) -> NoReturn:
    raise TypeError(f"{what} is sealed: no condition and no order can look inside it. See docs/keys.md.")


class Sealed(_Closed):
    """Words, bytes or JSON under the key of their owner; NULL stays NULL.

    `erased`: what is read once the key was destroyed on purpose, or what makes it; else the words that say so, and of
    bytes none.
    """

    cache_ok = True

    def __init__(self, kind: str = WORDS, *, erased: Any = _SAYS_SO) -> None:
        super().__init__()
        self.kind = kind
        self.erased = erased

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        if value is None or type(value) is Ciphertext:
            return value
        raise TypeError("A sealed column takes what seal() made, and nothing else.")

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(_with_place(column, ""), self)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        opened = _open(value, dialect)
        if not isinstance(opened, Erased):
            return _decode(self.kind, opened)
        if self.erased is not _SAYS_SO:
            return self.erased() if callable(self.erased) else self.erased
        return b"" if self.kind == BYTES else opened


class SealedBeside(_Closed):
    """The words of an indexed column, which reads them; by itself this one gives what is sealed."""

    cache_ok = True
    process_bind_param = Sealed.process_bind_param


class BlindIndex(sa.types.TypeDecorator[str]):
    """Holds an index of a text: 64 hex digits by the index key, of any text bound to it, in `where` and in `values`.

    `has_words`: the text itself is sealed in the column beside, and reading this one gives it. Two such columns join as
    ever. Without, reading gives the index.
    """

    impl = sa.String
    cache_ok = True

    class Comparator(sa.types.TypeDecorator.Comparator[str], sa.String.Comparator[str]):
        def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> Any:
            return super().operate(op, *other, **kwargs) if op in _WHOLE else _refuse(self.expr)

    comparator_factory = Comparator

    def __init__(self, length: int = 64, *, has_words: bool = False, keeps_kind: bool = False) -> None:
        """`keeps_kind`: what comes before the first colon stays readable."""
        super().__init__(length)
        self.length = length
        self.has_words = has_words
        self.keeps_kind = keeps_kind

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        kind, colon, _ = value.partition(":")
        if self.keeps_kind and not colon:
            return value
        index = find_vault(dialect).index(value)
        return f"{kind}:{index}" if self.keeps_kind else index

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(_with_place(column, BESIDE), self) if self.has_words else column

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None or not self.has_words:
            return value
        opened = _open(value, dialect)
        return opened if isinstance(opened, Erased) else opened.decode()


def indexed(name: str, *, nullable: bool, length: int = 64, **kwargs: Any) -> tuple[sa.Column[Any], ...]:
    """A text that is looked up, in its two columns: its index by that name, and its words beside."""
    return (
        sa.Column(name, BlindIndex(length, has_words=True), nullable=nullable, **kwargs),
        sa.Column(f"{name}{BESIDE}", SealedBeside(), nullable=True),
    )


def row_key() -> sa.Column[Any]:
    """What names a sealed row that has no other name before it is inserted: random, drawn by `seal`."""
    return sa.Column(ROW_KEY, sa.String(32), nullable=False, server_default="")


@compiles(sa.Insert)
@compiles(sa.Update)
def _compile_whole(statement: Any, compiler: Any, **kwargs: Any) -> str:
    """Refuses a statement that writes an index without its words, or words without their index."""
    named = {getattr(key, "name", key) for key in statement._values or ()} | set(compiler.column_keys or ())
    for column in statement.table.c:
        if isinstance(column.type, SealedBeside):
            name = column.name.removesuffix(BESIDE)
            if (name in named) != (column.name in named):
                raise TypeError(f"{statement.table.name}.{name} is written without what seal() makes of it.")
    is_insert = isinstance(statement, sa.Insert)
    visit = compiler.visit_insert if is_insert else compiler.visit_update
    written: str = visit(statement, **kwargs)
    return written


def _with_place(column: sa.ColumnElement[Any], beside: str) -> sa.ColumnElement[Any]:
    """table.column|row|what is sealed, as SQL."""
    plain = column.element if isinstance(column, sa.Label) else column
    source = getattr(plain, "table", None)
    table = source
    while isinstance(table, sa.FromClause) and not isinstance(table, sa.Table) and hasattr(table, "element"):
        table = table.element
    if not isinstance(table, sa.Table) or source is None:
        _refuse(column)
    name = f"{plain.name}{beside}"
    parts = [
        sa.cast(source.c[each], sa.Text) if _is_number(table, each) else source.c[each]
        for each in _rows(table).row
    ]
    whole: Any = sa.literal_column(f"'{table.name}.{name}{SEPARATOR}'", sa.Text)
    for part in parts:
        whole = whole.concat(sa.type_coerce(part, sa.Text)).concat(_SEPARATOR)
    return whole.concat(sa.type_coerce(source.c[name], sa.Text))  # type: ignore[no-any-return]


_SEPARATOR = sa.literal_column(f"'{SEPARATOR}'", sa.Text)


def _is_number(table: sa.Table, name: str) -> bool:
    return not isinstance(table.c[name].type, sa.String | BlindIndex)


def _rows(table: sa.Table) -> SealedRows:
    rows: SealedRows = table.info["sealed_rows"]
    return rows


def _open(value: str, dialect: sa.Dialect) -> bytes | Erased:
    """The one place where a key that was destroyed on purpose becomes words; whatever else is wrong is raised."""
    about, _, text = value.rpartition(SEPARATOR)
    try:
        return find_vault(dialect).open(text, about)
    except KeyDestroyed:
        return load_erased()


# --- writing -------------------------------------------------------------------------------------


def seal(
    connection: sa.Connection, table: sa.Table, values: Values, *, owner: str | None = None
) -> dict[str, Any]:
    """The values of one row, those of sealed columns sealed for it; for an INSERT, or to take some into an UPDATE.

    They must name the row (and its owner, unless that is given). Makes the owner's key if this is its first use.
    """
    [sealed] = seal_all(connection, table, [values], owner=owner)
    return sealed


def seal_all(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Values], *, owner: str | None = None
) -> list[dict[str, Any]]:
    """The same for many rows of one table; their owners' keys are found and made together."""
    targets = _targets(table)
    if not targets:
        return [dict(values) for values in rows]
    vault, named = find_vault(connection.dialect), _rows(table)
    if len(rows) > 1 and owner is None:
        vault.prepare(connection, {named.owner(values) for values in rows if _has_words(targets, values)})
    return [_seal(connection, vault, table, values, owner) for values in rows]


def _has_words(targets: Sequence["_Target"], values: Values) -> bool:
    return any(values.get(target.name) is not None for target in targets)


def _seal(
    connection: sa.Connection, vault: Sealing, table: sa.Table, values: Values, owner: str | None
) -> dict[str, Any]:
    sealed, named, targets = dict(values), _rows(table), _targets(table)
    sealed |= {target.column: None for target in targets if target.name in values}
    if ROW_KEY in named.row:
        sealed.setdefault(ROW_KEY, new_id())
    if not _has_words(targets, values):
        return sealed
    key = vault.get_for_writing(connection, owner or named.owner(values))
    row = SEPARATOR.join(str(sealed[name]) for name in named.row)
    for target in targets:
        value = values.get(target.name)
        if isinstance(value, Erased):
            raise FieldUnreadable(f"{target.about}: what was erased is not written anew.")
        if value is not None:
            about = f"{target.about}{SEPARATOR}{row}"
            sealed[target.column] = Ciphertext(key.seal(_encode(target.kind, value), about))
    return sealed


@dataclass(frozen=True)
class _Target:
    """`column` takes what is sealed of the value by that name."""

    name: str
    column: str
    kind: str
    about: str


@cache
def _targets(table: sa.Table) -> tuple[_Target, ...]:
    found = []
    for column in table.c:
        if isinstance(column.type, BlindIndex) and column.type.has_words:
            beside = f"{column.name}{BESIDE}"
            found.append(_Target(column.name, beside, WORDS, f"{table.name}.{beside}"))
        elif isinstance(column.type, Sealed):
            found.append(_Target(column.name, column.name, column.type.kind, f"{table.name}.{column.name}"))
    return tuple(found)


def _encode(kind: str, value: Any) -> bytes:
    if kind == BYTES:
        return bytes(value)
    return (json.dumps(value, ensure_ascii=False) if kind == JSON else value).encode()


def _decode(kind: str, opened: bytes) -> Any:
    if kind == BYTES:
        return opened
    return json.loads(opened) if kind == JSON else opened.decode()

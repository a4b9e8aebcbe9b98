"""Whose data key is destroyed, and which still need an older version of the key that wraps them."""

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from casework.adapters.storage.key_tables import FIELD, data_key, key_check
from casework.adapters.storage.sealed import SealedRows, of_case
from casework.adapters.storage.statements import lock_rows
from casework.adapters.storage.tables import metadata, of_its_case, of_talk_or_case
from casework.adapters.storage.vaults import Vault

AT_ONCE = 500
WRAPPED_BYTES = 60  # as long as what it overwrites: a nonce, a key, a tag


class SqlDataKeys:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def shred(self, owner: str) -> bool:
        """Everything sealed for this owner is gone for good, in every backup of the database too; False: had no key.

        The row is overwritten before it goes, and the owner is noted outside the database as soon as this is committed:
        a restored copy of the keys never brings it back.
        """
        return shred_where(self._connection, data_key.c.owner == owner) > 0

    def list_unused(self, *, limit: int) -> list[str]:
        """Keys of cases of which nothing is left, by their names. All keys are looked at: for a read, not a write."""
        query = sa.select(data_key.c.id).where(_is_unused()).order_by(data_key.c.id).limit(limit)
        return list(self._connection.execute(query).scalars())

    def shred_unused(self, key_ids: Collection[str]) -> int:
        """Those of them that are unused still, as `shred` does; how many."""
        query = sa.select(data_key.c.id).where(data_key.c.id.in_(key_ids))
        # Locked first, and then looked at again: somebody may just have sealed something with one.
        locked = self._connection.execute(lock_rows(self._connection, query, data_key)).scalars().all()
        return shred_where(self._connection, sa.and_(data_key.c.id.in_(locked), _is_unused()))

    def drop_unused(self, owner: str) -> None:
        """A key that was made in this transaction and sealed nothing that is kept."""
        self._connection.execute(sa.delete(data_key).where(data_key.c.owner == owner))

    def count_older(self) -> int:
        """Rows on an old key: wrapped by a version that is not the newest."""
        older = data_key.c.key_version < self._vault.newest
        return self._connection.execute(sa.select(sa.func.count()).where(older)).scalar_one()

    def rewrap_some(self, *, limit: int = AT_ONCE) -> int:
        """Wraps that many of them with the newest version; how many it found. What they seal is not touched."""
        vault = self._vault
        query = sa.select(data_key).where(data_key.c.key_version < vault.newest).limit(limit)
        rows = self._connection.execute(query.with_for_update(skip_locked=True)).all()
        for row in rows:
            version, wrapped = vault.rewrap(row)
            self._connection.execute(
                sa.update(data_key)
                .where(data_key.c.id == row.id, data_key.c.key_version == row.key_version)
                .values(wrapped=wrapped, key_version=version)
            )
        return len(rows)

    def count(self) -> int:
        return self._connection.execute(sa.select(sa.func.count()).select_from(data_key)).scalar_one()

    def forget_version(self, version: int) -> None:
        """No start asks the key file for this version any more."""
        self._connection.execute(
            sa.delete(key_check).where(key_check.c.kind == FIELD, key_check.c.version == version)
        )

    def count_of_version(self, version: int) -> int:
        query = sa.select(sa.func.count()).where(data_key.c.key_version == version)
        return self._connection.execute(query).scalar_one()

    @property
    def _vault(self) -> Vault:
        return _find_vault(self._connection)


def shred_where(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """Destroys those keys, as `SqlDataKeys.shred` does; how many there were."""
    rows = connection.execute(sa.select(data_key.c.id, data_key.c.owner).where(which)).all()
    for row in rows:
        of = data_key.c.id == row.id
        connection.execute(sa.update(data_key).where(of).values(wrapped=bytes(WRAPPED_BYTES)))
        connection.execute(sa.delete(data_key).where(of))
        _find_vault(connection).shred(connection, row.id, row.owner)
    return len(rows)


def _find_vault(connection: sa.Connection) -> Vault:
    vault: Vault = connection.dialect.waymark_vault  # type: ignore[attr-defined]
    return vault


def _is_unused() -> sa.ColumnElement[bool]:
    return sa.and_(data_key.c.owner.startswith(of_case("")), *(~each for each in _list_uses()))


def _list_uses() -> Iterator[sa.ColumnElement[bool]]:
    """Whether something may be sealed with a case's key: a row of it in a table that uses one, cases first."""
    for table in metadata.sorted_tables:
        rows: SealedRows | None = table.info.get("sealed_rows")
        if rows is not None and rows.owner in (of_its_case, of_talk_or_case):
            named = sa.func.substr(data_key.c.owner, len(of_case("")) + 1)
            yield sa.exists().where(table.c.crime_reference == named).correlate(data_key)

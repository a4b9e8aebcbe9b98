"""Whose data key is destroyed, and which still need an older version of the key that wraps them."""

import sqlalchemy as sa

from casework.adapters.storage.key_tables import FIELD, data_key, key_check
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
        row = self._connection.execute(sa.select(data_key.c.id).where(data_key.c.owner == owner)).first()
        if row is None:
            return False
        of = data_key.c.id == row.id
        self._connection.execute(sa.update(data_key).where(of).values(wrapped=bytes(WRAPPED_BYTES)))
        self._connection.execute(sa.delete(data_key).where(of))
        self._vault.shred(self._connection, row.id, owner)
        return True

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
        vault: Vault = self._connection.dialect.waymark_vault  # type: ignore[attr-defined]
        return vault

"""Alembic's entry: runs on the connection it is handed, or on WAYMARK_DATABASE_URL for developers."""

import os

from alembic import context

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.schema import metadata


def run() -> None:
    handed = context.config.attributes.get("connection")
    if handed is not None:
        _migrate(handed)
        return
    engine = create_engine(os.environ["WAYMARK_DATABASE_URL"])
    with engine.begin() as connection:
        _migrate(connection)


def _migrate(connection: object) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)  # type: ignore[arg-type]
    with context.begin_transaction():
        context.run_migrations()


run()

"""Rows of trainers' that somebody took back: they leave whatever holds rows outside the database."""

from collections.abc import Mapping
from pathlib import Path

from casework.adapters.storage.database import Database
from casework.adapters.storage.training_flags import WITHDRAWN
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.training_files import Merged, merge, read_folder, read_rows, write_folder
from casework.model.errors import ExampleNotFound
from casework.services.review_ports import Example
from launcher.model_files import list_kept


def find_row(tx: SqlTransaction, row: str) -> Example | None:
    try:
        return tx.examples.get(row)
    except ExampleNotFound:
        return None


def is_withdrawn(tx: SqlTransaction, row: str) -> bool:
    """Whether its words were taken back; False for a row of another database."""
    found = find_row(tx, row)
    return found is not None and found.status == WITHDRAWN


def forget_kept(data_dir: Path, database: Database) -> None:
    """Takes what was withdrawn out of what is kept of each model's rows, too."""
    for folder in list_kept(data_dir):
        files = read_folder(folder)
        write_folder(folder, files, leave_out_withdrawn(files, database).files)


def leave_out_withdrawn(files: Mapping[str, str], database: Database) -> Merged:
    """Words somebody took back teach no model that is made from now on, whatever was kept of them."""
    rows, _ = read_rows(files)
    withdrawn = database.read_now(lambda tx: {row for row in rows if is_withdrawn(tx, row)})
    return merge(files, [row for name, row in rows.items() if name not in withdrawn], known=withdrawn)

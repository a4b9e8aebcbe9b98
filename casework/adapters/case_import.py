"""A case file on disk, imported whole or not at all."""

from pathlib import Path

from casework.adapters.storage.database import Database
from casework.services.case_file import parse_case_file


def import_cases(database: Database, path: Path) -> int:
    """How many cases were recorded. Raises CaseFileInvalid with every problem; then nothing changed."""
    cases = parse_case_file(path.read_bytes(), filename=path.name)
    return database.write_now(lambda tx: tx.cases.record_all(cases))

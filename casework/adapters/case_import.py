"""A case file on disk, imported whole or not at all."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from casework.adapters.storage.database import Database
from casework.model.bulk_brake import HeldWhy, load_brake_limits
from casework.model.errors import WaymarkError
from casework.services.bulk_imports import hold_file, record_file, why_file_held
from casework.services.case_feed import CaseFeed, Recorded, survey_cases
from casework.services.case_file import pack_case_file
from casework.services.kept_informed import load_kept_informed
from casework.services.service_texts import load_service_texts

__all__ = ["ImportHeld", "build_case_feed", "import_cases"]

# What is being done (reading, comparing, recording) and how many cases of it are done.
OnProgress = Callable[[str, int], None]

_WHY = {
    HeldWhy.MANY_CHANGED: "it would change {changed} of the cases stored",
    HeldWhy.MANY_FRIGHTENED: "it would tell the victims of {frightened} cases that their case was closed, moved "
    "or settled, or that somebody was released",
}


class ImportHeld(WaymarkError):
    """The file would change or frighten so many that two people must approve it. Nothing was imported yet."""

    def __init__(self, import_id: str, reasons: list[str]) -> None:
        super().__init__(
            f"This import waits for two people: {' and '.join(reasons)}. Nothing was imported yet.\n"
            f"Look at it with ./waymark cases held, then ./waymark cases approve {import_id} --by NAME (twice, by "
            f"two people) or ./waymark cases refuse {import_id} --by NAME."
        )
        self.import_id = import_id


def build_case_feed() -> CaseFeed:
    """The one place that says what happens when a case has news."""
    return CaseFeed(
        limits=load_brake_limits(), texts=load_service_texts(), on_event=(load_kept_informed().note_change,)
    )


def import_cases(
    database: Database,
    path: Path,
    *,
    feed: CaseFeed | None = None,
    by: str = "command line",
    on_progress: OnProgress = lambda _what, _count: None,
) -> Recorded:
    """What was recorded. Raises CaseFileInvalid with every problem, or ImportHeld; then no case changed."""
    with _no_search_for_cycles():
        return _import(database, path, feed or build_case_feed(), by, on_progress)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of values are made that never refer back to themselves; looking for it takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _import(database: Database, path: Path, feed: CaseFeed, by: str, on_progress: OnProgress) -> Recorded:
    content = path.read_bytes()
    packed = pack_case_file(content, filename=path.name, on_progress=lambda count: on_progress("Read", count))
    # Compared first, outside the write: while that lasts, nothing a victim sends can be stored.
    survey = database.read_now(
        lambda tx: survey_cases(tx, packed, on_progress=lambda count: on_progress("Compared", count))
    )
    why = database.read_now(lambda tx: why_file_held(tx, survey, feed))
    if why:
        import_id = database.write_now(
            lambda tx: hold_file(tx, content, filename=path.name, survey=survey, why=why, by=by)
        )
        frightened = feed.limits.count_frightened(survey.counts)
        counted = {"changed": survey.counts.changed, "frightened": frightened}
        raise ImportHeld(import_id, [_WHY[each].format(**counted) for each in why])
    return database.write_now(
        lambda tx: record_file(
            tx,
            packed,
            survey,
            feed=feed,
            filename=path.name,
            by=by,
            on_progress=lambda count: on_progress("Recorded", count),
        )
    )

"""What runs out by itself: texts to look at again, bank holidays, the hours of the desk."""

import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from casework.model.staffed_hours import HOURS_FILE, load_staffed_hours
from casework.model.working_days import HOLIDAYS_FILE, load_working_days
from launcher.doctor.findings import Examined, Finding

REVIEWED = ("casework/templates", "casework/model")
# Long enough to have a list mended and released.
AHEAD = timedelta(days=60)


def check_review_dates(examined: Examined) -> Iterator[Finding]:
    """Every fixed text, number and directory entry says by when it must be looked at again."""
    today, count, are_well = examined.now().date(), 0, True
    for path in sorted(path for folder in REVIEWED for path in (examined.root / folder).glob("*.toml")):
        dates = list(_review_dates(tomllib.loads(path.read_text())))
        late = [name or "the file" for name, due in dates if due < today]
        count += bool(dates)
        if late:
            are_well = False
            yield Finding(f"texts in {path.name}", False, f"past their review date: {', '.join(late)}")
    if are_well:
        yield Finding("texts", True, f"those of {count} files are within their review date")


def _review_dates(node: object, name: str = "") -> Iterator[tuple[str, date]]:
    if isinstance(node, list):
        for each in node:
            yield from _review_dates(each, name)
    if not isinstance(node, dict):
        return
    due = node.get("review_by")
    if isinstance(due, date):
        yield str(node.get("id", name)), due
    for key, child in node.items():
        yield from _review_dates(child, key)


def check_bank_holidays(examined: Examined, *, holidays_file: Path = HOLIDAYS_FILE) -> Iterator[Finding]:
    until = load_working_days(holidays_file).known_until
    well = until - examined.now().date() >= AHEAD
    remedy = (
        ""
        if well
        else ": past that day no limit of the Victims' Code is counted. Add the next years from GOV.UK to "
        "casework/model/bank_holidays.toml"
    )
    yield Finding("bank holidays", well, f"known until {until}{remedy}")


def check_staffed_hours(examined: Examined) -> Iterator[Finding]:
    """A bank holiday nobody decided about is promised as if somebody came."""
    path = examined.settings.staffed_hours_file or HOURS_FILE
    hours, today = load_staffed_hours(path), examined.now().date()
    coming = [day for day in load_working_days().bank_holidays if today <= day <= today + AHEAD]
    open_ones = [str(day) for day in sorted(coming) if day not in hours.exceptions]
    if hours.review_by < today:
        detail = f"{path.name} was to be looked at by {hours.review_by}: ask the desk, and set the next date"
    elif open_ones:
        detail = (
            f"{path.name} says nothing of the bank holiday {open_ones[0]}, so replies are promised for it: add it to "
            "its exceptions"
        )
    else:
        detail = f"{path.name}, to be looked at by {hours.review_by}"
    yield Finding("staffed hours", hours.review_by >= today and not open_ones, detail)

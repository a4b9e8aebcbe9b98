"""How long a conversation keeps its model, and a model that was replaced its place. See model_hours.toml."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_date, as_text, read_toml

HOURS_FILE = Path(__file__).with_name("model_hours.toml")


@dataclass(frozen=True, kw_only=True)
class ModelHours:
    running: timedelta
    keep_previous: timedelta


def load_model_hours(path: Path = HOURS_FILE) -> ModelHours:
    """Raises SettingsInvalid for hours that are missing or not above 0."""
    table = read_toml(path)
    try:
        as_text(table["source"])
        as_date(table["review_by"])
        hours = [float(table[name]) for name in ("running_hours", "keep_previous_hours")]
        if not all(0 < each <= 24 * 365 for each in hours):
            raise ValueError("hours must be above 0 and within a year")
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault}; put the packaged file back") from fault
    return ModelHours(running=timedelta(hours=hours[0]), keep_previous=timedelta(hours=hours[1]))

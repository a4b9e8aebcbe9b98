"""From people to messages a second: demand.toml says from what, with its sources and what is assumed."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

DEMAND_FILE = Path(__file__).with_name("demand.toml")
DAYS, SECONDS_OF_AN_HOUR = 365, 3600


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Of one force, or of all: messages that come in, and messages sent unasked."""

    people: int
    contacts_a_day: float
    contacts_a_day_by_calls: float  # the same, from calls: what would be taken off the telephone at the least
    messages_a_day: float
    notices_a_day: float
    peak: float  # messages a second in the busiest hour
    surge: float  # messages a second in an hour in which many times as many come

    @property
    def messages_a_year(self) -> float:
        return self.messages_a_day * DAYS


def find_demand(people: int, *, file: Path = DEMAND_FILE) -> Demand:
    """Raises ValueError for fewer than one person."""
    if people < 1:
        raise ValueError("There are no people.")
    known = load_demand(file)
    part = people / known["people"]["of_all"]
    crimes_a_day = known["crimes"]["a_year"] / DAYS * part
    contacts, calls, peak = known["contacts"], known["calls"], known["peak"]
    messages = crimes_a_day * contacts["of_a_crime"] * contacts["messages_each"]
    at_peak = messages * peak["hour_of_a_day"] / SECONDS_OF_AN_HOUR
    return Demand(
        people=people,
        contacts_a_day=crimes_a_day * contacts["of_a_crime"],
        contacts_a_day_by_calls=calls["a_day"] * calls["share_of_updates"] / calls["people"] * people,
        messages_a_day=messages,
        notices_a_day=crimes_a_day * contacts["notices_of_a_crime"],
        peak=at_peak,
        surge=at_peak * peak["surge"],
    )


def load_demand(file: Path = DEMAND_FILE) -> dict[str, Any]:
    """The figures as they stand, each group with its `source` or `assumed`."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def find_review_by(file: Path = DEMAND_FILE) -> date:
    found: date = load_demand(file)["review_by"]
    return found

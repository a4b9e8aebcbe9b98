"""The closed register of acts: what the audit may hold, and of which kind each act is in law. See audit_acts.toml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.toml_files import read_toml

ACTS_FILE = Path(__file__).with_name("audit_acts.toml")
FORMS = {
    "number": r"[0-9]{1,19}",
    "id": r"[0-9a-f]{32}",
    "digest": r"[0-9a-f]{12,64}",
    "code": r"[a-z0-9][a-z0-9_-]{0,47}",
    "name": r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+]{5,21}Z?",
    "reference": r"[0-9A-Z][0-9A-Z/-]{0,31}",
    "route": r"[A-Z]{3,7} /[a-z0-9_/{}:.-]{0,88}",
}


class ActKind(StrEnum):
    """What section 62(1) of the Data Protection Act 2018 wants a log of."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"
    ERASURE = "erasure"


class ActUnknown(WaymarkError):
    """No act of the register; nothing was recorded."""


class ThingUnfit(WaymarkError):
    """A detail of a form the act may not have: it might be content, and the audit outlives what was written."""


@dataclass(frozen=True, kw_only=True)
class AuditAct:
    """`kind` None: nobody's data is touched. `thing` matches every detail the act may have; None has none."""

    name: str
    kind: ActKind | None
    thing: re.Pattern[str] | None

    def takes(self, thing: str | None) -> bool:
        if self.thing is None:
            return not thing
        return self.thing.fullmatch(thing or "") is not None


@cache
def load_acts() -> Mapping[str, AuditAct]:
    """The packaged register by name, read once. Raises SettingsInvalid for one that cannot be right."""
    return parse_acts(read_toml(ACTS_FILE))


def parse_acts(table: Mapping[str, Any]) -> Mapping[str, AuditAct]:
    try:
        return {name: _parse_act(name, **row) for name, row in table["acts"].items()}
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"audit_acts.toml: {fault}; put the packaged file back") from fault


def _parse_act(name: str, *, kind: str | None = None, thing: list[str] | None = None) -> AuditAct:
    forms = None if thing is None else re.compile("|".join(_write_pattern(each) for each in thing))
    return AuditAct(name=name, kind=ActKind(kind) if kind is not None else None, thing=forms)


def _write_pattern(form: str) -> str:
    pieces = re.split(r"\{([a-z]+)\}", form)
    # Every second piece is the name of a form; the others stand for themselves.
    return "".join(FORMS[piece] if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))


def check_entry(act: str, thing: str | None) -> None:
    """Raises ActUnknown, and ThingUnfit for a detail of another form; the detail itself is not repeated."""
    known = load_acts().get(act)
    if known is None:
        raise ActUnknown(f"The act {act!r} is not in {ACTS_FILE.name}: give it a row there, with its kind.")
    if not known.takes(thing):
        raise ThingUnfit(f"The act {act!r} may not have this detail: {ACTS_FILE.name} says which it may.")

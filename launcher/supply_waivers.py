"""Known flaws that stay for now: why each cannot be reached here, until when that holds, and who looks again."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

WAIVERS = Path("supply/waivers.toml")
LONGEST = timedelta(days=120)
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some flaws of one pinned version in one project. `held_by`: files of this tree that keep them out of reach.

    It says nothing of any other version: a package that moves is argued for anew.
    """

    project: Text
    package: Text
    version: Text
    names: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    why: Annotated[str, msgspec.Meta(min_length=40)]
    held_by: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    looks_again: Text
    since: date
    until: date


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    waiver: tuple[Waiver, ...] = ()


def load_waivers(path: Path, *, root: Path) -> tuple[Waiver, ...]:
    """Raises SettingsInvalid for one that is unreadable, runs too long, or is held by a file that is not there."""
    try:
        waivers = msgspec.convert(read_toml(path), _File).waiver
    except msgspec.ValidationError as fault:
        raise SettingsInvalid(f"{path.name}: {fault}") from fault
    for each in waivers:
        named = f"{path.name}, {each.package} {each.version} ({each.names[0]})"
        if not each.since < each.until <= each.since + LONGEST:
            raise SettingsInvalid(f"{named}: until must come after since, at most {LONGEST.days} days")
        if missing := [file for file in each.held_by if not (root / file).exists()]:
            raise SettingsInvalid(f"{named}: {missing[0]} holds nothing back, it is not there")
    return waivers

"""Personal values that stand nowhere else in the world, and a search that finds them however they are written."""

import gzip
import html
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import sqlalchemy as sa

from casework.adapters.storage.schema import metadata

# By what each is. Of a name every part is searched for by itself, of a number the figures that every spelling shares.
CANARIES: Mapping[str, tuple[str, ...]] = {
    "victim's name": ("Quillara", "Vexmoor"),
    "other victim's name": ("Ivoryth", "Plumquell"),
    "officer's name": ("Brannoch", "Tethwin"),
    "collar number": ("TEST7719",),
    "officer's phone": ("7700 900763",),
    "phone": ("7700 900751",),
    "other victim's phone": ("7700 900752",),
    "stranger's phone": ("7700 900753",),
    "another stranger's phone": ("7700 900754",),
    "phone in a message": ("7700 900768",),
    "phone said in words": ("oh seven seven oh oh nine oh oh seven six five", "7700 900765"),
    "reference": ("43260990971",),
    "other victim's reference": ("43260990972",),
    "e-mail of the case": ("quillara.vexmoor@example.org",),
    "other victim's e-mail": ("ivy.case73@example.org",),
    "e-mail in a message": ("ruby.other73@example.net",),
    "web address": ("hedgefield73.example.com",),
    "postcode": ("SW99 7QX",),
    "street": ("Thornquist",),
    "National Insurance number": ("QQ 46 81 57 C",),
    "NHS number": ("999 417 2387",),
    "vehicle": ("YQ19 ZXK",),
    "birth date": ("14/02/1987",),
    "account": ("48172639",),
    "name in an app": ("vex_quill_739",),
    "witness": ("Wendolyth", "Drexwold"),
    "tester's friend": ("Peverelda", "Stroodwyn"),
    "staff note": ("Marrowkestle",),
    "correction": ("Fennibrake",),
    "draft": ("Ostlethrup",),
    "reason for a place in the queue": ("Wimberlode",),
    "log number": ("LOG-QX-771903",),
    "words of a live talk": ("Kestlewick",),
}

_CASE = {
    "crime_type": "Burglary - residential",
    "stage": "under_investigation",
    "stage_since": "2026-11-03",
    "oic_name": "DC Brannoch Tethwin",
    "oic_collar_number": "TEST7719",
    "oic_contact": "07700 900763",
    "next_update_due": "2026-12-01",
    "safe_contact": "any",
    "enhanced_rights": False,
    "language": "en",
    "events": [],
}
CASES: Sequence[Mapping[str, Any]] = (
    _CASE
    | {"crime_reference": "43260990971", "victim_name": "Quillara Vexmoor"}
    | {"contact_mobile": "+447700900751", "contact_email": "quillara.vexmoor@example.org"},
    _CASE
    | {"crime_reference": "43260990972", "victim_name": "Ivoryth Plumquell"}
    | {"contact_mobile": "+447700900752", "contact_email": "ivy.case73@example.org"},
)

# Nothing else is a letter or a figure: whatever stands between two of a value hides none of it.
_BETWEEN = bytes(code for code in range(256) if not (chr(code).isalnum() and code < 128))


@dataclass(frozen=True, kw_only=True, order=True)
class Found:
    """A value, and where it stands."""

    where: str
    canary: str


def squeeze(content: bytes) -> bytes:
    """Small letters and figures alone."""
    return content.lower().translate(None, _BETWEEN)


_SOUGHT = [(name, squeeze(each.encode())) for name, values in CANARIES.items() for each in values]


def find_in_bytes(where: str, content: bytes) -> Iterator[Found]:
    """Every value that stands there, in whatever spelling of letters and figures."""
    squeezed = squeeze(content)
    yield from (Found(where=where, canary=name) for name, sought in _SOUGHT if sought in squeezed)


def find_in_text(where: str, text: str) -> list[Found]:
    """Also where it is written for a page or an address; each once."""
    readings = {text, html.unescape(text), unquote_plus(text)}
    return sorted({found for each in readings for found in find_in_bytes(where, each.encode())})


def find_in_files(folder: Path, *, allowed: Iterable[str] = ()) -> list[Found]:
    """In every file below, also packed ones, and in their names. `allowed`: beginnings of names below `folder`."""
    found: list[Found] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(tuple(allowed)):
            found += find_in_bytes(f"the name of {name}", name.encode())
            found += _find_in_packed(name, path.read_bytes())
    return found


def _find_in_packed(where: str, content: bytes) -> Iterator[Found]:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if not where.removesuffix(".gz").endswith((".tar", ".tgz")):
        yield from find_in_bytes(where, content)
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive.getmembers():
            packed = archive.extractfile(member)
            if packed is not None:
                yield from _find_in_packed(f"{where}: {member.name}", packed.read())


def find_in_rows(engine: sa.Engine, *, allowed: Iterable[str]) -> tuple[list[Found], set[str]]:
    """In every column of every table but the `allowed`, `table.column`; and which of the allowed hold any.

    `*.column`: in whichever table. What is sealed is opened first: who may read it is asked here, not how it is kept.
    """
    known = set(allowed)
    found: set[Found] = set()
    used: set[str] = set()
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for column, value in row.items():
                    here = find_in_bytes(f"{table.name}.{column}", _to_bytes(value))
                    names = {f"{table.name}.{column}", f"*.{column}"} & known
                    if names:
                        used |= names if any(True for _ in here) else set()
                    else:
                        found.update(here)
    return sorted(found), used


def _to_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")

"""The pages of a sealed record that people read: made from its records and from nothing else."""

import base64
import hashlib
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parents[1] / "templates" / "disclosure"
PER_PAGE = 500
"""Records: what a browser shows and prints without a wait."""

PARTS_AT_ONCE = 500

Record = Mapping[str, Any]
# Signs that cannot be seen, and without which words of some languages or flags look wrong.
NEEDED = frozenset("\n\t\u200c\u200d\u200e\u200f") | {chr(code) for code in range(0xE0020, 0xE0080)}
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SIDES = {"message_in": "in", "message_out": "out"}
# Told above the fields.
_ELSEWHERE = frozenset({"text", "raw"})
# What is seen at once of a message, by the beginnings of its labels; the rest is folded. Of other records all is seen.
_SEEN: Mapping[str, tuple[str, ...]] = {
    "message_in": (
        *("received at", "sent at", "read as", "details", "screen, band", "screen, category"),
        *("screen, evidence", "reading, band", "reading, model", "turn, outcome"),
    ),
    "message_out": (
        *("staff id, name", "template", "status", "reason", "sent at", "delivery state", "choices"),
        *("attempts", "news", "told", "safe contact decision", "is text whole"),
    ),
}


def show_signs(value: object) -> object:
    """Text with what cannot be seen written out, so that nothing hides in it or turns what stands beside it."""
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return value
    return "".join(
        f"[U+{ord(sign):04X}]" if sign not in NEEDED and unicodedata.category(sign) in UNSEEN else sign
        for sign in value
    )


class RecordPages:
    """Writes the HTML pages and the two texts of a sealed record."""

    def __init__(self) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=jinja2.select_autoescape(["html"]),
            finalize=show_signs,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._words = tomllib.loads((TEMPLATES / "words.toml").read_text(encoding="utf-8"))
        self._css = (TEMPLATES / "record.css").read_text(encoding="utf-8")

    def write_text(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(**values)

    def name_pages(self, chain: str, records: int) -> list[str]:
        """`record.html`, `record-2.html` and so on; one at least."""
        stem = chain.removesuffix(".jsonl")
        pages = max(1, -(-records // PER_PAGE))
        return [f"{stem}.html" if page == 1 else f"{stem}-{page}.html" for page in range(1, pages + 1)]

    def stream_page(
        self, records: Iterable[Record], *, chain: str, page: int, pages: Sequence[str], title: str
    ) -> Iterator[str]:
        digest = hashlib.sha256(self._css.encode()).digest()
        page_stream = self._environment.get_template("record.html").stream(
            records=(self._show(record) for record in records),
            chain=chain,
            is_internal=chain == "internal.jsonl",
            page=page,
            pages=pages,
            title=title,
            css=Markup(self._css),
            css_sha256=base64.b64encode(digest).decode(),
        )
        page_stream.enable_buffering(PARTS_AT_ONCE)
        return page_stream

    def _show(self, record: Record) -> Mapping[str, Any]:
        body, kind = record["body"], record["kind"]
        fields = [each for each in list_fields(body) if each[0].split(",")[0] not in _ELSEWHERE]
        seen = _SEEN.get(kind, ("",))
        return {
            "no": record["no"],
            "side": _SIDES.get(kind, "other"),
            "title": self._name(kind, body),
            "utc": record["at"]["utc"],
            "when": say_moment(record["at"]),
            "text": body.get("text"),
            "look": [*self._say_look(record.get("review", {}), body)],
            "files": record.get("files", []),
            "fields": [each for each in fields if each[0].startswith(seen)],
            "folded": [each for each in fields if not each[0].startswith(seen)],
            "sha256": record["sha256"],
        }

    def _name(self, kind: str, body: Record) -> str:
        parts = [self._words["kinds"][kind]]
        if body.get("author") in self._words["authors"]:
            parts.append(self._words["authors"][body["author"]])
        if body.get("channel") in self._words["channels"]:
            parts.append(f"by {self._words['channels'][body['channel']]}")
        if kind == "desk_act":
            parts.append(say_name(body["act"]))
        return ", ".join(parts)

    def _say_look(self, review: Mapping[str, Any], body: Record) -> Iterator[str]:
        for flag, found in review.items():
            if flag == "contact_details":
                continue  # of nearly every record: the fields say so by their names
            yield self._words["review"][flag]
            for each in found:
                text = body.get(each["field"]) or ""
                for span in each.get("spans", []):
                    kind = self._words["spans"].get(span["kind"], say_name(span["kind"]))
                    yield f"{kind}: {text[span['start'] : span['end']]}"


def list_fields(body: Record, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Label and value of everything in a body that is not empty, however deep, in the order of its names."""
    for name, value in body.items():
        label = f"{prefix}{say_name(name)}"
        if value is None or value in ("", [], {}):
            continue
        if isinstance(value, Mapping) and set(value) == {"utc", "local"}:
            yield label, say_moment(value)
        elif isinstance(value, Mapping):
            yield from list_fields(value, f"{label}, ")
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            for number, each in enumerate(value, start=1):
                of_each = each if isinstance(each, Mapping) else {"value": each}
                yield from list_fields(of_each, f"{label} {number}, ")
        else:
            yield label, _say(value)


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(_say(each) for each in value) if isinstance(value, list) else str(value)


def say_name(name: str) -> str:
    """`received_at` as a label: `received at`."""
    return name.replace("_", " ")


def say_moment(moment: Mapping[str, str]) -> str:
    """`Sun 29 Mar 2026, 02:30:00.000000 (UTC+01:00); in UTC 2026-03-29 01:30:00.000000`."""
    local = datetime.fromisoformat(moment["local"])
    offset = moment["local"][-6:]
    utc = moment["utc"].removesuffix("Z").replace("T", " ")
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S.%f} (UTC{offset}); in UTC {utc}"

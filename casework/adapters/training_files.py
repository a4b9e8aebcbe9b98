"""What trainers taught, as Rasa's training data: rows into files, and what somebody changed in a file back into rows.

ruamel says where everything stands in a file; the text is changed there and nowhere else. So a comment, a blank line
or a hand's own way of writing stays as it was, byte for byte, whatever happens beside it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from casework.adapters.training_yaml import (
    FileFault,
    Item,
    ParsedFile,
    TaughtRow,
    leaves_of,
    parse_all,
    parse_file,
)

__all__ = [
    "FileFault",
    "Merged",
    "StandingText",
    "TaughtRow",
    "hash_files",
    "list_texts",
    "merge",
    "quote",
    "read_folder",
    "read_rows",
    "write_folder",
]

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
HEAD = 'version: "3.1"\nnlu:'


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The folder as it should stand; `files` holds every file that should be there, by name."""

    files: Mapping[str, str]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    faults: tuple[FileFault, ...] = ()


def read_folder(folder: Path) -> dict[str, str]:
    """The files by name. Line ends are kept as they are."""
    return {path.name: path.read_bytes().decode("utf-8") for path in sorted(folder.glob("*.yml"))}


def read_rows(files: Mapping[str, str]) -> tuple[dict[str, TaughtRow], list[FileFault]]:
    """What the files say of the rows named in them, whoever wrote it; of a row that stands twice the first."""
    rows: dict[str, TaughtRow] = {}
    faults: list[FileFault] = []
    for parsed in parse_all(files, faults):
        for item in parsed.items:
            if item.row is not None and item.row.row in rows:
                faults.append(FileFault(file=parsed.name, line=item.line, what="twice"))
            elif item.row is not None:
                rows[item.row.row] = item.row
    return rows, faults


@dataclass(frozen=True, kw_only=True)
class StandingText:
    """An example as it stands in a file; `row` None: a hand added it."""

    text: str
    row: str | None
    file: str
    line: int


def list_texts(files: Mapping[str, str]) -> list[StandingText]:
    """Every example of every file that can be read, whoever wrote it."""
    return [each for parsed in parse_all(files, []) for each in _texts_of(parsed)]


def _texts_of(parsed: ParsedFile) -> Iterator[StandingText]:
    for item in parsed.items:
        if item.text is not None:
            row = None if item.row is None else item.row.row
            yield StandingText(text=str(item.text.value), row=row, file=parsed.name, line=item.line)
    for block in parsed.blocks:
        if not block.is_list and isinstance(block.value, ScalarNode):
            first = block.value.start_mark.line + 2
            for number, line in enumerate(str(block.value.value).splitlines(), start=first):
                if text := line.strip().removeprefix("-").strip():
                    yield StandingText(text=text, row=None, file=parsed.name, line=number)


def merge(files: Mapping[str, str], rows: Iterable[TaughtRow], *, known: Set[str]) -> Merged:
    """Adds, changes and drops until the files hold exactly `rows`, beside what a hand put there without a row.

    `known`: every row the database has ever had; one named in a file and not known is of another database and left
    alone. A file that cannot be read is a fault and stays as it is.
    """
    wanted = {row.row: row for row in rows}
    faults: list[FileFault] = []
    parsed_files = {parsed.name: parsed for parsed in parse_all(files, faults)}
    broken = {fault.file for fault in faults}
    changed: list[str] = []
    removed: list[str] = []
    standing: set[str] = set()
    made = dict(files)
    for name, parsed in parsed_files.items():
        edits, kept, gone, altered = _edit_items(parsed, wanted, standing, known, faults)
        standing |= kept
        changed += altered
        removed += [row for row in gone if row not in wanted]
        changed += [row for row in gone if row in wanted]
        if edits:
            made[name] = _apply(parsed.source, edits)
    missing = [
        row for _, row in sorted(wanted.items()) if row.row not in standing and row.file_name not in broken
    ]
    for name in sorted({row.file_name for row in missing}):
        made[name] = _append(name, made.get(name, ""), [row for row in missing if row.file_name == name])
    return Merged(
        files={
            name: text for name, text in made.items() if text == files.get(name) or not _is_spent(name, text)
        },
        added=tuple(row.row for row in missing if row.row not in changed),
        changed=tuple(dict.fromkeys(changed)),
        removed=tuple(removed),
        faults=tuple(faults),
    )


def write_folder(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Writes only what changed, each file whole or not at all. Whether anything did."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in after.items():
        if before.get(name) != text:
            new = folder / f"{name}.new"
            new.write_bytes(text.encode("utf-8"))
            new.replace(folder / name)
    for name in before.keys() - after.keys():
        (folder / name).unlink(missing_ok=True)
    return dict(before) != dict(after)


def hash_files(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(text.encode('utf-8')).hexdigest()}\n".encode())
    return digest.hexdigest()


_Edit = tuple[int, int, str]


def _edit_items(
    parsed: ParsedFile,
    wanted: Mapping[str, TaughtRow],
    standing: Set[str],
    known: Set[str],
    faults: list[FileFault],
) -> tuple[list[_Edit], set[str], list[str], list[str]]:
    edits: list[_Edit] = []
    kept: set[str] = set()
    gone: list[str] = []
    altered: list[str] = []
    for block in parsed.blocks:
        left = 0
        for item in block.items:
            row = None if item.row is None else wanted.get(item.row.row)
            if item.row is None or item.row.row not in known:
                left += 1
            elif item.row.row in standing | kept:
                faults.append(FileFault(file=parsed.name, line=item.line, what="twice"))
                left += 1
            elif row is None or row.file_name != parsed.name or row.label != block.intent:
                edits.append(_drop(parsed, item, block.indent))
                gone.append(item.row.row)
            else:
                left += 1
                kept.add(row.row)
                if row != item.row:
                    edits += _change(parsed, item, row, block.indent)
                    altered.append(row.row)
        if block.items and not left:
            # An intent with nothing behind `examples:` is no training data.
            after = _after_colon(parsed.source, block.key)
            edits.append((after, after, " []"))
    return edits, kept, gone, altered


def _drop(parsed: ParsedFile, item: Item, indent: int) -> _Edit:
    end = parsed.source.find("\n", item.end)
    end = len(parsed.source) if end < 0 else end + 1
    return item.start, end, _keep_comments(parsed, item.start, end, indent)


def _keep_comments(parsed: ParsedFile, start: int, end: int, indent: int) -> str:
    comments = [parsed.source[at:until] for at, until in parsed.comments if start <= at < end]
    return "".join(f"{' ' * indent}{comment.rstrip()}\n" for comment in comments)


def _change(parsed: ParsedFile, item: Item, row: TaughtRow, indent: int) -> list[_Edit]:
    if item.text is None or item.row is None:
        return []
    edits: list[_Edit] = []
    if item.row.text != row.text:
        start, end = item.text.start_mark.index, item.text.end_mark.index
        # A block of text (`|`) takes its line end with it.
        after = "\n" if parsed.source[start:end].endswith("\n") else ""
        edits.append((start, end, quote(row.text) + after))
    if (item.row.scenario, item.row.sub) != (row.scenario, row.sub):
        edits += _change_about(parsed, item, row, indent)
    return edits


def _change_about(parsed: ParsedFile, item: Item, row: TaughtRow, indent: int) -> list[_Edit]:
    """The metadata anew, with whatever else a hand put there; a comment inside it goes above the example."""
    if item.about is None:
        return []
    others = [
        (str(name.value), parsed.source[value.start_mark.index : value.end_mark.index].strip())
        for name, value in item.about.value
        if isinstance(value, ScalarNode) and name.value not in ("row", "scenario", "category", "sub")
    ]
    start = item.about.start_mark.index
    end = max(leaf.end_mark.index for leaf in leaves_of(item.about))
    inside = _keep_comments(parsed, start, end, indent)
    edits: list[_Edit] = [(start, end, _about(row, others))]
    if inside:
        edits.append((item.start, item.start, inside))
    return edits


def _append(name: str, source: str, rows: Sequence[TaughtRow]) -> str:
    """The file with `rows` behind its last example of theirs, or in a block of their own at its end."""
    if not source.strip():
        return f"{source}{HEAD}\n{_new_block(rows)}"
    parsed = parse_file(name, source)
    block = next((one for one in parsed.blocks if one.is_list and one.intent == rows[0].label), None)
    if block is None:
        return _append_block(parsed, rows)
    if block.items:
        end = source.find("\n", block.items[-1].end)
        end = len(source) if end < 0 else end + 1
        lead = "" if source[:end].endswith("\n") else "\n"
        return source[:end] + lead + _examples(rows, indent=block.indent) + source[end:]
    return _fill(source, block.key, block.value, _examples(rows, indent=block.indent))


def _append_block(parsed: ParsedFile, rows: Sequence[TaughtRow]) -> str:
    source = parsed.source
    lead = "" if source.endswith("\n") else "\n"
    if parsed.nlu is None or parsed.nlu_key is None:
        has_version = re.search(r"^version:", source, re.MULTILINE) is not None
        return source + lead + ("nlu:" if has_version else HEAD) + "\n" + _new_block(rows)
    if not isinstance(parsed.nlu, SequenceNode) or not parsed.nlu.value:
        return _fill(source, parsed.nlu_key, parsed.nlu, _new_block(rows))
    # Behind the last of its lines: what else a hand wrote below stays below.
    end = source.find("\n", max(leaf.end_mark.index for leaf in leaves_of(parsed.nlu)) - 1) + 1 or len(source)
    lead = "" if source[:end].endswith("\n") else "\n"
    return source[:end] + lead + _new_block(rows, indent=parsed.nlu.start_mark.column) + source[end:]


def _fill(source: str, key: Node, value: Node, lines: str) -> str:
    """Puts lines below a key that has nothing, `[]` or `null` behind it; a comment on its line stays there."""
    start = _after_colon(source, key)
    has_value = isinstance(value, SequenceNode) or bool(value.value)
    end = value.end_mark.index if has_value else start
    rest, _, below = source[end:].partition("\n")
    return f"{source[:start]}{rest.rstrip()}\n{lines}{below}"


def _after_colon(source: str, key: Node) -> int:
    return source.index(":", key.end_mark.index) + 1


def _new_block(rows: Sequence[TaughtRow], *, indent: int = 0) -> str:
    pad = " " * indent
    return f"{pad}- intent: {_plain(rows[0].label)}\n{pad}  examples:\n" + _examples(rows, indent=indent + 2)


def _examples(rows: Sequence[TaughtRow], *, indent: int) -> str:
    pad = " " * indent
    return "".join(f"{pad}- text: {quote(row.text)}\n{pad}  metadata: {_about(row, [])}\n" for row in rows)


def _about(row: TaughtRow, others: Sequence[tuple[str, str]]) -> str:
    said = {"row": quote(row.row), "scenario": _plain(row.scenario)}
    if row.category:
        said["category"] = _plain(row.category)
    if row.sub:
        said["sub"] = _plain(row.sub)
    return "{" + ", ".join(f"{name}: {value}" for name, value in [*said.items(), *others]) + "}"


def _plain(value: str) -> str:
    return value if NAME.fullmatch(value) and value not in ("null", "true", "false") else quote(value)


def quote(text: str) -> str:
    """A double-quoted scalar of YAML on one line; JSON's way of writing a text is one."""
    return UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _apply(source: str, edits: Sequence[_Edit]) -> str:
    made, place = [], 0
    for start, end, text in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        made += [source[place:start], text]
        place = max(end, place)
    return "".join([*made, source[place:]])


def _is_spent(name: str, source: str) -> bool:
    """Whether nothing is left in it that anybody wrote."""
    parsed = parse_file(name, source)
    has_words = any(block.items or not block.is_list for block in parsed.blocks)
    others = isinstance(parsed.nlu, SequenceNode) and len(parsed.nlu.value) != len(parsed.blocks)
    return not has_words and not parsed.comments and not others

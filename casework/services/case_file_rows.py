"""From the bytes of a case file to its rows, each knowing its line. What a cell means comes later."""

import codecs
import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

COLUMNS = (
    *(
        "crime_reference",
        "crime_type",
        "stage",
        "stage_since",
        "oic_name",
        "oic_collar_number",
        "oic_contact",
    ),
    *("next_update_due", "victim_name", "contact_mobile", "contact_email", "safe_contact", "enhanced_rights"),
    *("language", "events"),
)
OPTIONAL_COLUMNS = frozenset({"events"})
_LONGEST_SHOWN = 40
_PIECE_BYTES = 1024 * 1024
_LIKE_A_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong. `line` counts from 1; `column` is empty when the whole line or file is meant."""

    line: int
    column: str
    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case as written, nothing believed yet. `lines` holds the line of each JSON key that has its own."""

    line: int
    cells: Mapping[str, object]
    problems: list[Problem]
    lines: Mapping[str, int] = field(default_factory=dict)

    def refuse(self, column: str, what: str, remedy: str) -> None:
        line = self.lines.get(column, self.line)
        self.problems.append(Problem(line=line, column=column, what=what, remedy=remedy))


def read_rows(content: bytes, *, filename: str, problems: list[Problem]) -> Iterator[Row]:
    """The rows that could be told apart, one by one. `problems` gets what could not, and what rows refuse."""
    reader = {"csv": _csv_rows, "json": _json_rows}.get(filename.rpartition(".")[2].casefold())
    if reader is None:
        problems.append(
            _of_line(1, "the file name ends in neither .csv nor .json", "Save it as one of these.")
        )
        return
    if not _is_text(content, problems):
        return
    is_empty = True
    for row in reader(content, problems):
        is_empty = False
        yield row
    if is_empty and not problems:
        problems.append(_of_line(1, "the file holds no cases", "Check that this is the file you meant."))


def read_object(cells: Mapping[str, object], problems: list[Problem]) -> Row:
    """One case that came by itself, as a JSON object."""
    return _row_of_object(cells, 1, "", problems)


def shown(written: str) -> str:
    """What was written, safe to print on an operator's screen: no control characters, not endless."""
    printable = "".join(char if char.isprintable() else "?" for char in written)
    return printable if len(printable) <= _LONGEST_SHOWN else f"{printable[:_LONGEST_SHOWN]}..."


def quoted(written: str, known: Sequence[str]) -> str:
    """What was written if it resembles a known word; else it may be somebody's name in the wrong column."""
    return f"'{shown(written)}'" if _find_near(written, known) else "what is written"


def quoted_date(written: str) -> str:
    return f"'{written}'" if _LIKE_A_DATE.fullmatch(written) else "what is written"


def did_you_mean(written: str, known: Sequence[str]) -> str:
    near = _find_near(written, known)
    return f"Did you mean '{near}'?" if near else "docs/case-file.md lists the ones there are."


def _find_near(written: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(written.casefold().replace(" ", "_")[:_LONGEST_SHOWN], known, n=1)
    return near[0] if near else None


def _of_line(line: int, what: str, remedy: str) -> Problem:
    return Problem(line=line, column="", what=what, remedy=remedy)


def _is_text(content: bytes, problems: list[Problem]) -> bool:
    # Piece by piece: the whole file as text can take four times the room of its bytes.
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    is_blank = True
    try:
        for start in range(0, len(content), _PIECE_BYTES):
            piece = decoder.decode(content[start : start + _PIECE_BYTES])
            is_blank = is_blank and not piece.strip()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        remedy = "In Excel, save it as 'CSV UTF-8 (Comma delimited)'."
        line = content.count(b"\n", 0, _find_undecodable(content)) + 1
        problems.append(_of_line(line, "from this line on the file is not UTF-8 text", remedy))
        return False
    if is_blank:
        problems.append(_of_line(1, "the file is empty", "Check that this is the file you meant."))
    return not is_blank


def _find_undecodable(content: bytes) -> int:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return 0


# --- CSV ----------------------------------------------------------------------------------------


def _csv_rows(content: bytes, problems: list[Problem]) -> Iterator[Row]:
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(lines)]
        if not _is_header_sound(header, problems):
            return
        ended = lines.line_num
        for cells in lines:
            # A cell may hold line breaks, so a row starts after the last one ended.
            line, ended = ended + 1, lines.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) == len(header):
                yield Row(line=line, cells=dict(zip(header, cells, strict=True)), problems=problems)
            else:
                what = f"there are {len(cells)} cells, and the header names {len(header)} columns"
                problems.append(_of_line(line, what, "Put quotes around any cell that holds a comma."))
    except csv.Error as error:
        remedy = (
            "Check the quotes: a cell with a comma stands in quotes, and a quote inside it is written twice."
        )
        problems.append(_of_line(lines.line_num, f"this is not CSV ({error})", remedy))


def _is_header_sound(header: Sequence[str], problems: list[Problem]) -> bool:
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        problems.append(
            _of_line(1, "the columns are not separated by commas", "Save it as comma-separated CSV.")
        )
        return False
    if not any(name in COLUMNS for name in header):
        # Not one is known: this is the first case, and its cells are not to be repeated.
        remedy = "Write the columns' names into the first line; docs/case-file.md lists them."
        problems.append(_of_line(1, "the first line names no column of a case file", remedy))
        return False
    before = len(problems)
    for name in COLUMNS:
        if name not in header and name not in OPTIONAL_COLUMNS:
            remedy = "Add it; docs/case-file.md says which columns may have empty cells."
            problems.append(Problem(line=1, column=name, what="the header has no such column", remedy=remedy))
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            what, remedy = "the header names a column nobody knows", did_you_mean(name, COLUMNS)
            problems.append(Problem(line=1, column=shown(name), what=what, remedy=remedy))
        elif header.count(name) > 1:
            what, remedy = "the header names this column twice", "Keep one of them."
            problems.append(Problem(line=1, column=name, what=what, remedy=remedy))
    return len(problems) == before


# --- JSON ---------------------------------------------------------------------------------------


def _json_rows(content: bytes, problems: list[Problem]) -> Iterator[Row]:
    text, line, counted = content.decode("utf-8-sig"), 1, 0
    try:
        for start, end, value in _json_elements(text):
            line, counted = line + text.count("\n", counted, start), start
            if isinstance(value, dict):
                yield _row_of_object(value, line, text[start:end], problems)
            else:
                problems.append(_of_line(line, "this is not a case", "Write each case as an object: {...}."))
    except json.JSONDecodeError as error:
        what = f"this is not JSON (character {error.colno}: {error.msg})"
        problems.append(_of_line(error.lineno, what, "Check the commas, quotes and brackets just before it."))
    except RecursionError:
        problems.append(_of_line(line, "lists lie too deep inside one another", "Write one list of cases."))


def _row_of_object(cells: Mapping[str, object], line: int, source: str, problems: list[Problem]) -> Row:
    places = {name: source.find(f'"{name}"') for name in cells}
    lines = {name: line + source.count("\n", 0, place) for name, place in places.items() if place >= 0}
    row = Row(line=line, cells=cells, problems=problems, lines=lines)
    for name in cells:
        if name not in COLUMNS:
            line_of_name = lines.get(name, line)
            what, remedy = "this is a name nobody knows", did_you_mean(name, COLUMNS)
            problems.append(Problem(line=line_of_name, column=shown(name), what=what, remedy=remedy))
    return row


def _json_elements(text: str) -> Iterator[tuple[int, int, object]]:
    """Each element of the outer list with where it starts and ends, which json.loads would forget."""
    decoder = json.JSONDecoder()
    place = _after_space(text, 0)
    if text[place] != "[":
        raise json.JSONDecodeError("a case file is a list, [...]", text, place)
    place = _after_space(text, place + 1)
    is_first = True
    while text[place : place + 1] != "]":
        start = place if is_first else _after_comma(text, place)
        value, end = decoder.raw_decode(text, start)
        yield start, end, value
        place, is_first = _after_space(text, end), False
    rest = _after_space(text, place + 1)
    if rest < len(text):
        raise json.JSONDecodeError("nothing may follow the list", text, rest)


def _after_comma(text: str, place: int) -> int:
    if text[place : place + 1] != ",":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
    return _after_space(text, place + 1)


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in {" ", "\t", "\r", "\n"}:
        place += 1
    return place

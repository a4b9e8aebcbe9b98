"""Rows into Rasa's training data and back: nothing a hand wrote is lost, and writing twice is writing once.

Red when, each tried once: `_drop` gives no comments; `_after_colon` is left out of `_edit_items`, so that an emptied
block holds nothing; `_quote` is `repr`; `_append` begins a block where one stands.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.adapters.training_files import (
    TaughtRow,
    list_texts,
    merge,
    read_folder,
    read_rows,
    write_folder,
)

CATEGORIES = ("immediate_danger", "stalking_escalation", "missing_person")
INTENTS = ("ask_status", "ask_court", "thanks")
SUBS = (None, "right_6", "null", "1e5")
ODD = (
    "no",
    "12e5",
    "he said: #1 'now'",
    'a "b" \\ud800 c',
    "- x",
    "two\nlines",
    "~",
    "ü 😀 \u200d end",
    "{a: b}",
)

texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), min_size=1, max_size=60),
)
comments = st.integers(0, 10**6).map(lambda number: f"# by hand {number}")


@st.composite
def rows_of(draw: st.DrawFn, *, first: int = 0, most: int = 40) -> dict[str, TaughtRow]:
    made = {}
    for number in range(draw(st.integers(0, most))):
        row = f"{1_700_000_000 + first + number:010d}{number:08x}"
        made[row] = draw(row_named(row))
    return made


def row_named(row: str) -> st.SearchStrategy[TaughtRow]:
    label = st.one_of(
        st.sampled_from(CATEGORIES).map(lambda name: {"category": name, "intent": None}),
        st.sampled_from(INTENTS).map(lambda name: {"category": None, "intent": name}),
    )
    return st.builds(
        lambda text, label, sub: TaughtRow(row=row, text=text, scenario="wb_1a2b", sub=sub, **label),
        texts.filter(lambda text: text.strip("\n\r ") != ""),
        label,
        st.sampled_from(SUBS),
    )


@st.composite
def scribbled(draw: st.DrawFn, files: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The files with comments and blank lines between and behind their lines."""
    written: list[str] = []
    made = {}
    for name, text in files.items():
        lines: list[str] = []
        for line in text.splitlines():
            what = draw(st.sampled_from(["", "", "", "above", "behind", "blank", "indented"]))
            comment = draw(comments)
            if what in ("above", "indented"):
                lines.append(("      " if what == "indented" else "") + comment)
            if what == "blank":
                lines.append("")
            lines.append(f"{line}  {comment}" if what == "behind" else line)
            written += [comment] if what in ("above", "behind", "indented") else []
        made[name] = "\n".join(lines) + draw(st.sampled_from(["\n", "", "\n\n"]))
    return made, written


def changed_by_page(draw: st.DrawFn, rows: dict[str, TaughtRow]) -> dict[str, TaughtRow]:
    after = {}
    for row in rows.values():
        what = draw(st.sampled_from(["kept", "kept", "dropped", "changed"]))
        if what != "dropped":
            after[row.row] = draw(row_named(row.row)) if what == "changed" else row
    return after | draw(rows_of(first=5_000_000, most=10))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_changes_on_both_sides_the_rows_stand_and_no_comment_is_lost(data: st.DataObject) -> None:
    rows = data.draw(rows_of())
    files, written = data.draw(scribbled(dict(merge({}, rows.values(), known=set()).files)))
    after = changed_by_page(data.draw, rows)

    once = merge(files, after.values(), known=rows.keys() | after.keys())
    twice = merge(once.files, after.values(), known=rows.keys() | after.keys())

    assert once.faults == ()
    assert read_rows(once.files) == (after, [])
    assert dict(twice.files) == dict(once.files)
    assert (twice.added, twice.changed, twice.removed) == ((), (), ())
    told = "\n".join(once.files.values()).splitlines()
    kept = sorted(line[line.index("# by hand") :] for line in told if "# by hand" in line)
    assert kept == sorted(written)
    assert set(once.added) == after.keys() - rows.keys()
    assert set(once.removed) == rows.keys() - after.keys()
    assert set(once.changed) == {row for row in after if row in rows and after[row] != rows[row]}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_two_hundred_rows_are_written_as_well_as_a_few(data: st.DataObject) -> None:
    rows = {
        f"{1_700_000_000 + number}{number:08x}": data.draw(row_named(f"{1_700_000_000 + number}{number:08x}"))
        for number in range(200)
    }
    files, written = data.draw(scribbled(dict(merge({}, rows.values(), known=set()).files)))

    once = merge(files, rows.values(), known=rows.keys())

    assert dict(once.files) == files
    assert read_rows(files) == (rows, [])
    assert sum(text.count("# by hand") for text in files.values()) == len(written)


A_ROW = TaughtRow(row="170000000000000001", text="any news", scenario="wb_1", intent="ask_status")
ANOTHER = TaughtRow(row="170000000100000002", text="is there news", scenario="wb_2", intent="ask_status")
BY_HAND = """\
# ours
version: "3.1"
nlu:
- intent: ask_status   # what is happening
  examples:
  # the first one
  - text: {text}
    metadata: {{row: "170000000000000001", scenario: wb_1}}
  - text: one that a hand wrote   # keep
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'any word of it'", "any word of it"),
        ("any word", "any word"),
        ("|\n      any word", "any word"),
        (">-\n      any\n      word", "any word"),
    ],
)
def test_what_a_hand_changed_is_read_and_stays_as_the_hand_wrote_it(written: str, read: str) -> None:
    files = {"ask_status.yml": BY_HAND.format(text=written)}
    rows, faults = read_rows(files)

    assert faults == []
    assert rows[A_ROW.row].text == read
    assert dict(merge(files, rows.values(), known=rows.keys()).files) == files


def test_an_example_without_a_row_is_never_ours_to_drop() -> None:
    files = {"ask_status.yml": BY_HAND.format(text="any news")}

    emptied = merge(files, [], known={A_ROW.row})

    assert emptied.removed == (A_ROW.row,)
    assert "one that a hand wrote   # keep" in emptied.files["ask_status.yml"]
    assert "any news" not in emptied.files["ask_status.yml"]


def test_a_row_of_another_database_is_left_alone() -> None:
    files = {"ask_status.yml": BY_HAND.format(text="any news")}

    assert dict(merge(files, [], known={ANOTHER.row}).files) == files


def test_a_row_a_hand_moved_to_another_file_has_that_file_s_label() -> None:
    text = BY_HAND.format(text="any news").replace("ask_status", "ask_court")

    assert read_rows({"ask_court.yml": text})[0][A_ROW.row].intent == "ask_court"


def test_a_label_changed_on_the_page_moves_the_row_and_leaves_its_comment() -> None:
    files = {"ask_status.yml": BY_HAND.format(text="any news   # why this one")}
    urgent = TaughtRow(row=A_ROW.row, text="any news", scenario="wb_1", category="missing_person")

    moved = merge(files, [urgent], known={A_ROW.row})

    assert (moved.added, moved.changed) == ((), (A_ROW.row,))
    assert "# why this one" in moved.files["ask_status.yml"]
    assert "- intent: urgent" in moved.files["urgent_missing_person.yml"]
    assert "category: missing_person" in moved.files["urgent_missing_person.yml"]


@pytest.mark.parametrize(
    "broken", ["nlu: [", "a: b: c", "nlu: {a: b}", "- x", "nlu:\n- {intent: a, examples: [b]}"]
)
def test_a_file_that_cannot_be_read_stays_and_is_told(broken: str) -> None:
    files = {"ask_status.yml": broken}
    court = TaughtRow(row=ANOTHER.row, text="when", scenario="wb_2", intent="ask_court")

    merged = merge(files, [A_ROW, court], known={A_ROW.row, court.row})

    assert merged.files["ask_status.yml"] == broken
    assert [fault.file for fault in merged.faults] == ["ask_status.yml"]
    assert merged.added == (court.row,)


def test_a_row_that_stands_twice_is_told_and_the_second_left_to_the_hand() -> None:
    text = BY_HAND.format(text="any news")
    files = {"ask_status.yml": text, "extra.yml": text}

    assert [(fault.file, fault.what) for fault in read_rows(files)[1]] == [("extra.yml", "twice")]


@pytest.mark.parametrize(
    "start",
    [
        "# only a comment\n",
        "nlu:\n",
        "nlu: []  # nothing yet\n",
        'version: "3.1"\nnlu:\n- intent: ask_status\n  examples: []  # none\n# below\n',
        'version: "3.1"\nnlu:\n- intent: ask_status\n  examples:\n',
        'version: "3.1"\nnlu:\n- intent: ask_status\n  examples: |\n    - one by hand\n',
        'version: "3.1"\nnlu:\n  - intent: greet\n    examples: |\n      - hi\n# below',
    ],
)
def test_rows_are_added_to_whatever_a_hand_began(start: str) -> None:
    merged = merge({"ask_status.yml": start}, [A_ROW, ANOTHER], known={A_ROW.row})
    made = merged.files["ask_status.yml"]

    assert read_rows(merged.files) == ({A_ROW.row: A_ROW, ANOTHER.row: ANOTHER}, [])
    assert [line for line in start.splitlines() if "#" in line and "[]" not in line] == [
        line for line in made.splitlines() if "#" in line and "nothing yet" not in line and "none" not in line
    ]
    assert dict(merge(merged.files, [A_ROW, ANOTHER], known={A_ROW.row, ANOTHER.row}).files) == dict(
        merged.files
    )


def test_rows_are_added_behind_those_of_their_block() -> None:
    files = merge({}, [A_ROW], known=set()).files
    made = merge(files, [A_ROW, ANOTHER], known={A_ROW.row}).files["ask_status.yml"]

    assert made.startswith(files["ask_status.yml"])
    assert made.count("- intent:") == 1


def test_a_block_that_was_emptied_is_still_a_list_for_rasa() -> None:
    files = {"ask_status.yml": "# by hand\n" + merge({}, [A_ROW], known=set()).files["ask_status.yml"]}

    assert merge(files, [], known={A_ROW.row}).files["ask_status.yml"].endswith("  examples: []\n")


def test_a_file_nothing_is_left_in_goes() -> None:
    files = merge({}, [A_ROW], known=set()).files

    assert dict(merge(files, [], known={A_ROW.row}).files) == {}


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    before = read_folder(tmp_path)
    write_folder(tmp_path, before, merge(before, [A_ROW], known=set()).files)
    first = (tmp_path / "ask_status.yml").stat()
    standing = read_folder(tmp_path)

    assert not write_folder(tmp_path, standing, merge(standing, [A_ROW], known={A_ROW.row}).files)
    assert (tmp_path / "ask_status.yml").stat().st_mtime_ns == first.st_mtime_ns
    assert [each.name for each in tmp_path.iterdir()] == ["ask_status.yml"]


def test_every_example_is_listed_whoever_wrote_it() -> None:
    block = 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hi there\n    - hello\n'
    files = {"ask_status.yml": BY_HAND.format(text="any news"), "greet.yml": block}
    found: list[tuple[Any, ...]] = [(each.text, each.row, each.line) for each in list_texts(files)]

    assert found == [
        ("any news", A_ROW.row, 7),
        ("one that a hand wrote", None, 9),
        ("hi there", None, 5),
        ("hello", None, 6),
    ]

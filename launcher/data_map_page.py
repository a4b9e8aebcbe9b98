"""`./waymark data-map`: docs/data-map.md, made from the map of columns, the retention rules and the tables themselves.

Nothing on the page is written by hand but the words of `data_map_words.toml`; a test compares it with what this gives.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.storage.data_map import MappedTable, RecordClass, load_data_map
from casework.adapters.storage.schema import metadata
from casework.model.retention import RETENTION_FILE, Counted, TableRule, load_retention
from casework.model.toml_files import read_toml

PAGE = Path("docs/data-map.md")
WORDS = Path(__file__).with_name("data_map_words.toml")
# By name, so that a table may be sealed without this module knowing how.
SEALED = ("Sealed", "BlindIndex")


def render_data_map() -> str:
    """The whole page."""
    data_map, rules = load_data_map(), load_retention().tables
    lines = [read_toml(WORDS)["intro"], _count(data_map)]
    for record_class in RecordClass:
        lines.extend(_render_class(record_class, data_map, rules))
    return "\n".join(lines)


def run_data_map(root: Path, *, is_check: bool) -> int:
    """Writes the page; with `is_check` only says whether it is current, and gives 1 where it is not."""
    page, wanted = root / PAGE, render_data_map()
    is_current = page.exists() and page.read_text() == wanted
    if not is_check:
        page.write_text(wanted)
    print(
        f"{PAGE}: {'current' if is_current else 'not current. Run ./waymark data-map' if is_check else 'written'}"
    )
    return 1 if is_check and not is_current else 0


def _count(data_map: Mapping[str, MappedTable]) -> str:
    personal = sum(len(table.personal) for table in data_map.values())
    sealed = sum(len(_sealed(name)) for name in data_map)
    return f"{len(data_map)} tables; {personal} columns are somebody's own; {sealed} columns are sealed.\n"


def _render_class(
    record_class: RecordClass, data_map: Mapping[str, MappedTable], rules: Mapping[str, TableRule]
) -> Iterator[str]:
    words = read_toml(WORDS)[record_class.value]
    yield f"## {words['title']}\n"
    yield f"Why: {words['why']}.\n"
    yield f"Who sees it: {words['who']}.\n"
    yield "| table | what | of the person | sealed | how long |"
    yield "|---|---|---|---|---|"
    for table in sorted(
        (each for each in data_map.values() if each.record_class is record_class), key=lambda each: each.name
    ):
        sealed = ", ".join(_sealed(table.name)) or "-"
        own = "; ".join(words.lower() for words in table.personal.values()) or "-"
        yield f"| {table.name} | {table.says} | {own} | {sealed} | {say_how_long(rules.get(table.name))} |"
    yield ""


def _sealed(table: str) -> list[str]:
    known: sa.Table | None = metadata.tables.get(table)
    return (
        [] if known is None else [each.name for each in known.columns if type(each.type).__name__ in SEALED]
    )


def say_how_long(rule: TableRule | None) -> str:
    """How long rows of a table are kept, in words; in bold where nobody has said it."""
    if rule is None:
        return "**no rule yet**"
    if rule.counted is Counted.PARENT:
        return "with what it belongs to"
    if rule.keep_for is None:
        return f"not by time: {read_toml(RETENTION_FILE)[rule.kept_as]['why']}"
    after = " after the force's record has it" if rule.counted is Counted.EXPORT else ""
    kept = " ".join(
        f"; while {column} is {' or '.join(states)}, longer" for column, states in sorted(rule.unless.items())
    )
    return _in_words(rule.keep_for) + after + kept


def _in_words(time: timedelta) -> str:
    hours = int(time.total_seconds()) // 3600
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"

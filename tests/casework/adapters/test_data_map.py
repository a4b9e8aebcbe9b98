"""Every table and column is in the map, and nothing in the map is gone.

Red when: a column is added to a table and not to the map (`test_every_table_and_column_is_in_the_map` names it; seen in
a copy of the tree with `person.shoe_size`), or a line of the map is taken out.
"""

from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.storage.data_map import DATA_MAP, RecordClass, list_faults, load_data_map
from casework.adapters.storage.schema import metadata
from casework.model.errors import SettingsInvalid


def test_every_table_and_column_is_in_the_map() -> None:
    assert list_faults(load_data_map(), metadata) == []


def test_an_unlabelled_column_is_named() -> None:
    changed = sa.MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(changed)
    changed.tables["person"].append_column(sa.Column("shoe_size", sa.Integer))
    sa.Table("diary", changed, sa.Column("id", sa.Integer, primary_key=True))

    assert list_faults(load_data_map(), changed) == [
        "diary: not in the map",
        "person.shoe_size: not in the map",
    ]


def test_every_row_that_hangs_on_somebodys_row_is_reached() -> None:
    """Unless it is of staff or of the service. Red when: `reach` of quality_review becomes `by_hand`."""
    data_map = load_data_map()
    for table in metadata.sorted_tables:
        mapped = data_map[table.name]
        parents = {key.column.table.name for key in table.foreign_keys}
        if mapped.record_class not in (RecordClass.STAFF, RecordClass.SYSTEM):
            hangs_on = [name for name in parents if data_map[name].is_of_a_person]
            assert mapped.is_of_a_person or not hangs_on, table.name


@pytest.mark.parametrize(
    "line",
    [
        'class = "evidence"',
        'reach = ["conversation_id = conversation.id"]',
        'reach = ["conversation_id -> elsewhere.id"]',
        'colour = "blue"',
        'linked = ["text"]',
    ],
)
def test_a_map_that_is_wrong_is_refused_with_the_table(tmp_path: Path, line: str) -> None:
    name = line.partition(" ")[0]
    given = {
        "says": 'says = "Notes"',
        "class": 'class = "service"',
        "linked": "linked = []",
        "system": "system = []",
    } | {name: line}
    path = tmp_path / "map.toml"
    path.write_text("[note]\n" + "\n".join(given.values()) + '\n[note.personal]\ntext = "What it says"\n')

    with pytest.raises(SettingsInvalid, match="note"):
        load_data_map(path)


def test_the_words_a_person_reads_name_no_table() -> None:
    """They are given as they stand: no code word, no abbreviation."""
    for table in load_data_map(DATA_MAP).values():
        for words in (table.says, *table.personal.values()):
            assert "_" not in words, (table.name, words)

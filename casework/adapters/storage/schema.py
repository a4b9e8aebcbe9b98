"""The whole schema: every module that adds tables to it, in one place for migrations and tests."""

from casework.adapters.storage import (
    conversation_tables,
    desk_tables,
    drill_tables,
    ladder_tables,
    staff_tables,
    supervision_tables,
    tables,
)

MODULES = (
    tables,
    staff_tables,
    desk_tables,
    conversation_tables,
    ladder_tables,
    drill_tables,
    supervision_tables,
)
metadata = tables.metadata

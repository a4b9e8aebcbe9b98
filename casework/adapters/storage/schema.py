"""The whole schema: every module that adds tables to it, in one place for migrations and tests."""

from casework.adapters.storage import (
    content_tables,
    conversation_tables,
    desk_tables,
    drill_tables,
    ladder_tables,
    model_tables,
    staff_tables,
    supervision_tables,
    tables,
    workbench_tables,
)

MODULES = (
    tables,
    staff_tables,
    desk_tables,
    conversation_tables,
    ladder_tables,
    drill_tables,
    supervision_tables,
    workbench_tables,
    model_tables,
    content_tables,
)
metadata = tables.metadata

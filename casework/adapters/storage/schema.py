"""The whole schema: every module that adds tables to it, in one place for migrations and tests."""

from casework.adapters.storage import (
    access_tables,
    audit_tables,
    content_tables,
    conversation_tables,
    desk_tables,
    drill_tables,
    keeping_tables,
    key_tables,
    ladder_tables,
    model_tables,
    reading_tables,
    staff_tables,
    supervision_tables,
    switch_tables,
    tables,
    workbench_tables,
)

MODULES = (
    tables,
    audit_tables,
    staff_tables,
    desk_tables,
    conversation_tables,
    ladder_tables,
    drill_tables,
    supervision_tables,
    workbench_tables,
    model_tables,
    content_tables,
    reading_tables,
    access_tables,
    keeping_tables,
    key_tables,
    switch_tables,
)
metadata = tables.metadata

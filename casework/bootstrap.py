"""The one wiring file: settings in, a service whose parts know each other out."""

from functools import cache

from casework.adapters.clock import SystemClock
from casework.adapters.passwords import ArgonCodeBook, ArgonPasswords
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database, create_engine
from casework.model.disclosure_screen import load_disclosure_screen
from casework.services.ports import Clock
from casework.services.safety_lines import load_safety_lines
from casework.services.service_texts import load_service_texts

__all__ = ["Service", "build_service"]


def build_service(settings: Settings, *, clock: Clock | None = None) -> Service:
    """Reads rules and templates, opens the database; starts nothing."""
    clock = clock or SystemClock()
    return Service(
        settings=settings,
        database=Database(create_engine(settings.database_url), clock),
        clock=clock,
        screen=_screen(),
        safety_lines=load_safety_lines(),
        texts=load_service_texts(),
        codes=ArgonCodeBook(),
        passwords=ArgonPasswords(),
    )


# Frozen once read, and the dearest thing to read: one is enough for a process.
_screen = cache(load_disclosure_screen)

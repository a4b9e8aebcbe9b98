"""The one wiring file: settings in, a service whose parts know each other out."""

from collections.abc import Sequence
from functools import cache

from casework.adapters.clock import DatabaseClock, SystemClock
from casework.adapters.masking import build_masker
from casework.adapters.passwords import ArgonCodeBook, ArgonPasswords
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database, create_engine, may_retry
from casework.adapters.storage.error_counts import count_database_errors
from casework.adapters.storage.vaults import check_keys
from casework.adapters.vault.key_services import FileKeys
from casework.model.bands import Bands, load_band_limits, load_band_says
from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.disclosures import ScreenResult
from casework.model.grade_clocks import load_grade_clocks
from casework.model.messages import InboundMessage
from casework.model.staffed_hours import HOURS_FILE, load_staffed_hours
from casework.services.ports import Clock
from casework.services.safety_lines import load_safety_lines
from casework.services.service_texts import load_service_texts

__all__ = ["Service", "build_service"]


def build_service(
    settings: Settings, *, clock: Clock | None = None, goes_first: bool = False, screens: bool = False
) -> Service:
    """Reads rules and templates, opens the database; starts nothing. `goes_first`: see `Database`.

    `screens`: this process takes messages in, as whoever goes first does. The screen's rules are read now, before the
    first of them; elsewhere when somebody asks, for they take 28 MB and most of a second.
    """
    if goes_first or screens:
        _screen()
    engine = create_engine(settings.database_url, FileKeys(settings.keys_file))
    count_database_errors(engine, may_retry)
    check_keys(engine)
    clock = clock or (DatabaseClock(engine) if engine.dialect.name == "postgresql" else SystemClock())
    return Service(
        settings=settings,
        database=Database(
            engine,
            clock,
            goes_first=goes_first,
            may_teach_unless_said=settings.training_use == "allowed",
        ),
        clock=clock,
        screen=_ScreenWhenAsked(),
        bands=_load_bands(),
        safety_lines=load_safety_lines(),
        texts=load_service_texts(sms_cost=settings.sms_cost),
        codes=ArgonCodeBook(),
        passwords=ArgonPasswords(),
        masker=build_masker(settings),
        clocks=load_grade_clocks(hours=load_staffed_hours(settings.staffed_hours_file or HOURS_FILE)),
    )


class _ScreenWhenAsked:
    def screen(self, message: InboundMessage, earlier: Sequence[str] = ()) -> ScreenResult:
        return _screen().screen(message, earlier)


def _load_bands() -> Bands:
    learned = load_band_says()

    def says(rule: str) -> str:
        try:
            return learned[rule] if rule in learned else _screen().says(rule)
        except KeyError:
            return ""  # a message is never refused for want of a sentence about it

    return Bands(limits=load_band_limits(), says=says)


# Frozen once read, and the dearest thing to read: one is enough for a process.
_screen = cache(load_disclosure_screen)

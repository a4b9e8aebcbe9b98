"""The parts of a running service, as the apps see them. `bootstrap` puts them together."""

from dataclasses import dataclass

from casework.adapters.passwords import ArgonCodeBook, ArgonPasswords
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database
from casework.model.bands import Bands
from casework.model.grade_clocks import GradeClocks
from casework.model.masking import Masker
from casework.services.ports import Clock
from casework.services.receive import Screen
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts


@dataclass(frozen=True, kw_only=True)
class Service:
    settings: Settings
    database: Database
    clock: Clock
    screen: Screen
    bands: Bands
    safety_lines: SafetyLines
    texts: ServiceTexts
    codes: ArgonCodeBook
    passwords: ArgonPasswords
    masker: Masker
    clocks: GradeClocks  # with the hours at which the desk is staffed

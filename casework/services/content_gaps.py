"""What may stand in the gaps of a text: the longest, to measure it with, and something usual, to read it with."""

from collections.abc import Mapping

from casework.services.case_file_cells import LONGEST as LONGEST_CELL
from casework.services.support_directory import get_support_services

# The entry of the directory that takes the most room in a text message.
_WIDEST = max(
    get_support_services(), key=lambda each: len(each.name + each.phone_display + each.for_whom + each.hours)
)
_USUAL = next(each for each in get_support_services() if each.id == "victim_support")

SAMPLES: Mapping[str, tuple[str, str]] = {
    "recorded_on": ("30 September 2026", "3 May 2026"),
    "changed_on": ("30 September 2026", "3 May 2026"),
    "next_update_due": ("30 September 2026", "3 May 2026"),
    # As long as a case file may have them: a longer one is refused when it is read.
    "officer_name": ("Detective Constable ".ljust(LONGEST_CELL["oic_name"], "x"), "Sam Test"),
    "collar_number": ("CX123456".ljust(LONGEST_CELL["oic_collar_number"], "0"), "C123"),
    "officer_contact": ("101 extension ".ljust(LONGEST_CELL["oic_contact"], "1"), "101"),
    "day": ("Wednesday 30 September", "Friday 1 May"),
    "name": (_WIDEST.name, "Sam"),
    "phone": (_WIDEST.phone_display, _USUAL.phone_display),
    "hours": (_WIDEST.hours, "Mon to Fri, 9am to 5pm"),
    "for_whom": (_WIDEST.for_whom, _USUAL.for_whom),
    "reach": (_WIDEST.reach, "call it free, or write online"),
}
LONGEST: Mapping[str, str] = {gap: longest for gap, (longest, _) in SAMPLES.items()}
USUAL: Mapping[str, str] = {gap: usual for gap, (_, usual) in SAMPLES.items()}

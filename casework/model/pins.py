"""PINs that somebody close to the person would try first are not accepted. See pins.toml."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.toml_files import read_toml

PINS_FILE = Path(__file__).with_name("pins.toml")
_UP, _DOWN = "01234567890123456789012", "98765432109876543210987"


class PinFault(StrEnum):
    """Why a PIN is not accepted. The words for a person stand in a template, under these names."""

    SHAPE = "shape"  # not digits alone, too few or too many
    COMMON = "common"
    PATTERN = "pattern"  # repeated or running digits
    DATE = "date"
    NOT_TWICE_THE_SAME = "not_twice_the_same"


def find_pin_fault(pin: str) -> PinFault | None:
    """The first reason against this PIN, or None. Digits 0-9 only: `str.isdigit` would take other scripts too."""
    rules = load_pin_rules()
    if not re.fullmatch(r"[0-9]+", pin) or not rules["shortest"] <= len(pin) <= rules["longest"]:
        return PinFault.SHAPE
    if pin in rules["commonest"]:
        return PinFault.COMMON
    if _is_pattern(pin):
        return PinFault.PATTERN
    return PinFault.DATE if _may_be_date(pin, *rules["years"]) else None


def _is_pattern(pin: str) -> bool:
    repeats = any(pin == (pin[:size] * len(pin))[: len(pin)] for size in (1, 2, 3))
    return repeats or pin in _UP or pin in _DOWN


def _may_be_date(pin: str, first: int, last: int) -> bool:
    if any(first <= int(each) <= last for each in (pin[:4], pin[-4:])):
        return True
    if len(pin) != 6:
        return False
    orders = ((0, 2, 4), (2, 0, 4), (4, 2, 0), (2, 4, 0))  # day, month and year begin here
    return any(_is_day(int(pin[d : d + 2]), int(pin[m : m + 2]), int(pin[y : y + 2])) for d, m, y in orders)


def _is_day(day: int, month: int, year: int) -> bool:
    try:
        # A leap year of either century is near enough.
        date(2000 + year, month, day)
    except ValueError:
        return False
    return True


@cache
def load_pin_rules() -> Mapping[str, Any]:
    return read_toml(PINS_FILE)

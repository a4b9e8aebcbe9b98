"""The masker of the tests, and what of a text it hides."""

from functools import cache
from pathlib import Path

from casework.model.masking import CaseValues, MaskedText
from casework.model.masking.masker import LayeredMasker, load_masker

TOWNS = Path(__file__).parents[3] / "bot" / "components" / "towns.txt"
NOTHING = CaseValues()


@cache
def a_masker(key: bytes = b"k" * 32) -> LayeredMasker:
    return load_masker(key=key, towns=TOWNS.read_text("utf-8"))


def mask(text: str, values: CaseValues = NOTHING, *, of: str = "c1") -> MaskedText:
    return a_masker().mask(text, values, of=of)


def hidden(text: str, values: CaseValues = NOTHING) -> list[tuple[str, str]]:
    """(kind, what was hidden), in order."""
    return [(one.kind.value, text[one.start : one.end]) for one in mask(text, values).masks]

"""What is read where words were erased: their key was destroyed on purpose, and the row is yet to go."""

from functools import cache
from pathlib import Path

from casework.model.toml_files import as_text, read_toml

WORDS = Path(__file__).with_name("erased.toml")


class Erased(str):
    """Stands for words nobody can read any more, and says so. It is nobody's text, name or address."""

    __slots__ = ()


@cache
def load_erased() -> Erased:
    """Raises SettingsInvalid for a file that does not say it."""
    return Erased(as_text(read_toml(WORDS).get("says")))

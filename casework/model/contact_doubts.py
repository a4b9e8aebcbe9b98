"""Whether a message says that its writer is not the person we took the number's holder for."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.folded_words import fold_words
from casework.model.toml_files import read_toml

PHRASES_FILE = Path(__file__).with_name("contact_doubts.toml")


def is_contact_doubted(text: str) -> bool:
    """Whole phrases of contact_doubts.toml in a short message; anything else is taken for the person themselves."""
    words = fold(text)
    table = load_phrases()
    if not words or len(words) > table["most_words"]:
        return False
    said = f" {' '.join(words)} "
    if any(f" {phrase} " in said for phrase in table["anywhere"]):
        return True
    return " ".join(word for word in words if word not in table["around"]) in table["whole"]


def fold(text: str) -> list[str]:
    """Small letters, apostrophes dropped, nothing but letters and digits. A hostile length is cut off."""
    return fold_words(text[:1000].replace("`", ""))


@cache
def load_phrases() -> Mapping[str, Any]:
    return read_toml(PHRASES_FILE)

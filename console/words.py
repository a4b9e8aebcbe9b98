"""The desk's words, read from their template file."""

import tomllib
from pathlib import Path
from typing import Any

WORDS_FILE = Path(__file__).parent / "templates" / "words.toml"

Words = dict[str, dict[str, Any]]


def load_words() -> Words:
    """Sections of names and texts; a missing name fails the page's test, never shows a blank."""
    return tomllib.loads(WORDS_FILE.read_text(encoding="utf-8"))

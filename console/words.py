"""The desk's words, read from their template file."""

import tomllib
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
WORDS_FILE = TEMPLATES / "words.toml"
# Sections of the workbench begin with wb_: none of them can hide one of the desk's.
WORKBENCH = TEMPLATES / "workbench"

Words = dict[str, dict[str, Any]]


def load_words() -> Words:
    """Sections of names and texts; a missing name fails the page's test, never shows a blank."""
    files = (WORDS_FILE, *sorted(WORKBENCH.glob("*words.toml")))
    return {name: section for path in files for name, section in _read(path).items()}


def _read(path: Path) -> Words:
    return tomllib.loads(path.read_text(encoding="utf-8"))

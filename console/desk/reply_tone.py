"""Words of a reply that may blame, confuse or promise too much: told once before it is sent, never a bar."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TONE_FILE = Path(__file__).parent.parent / "templates" / "tone.toml"


@dataclass(frozen=True, kw_only=True)
class ToneHit:
    """`words` as they stand in the reply; `says`: what may be wrong with them; `instead`: what to write."""

    words: tuple[str, ...]
    says: str
    instead: str


@dataclass(frozen=True, kw_only=True)
class ToneRule:
    pattern: re.Pattern[str]
    says: str
    instead: str


@cache
def load_tone(path: Path = TONE_FILE) -> tuple[ToneRule, ...]:
    """One rule a table of the file, in its order."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        ToneRule(pattern=_compile(each["words"]), says=each["says"], instead=each["instead"])
        for each in tables.values()
    )


def find_tone(text: str) -> tuple[ToneHit, ...]:
    """Every rule that finds something, with what it found, each once."""
    folded = text.replace("\u2019", "'")
    hits = ((rule, tuple(dict.fromkeys(rule.pattern.findall(folded)))) for rule in load_tone())
    return tuple(ToneHit(words=found, says=rule.says, instead=rule.instead) for rule, found in hits if found)


def _compile(words: list[str]) -> re.Pattern[str]:
    # An abbreviation is one only in capitals: "dash" is a word.
    parts = [_as_written(each) if each.isupper() else f"(?i:{_as_written(each)})" for each in words]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")


def _as_written(words: str) -> str:
    return r"\s+".join(re.escape(word) for word in words.split())

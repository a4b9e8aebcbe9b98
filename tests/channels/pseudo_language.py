"""A language nobody speaks, made of the pages' own words: what is not marked for translation stays English in it."""

import re
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

from babel.messages import Message
from babel.messages.pofile import write_po

from channels.webchat.languages import ReviewedCatalog
from channels.webchat.pages import WebPages
from channels.webchat.words import extract_words

# Hebrew's code and letters, because it must be a language written from right to left; the words are of none.
PSEUDO = "he"
KEPT = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|&#?\w+;)")
_HEBREW = "אבגדהוזחטיכלמנסעפצקרשתםןףץ"
_LETTERS = str.maketrans(ascii_lowercase + ascii_uppercase, _HEBREW * 2)


def mirror(words: str) -> str:
    """In brackets, in letters written from right to left; placeholders, tags and numbers stay."""
    parts = KEPT.split(words)
    return f"[{''.join(part if KEPT.fullmatch(part) else part.translate(_LETTERS) for part in parts)}]"


def find_kept(words: str) -> list[str]:
    """The placeholders and tags that a translation must have too."""
    return sorted(KEPT.findall(words))


def write_pseudo_language(folder: Path) -> WebPages:
    """Writes its catalogue there; the pages of the web in English and in it."""
    catalogue = ReviewedCatalog(locale=PSEUDO, fuzzy=False)
    catalogue.reviewed_by = "Nobody Example, 1 May 2026"
    for message in extract_words():
        if message.id:
            catalogue.add(message.id, _translate(message, catalogue.num_plurals), context=message.context)
    with (folder / f"{PSEUDO}.po").open("wb") as file:
        write_po(file, catalogue)
    return WebPages(locale=folder)


def _translate(message: Message, plurals: int) -> str | tuple[str, ...]:
    if isinstance(message.id, str):
        return mirror(message.id)
    return tuple(mirror(message.id[min(form, 1)]) for form in range(plurals))

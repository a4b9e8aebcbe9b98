"""Collects the English words of the templates into locale/web.pot, and brings every catalogue up to them.

Translations are kept. One whose English changed is marked fuzzy, which shows the English until somebody looks.
"""

import re
from io import BytesIO
from pathlib import Path

from babel.localedata import exists
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import write_po

from channels.webchat.languages import DEFAULT, LOCALE, ReviewedCatalog, read_catalogue

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE_OF_CATALOGUES = "web.pot"
# As pages.py reads them, so that what is looked up is what was extracted.
OPTIONS = {
    "trimmed": "true",
    "newstyle_gettext": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
}
COMMENTS_FOR_TRANSLATORS = ("source:", "note:")
WIDTH = 100


def extract_words(templates: Path = TEMPLATES) -> ReviewedCatalog:
    """Every string marked in a template, with the source given in the comment above it."""
    words = _start("# Written by ./waymark words: change the templates instead.")
    for path in sorted(templates.rglob("*.*")):
        with path.open("rb") as file:
            for _line, message, comments, context in extract(
                "jinja2.ext:babel_extract", file, DEFAULT_KEYWORDS, COMMENTS_FOR_TRANSLATORS, OPTIONS
            ):
                place = [(path.relative_to(templates).as_posix(), 0)]
                words.add(message, locations=place, auto_comments=comments, context=context)
    return words


def update_catalogues(folder: Path = LOCALE, templates: Path = TEMPLATES) -> dict[Path, bytes]:
    """What web.pot and each .po in `folder` should hold; nothing is written."""
    words = extract_words(templates)
    current = {folder / TEMPLATE_OF_CATALOGUES: _write_out(words)}
    for path in sorted(folder.glob("*.po")):
        catalogue = read_catalogue(path)
        catalogue.update(words)
        current[path] = _write_out(catalogue)
    return current


def find_stale(folder: Path = LOCALE, templates: Path = TEMPLATES) -> dict[Path, bytes]:
    """Of those, the files that hold anything else today."""
    current = update_catalogues(folder, templates)
    return {path: held for path, held in current.items() if not path.exists() or path.read_bytes() != held}


def start_catalogue(code: str, folder: Path = LOCALE) -> Path:
    """An empty catalogue, a draft. Raises ValueError for a code of no language, or of one that is there."""
    path = folder / f"{code}.po"
    if not (re.fullmatch("[a-z]{2}", code) and exists(code)) or code == DEFAULT or path.exists():
        raise ValueError(f"{code!r} is not the two letters of a new language")
    path.write_bytes(_write_out(_start("# Web chat.", code)))
    return path


def _start(comment: str, code: str | None = None) -> ReviewedCatalog:
    return ReviewedCatalog(
        locale=code,
        project="Waymark",
        version="web",
        header_comment=comment,
        fuzzy=False,
    )


def _write_out(catalogue: ReviewedCatalog) -> bytes:
    out = BytesIO()
    # Without the numbers of lines: a word moved in a template is no change of a catalogue.
    write_po(out, catalogue, width=WIDTH, include_lineno=False, include_previous=True)
    return out.getvalue()

"""The languages a page can be in. English is in the templates; every other one is a catalogue in locale/.

A catalogue says in its header who read it: one that no person has read is a draft, offered in the sandbox alone.
How one is added and reviewed: docs/languages.md.
"""

import gettext
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, PoFileParser

LOCALE = Path(__file__).parent / "locale"
DEFAULT = "en"
REVIEWER = "X-Reviewed-By"
BRITISH_TIME = ZoneInfo("Europe/London")
# What a catalogue keeps of the usual headers: no dates of runs, so that the same words make the same file.
KEPT_HEADERS = {
    *("Project-Id-Version", "Language", "Plural-Forms"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
}


class ReviewedCatalog(Catalog):
    """A catalogue whose header also says which person read it; `reviewed_by` is "" for a draft."""

    reviewed_by = ""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        usual = [(name, value) for name, value in super().mime_headers if name in KEPT_HEADERS]
        return [*usual, (REVIEWER, f"{self.reviewed_by}\n")]

    @mime_headers.setter
    def mime_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        given = list(headers)
        self._set_mime_headers(given)
        found = {name.casefold(): value.strip() for name, value in given}
        self.reviewed_by = found.get(REVIEWER.casefold(), "")


@dataclass(frozen=True, kw_only=True)
class Language:
    """`code` is BCP 47, `name` what its speakers call it, `direction` "ltr" or "rtl"."""

    code: str
    name: str
    direction: str = "ltr"
    is_draft: bool = False
    texts: gettext.NullTranslations = field(default_factory=gettext.NullTranslations, repr=False)

    @property
    def locale(self) -> Locale:
        """How dates and times of day are written. English is that of Britain."""
        return Locale.parse("en_GB" if self.code == DEFAULT else self.code)


ENGLISH = Language(code=DEFAULT, name="English")


def load_languages(folder: Path = LOCALE, *, with_drafts: bool) -> Mapping[str, Language]:
    """By code, English first. Raises ValueError for a catalogue that cannot be read."""
    found = [_read(path) for path in sorted(folder.glob("*.po"))]
    offered = [language for language in found if with_drafts or not language.is_draft]
    return {language.code: language for language in (ENGLISH, *offered)}


def read_catalogue(path: Path) -> ReviewedCatalog:
    """A .po file, named after its language, or a .pot file. Raises ValueError where it cannot be read."""
    catalogue = ReviewedCatalog(locale=path.stem if path.suffix == ".po" else None, fuzzy=False)
    try:
        with path.open("rb") as file:
            PoFileParser(catalogue, abort_invalid=True).parse(file)
    except PoFileError as fault:
        raise ValueError(f"{path.name} cannot be read: {fault}") from None
    return catalogue


def format_clock(language: Language, at: datetime) -> str:
    """British time of day: "3:05pm", or as that language writes it."""
    if language.code != DEFAULT:
        return format_time(at, "short", tzinfo=BRITISH_TIME, locale=language.locale)
    local = at.astimezone(BRITISH_TIME)
    return f"{local.hour % 12 or 12}:{local.minute:02}{'am' if local.hour < 12 else 'pm'}"


def format_day(language: Language, when: date, *, with_weekday: bool = False) -> str:
    """ "3 May 2026" or "Sunday 3 May 2026", as that language writes it; an aware time is its day in Britain."""
    day = when.astimezone(BRITISH_TIME).date() if isinstance(when, datetime) else when
    if not with_weekday:
        return format_date(day, "long", locale=language.locale)
    # British English has a comma there that plain English has not.
    return format_date(day, "EEEE d MMMM y" if language.code == DEFAULT else "full", locale=language.locale)


def _read(path: Path) -> Language:
    catalogue = read_catalogue(path)
    compiled = BytesIO()
    # A translation marked fuzzy is left out: its English changed, or nobody has read it.
    write_mo(compiled, catalogue)
    compiled.seek(0)
    locale = Locale.parse(path.stem)
    return Language(
        code=path.stem,
        name=(locale.display_name or path.stem).capitalize(),
        direction=locale.text_direction,
        is_draft=not catalogue.reviewed_by,
        texts=gettext.GNUTranslations(compiled),
    )

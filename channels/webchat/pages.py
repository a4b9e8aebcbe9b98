"""The pages of the victim's web: templates and assets read once. Every word is in a template, in English.

A template marks its words for the catalogues (`{% trans %}`, `_()`); each language is an environment of its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jinja2

from casework.model.erased import Erased
from channels.webchat.composer import LONGEST_TEXT
from channels.webchat.languages import DEFAULT, LOCALE, Language, format_clock, format_day, load_languages

HERE = Path(__file__).parent
STATIC = HERE / "static"
CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript"}

# Greets nobody by name, and is the default of GOV.UK's Exit this page: going there tells nothing.
EXIT_SITE = "https://www.bbc.co.uk/weather"


@dataclass(frozen=True)
class Asset:
    body: bytes
    content_type: str


class WebPages:
    """Renders whole pages and fragments, each in one of the `languages` offered."""

    def __init__(self, *, with_drafts: bool = False, locale: Path = LOCALE) -> None:
        """`locale` is the folder of the catalogues. Raises ValueError for one that cannot be read."""
        self.languages: Mapping[str, Language] = load_languages(locale, with_drafts=with_drafts)
        self.assets = {
            path.relative_to(STATIC).as_posix(): Asset(path.read_bytes(), CONTENT_TYPES[path.suffix])
            for path in sorted(STATIC.rglob("*"))
            if path.suffix in CONTENT_TYPES
        }
        self.digest = _digest(self.assets)
        self._environments = {code: self._build(language) for code, language in self.languages.items()}

    def render(self, template: str, *, language: str = DEFAULT, **values: object) -> str:
        """The template in that language. Raises KeyError for a language that is not offered."""
        return self._environments[language].get_template(template).render(**values)

    def get_asset_address(self, name: str) -> str:
        """Holds the digest of all assets: a new edition is a new address, so each may be kept for ever."""
        return f"/s/{self.digest}/{name}"

    def _build(self, language: Language) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_translations(language.texts, newstyle=True)  # type: ignore[attr-defined]
        environment.policies["ext.i18n.trimmed"] = True
        environment.filters["clock"] = partial(format_clock, language)
        environment.filters["day"] = partial(format_day, language)
        environment.filters["full_day"] = partial(format_day, language, with_weekday=True)
        erased = environment.get_template("erased.txt").render()
        environment.finalize = lambda value: erased if isinstance(value, Erased) else value
        environment.globals.update(
            asset=self.get_asset_address,
            exit_site=EXIT_SITE,
            language=language,
            languages=tuple(self.languages.values()),
            longest_text=LONGEST_TEXT,
        )
        return environment


def _digest(assets: Mapping[str, Asset]) -> str:
    whole = hashlib.sha256()
    for name, asset in assets.items():
        whole.update(f"{name} {len(asset.body)}\n".encode() + asset.body)
    return whole.hexdigest()[:12]

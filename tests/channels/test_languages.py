"""The web's languages: every word can be translated, a translation keeps what it must, a draft stays a draft.

Red when: a header of the catalogue is dropped, a fuzzy entry is compiled, drafts are offered to everyone, a day is
taken in UTC, or a rule with a side is put into our style.
"""

import re
from argparse import Namespace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages import Catalog

from channels.webchat.languages import (
    LOCALE,
    Language,
    format_clock,
    format_day,
    load_languages,
    read_catalogue,
)
from channels.webchat.pages import STATIC
from channels.webchat.words import TEMPLATES, extract_words, find_stale, start_catalogue
from launcher.words import run_words
from tests.channels.pseudo_language import PSEUDO, find_kept, mirror, write_pseudo_language
from tests.channels.unmarked_words import find_unmarked

FILES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*"))
CATALOGUES = sorted(path.name for path in LOCALE.glob("*.po"))
STYLES = sorted(path.name for path in STATIC.glob("*.css"))

# English on purpose, and why.
STAYS_ENGLISH = {
    "chat/quick.html": {"Talk to a person"},  # what the button sends: the assistant reads English
    # What the officer reads.
    "my/request.txt": {
        "I ask for a change to how you write to me.",
        "Send me nothing that I did not ask for.",
        "Write to me at other hours.",
        "Write to me at another number or in another app.",
        "Use other words when you write to me.",
        "Speak to me about this on the phone.",
    },
}
SIDES = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|inset|scroll-(?:margin|padding))-(?:left|right)[\w-]*"
    r"|(?:left|right)\s*:|(?:text-align|float|clear|caption-side)\s*:\s*(?:left|right)"
    r"|border-(?:top|bottom)-(?:left|right)-radius)"
)
FOUR_CORNERS = re.compile(r"border-radius\s*:\s*(?:[\w.%]+\s+){2,3}[\w.%]+\s*[;}]")


# --- every word can be translated ---------------------------------------------------------------------


@pytest.mark.parametrize("template", FILES)
def test_every_word_of_a_template_is_marked(template: str) -> None:
    found = find_unmarked((TEMPLATES / template).read_text(encoding="utf-8"))
    assert set(found) - STAYS_ENGLISH.get(template, set()) == set()


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>Send it</p>", ["Send it"]),
        ("<p>{% if x %}{{ _('Yes') }}{% else %}Not yet{% endif %}</p>", ["Not yet"]),
        ('<p>{{ "minute" if n == 1 else "minutes" }}</p>', ["minute minutes"]),
        ('<nav aria-label="Quick links"></nav>', ["Quick links"]),
        ('<form data-sent="Sent"></form>', ["Sent"]),
        ('{% set person = "Talk to a person" %}', ["Talk to a person"]),
        ("<p>{% trans %}Send <b>it</b>{% endtrans %} {{ _('Send') }}</p>", []),
        ('<p class="govuk-body {{ "second" if x }}">{{ x.name }}</p>', []),
        ('<p lang="cy">Cymraeg</p><p translate="no">Victim Support</p>', []),
        ('{% if kind == "Officer" %}{% endif %}', []),
        ('{% set places = {"Wales": _("Wales")} %}', []),
        ('{% set places = {"wales": "Wales"} %}', ["Wales"]),
    ],
)
def test_words_that_no_catalogue_could_translate_are_found(template: str, found: list[str]) -> None:
    assert find_unmarked(template) == found


def test_the_words_for_translators_are_current() -> None:
    """Run `./waymark words` when this fails: a template says what web.pot does not, or no longer does."""
    assert words_of(read_catalogue(LOCALE / "web.pot")) == words_of(extract_words())


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_has_a_place_for_every_word(name: str) -> None:
    """Run `./waymark words` when this fails."""
    assert words_of(read_catalogue(LOCALE / name)) == words_of(extract_words())


def words_of(catalogue: Catalog) -> set[str]:
    return {str(message.id) for message in catalogue if message.id}


# --- a translation keeps what it must --------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_translation_keeps_placeholders_and_tags(name: str) -> None:
    assert find_broken_translations(read_catalogue(LOCALE / name)) == []


def find_broken_translations(catalogue: Catalog) -> list[str]:
    """Translations with other placeholders or tags than their English; a plural form may leave out its number."""
    broken = []
    for message in catalogue:
        if not message.id or not message.string:
            continue
        wanted = [find_kept(words) for words in as_forms(message.id)]
        for words in filter(None, as_forms(message.string)):
            if find_kept(words) not in wanted:
                broken.append(words)
    return broken


def as_forms(words: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("by %(day)s", "erbyn"),
        ("by %(day)s", "erbyn %(dydd)s"),
        ("In danger? <strong>Call 999</strong>", "Mewn perygl? Ffoniwch 999"),
        ('<a href="/ways">Ways</a>', '<a href="/about">Ffyrdd</a>'),
        (("%(count)s file", "%(count)s files"), ("%(count)s ffeil", "%(nifer)s ffeil", "", "", "")),
    ],
)
def test_a_translation_that_lost_a_placeholder_or_a_tag_is_found(
    english: str | tuple[str, ...], translated: str | tuple[str, ...]
) -> None:
    catalogue = Catalog(locale="cy")
    catalogue.add(english, translated)
    assert len(find_broken_translations(catalogue)) == 1


# --- a draft stays a draft ---------------------------------------------------------------------------------


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.html").write_text(
        "{# source: example.org; review_by: 2027-05-01 #}\n<h1>{{ _('Messages') }}</h1>\n"
        "<p>{% trans %}Write to us.{% endtrans %}</p>\n"
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path, templates: Path) -> Path:
    """A folder with a Welsh catalogue nobody has read: one string translated."""
    made = tmp_path / "locale"
    made.mkdir()
    start_catalogue("cy", made)
    bring_up_to_date(made, templates)
    replace(made / "cy.po", 'msgid "Messages"\nmsgstr ""', 'msgid "Messages"\nmsgstr "Negeseuon"')
    return made


def bring_up_to_date(folder: Path, templates: Path) -> None:
    for path, held in find_stale(folder, templates).items():
        path.write_bytes(held)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_catalogue_nobody_read_is_a_draft_and_only_the_sandbox_offers_it(folder: Path) -> None:
    assert list(load_languages(folder, with_drafts=False)) == ["en"]
    offered = load_languages(folder, with_drafts=True)
    assert (offered["cy"].name, offered["cy"].is_draft) == ("Cymraeg", True)


def test_a_catalogue_that_a_person_read_is_offered_to_everyone(folder: Path) -> None:
    """Red when: babel's own reader is used, which forgets every header it does not know."""
    replace(folder / "cy.po", "X-Reviewed-By: ", "X-Reviewed-By: Nia Example, 2 May 2026")
    offered = load_languages(folder, with_drafts=False)
    assert not offered["cy"].is_draft
    assert offered["cy"].texts.gettext("Messages") == "Negeseuon"


def test_new_words_keep_what_was_translated_and_who_read_it(folder: Path, templates: Path) -> None:
    replace(folder / "cy.po", "X-Reviewed-By: ", "X-Reviewed-By: Nia Example, 2 May 2026")
    replace(templates / "page.html", "</h1>", "</h1><p>{{ _('Stop at any time.') }}</p>")

    bring_up_to_date(folder, templates)

    catalogue = read_catalogue(folder / "cy.po")
    assert catalogue.reviewed_by == "Nia Example, 2 May 2026"
    assert {message.id: message.string for message in catalogue if message.id} == {
        "Messages": "Negeseuon",
        "Stop at any time.": "",
        "Write to us.": "",
    }
    assert find_stale(folder, templates) == {}


def test_a_translation_of_words_that_changed_is_marked_and_no_longer_shown(
    folder: Path, templates: Path
) -> None:
    replace(
        folder / "cy.po", 'msgid "Write to us."\nmsgstr ""', 'msgid "Write to us."\nmsgstr "Ysgrifennwch."'
    )
    replace(templates / "page.html", "Write to us.", "Write to us now.")

    bring_up_to_date(folder, templates)

    assert read_catalogue(folder / "cy.po")["Write to us now."].fuzzy
    welsh = load_languages(folder, with_drafts=True)["cy"]
    assert welsh.texts.gettext("Write to us now.") == "Write to us now."


def test_words_no_template_says_any_more_are_kept_aside(folder: Path, templates: Path) -> None:
    replace(templates / "page.html", "{{ _('Messages') }}", "")
    bring_up_to_date(folder, templates)
    catalogue = read_catalogue(folder / "cy.po")
    assert "Messages" not in catalogue
    assert [message.string for message in catalogue.obsolete.values()] == ["Negeseuon"]


def test_a_translator_sees_the_source_of_what_the_words_say(folder: Path) -> None:
    assert read_catalogue(folder / "web.pot")["Messages"].auto_comments == [
        "example.org; review_by: 2027-05-01"
    ]


def test_a_catalogue_that_cannot_be_read_stops_the_start(folder: Path) -> None:
    replace(folder / "cy.po", 'msgstr "Negeseuon"', "Negeseuon")
    with pytest.raises(ValueError, match=r"cy\.po"):
        load_languages(folder, with_drafts=True)


# --- ./waymark words -----------------------------------------------------------------------------------------


def test_the_check_writes_nothing_and_is_satisfied_after_the_command(
    tmp_path: Path, templates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "locale"
    made.mkdir()
    assert run_words(Namespace(check=True, add=None), folder=made, templates=templates) == 1
    assert not list(made.iterdir())
    assert run_words(Namespace(check=False, add="cy"), folder=made, templates=templates) == 0
    assert run_words(Namespace(check=True, add=None), folder=made, templates=templates) == 0
    said = capsys.readouterr().out
    assert "Run ./waymark words" in said
    assert "a draft, shown in the sandbox alone" in said
    assert "0 of 2 translated" in said
    assert sorted(path.name for path in made.iterdir()) == ["cy.po", "web.pot"]


@pytest.mark.parametrize("code", ["en", "cymraeg", "zz", "../x"])
def test_what_is_no_new_language_is_refused(tmp_path: Path, code: str) -> None:
    assert run_words(Namespace(check=False, add=code), folder=tmp_path) == 2
    assert not list(tmp_path.iterdir())


# --- how other languages look -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "clock", "day", "full_day"),
    [
        ("en", "12:05am", "4 May 2026", "Monday 4 May 2026"),
        ("cy", "00:05", "4 Mai 2026", "Dydd Llun, 4 Mai 2026"),
        ("pl", "00:05", "4 maja 2026", "poniedziałek, 4 maja 2026"),
    ],
)
def test_dates_and_times_are_british_and_written_as_the_language_does(
    code: str, clock: str, day: str, full_day: str
) -> None:
    language, at = Language(code=code, name=code), datetime(2026, 5, 3, 23, 5, tzinfo=UTC)
    assert format_clock(language, at) == clock
    assert format_day(language, at) == day
    assert format_day(language, date(2026, 5, 4), with_weekday=True) == full_day


def test_the_pages_of_a_language_written_from_right_to_left_say_so(tmp_path: Path) -> None:
    pages = write_pseudo_language(tmp_path)
    page = pages.render("chat/refused.html", language=PSEUDO, has_visit=False, here="/m")
    assert f'lang="{PSEUDO}" dir="rtl"' in page
    assert mirror("Messages") in page


def test_the_language_nobody_speaks_keeps_placeholders_and_tags() -> None:
    words = "In %(count)s days <b>call</b> 999 &amp; stop"
    assert find_kept(mirror(words)) == find_kept(words) == ["%(count)s", "&amp;", "</b>", "<b>"]
    assert not re.search("days|call|stop", mirror(words))


@pytest.mark.parametrize("name", STYLES)
def test_our_own_style_knows_no_left_and_no_right(name: str) -> None:
    assert find_sides((STATIC / name).read_text(encoding="utf-8")) == []


def find_sides(style: str) -> list[str]:
    """The declarations that would stay on their side in a language written from right to left."""
    rules = re.sub(r"/\*.*?\*/", "", style, flags=re.S)
    return [found[0] for found in SIDES.finditer(rules)] + [
        found[0] for found in FOUR_CORNERS.finditer(rules)
    ]


@pytest.mark.parametrize(
    "declaration",
    [
        "margin-left: 1rem",
        "padding-right:0",
        "left: 0",
        "text-align: right",
        "float:left",
        "border-left-color: red",
        "border-top-left-radius: 1rem",
        "border-radius: 0 1rem 1rem 1rem",
    ],
)
def test_a_declaration_with_a_side_is_found(declaration: str) -> None:
    assert (
        len(find_sides(f".a {{ {declaration}; }} /* left: 0 */ .wm-left {{ inset-inline-start: 0; }}")) == 1
    )

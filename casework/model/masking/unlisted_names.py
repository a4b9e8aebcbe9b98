"""Names that stand in no list: words with a capital that nobody else knows, and the initials beside a name."""

import re
from collections.abc import Iterator
from dataclasses import replace

from casework.model.masking import CaseValues, Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, Token, View, read_view, words_of

_BEFORE_PLACES = frozenset({"in", "from", "near", "to", "at", "outside", "around", "of", "through", "via"})
_LONGEST_ACRONYM = 5
_SHORTEST_NAME = 3
_MOST_WORDS = 5
# Within a name: "Ní Bhriain", "Al-Rashid".
_PARTICLES = frozenset(words_of("ni nic mac mc de van von al el ap ab bin ibn da du del di st la le"))
_SHORTEST_OPENING = 4
_INITIALS_BEFORE = re.compile(r"(?<![\w'])(?:(?![AI]\s)[A-Z](?:\.\s?|\s|-)){1,3}$")
_INITIALS_BEHIND = re.compile(r"(?:[\s-]|\.\s)(?!I(?:\s|$))[A-Z](?:[.\s-]{0,2}[A-Z])?(?![\w'])")
_LAST_LETTER = re.compile(r"[\s-]([a-z])(?![a-z0-9'])")
_FIRST_LETTER = re.compile(r"(?<![a-z0-9'])([a-z])(?:\s|\.\s?|-)$")
# What is a word by itself, or for text speak.
_WORD_LETTERS = frozenset("aiunrx")
_PERSONS = (MaskKind.PERSON, MaskKind.OFFICER)


def find_unlisted(view: View, lexicon: Lexicon) -> list[Found]:
    """Runs of words that are written as names and are no word, firm or language: people, places, houses."""
    found: list[Found] = []
    place = 0
    while place < len(view.tokens):
        run = list(_run_from(view, place, lexicon))
        if any(is_sure for _, is_sure in run):
            found.append(_named(view, [token for token, _ in run], place))
        place += len(run) or 1
    return found


def _run_from(view: View, place: int, lexicon: Lexicon) -> Iterator[tuple[Token, bool]]:
    """Words one behind the other that may be one name, and whether each is one for sure."""
    last: Token | None = None
    for token in view.tokens[place : place + _MOST_WORDS]:
        if last and view.lower[last.end : token.start] not in (" ", "-", "'"):
            return
        is_sure = _may_be_name(view, token, lexicon)
        if not is_sure and not (token.has_capital and _may_belong(token, lexicon)):
            return
        yield token, is_sure
        last = token


def _may_belong(token: Token, lexicon: Lexicon) -> bool:
    word = token.folded
    is_known = lexicon.is_name(word) or word in lexicon.surnames or word in _PARTICLES
    return is_known and word not in lexicon.titles and word not in lexicon.never


def _may_be_name(view: View, token: Token, lexicon: Lexicon) -> bool:
    word = token.folded
    if not token.has_capital or len(word) < _SHORTEST_NAME or word in lexicon.titles:
        return False
    if len(word) <= _LONGEST_ACRONYM and view.text[token.start : token.end].isupper():
        return False
    if token.opens_sentence:
        # Every sentence opens with a capital: only what is not even nearly a word.
        return len(word) >= _SHORTEST_OPENING and not lexicon.is_word(word)
    if not lexicon.is_listed(word):
        return not any(word.endswith(end) and word[: -len(end)] in lexicon.public for end in ("s", "es"))
    return lexicon.surnames.get(word) is False and word not in lexicon.public


def _named(view: View, run: list[Token], place: int) -> Found:
    before = view.tokens[place - 1].folded if place else ""
    kind = MaskKind.PLACE if before in _BEFORE_PLACES else MaskKind.PERSON
    key = tuple(token.folded for token in run)
    return Found(run[0].start, run[-1].end, kind, Layer.GAZETTEER, key)


def list_initials(values: CaseValues) -> list[str]:
    """The first letters of each name of whoever writes, in small letters."""
    words = ([token.folded[0] for token in read_view(name[:200]).tokens] for name in values.names)
    return ["".join(letters[:4]) for letters in words]


def with_initials(view: View, found: list[Found], initials: list[str]) -> Iterator[Found]:
    """Every name again where single letters beside it are part of it: "T. Moyo", "Camilla F-W", "kez d"."""
    own = set("".join(initials))
    for one in found:
        if one.kind not in _PERSONS:
            continue
        start, end = one.start, one.end
        if not view.is_shouted:
            if before := _INITIALS_BEFORE.search(view.text, max(0, start - 9), start):
                start = before.start()
            if behind := _INITIALS_BEHIND.match(view.text, end):
                end = behind.end()
        if (
            end == one.end
            and (last := _LAST_LETTER.match(view.lower, end))
            and last[1] in own - _WORD_LETTERS
        ):
            end = last.end()
        # "k doyle": in small letters only the writer's own.
        if (
            one.layer is Layer.CASE
            and start == one.start
            and (first := _FIRST_LETTER.search(view.lower, max(0, start - 4), start))
            and first[1] in own - _WORD_LETTERS
        ):
            start = first.start(1)
        if (start, end) != (one.start, one.end):
            yield replace(one, start=start, end=end)


def find_initials(view: View, initials: list[str]) -> Iterator[Found]:
    """The initials of whoever writes, where they stand for a name: "T.M.", "TM here"."""
    for letters in initials:
        if len(letters) < 2:
            continue
        spaced = r"(?:\.\s?-?|-)".join(map(re.escape, letters))
        for found in re.finditer(rf"(?<![a-z0-9.]){spaced}(?:\.|(?![a-z0-9]))", view.lower):
            yield Found(*found.span(), MaskKind.PERSON, Layer.CASE, (letters,))
        if view.is_shouted:
            continue
        joined = re.escape(letters.upper())
        alone = rf"(?:^|(?<=[.,!?\n]\s)|(?<=\s-\s)|(?<=\n)){joined}(?=[\s.!x]{{0,4}}$|\shere|,\s|'s)"
        for found in re.finditer(alone, view.text):
            yield Found(*found.span(), MaskKind.PERSON, Layer.CASE, (letters,))

"""Notices a victim telling us of danger or serious harm, by fixed rules, before anything else reads it.

Whatever cannot be read, and whatever goes wrong in here, counts as a hit: silence is never read as calm.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from casework.model.disclosure_phrases import Phrase, PhraseCompiler, RuleInvalid
from casework.model.disclosures import CALM, TIER_OF, Category, Evidence, ScreenResult
from casework.model.messages import InboundMessage
from casework.model.readable_text import ReadableText, Spelling, TextReader, squeeze_letters

RULES_DIRECTORY = Path(__file__).parent / "disclosure_rules"
LONGEST_READ_AT_EACH_END = 4000
MOST_EVIDENCE = 50
CALM_SIGNS = frozenset(
    {"\U0001f44d", "\u2764", "\U0001f64f", "\U0001f44c", "\U0001f642", "?", "??", ".", "...", "\u2026", ":)"}
)
SKIN_TONES_AND_VARIANTS = dict.fromkeys([*range(0x1F3FB, 0x1F400), 0xFE0E, 0xFE0F])

# Within a tier the first named here is the one shown; the others stay in the evidence.
MOST_PRESSING_FIRST = (
    Category.IMMEDIATE_DANGER,
    Category.STRANGULATION,
    Category.SUICIDE_OR_SELF_HARM,
    Category.THREATS_TO_KILL_OR_WEAPONS,
    Category.CHILD_AT_RISK,
    Category.MISSING_PERSON,
    Category.SEXUAL_VIOLENCE_RECENT,
    Category.HONOUR_BASED_ABUSE_FORCED_MARRIAGE,
    Category.MODERN_SLAVERY,
    Category.BREACH_OF_BAIL_OR_ORDER,
    Category.WITNESS_INTIMIDATION,
    Category.STALKING_ESCALATION,
    Category.DOMESTIC_ABUSE_NEW_OR_WORSE,
    Category.OFFENDER_CONTACT_OR_RELEASE_FEAR,
    Category.HATE_OR_REPEAT_TARGETING,
    Category.NEW_EVIDENCE_OR_DETAILS,
)
RANK_OF = {category: rank for rank, category in enumerate(MOST_PRESSING_FIRST)}

SCREEN_FAILED = "screen_failed"
UNREADABLE_TIERS = {
    "media_only": 2,
    "location_only": 2,
    "other_script": 2,
    "undecodable": 2,
    SCREEN_FAILED: 2,
    "too_long": 3,
    "no_words": 3,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class DisclosureRule:
    """One thing a victim may write. What overlaps an `unless` phrase does not count (never in tier 1)."""

    id: str
    category: Category
    phrases: tuple[Phrase, ...]
    whole: tuple[Phrase, ...]
    unless: tuple[Phrase, ...]
    must_hit: tuple[str, ...]
    must_not_hit: tuple[str, ...]


class DisclosureScreen:
    """Holds the rules, indexed by the words without which they cannot fire."""

    def __init__(self, rules: Iterable[DisclosureRule], reader: TextReader) -> None:
        self.rules = tuple(rules)
        self._reader = reader
        self._by_key: dict[str, list[tuple[DisclosureRule, Phrase]]] = defaultdict(list)
        self._always: list[tuple[DisclosureRule, Phrase]] = []
        for rule in self.rules:
            for phrase in (*rule.phrases, *rule.whole):
                if not phrase.keys:
                    self._always.append((rule, phrase))
                for key in phrase.keys:
                    self._by_key[key].append((rule, phrase))

    def screen(self, message: InboundMessage) -> ScreenResult:
        """The verdict on one message as it came. Never raises: a fault in here is a hit of tier 2."""
        try:
            return self._screen_message(message)
        except Exception:
            return _unreadable(SCREEN_FAILED)

    def screen_text(self, text: str) -> ScreenResult:
        """The verdict on words alone. Never raises: a fault in here is a hit of tier 2."""
        try:
            return self._screen_text(text)
        except Exception:
            return _unreadable(SCREEN_FAILED)

    def _screen_message(self, message: InboundMessage) -> ScreenResult:
        if not message.text.strip() and message.has_location:
            return _unreadable("location_only")
        if not message.text.strip() and message.media_count:
            return _unreadable("media_only")
        read = self._screen_text(message.text)
        if message.is_readable:
            return read
        return _more_urgent(read, _unreadable("undecodable", end=len(message.text)))

    def _screen_text(self, text: str) -> ScreenResult:
        if len(text) <= 2 * LONGEST_READ_AT_EACH_END:
            return self._screen_part(text, 0)
        dropped_from, dropped_to = LONGEST_READ_AT_EACH_END, len(text) - LONGEST_READ_AT_EACH_END
        head = self._screen_part(text[:dropped_from], 0)
        tail = self._screen_part(text[dropped_to:], dropped_to)
        too_long = _unreadable("too_long", start=dropped_from, end=dropped_to)
        return _more_urgent(_more_urgent(head, tail), too_long)

    def _screen_part(self, text: str, offset: int) -> ScreenResult:
        plain = self._reader.read(text, offset=offset)
        if not plain.words:
            return _without_words(text, offset)
        readings = [plain, self._reader.read_rejoined(text, offset=offset)]
        found = [hit for reading in readings if reading and reading.words for hit in self._hits(reading)]
        result = _verdict(found)
        if _mostly_another_script(plain):
            return _more_urgent(result, _unreadable("other_script", start=offset, end=offset + len(text)))
        return result

    def _hits(self, reading: ReadableText) -> Iterator[tuple[DisclosureRule, Evidence]]:
        joined = reading.joined
        words = dict.fromkeys(word.text for word in reading.words)
        candidates = dict.fromkeys(self._always)
        candidates.update(dict.fromkeys(pair for word in words for pair in self._by_key.get(word, ())))
        for rule, phrase in candidates:
            matches = list(phrase.find_all(joined))
            excused = _excused_places(rule, joined) if matches and rule.unless else b""
            for start, end in matches:
                if 1 not in excused[start:end]:
                    first, last = reading.original_span(start, end)
                    yield rule, Evidence(rule=f"{rule.category}.{rule.id}", start=first, end=last)


def _excused_places(rule: DisclosureRule, joined: str) -> bytes:
    """One byte a character, 1 where an `unless` phrase stands: kept flat so that looking stays linear."""
    places = bytearray(len(joined))
    for excuse in rule.unless:
        for start, end in excuse.find_all(joined):
            places[start:end] = b"\x01" * (end - start)
    return bytes(places)


def _verdict(found: list[tuple[DisclosureRule, Evidence]]) -> ScreenResult:
    if not found:
        return CALM
    category = min((rule.category for rule, _ in found), key=lambda kind: (TIER_OF[kind], RANK_OF[kind]))
    ordered = sorted(
        found, key=lambda pair: (TIER_OF[pair[0].category], RANK_OF[pair[0].category], pair[1].start)
    )
    evidence = tuple(dict.fromkeys(item for _, item in ordered))[:MOST_EVIDENCE]
    return ScreenResult(urgent=True, tier=TIER_OF[category], category=category, evidence=evidence)


def _more_urgent(one: ScreenResult, other: ScreenResult) -> ScreenResult:
    """The more urgent of two verdicts, with the evidence of both; a named category wins a tie."""
    first, second = sorted((one, other), key=lambda result: (result.tier or 9, result.category is None))
    return replace(first, evidence=first.evidence + second.evidence)


def _unreadable(kind: str, *, start: int = 0, end: int = 0) -> ScreenResult:
    evidence = (Evidence(rule=kind, start=start, end=end),)
    return ScreenResult(urgent=True, tier=UNREADABLE_TIERS[kind], category=None, evidence=evidence)


def _without_words(text: str, offset: int) -> ScreenResult:
    visible = text.translate(SKIN_TONES_AND_VARIANTS).strip()
    if visible in CALM_SIGNS:
        return CALM
    noise = any(character == "\ufffd" or not character.isprintable() for character in visible)
    return _unreadable("undecodable" if noise else "no_words", start=offset, end=offset + len(text))


def _mostly_another_script(reading: ReadableText) -> bool:
    letters = [
        letter
        for word in reading.words
        if not word.text.isascii()
        for letter in word.text
        if letter.isalpha()
    ]
    if not letters:
        return False
    latin = sum(len(word.text) for word in reading.words if word.text.isascii() and not word.text.isdecimal())
    other = sum(letter > "\u024f" for letter in letters)
    return other > latin + len(letters) - other


def load_disclosure_screen(directory: Path = RULES_DIRECTORY) -> DisclosureScreen:
    """The screen with the packaged rules; refuses a missing category, a bad phrase or a tier-1 `unless`."""
    word_lists = {name: tuple(words) for name, words in _read_toml(directory / "word_lists.toml").items()}
    text_speak, signs = _read_text_speak(directory / "text_speak.toml")
    plain_reader = TextReader(text_speak=text_speak, signs=signs)
    common_words = frozenset(word for raw in word_lists["common"] for word in plain_reader.fold_word(raw))
    compiler = PhraseCompiler(
        word_lists=word_lists, fold_word=plain_reader.fold_word, common_words=common_words
    )
    rules = [rule for category in Category for rule in _read_rules(directory, category, compiler)]
    vocabulary = {word for rule in rules for phrase in (*rule.phrases, *rule.whole) for word in phrase.words}
    ordinary = {squeeze_letters(word) for word in _read_toml(directory / "ordinary_words.toml")["words"]}
    return DisclosureScreen(rules, replace(plain_reader, spelling=Spelling(vocabulary, ordinary)))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise RuleInvalid(f"{path.name} cannot be read: {fault}; put the packaged file back") from fault


def _read_text_speak(path: Path) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
    tables = _read_toml(path)
    spoken = {
        squeeze_letters(key.replace("'", "")) if key.isalpha() else key: tuple(
            map(squeeze_letters, meant.split())
        )
        for key, meant in tables["words"].items()
    }
    return spoken, dict(tables["signs"])


def _read_rules(directory: Path, category: Category, compiler: PhraseCompiler) -> Iterator[DisclosureRule]:
    path = directory / f"{category}.toml"
    entries = _read_toml(path).get("rule", [])
    if not entries:
        raise RuleInvalid(f"{path.name} holds no rules; put the packaged file back")
    for entry in entries:
        name = f"{path.name}, rule {entry.get('id', '(no id)')!r}"
        if (
            not (entry.get("phrases") or entry.get("whole"))
            or not entry.get("must_hit")
            or "must_not_hit" not in entry
        ):
            raise RuleInvalid(f"{name}: give id, phrases or whole, must_hit and must_not_hit")
        if entry.get("unless") and TIER_OF[category] == 1:
            raise RuleInvalid(f"{name}: tier 1 rules take no unless: write the phrase more closely instead")
        yield DisclosureRule(
            id=entry["id"],
            category=category,
            phrases=tuple(compiler.compile(source) for source in entry.get("phrases", [])),
            whole=tuple(compiler.compile(source, whole_message=True) for source in entry.get("whole", [])),
            unless=tuple(compiler.compile(source) for source in entry.get("unless", [])),
            must_hit=tuple(entry["must_hit"]),
            must_not_hit=tuple(entry["must_not_hit"]),
        )

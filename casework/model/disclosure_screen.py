"""Notices a victim telling us of danger or serious harm, by fixed rules, before anything else reads it.

Whatever cannot be read, and whatever goes wrong in here, counts as a hit: silence is never read as calm.
"""

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from casework.model.disclosure_phrases import Phrase, PhraseCompiler, RuleInvalid
from casework.model.disclosures import CALM, TIER_OF, Band, Category, Evidence, ScreenResult
from casework.model.messages import InboundMessage
from casework.model.readable_text import ReadableText, TextReader, Word, squeeze_letters
from casework.model.spelling_slips import Spelling
from casework.model.weighed_words import WeighedWords, read_weighed_words

RULES_DIRECTORY = Path(__file__).parent / "disclosure_rules"
READ_BY = (
    "disclosure_phrases.py",
    "disclosure_screen.py",
    "disclosures.py",
    "folded_words.py",
    "readable_text.py",
    "spelling_slips.py",
    "weighed_words.py",
)
LONGEST_READ_AT_EACH_END = 4000
MOST_EVIDENCE = 50
MOST_EARLIER_TEXTS = 4
EARLIER_WORDS_READ = 16
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
WEIGHED = "weighed_words"
STANDS_ALONE_FROM = 0.5  # a cue that is half the message needs no support from the rest
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
    """One thing a victim may write. What overlaps an `unless` phrase does not count (never in tier 1).

    `says` is what a detective reads of it. `band` is AMBER for cues that also stand in routine messages;
    the phrases of `perhaps` are AMBER in any rule.
    """

    id: str
    category: Category
    band: Band
    says: str
    phrases: tuple[Phrase, ...]
    perhaps: tuple[Phrase, ...]
    whole: tuple[Phrase, ...]
    unless: tuple[Phrase, ...]
    must_hit: tuple[str, ...]
    must_not_hit: tuple[str, ...]

    def is_amber(self, phrase: Phrase) -> bool:
        return self.band is Band.AMBER or phrase in self.perhaps


@dataclass(frozen=True, kw_only=True)
class WholeText:
    """What is asked of a text as a whole, beside the rules.

    `set_aside`: signs of a thing long past, in court or denied. With one of them and no sign of `now`, a RED
    rule counts as AMBER. The limits `..._from` are log-odds of the words round a hit: a RED rule's hit below
    `red_rule_from` is AMBER, and outside tier 1 below `red_rule_counts_from` it is none; an AMBER rule's or a
    `perhaps` hit counts from `amber_rule_from`.
    """

    set_aside: tuple[Phrase, ...]
    now: tuple[Phrase, ...]
    says: Mapping[str, str]
    weighed: WeighedWords
    red_rule_from: float
    red_rule_counts_from: float
    amber_rule_from: float

    def lowers(self, joined: str) -> bool:
        return _any_stands_in(self.set_aside, joined) and not _any_stands_in(self.now, joined)

    def band_of(self, rule: DisclosureRule, phrase: Phrase, score: float, *, lowered: bool) -> Band:
        """The band of a hit, given the score of the words round it; GREEN when it does not count.

        No score takes away the hit of a RED rule of tier 1.
        """
        if rule.is_amber(phrase):
            return Band.AMBER if score >= self.amber_rule_from else Band.GREEN
        if score >= self.red_rule_from and not lowered:
            return Band.RED
        counts = TIER_OF[rule.category] == 1 or score >= self.red_rule_counts_from
        return Band.AMBER if counts else Band.GREEN


Match = tuple[DisclosureRule, Phrase, int, int]
Hit = tuple[DisclosureRule, Evidence, Band]


class DisclosureScreen:
    """Holds the rules, indexed by the words without which they cannot fire."""

    def __init__(
        self,
        rules: Iterable[DisclosureRule],
        reader: TextReader,
        whole_text: WholeText | None = None,
        *,
        version: str | None = None,
    ) -> None:
        """`version` goes with every verdict: see `find_rules_version`."""
        self.version = version
        self.rules = tuple(rules)
        self.reader = reader
        self._whole_text = whole_text
        self._says = {f"{rule.category}.{rule.id}": rule.says for rule in self.rules}
        self._by_key: dict[str, list[tuple[DisclosureRule, Phrase]]] = defaultdict(list)
        self._always: list[tuple[DisclosureRule, Phrase]] = []
        for rule in self.rules:
            for phrase in (*rule.phrases, *rule.perhaps, *rule.whole):
                if not phrase.keys:
                    self._always.append((rule, phrase))
                for key in phrase.keys:
                    self._by_key[key].append((rule, phrase))

    def says(self, rule: str) -> str:
        """What the rule named in an `Evidence` means, in words a detective reads. Raises KeyError."""
        if rule in self._says:
            return self._says[rule]
        assert self._whole_text is not None
        return self._whole_text.says[rule.rpartition(".")[2]]

    def screen(self, message: InboundMessage, earlier: Sequence[str] = ()) -> ScreenResult:
        """The verdict on one message as it came. Never raises: a fault in here is a hit of tier 2.

        `earlier` are the writer's last texts, oldest first; a cue begun there counts if it ends in this one.
        """
        try:
            found = self._screen_message(message, earlier)
        except Exception:
            found = _unreadable(SCREEN_FAILED)
        return replace(found, rules=self.version)

    def screen_text(self, text: str, earlier: Sequence[str] = ()) -> ScreenResult:
        """The verdict on words alone. Never raises: a fault in here is a hit of tier 2."""
        try:
            return self._screen_text(text, earlier)
        except Exception:
            return _unreadable(SCREEN_FAILED)

    def matching_rules(self, text: str) -> frozenset[str]:
        """The rules that match, `category.id`, before the words round their matches are weighed."""
        readings = [self.reader.read(text), self.reader.read_rejoined(text)]
        return frozenset(
            f"{rule.category}.{rule.id}"
            for reading in readings
            if reading and reading.words
            for rule, _, _, _ in self._matches(reading)
        )

    def _screen_message(self, message: InboundMessage, earlier: Sequence[str]) -> ScreenResult:
        if not message.text.strip() and message.has_location:
            return _unreadable("location_only")
        if not message.text.strip() and message.media_count:
            return _unreadable("media_only")
        read = self._screen_text(message.text, earlier)
        if message.is_readable:
            return read
        return _more_urgent(read, _unreadable("undecodable", end=len(message.text)))

    def _screen_text(self, text: str, earlier: Sequence[str]) -> ScreenResult:
        if len(text) <= 2 * LONGEST_READ_AT_EACH_END:
            return self._screen_part(text, 0, earlier)
        dropped_from, dropped_to = LONGEST_READ_AT_EACH_END, len(text) - LONGEST_READ_AT_EACH_END
        head = self._screen_part(text[:dropped_from], 0, earlier)
        tail = self._screen_part(text[dropped_to:], dropped_to)
        too_long = _unreadable("too_long", start=dropped_from, end=dropped_to)
        return _more_urgent(_more_urgent(head, tail), too_long)

    def _screen_part(self, text: str, offset: int, earlier: Sequence[str] = ()) -> ScreenResult:
        plain = self.reader.read(text, offset=offset)
        if not plain.words:
            return _without_words(text, offset)
        readings = [plain, self.reader.read_rejoined(text, offset=offset)]
        found = [hit for reading in readings if reading and reading.words for hit in self._hits(reading)]
        if earlier:
            found += self._hits_begun_earlier(plain, earlier)
        result = self._with_weighed_words(_verdict(found), plain)
        if _mostly_another_script(plain):
            return _more_urgent(result, _unreadable("other_script", start=offset, end=offset + len(text)))
        return result

    def _hits(self, reading: ReadableText, *, whole: bool = True) -> Iterator[Hit]:
        matches = list(self._matches(reading, whole=whole))
        if not matches:
            return
        lowered = self._whole_text is not None and self._whole_text.lowers(reading.joined)
        scores: dict[tuple[int, int], float] = {}
        for rule, phrase, start, end in matches:
            band = self._band_of(rule, phrase, reading, reading.word_places(start, end), lowered, scores)
            if band is not Band.GREEN:
                first, last = reading.original_span(start, end)
                yield rule, Evidence(rule=f"{rule.category}.{rule.id}", start=first, end=last), band

    def _matches(self, reading: ReadableText, *, whole: bool = True) -> Iterator[Match]:
        joined = reading.joined
        words = dict.fromkeys(word.text for word in reading.words)
        candidates = dict.fromkeys(self._always)
        candidates.update(dict.fromkeys(pair for word in words for pair in self._by_key.get(word, ())))
        for rule, phrase in candidates:
            if any(need.isdisjoint(words) for need in phrase.needs) or (not whole and phrase in rule.whole):
                continue
            matches = list(phrase.find_all(joined))
            if not matches:
                continue
            excused = _excused_places(rule, joined) if rule.unless else b""
            for start, end in matches:
                if 1 not in excused[start:end]:
                    yield rule, phrase, start, end

    def _band_of(
        self,
        rule: DisclosureRule,
        phrase: Phrase,
        reading: ReadableText,
        places: tuple[int, int],
        lowered: bool,
        scores: dict[tuple[int, int], float],
    ) -> Band:
        first, last = places
        if self._whole_text is None:
            return rule.band
        if last - first + 1 >= STANDS_ALONE_FROM * len(reading.words):
            return Band.AMBER if rule.is_amber(phrase) else Band.RED
        if places not in scores:
            scores[places] = self._whole_text.weighed.score_near(reading, first, last)
        return self._whole_text.band_of(rule, phrase, scores[places], lowered=lowered)

    def _hits_begun_earlier(self, plain: ReadableText, earlier: Sequence[str]) -> Iterator[Hit]:
        """Hits that begin in an earlier text and end in this one, with their spans cut to this one."""
        before = [
            Word(word.text, -1, -1)
            for text in earlier[-MOST_EARLIER_TEXTS:]
            for word in self.reader.read(text[-LONGEST_READ_AT_EACH_END:]).words[-EARLIER_WORDS_READ:]
        ][-EARLIER_WORDS_READ:]
        if not before:
            return
        begins_at = plain.words[0].start
        for rule, evidence, band in self._hits(ReadableText((*before, *plain.words)), whole=False):
            if evidence.start < 0 <= evidence.end:
                yield rule, replace(evidence, start=begins_at), band

    def _with_weighed_words(self, result: ScreenResult, plain: ReadableText) -> ScreenResult:
        if self._whole_text is None or result.band is Band.RED:
            return result
        table = self._whole_text.weighed
        weighing = table.weigh(plain)
        if weighing.score < table.amber:
            return result
        kind = result.category or weighing.category
        evidence = Evidence(rule=f"{kind}.{WEIGHED}", start=weighing.start, end=weighing.end)
        return ScreenResult(
            urgent=True,
            tier=TIER_OF[kind],
            category=kind,
            evidence=(*result.evidence, evidence),
            band=Band.RED if weighing.score >= table.red else Band.AMBER,
        )


def _any_stands_in(phrases: Iterable[Phrase], joined: str) -> bool:
    return any(True for phrase in phrases for _ in phrase.find_all(joined))


def _excused_places(rule: DisclosureRule, joined: str) -> bytes:
    """One byte a character, 1 where an `unless` phrase stands: kept flat so that looking stays linear."""
    places = bytearray(len(joined))
    for excuse in rule.unless:
        for start, end in excuse.find_all(joined):
            places[start:end] = b"\x01" * (end - start)
    return bytes(places)


def _verdict(found: list[Hit]) -> ScreenResult:
    if not found:
        return CALM
    category = min((rule.category for rule, _, _ in found), key=lambda kind: (TIER_OF[kind], RANK_OF[kind]))
    ordered = sorted(
        found, key=lambda hit: (TIER_OF[hit[0].category], RANK_OF[hit[0].category], hit[1].start)
    )
    evidence = tuple(dict.fromkeys(item for _, item, _ in ordered))[:MOST_EVIDENCE]
    band = Band.RED if any(band is Band.RED for _, _, band in found) else Band.AMBER
    return ScreenResult(urgent=True, tier=TIER_OF[category], category=category, evidence=evidence, band=band)


def _more_urgent(one: ScreenResult, other: ScreenResult) -> ScreenResult:
    """The more urgent of two verdicts, with the evidence and the band of both; a named category wins a tie."""
    first, second = sorted((one, other), key=lambda result: (result.tier or 9, result.category is None))
    band = Band.RED if Band.RED in (one.band, other.band) else first.band
    return replace(first, evidence=first.evidence + second.evidence, band=band)


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
    plain_reader = load_plain_reader(directory)
    common_words = frozenset(word for raw in word_lists["common"] for word in plain_reader.fold_word(raw))
    compiler = PhraseCompiler(
        word_lists=word_lists, fold_word=plain_reader.fold_word, common_words=common_words
    )
    rules = [rule for category in Category for rule in _read_rules(directory, category, compiler)]
    vocabulary = {
        word
        for rule in rules
        for phrase in (*rule.phrases, *rule.perhaps, *rule.whole)
        for word in phrase.words
    }
    ordinary = {squeeze_letters(word) for word in _read_toml(directory / "ordinary_words.toml")["words"]}
    spelling = Spelling(vocabulary, ordinary, _read_lines(directory / "plain_words.txt"))
    return DisclosureScreen(
        rules,
        replace(plain_reader, spelling=spelling),
        _read_whole_text(directory, compiler),
        version=find_rules_version(directory),
    )


def find_rules_version(directory: Path = RULES_DIRECTORY) -> str:
    """Names what decides: 16 hex digits of a SHA-256 over the files of rules and the modules that read them."""
    whole = hashlib.sha256()
    here = Path(__file__).parent
    for path in (
        *sorted(each for each in directory.iterdir() if each.is_file()),
        *(here / each for each in READ_BY),
    ):
        whole.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def load_plain_reader(directory: Path = RULES_DIRECTORY) -> TextReader:
    """The reader that folds rules and messages alike, without the mending of spelling."""
    text_speak, signs = _read_text_speak(directory / "text_speak.toml")
    return TextReader(text_speak=text_speak, signs=signs)


def _read_whole_text(directory: Path, compiler: PhraseCompiler) -> WholeText:
    entries = _read_toml(directory / "whole_text.toml")
    path = directory / "weighed_words.tsv"
    try:
        weighed = read_weighed_words(path)
    except (OSError, ValueError) as fault:
        raise RuleInvalid(f"{path.name} cannot be read: {fault}; put the packaged file back") from fault
    return WholeText(
        set_aside=tuple(map(compiler.compile, entries["set_aside"])),
        now=tuple(map(compiler.compile, entries["now"])),
        says=entries["says"],
        weighed=weighed,
        **{name: float(limit) for name, limit in entries["limits"].items()},
    )


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as fault:
        raise RuleInvalid(f"{path.name} cannot be read: {fault}; put the packaged file back") from fault


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
            or not entry.get("says")
        ):
            raise RuleInvalid(f"{name}: give id, says, phrases or whole, must_hit and must_not_hit")
        if entry.get("band", "red") not in ("red", "amber"):
            raise RuleInvalid(f"{name}: band is red or amber, not {entry['band']!r}")
        if entry.get("unless") and TIER_OF[category] == 1:
            raise RuleInvalid(f"{name}: tier 1 rules take no unless: write the phrase more closely instead")
        yield DisclosureRule(
            id=entry["id"],
            category=category,
            band=Band(entry.get("band", "red")),
            says=entry["says"],
            phrases=tuple(compiler.compile(source) for source in entry.get("phrases", [])),
            perhaps=tuple(compiler.compile(source) for source in entry.get("perhaps", [])),
            whole=tuple(compiler.compile(source, whole_message=True) for source in entry.get("whole", [])),
            unless=tuple(compiler.compile(source) for source in entry.get("unless", [])),
            must_hit=tuple(entry["must_hit"]),
            must_not_hit=tuple(entry["must_not_hit"]),
        )

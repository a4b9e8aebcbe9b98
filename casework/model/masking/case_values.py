"""The values of a person's own cases wherever they stand, however they are spaced, and names with one slip."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from casework.model.masking import CaseValues, Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.name_slips import is_slip
from casework.model.masking.names import is_month
from casework.model.masking.views import Found, Token, View, fold, read_view, words_of

SHORTEST_PART = 2
# Parts of names that say nothing alone.
_PARTICLES = frozenset(
    {"ap", "ab", "al", "bin", "da", "de", "del", "di", "du", "el", "la", "le", "st", "van", "von"}
)
SHORTEST_LITERAL = 3
# A name that is also an ordinary word, this common or commoner, does not count for its capital where a sentence opens.
_VERY_COMMON = 600
# One less common than this is taken for the name however it is written.
_RARE = 1500
# "mark here, any news": whoever writes says who they are.
_SAYS_WHO = frozenset({"here", "ere", "hear", "her", "again", "speaking", "writing"})
# Behind "Will", "May", "Hope", "Mark" or "Grace" one of these says that it is a word: "May I", "Hope this".
_BEHIND_A_VERB = frozenset(
    words_of(
        "i you u ya ye he she it we they this that these those there the a an my your ur his her our their god someone"
        " somebody anyone anybody somone any everyone everything all some no not be get have do to for"
        " of in on up down out"
        " as at with by so well even still also ever just me us him them ppl people what who when where"
        " how if and or im its"
        " ive youre hes shes theyre day days time times period tree garden bush water tag rise fall street road been go"
    )
)
_LAST_DIGITS = 9
_MOST_JOINED = 6
_LOOK_ALIKES = {"0": "[0o]", "1": "[1li|]", "5": "[5s]"}
# A value may be as long as its column; what is matched of it is not.
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Part:
    """`called`: the part of the name this is another form of; itself for the name as it is known."""

    folded: str
    kind: MaskKind
    is_plain: bool
    called: str


def find_case_values(view: View, values: CaseValues, parts: list[Part], lexicon: Lexicon) -> list[Found]:
    """`parts`: those of the values' names (`read_parts`)."""
    found = list(_find_names(view, parts, lexicon))
    for number in values.phones:
        found.extend(_find_phone(view, number))
    for address in values.emails:
        found.extend(_find_literal(view, address, MaskKind.EMAIL))
    for reference in values.references:
        found.extend(_find_literal(view, reference, MaskKind.REFERENCE))
    for other in values.others:
        if any(character.isdigit() for character in other):
            found.extend(_find_literal(view, other, MaskKind.NUMBER))
    return found


def list_words(values: CaseValues, parts: list[Part]) -> frozenset[str]:
    """Every value folded, and every part of a name: what no surrogate may say again."""
    named = {part.folded for part in parts}
    rest = (*values.phones, *values.emails, *values.references, *values.others)
    return frozenset(named | {fold(value) for value in rest} - {""})


# --- names ---


def read_parts(values: CaseValues, lexicon: Lexicon) -> list[Part]:
    """The words of every name known, each with what else its bearer may be called."""
    parts: dict[str, Part] = {}
    called = [(name, MaskKind.PERSON) for name in values.names]
    called += [(name, MaskKind.OFFICER) for name in values.officers]
    called += [(name, MaskKind.PERSON) for name in values.others if not any(map(str.isdigit, name))]
    for name, kind in called:
        tokens = [token.folded for token in read_view(name[:200]).tokens]
        tokens = [token for token in tokens if token not in lexicon.titles]
        whole = "".join(tokens)
        if len(whole) >= SHORTEST_PART and len(tokens) > 1:
            parts.setdefault(whole, Part(whole, kind, is_plain=False, called=whole))
        for token in tokens:
            if len(token) >= SHORTEST_PART or (len(tokens) == 1 and len(token) > 1):
                is_plain = lexicon.is_plain(token) or token in _PARTICLES
                parts.setdefault(token, Part(token, kind, is_plain=is_plain, called=token))
    for part in list(parts.values()):
        for form in lexicon.short_forms.get(part.folded, ()):
            # An ending makes no word of a pet form: "marky" is nobody's adjective.
            is_plain = len(form) < SHORTEST_LITERAL or lexicon.is_plain(form) or form in lexicon.known_words
            parts.setdefault(form, Part(form, part.kind, is_plain=is_plain, called=part.folded))
    return list(parts.values())


def _find_names(view: View, parts: list[Part], lexicon: Lexicon) -> Iterator[Found]:
    if not parts:
        return
    known: dict[str, tuple[Part, str] | None] = {}
    for token in view.tokens:
        is_written_so = token.has_capital and not token.opens_sentence
        if known.get(token.folded) is None and (is_written_so or token.folded not in known):
            known[token.folded] = _match(token.folded, parts, lexicon, is_written_so=is_written_so)
    for place, token in enumerate(view.tokens):
        matched = known[token.folded]
        if matched and (not matched[0].is_plain or _is_meant(view, place, lexicon, known)):
            part, tail = matched
            yield Found(token.start, token.end, part.kind, Layer.CASE, (part.called,), tail)
    yield from _find_joined(view, parts)
    for part in parts:
        if len(part.folded) >= 4 and part.called == part.folded:
            yield from _find_spaced(view, part)


def _match(word: str, parts: list[Part], lexicon: Lexicon, *, is_written_so: bool) -> tuple[Part, str] | None:
    for part in parts:
        if word == part.folded:
            return part, ""
    if word in lexicon.plain_words:
        return None
    for part in parts:
        if word == part.folded + "s":
            return part, "s"
    is_listed = not is_written_so and lexicon.is_listed(word)
    for part in parts:
        if part.called == part.folded and is_slip(word, part.folded, is_listed=is_listed):
            return part, ""
    return None


def _is_meant(view: View, place: int, lexicon: Lexicon, known: dict[str, tuple[Part, str] | None]) -> bool:
    """Whether a name that is also an ordinary word is a name here."""
    token = view.tokens[place]
    matched = known[token.folded]
    word = matched[0].folded if matched else token.folded  # "Ola's" is as common as "Ola"
    rank = lexicon.plain_words.rank(word) or 0
    if is_month(view, place):
        return False
    if rank > _RARE and token.folded not in _PARTICLES and len(word) > SHORTEST_PART:
        return True
    if token.has_capital and (not token.opens_sentence or rank > _VERY_COMMON or _stands_apart(view, token)):
        return True
    if token.opens_sentence and place + 1 < len(view.tokens) and view.tokens[place + 1].folded in _SAYS_WHO:
        return True
    if token.has_capital and token.opens_sentence and _is_subject(view, place):
        return True
    beside = [view.tokens[near] for near in (place - 1, place + 1) if 0 <= near < len(view.tokens)]
    if _follows_initial(view, place, known):
        return True
    if any(known.get(other.folded) or lexicon.is_sure_name(other.folded) for other in beside):
        return any(_is_near(view, token, other) for other in beside)
    before = beside[0].folded if place else ""
    cues = lexicon.cues.get(before, frozenset())
    two = " ".join(other.folded for other in view.tokens[max(0, place - 2) : place])
    if cues & {"titles", "ranks", "loose_ranks"} or lexicon.cues.get(two, frozenset()) & {"sure", "ranks"}:
        return True
    # "yeah its will": nothing else is said so, however common the word.
    if len(word) > SHORTEST_PART and (before in ("its", "im") or two in ("this is", "it is", "i am")):
        return word not in _PARTICLES
    following = view.tokens[place + 1].folded if place + 1 < len(view.tokens) else ""
    # "yes may speaking": an answer to who is there.
    if following == "speaking" and place < 2:
        return True
    is_last = place == len(view.tokens) - 1
    return rank > _VERY_COMMON and (
        bool(cues & {"sign_offs"} and is_last) or before in ("im", "its", "is", "this")
    )


def _is_subject(view: View, place: int) -> bool:
    """ "Will wants to know", "May's hip is bad": the name opens a sentence whose word is no verb or wish there."""
    token = view.tokens[place]
    if view.lower[token.end : token.end + 1] == "'" or token.folded.endswith("'s"):
        return True
    following = view.tokens[place + 1].folded if place + 1 < len(view.tokens) else ""
    return following not in _BEHIND_A_VERB


def _follows_initial(view: View, place: int, known: dict[str, tuple[Part, str] | None]) -> bool:
    """ "hope c-bell", "hope c. bell": one letter of a name between two others of it."""
    if place < 2 or len(view.tokens[place - 1].folded) != 1:
        return False
    first, initial, last = view.tokens[place - 2 : place + 1]
    between = (view.lower[first.end : initial.start], view.lower[initial.end : last.start])
    return bool(known.get(first.folded)) and between[0] == " " and between[1] in (" ", "-", ".", ". ")


def _stands_apart(view: View, token: Token) -> bool:
    """ "Will, the bike is gone", "Thank you. Will": a comma or the end right behind it."""
    behind = view.lower[token.end : token.end + 2].rstrip(" \n")
    return behind[:1] in ("", ",", ".", "'")


def _is_near(view: View, one: Token, other: Token) -> bool:
    start, end = min(one.end, other.end), max(one.start, other.start)
    return view.lower[start:end] in (" ", "-")


def _find_joined(view: View, parts: list[Part]) -> Iterator[Found]:
    """Parts split over words ("o neill", "mc donald"), and the whole name however its words are joined."""
    wanted = {
        part.folded: part
        for part in parts
        if len(part.folded) >= 5 and not part.is_plain and part.called == part.folded
    }
    tokens = view.tokens
    for place, first in enumerate(tokens):
        joined = first.folded
        for count in range(1, min(_MOST_JOINED, len(tokens) - place)):
            following = tokens[place + count]
            if view.lower[tokens[place + count - 1].end : following.start] not in (" ", "-", ". ", "_", "."):
                break
            joined += following.folded
            if joined in wanted:
                part = wanted[joined]
                words = tuple(token.folded for token in tokens[place : place + count + 1])
                yield Found(first.start, following.end, part.kind, Layer.CASE, words)


def _find_spaced(view: View, part: Part) -> Iterator[Found]:
    """Letter by letter: "k i e r a n"."""
    spaced = r"[\s.,\-]{1,3}".join(re.escape(letter) for letter in part.folded[:_LONGEST])
    for found in re.finditer(rf"(?<![a-z]){spaced}(?![a-z])", view.lower):
        yield Found(*found.span(), part.kind, Layer.CASE, (part.folded,))


# --- numbers and addresses ---


def _find_phone(view: View, number: str) -> Iterator[Found]:
    digits = re.sub(r"[^0-9]", "", read_view(number[:_LONGEST]).lower)[-_LAST_DIGITS:]
    if len(digits) < 6:
        return
    spaced = r"[^0-9a-z]{0,3}".join(_LOOK_ALIKES.get(digit, digit) for digit in digits)
    # What goes before the last nine: 0, 44, 0044, +44 (0).
    start = r"(?:(?:\+\s?)?(?:[0o]{2}\s?)?4\s?4[\s.-]{0,2})?(?:\(?[0o]\)?[\s.-]{0,2})?(?:7[\s.-]{0,2})?"
    for found in re.finditer(f"{start}{spaced}", view.lower):
        yield Found(*found.span(), MaskKind.PHONE, Layer.CASE, (digits,))


def _find_literal(view: View, value: str, kind: MaskKind) -> Iterator[Found]:
    """Its letters and digits in order, whatever stands between them; as a word of its own."""
    characters = fold(value[:_LONGEST])
    if len(characters) < SHORTEST_LITERAL or (
        not any(map(str.isdigit, characters)) and kind is MaskKind.NUMBER
    ):
        return
    between = r"[\s.,@/\\_+-]{0,3}"
    spaced = between.join(
        _LOOK_ALIKES.get(character, re.escape(character))
        if kind is MaskKind.REFERENCE
        else re.escape(character)
        for character in characters
    )
    for found in re.finditer(rf"(?<![a-z0-9]){spaced}(?![a-z0-9])", view.lower):
        yield Found(*found.span(), kind, Layer.CASE, (characters,))

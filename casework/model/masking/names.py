"""Names nobody told us of: beside words that go before a name, and first names wherever they stand."""

from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, Token, View, words_of

_MONTHS = frozenset({"april", "may", "june", "july", "august", "jan", "summer", "autumn", "winter"})
_BEFORE_MONTHS = frozenset(
    {
        "in",
        "of",
        "since",
        "until",
        "till",
        "til",
        "last",
        "next",
        "this",
        "before",
        "after",
        "by",
        "every",
        "mid",
        "late",
        "early",
        "or",
        "and",
        "from",
        "to",
    }
)
_FEASTS = frozenset({"christmas", "xmas", "year", "years", "new"})
_MOST_PARTS = 3
_COMMON = 800
# What people alone do.
_DOES = frozenset(
    words_of(
        "said says told tells asked asks rang phoned texted messaged saw heard knows thinks thought lives lived"
        " works wants wanted"
        " came went got took gave did does hasnt didnt doesnt wont looked drove walked cried moved"
    )
)
# "Hope is all I have", "Grace was said".
_OF_A_THING = frozenset(words_of("all said what gone lost being needed important over not everything enough"))
_VERY_COMMON = 100
_IS = frozenset(words_of("was is has had isnt wasnt will wouldnt"))
_MOST_CUE_WORDS = 5


def find_by_context(view: View, lexicon: Lexicon) -> list[Found]:
    """Up to three words behind "my name is", "DC" and the like, and the name that ends a message."""
    found = []
    for place in range(len(view.tokens)):
        kinds = _cue_before(view, place, lexicon)
        if not kinds:
            continue
        names = list(_names_from(view, place, kinds, lexicon))
        is_addressed = "titles" in kinds and bool(names) and names[0].has_capital
        if names and (is_addressed or names[0].folded not in lexicon.public):
            kind = MaskKind.OFFICER if kinds & {"ranks", "loose_ranks"} else MaskKind.PERSON
            found.append(_found(names, kind, Layer.CONTEXT))
    return [*found, *_find_sign_off(view, lexicon)]


def find_by_list(view: View, lexicon: Lexicon) -> list[Found]:
    """First names of the list; one that is an ordinary word needs a capital amid small letters."""
    found = []
    tokens = view.tokens
    for place, token in enumerate(tokens):
        word = strip_possessive(token.folded, lexicon)
        if not lexicon.is_name(word) or token.folded in lexicon.never:
            continue
        if word == "eve" and place and tokens[place - 1].folded in _FEASTS:
            continue
        if word in lexicon.public and view.text[token.start : token.end].isupper():
            continue
        surname = _surname_after(view, place, lexicon)
        is_written_so = token.has_capital and not token.opens_sentence
        if is_month(view, place):
            continue
        if (
            lexicon.is_sure_name(word)
            or is_written_so
            or (token.has_capital and (surname or _is_doing(view, place, lexicon)))
        ):
            found.append(_found([token, *surname], MaskKind.PERSON, Layer.GAZETTEER))
    return found


def _is_doing(view: View, place: int, lexicon: Lexicon) -> bool:
    """ "Precious was lovely", "Hope said": a rarer word opens a sentence and does what a person does."""
    if view.tokens[place].folded in _MONTHS or place + 1 >= len(view.tokens):
        return False
    following = view.tokens[place + 1]
    rank = lexicon.plain_words.rank(view.tokens[place].folded)
    if view.lower[view.tokens[place].end : following.start] != " " or (
        rank is not None and rank < _VERY_COMMON
    ):
        return False
    if following.folded in _DOES:
        return True
    behind = view.tokens[place + 2].folded if place + 2 < len(view.tokens) else ""
    return (rank is None or rank > _COMMON) and following.folded in _IS and behind not in _OF_A_THING


def is_month(view: View, place: int) -> bool:
    """Whether "May" and the like are a time here: behind "in", "since" or a day."""
    token = view.tokens[place]
    if token.folded not in _MONTHS:
        return False
    before = view.lower[max(0, token.start - 12) : token.start].split()
    after = view.lower[token.end : token.end + 4].strip()
    return bool(before and (before[-1] in _BEFORE_MONTHS or before[-1][0].isdigit())) or after[:1].isdigit()


def strip_possessive(word: str, lexicon: Lexicon) -> str:
    """ "kierans" without its s, where what is left is a first name and the whole is none."""
    # "chantellez": as it is texted.
    if word.endswith(("s", "z")) and word not in lexicon.first_names and word[:-1] in lexicon.first_names:
        return word[:-1] if word not in lexicon.plain_words else word
    return word


def is_surname(token: Token, lexicon: Lexicon) -> bool:
    """Whether a word right behind a first name belongs to it."""
    word = token.folded
    if word in lexicon.never or word in lexicon.public or len(word) < 2:
        return False
    if word in lexicon.surnames:
        return token.has_capital or not lexicon.surnames[word]
    # "Danny Mock": a word with a capital right behind a first name, unless it is a very common one.
    if token.has_capital and (lexicon.plain_words.rank(word) or 0) > _COMMON:
        return True
    return (token.has_capital and not lexicon.is_plain(word)) or (len(word) > 2 and not lexicon.is_word(word))


def _surname_after(view: View, place: int, lexicon: Lexicon) -> list[Token]:
    """The one or two words right behind that are surnames: "Okonjo", "Pemberton-Shaw"."""
    names: list[Token] = []
    for following in view.tokens[place + 1 : place + _MOST_PARTS]:
        last = names[-1] if names else view.tokens[place]
        if view.lower[last.end : following.start] not in (" ", "-") or not is_surname(following, lexicon):
            break
        names.append(following)
    return names


def _cue_before(view: View, place: int, lexicon: Lexicon) -> frozenset[str]:
    """The kinds of the longest cue that ends right before this word."""
    tokens = view.tokens
    if place == 0 or len(view.lower[tokens[place - 1].end : tokens[place].start].strip(" .:-=,'\"(")) > 0:
        return frozenset()
    if tokens[place].start - tokens[place - 1].end > 4:
        return frozenset()
    is_stopped = "." in view.lower[tokens[place - 1].end : tokens[place].start]
    for count in range(min(_MOST_CUE_WORDS, place), 0, -1):
        cue = " ".join(token.folded for token in tokens[place - count : place])
        if cue in lexicon.cues:
            kinds = lexicon.cues[cue]
            # Behind a full stop only "Mr." and "Thanks." still go with what follows.
            return kinds & {"titles", "ranks", "loose_ranks", "sign_offs"} if is_stopped else kinds
    return frozenset()


def _names_from(view: View, place: int, kinds: frozenset[str], lexicon: Lexicon) -> Iterator[Token]:
    is_sure = bool(kinds & {"sure", "titles", "ranks"})
    is_kin, is_rank = "kin" in kinds, "loose_ranks" in kinds
    for count in range(_MOST_PARTS):
        if place + count >= len(view.tokens):
            return
        token = view.tokens[place + count]
        if count and view.lower[view.tokens[place + count - 1].end : token.start] not in (" ", "-", ". "):
            return
        if count == 0 and token.folded in lexicon.titles:
            return
        if not _reads_as_name(
            token,
            lexicon,
            is_sure=is_sure,
            is_kin=is_kin,
            is_rank=is_rank,
            is_asked="asked" in kinds,
            is_first=count == 0,
        ) and not (count == 0 and _is_nickname(view, place, kinds, lexicon)):
            return
        yield token


def _is_nickname(view: View, place: int, kinds: frozenset[str], lexicon: Lexicon) -> bool:
    """ "his mate spud", "one they called Beans": a word of the list beside kin, any with a capital where it is said."""
    token = view.tokens[place]
    if token.folded in lexicon.never or token.folded in lexicon.public:
        return False
    if "nicknaming" in kinds and token.has_capital:
        return True
    return bool(kinds & {"kin", "nicknaming", "sure"}) and token.folded in lexicon.nicknames


def _reads_as_name(
    token: Token,
    lexicon: Lexicon,
    *,
    is_sure: bool,
    is_kin: bool,
    is_rank: bool,
    is_asked: bool,
    is_first: bool,
) -> bool:
    word = token.folded
    if word in lexicon.never or word in lexicon.titles or len(word) < 2:
        return False
    if token.has_capital and not token.opens_sentence:
        # A capital on a very common word is emphasis or a habit.
        return lexicon.is_name(word) or is_sure or not lexicon.is_plain(word)
    if lexicon.is_sure_name(word) or (is_sure and is_first and lexicon.is_name(word)):
        return True
    if not is_first:
        return is_surname(token, lexicon)
    if is_rank:
        return lexicon.surnames.get(word) is False
    if is_kin:
        return (len(word) > 2 and not lexicon.is_word(word)) or lexicon.is_slip_of_name(word)
    if is_asked:
        return (len(word) > 4 and not lexicon.is_word(word)) or lexicon.is_slip_of_name(word)
    return is_sure and word not in lexicon.plain_words and len(word) > 2


def _find_sign_off(view: View, lexicon: Lexicon) -> list[Found]:
    """ "thanks, X" and "x X" where the message ends: the last one or two words."""
    tokens = view.tokens
    if len(tokens) < 2 or len(view.lower.rstrip(" .!\n'\")x")) > tokens[-1].end + 3:
        return []
    last = len(tokens)
    while last > 1 and set(tokens[last - 1].folded) <= {"x"}:
        last -= 1
    for count in (2, 1):
        if last - count < 1 or "sign_offs" not in _cue_before(view, last - count, lexicon):
            continue
        names = list(tokens[last - count : last])
        if all(_signs(token, lexicon) for token in names):
            return [_found(names, MaskKind.PERSON, Layer.CONTEXT)]
    return []


def _signs(token: Token, lexicon: Lexicon) -> bool:
    word = token.folded
    if word in lexicon.never or len(word) < 2:
        return False
    return (
        lexicon.is_name(word)
        or word not in lexicon.plain_words
        or (token.has_capital and (lexicon.plain_words.rank(word) or 0) > 600)
    )


def _found(tokens: list[Token], kind: MaskKind, layer: Layer) -> Found:
    key = tuple(token.folded for token in tokens)
    return Found(tokens[0].start, tokens[-1].end, kind, layer, key)

"""What somebody is called in an app: "@mock_lad", "toxicduck on Fortnite", "queen shanzy" behind "on insta called"."""

import re
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View

_AT = re.compile(r"(?<![a-z0-9@._])@[a-z0-9_.-]{2,40}")
APPS = (
    r"insta(?:gram)?|ig|snap(?:chat)?|sc|telegram|tele|tik\s?tok|tt|twitter|facebook|fb|face\s?book"
    r"|messenger|discord|whats\s?app|wechat|weibo|kik"
    r"|viber|skype|reddit|twitch|you\s?tube|yt|steam|xbox(?:\slive)?|psn|play\s?station|ps[45]|epic"
    r"|fortnite|roblox|minecraft|vinted|depop|e\s?bay|gumtree"
    r"|linkedin|threads|bluesky|mastodon|only\s?fans|tinder|hinge|bumble|grindr|badoo|pof"
    r"|plenty of fish|okcupid|be\s?real|pay\s?pal|revtag|cash\s?app"
    r"|monzo|venmo|market\s?place|next\s?door|spotify|strava|pinterest|tumblr|yubo|wizz|omegle"
    r"|line app|zangi|wickr|session|threema|shein|etsy|airbnb|uber|github"
)
NAMING = (
    r"user\s?names?|handles?|(?:gaming|game|in-?game|player|epic|channel|group|server|page)\s?name|user\s?id"
    r"|gamer\s?tags?|gamer\s?name|screen\s?name|nick\s?names?|nick|login"
    r"|profile name|display name|account name|alias"
)
_LINK = (
    r"(?:[\s:=,\"'(-]{1,4}(?:(?:is|was|are|name|names|handle|account|acc|user|username|profile|page"
    r"|channel|tag|id|as|called|its|it's|hes|he's|shes|she's|theyre"
    r"|his|her|my|their|the|on|under|at|by|goes|go|calls|himself|herself|ad|advert|seller|buyer|shows"
    r"|showing|up|there|i'm|im|i|am|me|add|adds|added|me|him|and|from|just|now|still|an|new|second"
    r"|fake|other|one|says|saying|spelt|app)"
    r"(?![a-z0-9_'.])[\s:=,\"'(-]{0,4}){0,6})"
)
_BEHIND_APP = re.compile(
    rf"(?<![a-z0-9@._])(?:(?P<naming>{NAMING})|(?P<app>{APPS}))(?:'s|s)?(?![a-z0-9_]){_LINK}"
)
_VALUE = re.compile(r"@?[a-z0-9_][a-z0-9_.#-]{1,39}")
_ON_APP = re.compile(
    rf"(?<![a-z0-9_.@-])([a-z0-9_][a-z0-9_.#-]{{2,39}})[\s,\"')-]{{1,3}}(?:on|off|from|via"
    rf"|over)\s(?:the\s|my\s|his\s|her\s)?(?:{APPS})(?![a-z])"
)
_QUOTED = re.compile(r"[\"“'‘(]([a-z0-9_][^\"”'’)\n]{1,30})[\"”'’)]")
# Told by its shape: an underscore, a letter with a hash and figures, several points, words with figures inside.
_SHAPED = (
    re.compile(r"(?<![a-z0-9@_.:/])/?u/[a-z0-9_-]{3,30}"),
    re.compile(r"(?<![a-z0-9@_.-])(?=[a-z0-9_.-]{0,40}_)[a-z0-9_.-]{3,40}(?![a-z0-9_@])"),
    re.compile(r"(?<![a-z0-9_#])[a-z][a-z0-9_.]{1,31}#[0-9]{2,6}(?![0-9])"),
    re.compile(r"(?<![a-z0-9@_.])[a-z]{3,20}[0-9]{2,6}[a-z]{0,10}(?![a-z0-9_@./-])"),
    re.compile(r"(?<![a-z0-9@_.])(?=[a-z0-9]{6})[a-z]{1,20}[0-9][a-z]{1,12}[0-9]{0,4}[a-z]{0,8}(?![a-z0-9_@./-])"),
    re.compile(r"(?<![a-z0-9@_.])[a-z]{3,20}(?:\.[a-z0-9]{1,20}){0,2}\.[a-z]{0,12}[0-9]{1,6}(?![a-z0-9_@./-])"),
)  # fmt: skip
# "TheRealMockman", "Agent.Praca.Zz": capitals or points inside one word.
_HUMPED = re.compile(
    r"(?<![A-Za-z0-9@._/-])(?!(?:Mac|Mc|Fitz|De|La|Le|O'|Di|Von"
    r"|Van)[A-Z])[A-Za-z][a-z]{1,15}(?:[A-Z][a-z]{1,15}){1,4}[0-9]{0,4}(?![A-Za-z0-9@_])"
)
_POINTED = re.compile(r"(?<![a-z0-9@._/-])[a-z]{2,20}(?:\.[a-z]{2,20}){2,4}(?![a-z0-9@_/-])")
# "a profile named Karma Is Coming", "a group called Mock St Massive".
_NAMED = re.compile(
    r"(?<![a-z])(?:profile|account|acc|group|group\schat|gc|page|channel|user|server|tag|member|seller)"
    r"(?:\son\s[a-z]{2,10})?(?:\s(?:is|was))?\s(?:called|named|named\sas|under|as"
    r"|by\sthe\sname(?:\sof)?)[\s:]{1,2}(?P<name>[a-z0-9])"
)
_TITLE = re.compile(r"[A-Z0-9][\w'’.-]{0,20}(?: (?:[A-Z0-9][\w'’.-]{0,20}|of|the|and|in|de)){1,5}(?![\w])")
_NO_HANDLE = re.compile(
    r"(?:iphone|samsung|galaxy|windows|covid|section|form|ps|xbox|mg|gcse|year|yr|room|bus|flat|number"
    r"|no|page|point|level|size|age|aged"
    r"|word|line|house|block|unit|plot|part|route|junction|platform|series|model|step|court|day|week"
    r"|month|chapter|question|box|nov|dec|jan|feb|mar|apr|may"
    r"|june?|july?|aug|sept?|oct|ch|para|about|around|at|on|from|until|til|till|by|since|for|like|was"
    r"|is|and|to|in|of|or|only|over|under|just|than|with|another|"
    r"last|first|next|within|after|before|it|cost|worth|paid|lost|golf|astra|corsa|focus|bmw|audi"
    r"|fiesta|polo|clio|mini)[0-9]{1,4}[a-z]{0,5}"
    r"|(?:any|some|sum|every|evry|no|ne|some)1s?|(?:be|any|some|every|no|to|2|b|gr|l|m|w|str|wa|th|in"
    r"|un|sk|h|f|cre|tog|togeth|la|st|rel|up|d|al)[0-9][a-z]{0,9}[0-9]{0,2}"
    r"|[a-z]{1,5}[248](?:[a-z]{0,6})|[a-z]{3,12}[0-9](?:th|st|nd|rd|am|pm)"
)
_CALLED_ON = re.compile(
    r"(?<![a-z])(?:as|called|named|under|user"
    rf"|username)\s((?:[a-z0-9_.'-]{{1,20}}\s){{0,2}}[a-z0-9_.'-]{{2,30}})\s(?:on|off)\s(?:the\s|my\s"
    rf"|his\s|her\s)?(?:{APPS})(?![a-z])"
)
_NO_CALLING = re.compile(
    r"(?:a|an|the|my|his|her|soon|well|me|him|us|them|you|it|if|that|this|is|was|was he|fake|police"
    r"|someone|somebody)(?:\s|$)"
)
_CALLED = re.compile(
    r"(?<![a-z])(?:called|calls|as|under|name|handle|user(?:name)?|seller|(?:account|acc|page|profile"
    r"|channel) (?:was|is)|goes|shows)(?![a-z])"
)
_IS_SAID = re.compile(
    r"[:=]|(?<![a-z])(?:is|was|are|called|as|under|its|it's|by|hes|he's|shes|she's|shows|says)(?![a-z])"
)
_REST = re.compile(r"(?:\s[a-z0-9_'-]{1,16}){1,2}(?=\s?(?:[,.!?;)\n]|$))")
_LONGEST_PHRASE = 3


def find_handles(view: View, lexicon: Lexicon) -> Iterator[Found]:
    lower = view.lower
    for found in _AT.finditer(lower):
        yield _handle(lower, *found.span())
    for cue in _BEHIND_APP.finditer(lower):
        yield from _behind(view, cue, lexicon)
    for found in _ON_APP.finditer(lower):
        if is_no_word(found[1], lexicon) and not _is_dated(found[1]):
            yield _handle(lower, *found.span(1))
    for found in _CALLED_ON.finditer(lower):
        if not _NO_CALLING.match(found[1]):
            yield _handle(lower, *found.span(1))
    yield from _find_written_so(view, lexicon)
    for pattern in _SHAPED:
        for found in pattern.finditer(lower):
            written = found.group()
            if (
                not _NO_HANDLE.fullmatch(written)
                and any(map(str.isalpha, written))
                and not _is_measure(written)
            ):
                yield _handle(lower, *found.span())


def _find_written_so(view: View, lexicon: Lexicon) -> Iterator[Found]:
    """Capitals inside a word, points between words, and the title of a profile."""
    if not view.is_shouted:
        for found in _HUMPED.finditer(view.text):
            word = found.group().lower()
            if not lexicon.is_listed(word):
                yield _handle(view.lower, *found.span())
    for found in _POINTED.finditer(view.lower):
        if any(
            not lexicon.is_word(word)
            for word in found.group().split(".")
            if len(word) > 2 or len(set(word)) == 1
        ):
            yield _handle(view.lower, *found.span())
    for cue in _NAMED.finditer(view.lower if not view.is_shouted else ""):
        if title := _TITLE.match(view.text, cue.start("name")):
            yield _handle(view.lower, *title.span())


def _behind(view: View, cue: re.Match[str], lexicon: Lexicon) -> Iterator[Found]:
    """The word behind the app, or up to three in capitals or in quotes, unless it is an ordinary one."""
    lower, start = view.lower, cue.end()
    opens = max(cue.end() - 2, 0)
    said = cue.group()
    if cue["naming"] in ("handle", "handles", "login", "nick", "alias") and not _IS_SAID.search(said):
        return
    if _CALLED.search(said) and (
        quoted := _QUOTED.match(
            lower,
            next(
                (
                    place
                    for place in (start - 1, start)
                    if lower[place : place + 1] in "\"'(‘“" and lower[place : place + 1]
                ),
                start,
            ),
        )
    ):
        yield _handle(lower, *quoted.span(1))
        return
    is_called = bool(cue["naming"] or _CALLED.search(said))
    end, count = start, 0
    while count < _LONGEST_PHRASE:
        value = _VALUE.match(lower, end if not count else end + 1)
        if value is None or (count and lower[end] != " "):
            break
        word = value.group().strip(".-")
        has_capital = view.text[value.start()].isupper() and not view.is_shouted
        is_value = (
            is_no_word(word, lexicon) or (is_called and has_capital) or (is_called and lexicon.is_name(word))
        )
        if (
            count == 0
            and is_called
            and cue["naming"]
            and len(word) > 3
            and (lexicon.plain_words.rank(word) or 0) > 400
        ):
            is_value = True
        if not is_value:
            following = _VALUE.match(lower, value.end() + 1)
            is_begun = (
                is_called
                and count == 0
                and len(word) > 2
                and following
                and lower[value.end() : value.end() + 1] == " "
            )
            if not (is_begun and following and is_no_word(following.group(), lexicon)):
                break
        end, count = value.start() + len(value.group().rstrip(".-")), count + 1
        if not is_called and not has_capital:
            break
    if count and is_called and _IS_SAID.search(said) and (rest := _REST.match(lower, end)):
        end = rest.end()
    if count and start > opens - 1 and not lower[start:end].isdigit():
        yield _handle(lower, start, end)


def is_no_word(word: str, lexicon: Lexicon) -> bool:
    """Whether a word in small letters may be a name in an app: it has signs or figures in it, or nobody knows it."""
    if any(mark in word for mark in "_.#") or (any(map(str.isdigit, word)) and not word.isdigit()):
        return len(word.strip("._#-")) > 2 and not _NO_HANDLE.fullmatch(word) and not _is_measure(word)
    letters = word.replace("-", "").replace("'", "")
    return (
        letters.isalpha()
        and len(letters) > 3
        and not lexicon.is_word(letters)
        and not all(lexicon.is_listed(part) and len(set(part)) > 1 for part in word.split("-"))
    )


def _is_dated(word: str) -> bool:
    return word.isdigit()


def _is_measure(word: str) -> bool:
    return re.fullmatch(r"[0-9]+[a-z]{1,5}", word) is not None


def _handle(lower: str, start: int, end: int) -> Found:
    while end - start > 1 and lower[end - 1] in ".,;:!?)'\"-":
        end -= 1
    return Found(start, end, MaskKind.HANDLE, Layer.SHAPE)

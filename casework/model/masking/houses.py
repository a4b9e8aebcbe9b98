"""Where somebody lives without a number and a street beside each other: a house by its name, a farm, a block, a pitch,
a street alone, "number 52".
"""

import re
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.addresses import NUMBER_WORDS
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View, words_of

# A plain word before one of these names a house, behind "at" and the like: "at rose cottage".
_HOUSES = frozenset(
    words_of(
        "cottage cottages farm farmhouse barn barns forge lodge manor villa villas vicarage rectory"
        " manse priory grange towers"
        " mews croft stables gatehouse oasthouse almshouses smallholding steading bothy paddock"
        " farmstead homestead mansions"
        " chalet bungalow marina hostel halls heights maltings granary schoolhouse millhouse byre"
    )
)
_STREETS = frozenset(
    words_of(
        "street road rd lane ln avenue ave av drive crescent cres terrace terr gardens gdns grove"
        " close wynd boulevard"
        " crossroads st str raod streeet steet avanue avenu cresent crescant terace garens"
    )
)
# These need a capital, or a name that is no word: each is said of many things.
_WEAK = frozenset(
    words_of(
        "house hall court park place point way view square walk row rise hill green estate apartments"
        " flats tower block works yard wharf"
        " quay quays mill cl pl sq gate parade villas mount bank end vale side drove cross corner"
        " common meadow meadows field fields wood"
        " woods buildings residence residences residency studios campus site caravan close caravans"
        " nook cabin arms inn centre center"
        " hotel guesthouse hostel home circus reach moorings orchard rest haven retreat refuge lodgings"
    )
)
_WEAK_IN_SMALL = frozenset(
    words_of(
        "house hall court park estate flats apartments way hill tower row quay wharf square green"
        " walk place caravan residences"
    )
)
_BEFORE_COURT = frozenset(
    words_of(
        "crown magistrates magistrate county family youth high supreme appeal coroners the to in at"
        " my criminal civil"
        " small claims tennis basketball football ball food moot kangaroo"
    )
)
_NO_NAME = frozenset(
    words_of(
        "my his her their our your the a an this that these those main high busy other same whole"
        " wrong next back front side quiet dark long"
        " little local private public council housing nearest dirt country narrow big new another any"
        " each every which what safe full open half"
        " halfway empty in on at of to and or by from near outside into up down along across over"
        " through off round car parking retail industrial"
        " town village city community sports church school police court care nursing residential show"
        " children childrens public real trading business"
        " one two three four five six seven eight nine ten is was are were be i we he she they it you"
        " me us him them not no so very too there here"
        " first second third last only own old terraced detached semi rented shared student left"
        " right dead bus fire crime crown magistrates county"
        " leave leaving left sell selling moving moved move came come go going went get got road"
        " street lane house home flat wards tower lower upper top"
        " ground garden holiday caravan theme national victim support waiting wedding court half"
        " guest summer boarding opposite behind country"
    )
)
_PUBLIC_KINDS = frozenset(
    words_of(
        "town village city county church guild community shopping leisure council housing sports"
        " health medical job"
    )
)
_OPENERS = frozenset(
    words_of(
        "at in on to from near outside of behind opposite off live lives living lived by address is"
        " its and between round called via past up down along"
    )
)
_WELSH = re.compile(
    r"(?<![a-z])(?:ty'?n?|tyn|ff?erm|ffynnon|capel|felin|melin|gelli|ysgubor|beudy|rhiw|allt|glan|bron|gwaun"
    r"|waun|erw|cwrt|llwyn|parc|tyddyn|hafod|plas|llys|bryn|cefn|pen|pant|maes|bwthyn|cae|nant|tan|coed"
    r"|gwel|trem|awel|hendre|bod|heol|stryd|ffordd|lon|clos|rhodfa|maes)[\s-](?:y[\s-]"
    r"|yr[\s-])?([a-z]{3,14})(?:[\s-](?:y|yr)[\s-][a-z]{3,14})?(?![a-z])"
)
_OLD = re.compile(
    r"(?:[Tt]he )?Old (?!Bailey|Testament|Trafford|Street|Kent)[A-Z][a-z]{2,14}(?: [A-Z][a-z]{2,14}){0,2}"
)
# "our farm is Higher Mocksworthy", "a house called Fernlea".
_CALLED_HOUSE = re.compile(
    r"(?<![A-Za-z])(?:[Ff]arm|[Hh]ouse|[Cc]ottage|[Bb]ungalow|[Cc]aravan|(?:house|narrow)?boat|[Bb]arn|[Bb]lock"
    r"|[Hh]ome|[Pp]lace"
    r"|[Ff]lats|[Bb]uilding|[Vv]illage|[Hh]ostel|[Rr]efuge|[Hh]otel|[Ss]ite|[Aa]ddress)(?P<is>'s| is| was|:| name is)?"
    r"(?(is)(?: (?:called|named|known as))?| (?:called|named|known as))[ ,]{1,2}[\"'(]?"
    r"(?P<name>(?:The )?[A-Z][a-z'-]{2,20}(?:[ -](?:y |yr |on |of |the )?[A-Z][a-z'-]{2,20}){0,3})"
)
_BOX = re.compile(r"(?<![a-z])p\.?\s?o\.?\s?box\s(?:number\s|no\.?\s?)?[0-9]{1,6}")
_FOREIGN = re.compile(
    r"(?<![a-z])(?:street|road|ulica|ul\.?|strada|str\.?|calle|rue|via"
    r"|sokak)\s([a-z][a-z'-]{2,20}(?:\s[a-z][a-z'-]{2,20})?)\s{0,1},?\s?[0-9]{1,4}[a-z]?(?![a-z0-9])"
)
# The number behind its street: "Sham Str. 6/12".
_NUMBER_BEHIND = re.compile(
    r"(?<![a-z])[a-z][a-z'-]{2,20}\s(?:street|str|road|rd|lane|avenue|crescent|gasse|ulica|utca"
    r"|sokak)\.?\s(?:no\.?\s|nr\.?\s|number\s)?[0-9]{1,4}[a-z]?"
    r"(?:\s?[/-]\s?[0-9]{1,4})?(?![a-z0-9:])(?!\s?(?:am|pm|on|at|when|and|people|men|lads|times|years|days|weeks))"
)
_NUMBER = re.compile(
    r"(?<![a-z])(?:at|from|outside|to|near|by|opposite|behind|in|and|or|@|into|is|was|address"
    r"|home)[\s:,]{1,3}(?:house\s)?((?:number|num|no\.?|nr|nos|#)\s?[0-9]{1,4}\s?[a-h]?)(?![a-z0-9])"
    r"(?!\s?(?:bus|train|tram|route|coach|in the|on the (?:list|left|right)|service|line|of|and a half"
    r"|\.[0-9]))"
    r"|(?<![a-z])(?:liv(?:e|es|ing|ed)|stay(?:s|ing|ed)?|am|im|i'm|hes|he's|she's|shes|we're|door|were|they're|theyre"
    r"|neighbours?|them|him|her|lad|lady|man|woman|people|bloke|family|couple|house|lads|kids|girl|boys|one"
    r"|neighbour)\s(?:at"
    r"|@|from)\s([0-9]{1,4}[a-h]?)(?![a-z0-9:%/-]|[.,][0-9])"
    r"(?!\s?(?:am|pm|o'?clock|oclock|years?|yrs|months?|weeks?|days?|minutes?|mins?|hours?|miles?|mph"
    r"|the|to|past|in the|on|a\.m|p\.m|tonight|tomorrow|today|yesterday|sharp|ish|when|and |this|on|by"
    r"|for|every|each|last|next))"
    rf"|(?<![a-z])(?:i'm|im|am|he's|hes|she's|shes|we're|were|they're|theyre|down|live|lives|living|from"
    rf"|at)\s(?:at\s|in\s)?"
    rf"(?P<said>(?:number|no\.?|num)\s(?:[0-9]{{1,4}}[a-h]?|{NUMBER_WORDS}))(?![a-z0-9:%/-]|[.,][0-9])"
    r"(?!\s?(?:in\s(?:the|a|line|my)|on\s(?:the|your|my|a)|of|to|for|one\s|and a half|times|bus|train|priority))"
    r"|(?<![a-z])(?:(?:number|no\.?)\s(?:[0-9]{1,4}[a-h]?))(?=\s(?:saw|has|have|had|heard|said|says"
    r"|opposite|across|down|up the|over the|next door|rang|called the|is (?:empty|his|hers|mine)))"
)
# A word commoner than this names no house.
_COMMON = 150


class Houses:
    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def find(self, view: View) -> Iterator[Found]:
        tokens = view.tokens
        for place, token in enumerate(tokens):
            word = token.folded
            if word in _HOUSES or word in _STREETS or word in _WEAK:
                first = self._first_of_name(view, place)
                if first < place:
                    yield _address(tokens[first].start, self._last_of_kind(view, place))
        for found in _WELSH.finditer(view.lower):
            is_written_so = view.text[found.start()].isupper() and view.text[found.start(1)].isupper()
            if not self._lexicon.is_listed(found[1]) or (is_written_so and not view.is_shouted):
                yield _address(*found.span())
        if not view.is_shouted:
            for found in _OLD.finditer(view.text):
                yield _address(*found.span())
        for found in _CALLED_HOUSE.finditer(view.text if not view.is_shouted else ""):
            named = [word.lower() for word in re.findall("[A-Za-z']+", found["name"])]
            if len(named) > 1 or not self._lexicon.is_listed(named[0].replace("'", "")):
                yield _address(*found.span("name"))
        for found in _BOX.finditer(view.lower):
            yield _address(*found.span())
        for found in _FOREIGN.finditer(view.lower):
            if (
                any(not self._lexicon.is_listed(word) for word in found[1].split())
                or view.text[found.start(1)].isupper()
            ):
                yield _address(*found.span())
        for found in _NUMBER_BEHIND.finditer(view.lower):
            yield _address(*found.span())
        for found in _NUMBER.finditer(view.lower):
            yield _address(*found.span(1 if found[1] else 2 if found[2] else "said" if found["said"] else 0))

    def _last_of_kind(self, view: View, place: int) -> int:
        """The end of the words behind that are of the same name: "Caravan Park", "Church Hill Road"."""
        end = view.tokens[place].end
        for token in view.tokens[place + 1 : place + 3]:
            word = token.folded
            if view.lower[end : token.start] != " " or not (
                word in _HOUSES or word in _STREETS or word in _WEAK
            ):
                break
            if word in _WEAK and not token.has_capital:
                break
            end = token.end
        return end

    def _first_of_name(self, view: View, place: int) -> int:
        """Where the name before that word begins; `place` itself where there is none."""
        tokens, kind = view.tokens, view.tokens[place]
        first, is_sure = place, False
        for before in range(place - 1, max(-1, place - 5), -1):
            token = tokens[before]
            if view.lower[token.end : tokens[before + 1].start] not in (" ", "-", ". "):
                break
            word = token.folded
            is_old = word in ("old", "new", "the") and token.has_capital
            if (
                word in _NO_NAME
                and not is_old
                and not (token.has_capital and not token.opens_sentence and word in _CAPITAL_NAMES)
            ):
                break
            is_unknown = not self._lexicon.is_listed(word) and len(word) > 2
            has_capital = token.has_capital and (not token.opens_sentence or kind.has_capital)
            if not is_unknown and not has_capital:
                break
            if token.opens_sentence and not is_unknown and not kind.has_capital:
                break
            is_sure = (
                is_sure
                or (is_unknown and not self._lexicon.is_word(word))
                or (has_capital and not is_old)
                or (is_old and kind.has_capital)
            )
            first = before
        if first < place and is_sure and self._is_whole(view, first, place):
            return first
        return self._first_of_plain_name(view, place)

    def _is_whole(self, view: View, first: int, place: int) -> bool:
        tokens, kind = view.tokens, view.tokens[place]
        if kind.folded == "court" and tokens[place - 1].folded in _BEFORE_COURT:
            return False
        if kind.folded == "home" and not (kind.has_capital and tokens[place - 1].has_capital):
            return False
        if kind.folded in ("hall", "centre", "estate") and tokens[place - 1].folded in _PUBLIC_KINDS:
            return False
        if kind.folded == "st" and not kind.has_capital and view.lower[kind.end : kind.end + 1].isalpha():
            return False
        if kind.folded in _WEAK and not kind.has_capital:
            is_unknown = any(not self._lexicon.is_word(token.folded) for token in tokens[first:place])
            return is_unknown and kind.folded in _WEAK_IN_SMALL
        return True

    def _first_of_plain_name(self, view: View, place: int) -> int:
        """ "at rose cottage", "corner of church road": an ordinary word as a name, behind a word that says where."""
        tokens, kind = view.tokens, view.tokens[place]
        if kind.folded in _WEAK or place < 2 or (view.is_shouted and kind.folded not in _HOUSES):
            return place
        token = tokens[place - 1]
        if (
            view.lower[token.end : kind.start] != " "
            or token.folded in _NO_NAME
            or kind.folded in ("st", "close", "drive", "av", "str")
        ) and not (token.folded in ("old", "new") and kind.folded in _HOUSES):
            return place
        before = tokens[place - 2].folded
        if before == "the" and place > 2 and kind.folded in _HOUSES:
            before = tokens[place - 3].folded
        is_old = token.folded in ("old", "new")
        is_name = is_old or (self._lexicon.plain_words.rank(token.folded) or 0) > _COMMON
        return place - 1 if before in _OPENERS and is_name else place


_CAPITAL_NAMES = frozenset(
    words_of(
        "high church school park station mill court hill west east north south upper lower long little new old one"
        " queens kings manor crown county victim village city town garden front back side lodge caravan holiday"
        " retirement student nursing care residential abbey green bridge market castle college forest spring field"
        " water grove"
    )
)


def _address(start: int, end: int) -> Found:
    return Found(start, end, MaskKind.ADDRESS, Layer.SHAPE)

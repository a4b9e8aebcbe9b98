"""The words that say a figure or a letter: spoken up and down the country, mistyped, in other languages."""

from casework.model.masking.views import words_of

DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "ow": "0", "nought": "0", "naught": "0", "nil": "0", "nowt": "0", "zeros": "0",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "wun": "1", "thre": "3", "fore": "4", "fiv": "5", "sevn": "7", "seve": "7", "eigt": "8",
    "eigth": "8", "ate": "8", "nien": "9", "nin": "9", "niner": "9", "ohh": "0", "noughts": "0", "sven": "7",
    "zeroes": "0", "ones": "1", "twos": "2", "threes": "3", "fours": "4", "fives": "5", "sixes": "6", "sevens": "7",
    "eights": "8", "nines": "9", "wan": "1", "ane": "1", "yin": "1", "twa": "2", "twae": "2", "fower": "4",
    "fowr": "4", "fahve": "5", "sax": "6", "sivin": "7", "seevin": "7", "seeven": "7", "eicht": "8", "aicht": "8",
    "echt": "8", "nocht": "0", "dim": "0", "treble": "", "to": "2", "too": "2", "for": "4", "won": "1",
    # As it is said in Scots, in Ireland, by children, and as fingers slip.
    "tree": "3", "free": "3", "fee": "3", "seevun": "7", "siven": "7", "sebben": "7", "sevun": "7", "foive": "5",
    "noine": "9", "nein": "9", "ait": "8", "aight": "8", "zerro": "0", "zro": "0", "noght": "0", "ought": "0",
    "aught": "0", "noughty": "0", "tw": "2", "tow": "2", "thee": "3", "threee": "3", "fuor": "4", "foru": "4",
    "sixx": "6", "sx": "6", "sevven": "7", "eightt": "8", "nne": "9",
    # Welsh, Polish, Spanish, French, German, Romanian, Italian, Portuguese.
    "sero": "0", "un": "1", "dau": "2", "tri": "3", "pedwar": "4", "pump": "5", "chwech": "6", "chwe": "6",
    "saith": "7", "wyth": "8", "naw": "9",
    "jeden": "1", "dwa": "2", "trzy": "3", "cztery": "4", "piec": "5", "szesc": "6", "siedem": "7", "osiem": "8",
    "dziewiec": "9",
    "cero": "0", "uno": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7",
    "ocho": "8", "nueve": "9",
    "deux": "2", "trois": "3", "quatre": "4", "cinq": "5", "sept": "7", "huit": "8", "neuf": "9",
    "null": "0", "eins": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4", "funf": "5", "sechs": "6",
    "sieben": "7", "acht": "8", "neun": "9",
    "unu": "1", "doi": "2", "trei": "3", "patru": "4", "cinci": "5", "sase": "6", "sapte": "7", "opt": "8", "noua": "9",
    "due": "2", "tre": "3", "quattro": "4", "cinque": "5", "sei": "6", "sette": "7", "otto": "8", "nove": "9",
    "nul": "0", "een": "1", "twee": "2", "drie": "3", "vijf": "5", "zes": "6", "zeven": "7", "negen": "9",
    "dois": "2", "quatro": "4", "sete": "7", "oito": "8",
}  # fmt: skip
# A slip or a homophone counts amid figures only: "to", "for" and "won" are mostly what they say.
WEAK = frozenset(
    {"to", "too", "for", "won", "ate", "fore", "ow", "nowt", "nin", "seve", "o", "oh", "dim", "wan"}
    | {
        "tree",
        "free",
        "fee",
        "ought",
        "aught",
        "tow",
        "thee",
        "tw",
        "un",
        "pump",
        "null",
        "sept",
        "opt",
        "due",
        "tre",
        "acht",
    }
)
# At an end of a run these say what they say.
WORDS_AT_AN_END = frozenset(
    {
        "to",
        "too",
        "for",
        "won",
        "ate",
        "fore",
        "nowt",
        "tree",
        "free",
        "fee",
        "ought",
        "aught",
        "tow",
        "thee",
        "pump",
        "null",
    }
    | {"sept", "opt", "due", "un", "tre"}
)
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7",
    "eighty": "8", "ninety": "9", "ninty": "9", "twenny": "2", "twinty": "2", "thirtie": "3", "fufty": "5",
    "saxty": "6", "seeventy": "7", "aichty": "8", "nintie": "9",
}  # fmt: skip
TIMES = {
    "double": 2,
    "dubble": 2,
    "dbl": 2,
    "treble": 3,
    "triple": 3,
    "tripple": 3,
    "trebble": 3,
    "quadruple": 4,
}
JOINING = frozenset({"to", "too", "for", "and"})
HUNDREDS = frozenset(
    {
        "hundred",
        "hundered",
        "hundrd",
        "hunderd",
        "hunner",
        "hunnert",
        "hunnerd",
        "hundert",
        "hunder",
        "hundrid",
        "undred",
        "hunnder",
    }
)
BETWEEN = frozenset(
    {
        "then",
        "dash",
        "hyphen",
        "space",
        "gap",
        "stroke",
        "slash",
        "dot",
        "comma",
        "er",
        "erm",
        "um",
        "and",
        "plus",
        "followed",
        "by",
        "sorry",
        "next",
        "pause",
        "no",
        "an",
    }
)
LETTER_NAMES = {
    word: word[0]
    for word in words_of(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike"
        " november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu zed"
        " zee zebra tommy tee ess jay kay em en pee bee cee dee eff gee ell vee"
    )
} | {
    "aitch": "h",
    "haitch": "h",
    "cue": "q",
    "queue": "q",
    "ess": "s",
    "em": "m",
    "en": "n",
    "eff": "f",
    "ell": "l",
    "ar": "r",
}


def read_figure(word: str) -> str:
    """The figures a word says: "7", "17" or "70"; "" for one that says none."""
    return DIGITS.get(word) or TEENS.get(word) or (TENS[word] + "0" if word in TENS else "")


def is_hundred(word: str) -> bool:
    """Whether it says two noughts, however it is spelt."""
    return word in HUNDREDS

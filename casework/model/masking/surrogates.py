"""The invented value that stands where a real one stood: the same one for the same value in the same conversation.

Nothing leads back from it: it is chosen by a keyed hash. Numbers are of ranges that belong to nobody: 07700 900 is
Ofcom's for drama, ZZ99 a postcode of no place, QQ no prefix of a National Insurance number, 999 no NHS number.
"""

import hashlib
import hmac
from collections.abc import Set

from casework.model.masking import MaskKind
from casework.model.masking.views import Found, fold, words_of

_BEGINNINGS = words_of("Bram Cald Dorv Eswin Fenv Galm Hesk Ilm Jorv Kelm Lorv Marn Nolv Osk Pelv Tarv")
_ENDINGS = words_of("a ado ain ara ath ek ela enn era esk ida imo inor olo oth una")
NAMES = tuple(beginning + ending for beginning in _BEGINNINGS for ending in _ENDINGS)
PLACES = tuple(
    f"{beginning}{ending}"
    for beginning in ("Example", "Sample", "Madeup", "Pretend")
    for ending in ("ton", "ford", "by", "wick", "ham", "worth", "stead", "combe")
)
_STREETS = tuple(f"{name} Street" for name in ("Example", "Sample", "Pretend", "Madeup"))
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # those an inward code may have
TRIES = 12
# What stands where every try held a real value.
WITHHELD = "withheld"


def make_surrogate(found: Found, raw: str, *, key: bytes, of: str, forbidden: Set[str]) -> str:
    """The fake for one span. It holds none of the `forbidden` words (folded), the raw value among them."""
    for attempt in range(TRIES):
        made = _in_style(_make(found, raw, key, of, attempt), raw)
        if not holds_any(made, forbidden):
            return made + found.tail
    return WITHHELD


def holds_any(text: str, words: Set[str]) -> bool:
    """Whether the text, or a word of it, folds to one of those."""
    pieces = [fold(piece) for piece in text.split()]
    return fold(text) in words or any(piece in words for piece in pieces)


def _make(found: Found, raw: str, key: bytes, of: str, attempt: int) -> str:
    words = found.key or (fold(raw),)
    kind = found.kind
    if kind in (MaskKind.PERSON, MaskKind.OFFICER):
        # Word by word, so that somebody called by a first name alone is still the same person.
        return " ".join(NAMES[_number(key, of, "name", word, attempt) % len(NAMES)] for word in words[:4])
    number = _number(key, of, kind.value, "".join(words), attempt)
    if kind in (MaskKind.NUMBER, MaskKind.ACCOUNT):
        count = min(max(sum(character.isdigit() for character in raw), 4), 19)
        return str(9 - attempt % 9) * count
    return _of_kind(kind, number, raw, attempt)


def _of_kind(kind: MaskKind, number: int, raw: str, attempt: int) -> str:
    three, letters = f"{number % 1000:03d}", _letters(number, 2)
    match kind:
        case MaskKind.PHONE:
            return f"07700 900{three}"
        case MaskKind.EMAIL:
            return f"{NAMES[number % len(NAMES)].lower()}@example.org"
        case MaskKind.URL:
            return "https://example.org/" + "x" * (attempt + 1)
        case MaskKind.POSTCODE:
            return f"ZZ99 3{letters}"
        case MaskKind.ADDRESS:
            return f"{12 + attempt} {_STREETS[number % len(_STREETS)]}"
        case MaskKind.PLACE:
            return PLACES[number % len(PLACES)]
        case MaskKind.NINO:
            return f"QQ 12 34 5{number % 10} C"
        case MaskKind.VEHICLE:
            return f"ZZ{99 - attempt} ZZZ"
        case MaskKind.NHS:
            return f"999 {three} {number // 1000 % 10000:04d}"
        case MaskKind.BIRTH_DATE:
            return f"{attempt + 1:02d}/01/1990"
        case MaskKind.REFERENCE:
            return _reference(number, raw)
        case _:
            return "@example" + "_" * attempt


def _reference(number: int, raw: str) -> str:
    """One that runs from 990000 in its year, beyond what a force reaches, in the form of the one it stands for."""
    digits = fold(raw)
    if raw.count("/") > 1 or (digits.startswith("42") and len(digits) < 11):
        return f"42/990{number % 1000:03d}/26"
    force = digits[:2] if digits[:2] in ("43", "44") else "43"
    return f"{force}260990{number % 1000:03d}"


def _in_style(fake: str, raw: str) -> str:
    letters = [character for character in raw if character.isalpha()]
    if not letters or not any(character.isalpha() for character in fake):
        return fake
    if all(letter.islower() for letter in letters):
        return fake.lower()
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return fake.upper()
    return fake


def _letters(number: int, count: int) -> str:
    made = ""
    for _ in range(count):
        number, place = divmod(number, len(_LETTERS))
        made += _LETTERS[place]
    return made


def _number(key: bytes, of: str, kind: str, value: str, attempt: int) -> int:
    said = "\x1f".join((of, kind, value, str(attempt))).encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.new(key, said, hashlib.sha256).digest()[:8], "big")

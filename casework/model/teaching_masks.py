"""Looking a text that is to be taught over once more: is everything in it that looks like somebody's value invented?"""

import re

from casework.model.masking import Layer, MaskedText
from casework.model.masking.surrogates import NAMES, PLACES, WITHHELD

SURE_LAYERS = (Layer.CASE, Layer.SHAPE, Layer.SPOKEN)
"""Names and places that are only likely were the masking's to find, and people have read the text since."""
# What casework/model/masking/surrogates.py makes, however it is spaced. Each range belongs to nobody.
_PIECES = (
    r"(?:\+?44\s?|0)7700[\s-]?900[\s-]?\d{3}",
    r"[\w.+-]+@example\.org",
    r"(?:https?://)?example\.org(?:/x*)?",
    r"zz99\s?3[a-z]{2}",
    r"qq\s?12\s?34\s?5\d\s?c",
    r"zz\d\d\s?zzz",
    r"999[\s-]?\d{3}[\s-]?\d{4}",
    r"(?:0[1-9]|1[0-2])/01/1990",
    r"4[34]/?260990\d{3}(?:/\d\d)?",
    r"42/990\d{3}/26",
    r"\d\d (?:example|sample|pretend|madeup) street",
    r"@example_*",
    r"(\d)\1{3,18}",
    rf"(?:{'|'.join(name.lower() for name in (*NAMES, *PLACES, WITHHELD))})\b",
)
INVENTED = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(_PIECES)})(?![0-9])")
# What joins two invented values that were found as one.
JOINING = re.compile(r"[a-z]{0,4}")


def find_personal(text: str, masked: MaskedText) -> list[str]:
    """The kinds of what the masker (run over `text`) is sure of and nobody invented, sorted. Empty: nothing is left."""
    left = {
        mask.kind.value
        for mask in masked.masks
        if mask.layer in SURE_LAYERS and not is_invented(text[mask.start : mask.end])
    }
    return sorted(left)


def is_invented(raw: str) -> bool:
    """Whether a span holds invented values and nothing beside them but a word that joins."""
    folded = " ".join(raw.casefold().split())
    rest, count = INVENTED.subn(" ", folded)
    words = re.findall(r"\w+", rest)
    return count > 0 and all(JOINING.fullmatch(word) for word in words)

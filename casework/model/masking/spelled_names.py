"""Names told letter by letter: "O. L. A.", "D-O-Y-L-E", "k i e r a n", and the surname behind "spelt"."""

import re
from collections.abc import Iterator

from casework.model.masking import Layer, MaskKind
from casework.model.masking.case_values import Part
from casework.model.masking.lexicon import Lexicon
from casework.model.masking.views import Found, View

_SPELLED = re.compile(r"(?<![a-z0-9'])[a-z](?:[\s.,-]{1,3}[a-z]){1,23}(?:\.(?![a-z])|(?![a-z0-9']))")
_CUE = re.compile(
    r"(?<![a-z])(?:spel(?:t|led|ling|l)|names?|surname|called|thats|that's|capital|letters?"
    r"|sp)(?:'s)?(?![a-z])[^a-z0-9]{0,4}"
    r"(?:(?:is|it|it's|its|me|my|as|like|out|with|that|was|of)[\s,:]{1,3}){0,4}$"
)
_CUE_BEHIND = re.compile(
    r"[\s,.-]{0,3}(?:is my|that'?s (?:my|how|the)|spelt|spelled|two letters|three letters|\w+ letters|not\s)"
)
_REACH = 32
_FEWEST = 3


def find_spelled(view: View, parts: list[Part], lexicon: Lexicon) -> Iterator[Found]:
    """`parts`: those of the names of the case, which need no word that says a name is spelt."""
    known = {part.folded: part for part in parts if part.called == part.folded}
    for found in _SPELLED.finditer(view.lower):
        letters = re.sub("[^a-z]", "", found.group())
        part = known.get(letters)
        is_said = _CUE.search(view.lower, max(0, found.start() - _REACH), found.start()) or _CUE_BEHIND.match(
            view.lower, found.end()
        )
        if part and (len(letters) >= _FEWEST or is_said):
            yield Found(*found.span(), part.kind, Layer.CASE, (part.called,))
        elif len(letters) >= _FEWEST and is_said and not lexicon.is_listed(letters):
            yield Found(*found.span(), MaskKind.PERSON, Layer.CONTEXT, (letters,))

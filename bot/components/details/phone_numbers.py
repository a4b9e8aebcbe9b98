"""UK telephone numbers. Shapes: Ofcom, National Telephone Numbering Plan, without 070 and 09."""

import re
from collections.abc import Iterator

from bot.components.details.detail import LOOKED_BACK, Detail

PHONE_NUMBER = "phone_number"

_D = r"[ .\-]?[\dOo]"
PHONE = re.compile(
    rf"(?<![\w/.\-£$+])(?:(?:\+|00)44[ .\-]?(?:\(0\)[ .\-]?)?|44[ ]?(?=7)|\(?[0Oo](?=[ .\-]?[\dOo]))"
    rf"(?P<national>[ .\-]?(?:7[1-57-9](?:{_D}){{8}}|7[ .\-]?6[ .\-]?2[ .\-]?4(?:{_D}){{6}}"
    rf"|(?:1\d|2[03489]|3[03478]|8[047])(?:\)?{_D})(?:\)?{_D})(?:\)?{_D})(?:{_D}){{5}}))(?![\w/]|[.\-]\d)"
)
CALLED_A_REFERENCE = re.compile(
    r"\b(?:ref|reference|crime|incident|log|cad|urn|case|account|invoice)\W{0,3}"
    r"(?:(?:number|num|no|ref|reference|is|its|it's|was)\W{1,3}){0,3}$",
    re.I,
)


def find_phone_numbers(text: str) -> Iterator[Detail]:
    """UK numbers, mobile and landline; a number introduced as a reference is none."""
    for match in PHONE.finditer(text):
        national = re.sub(r"\D", "", match["national"].replace("O", "0").replace("o", "0"))
        before = text[max(0, match.start() - LOOKED_BACK) : match.start()]
        if national[0] == "7" or not CALLED_A_REFERENCE.search(before):
            is_in_brackets = match.group().startswith("(") and ")" not in match.group()
            yield Detail(PHONE_NUMBER, f"+44{national}", match.start() + is_in_brackets, match.end())

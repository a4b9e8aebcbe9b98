"""Marks that turn the direction of text: what somebody wrote must not turn the desk's own words after it.

Unicode Bidirectional Algorithm (UAX #9), section 2: an embedding or override ends with PDF, an isolate with PDI, and
whatever is open at the end of a paragraph ends there. Here each text that is put into a page ends its own.
"""

import re

MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")
EMBEDS = frozenset("\u202a\u202b\u202d\u202e")  # LRE RLE LRO RLO
ISOLATES = frozenset("\u2066\u2067\u2068")  # LRI RLI FSI
PDF, PDI = "\u202c", "\u2069"


def close_marks(value: object) -> object:
    """The same text with every mark it opens closed, and without those that close what is not its own.

    Anything else than a text, and a text without such marks, comes back as it was.
    """
    if not isinstance(value, str) or hasattr(value, "__html__") or MARKS.search(value) is None:
        return value
    kept: list[str] = []
    closers: list[str] = []
    for letter in value:
        if letter == PDF:
            if not closers or closers[-1] != PDF:
                continue
            closers.pop()
        elif letter == PDI:
            if PDI not in closers:
                continue
            # It ends the embeddings inside its isolate as well.
            while closers.pop() != PDI:
                pass
        elif letter in EMBEDS:
            closers.append(PDF)
        elif letter in ISOLATES:
            closers.append(PDI)
        kept.append(letter)
    return "".join([*kept, *reversed(closers)])

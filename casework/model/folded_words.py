"""How words are compared whatever their case, spacing and punctuation."""

import re


def fold_words(text: str) -> list[str]:
    """Small letters, apostrophes dropped, nothing but letters and digits: "I'm not OK!" is im, not, ok."""
    return re.sub(r"[^\w\s]|_", " ", re.sub(r"['\u2019]", "", text.casefold())).split()

"""Misspelt copies of messages, for training: slips of a thumb on a telephone."""

import hashlib
import random

LETTERS = "qwertyuiopasdfghjklzxcvbnm"
BESIDE = "wa qes wrd etf ryg tuh yij uok ipl ol qsz adw sfe dgr fht gjy hku jli ko xas zcd xvf cbg vnh bmj nk"
NEIGHBOURS = dict(zip(LETTERS, BESIDE.split(), strict=True))


def misspell(text: str, share: float) -> str:
    """The text with about `share` of its letters left out, doubled, swapped or hit beside; always the same."""
    chance = random.Random(hashlib.sha256(text.encode(errors="surrogatepass")).digest())
    letters = list(text)
    index = 0
    while index < len(letters):
        letter = letters[index].lower()
        if letter in NEIGHBOURS and chance.random() < share:
            slip = chance.randrange(4)
            if slip == 0:
                letters[index] = ""
            elif slip == 1:
                letters[index] += letters[index]
            elif slip == 2 and index + 1 < len(letters):
                letters[index], letters[index + 1] = letters[index + 1], letters[index]
                index += 1
            else:
                letters[index] = chance.choice(NEIGHBOURS[letter])
        index += 1
    return "".join(letters)

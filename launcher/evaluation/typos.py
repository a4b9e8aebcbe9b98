"""Mistyped copies of a text, the same ones every time."""

import random

SHARE = 0.08
SEED = 20261101
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
BESIDE = {
    letter: [row[place] for place in (at - 1, at + 1) if 0 <= place < len(row)]
    for row in ROWS
    for at, letter in enumerate(row)
}


def with_typos(text: str, *, share: float = SHARE, seed: int = SEED) -> str:
    """`text` with about `share` (0 to 1) of its letters swapped with the next, dropped, doubled or hit beside.

    Each of the four is as likely; digits, spaces and signs stay. The same text gives the same copy.
    """
    chance = random.Random(f"{seed}:{text}")
    typed: list[str] = []
    letters = iter(text)
    for letter in letters:
        if letter.lower() not in BESIDE or chance.random() >= share:
            typed.append(letter)
            continue
        match chance.randrange(4):
            case 0:
                typed += [next(letters, ""), letter]
            case 1:
                pass
            case 2:
                typed += [letter, letter]
            case _:
                typed.append(chance.choice(BESIDE[letter.lower()]))
    return "".join(typed)

"""Words people use that the assistant was taught nothing of, found by counting: everybody can see why it is one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from casework.model.folded_words import fold_words
from casework.model.teaching_texts import leave_out

FEWEST_TAUGHT = 2
"""A word that stands in fewer texts than that is new."""
FEWEST_CONVERSATIONS = 3
"""In fewer it may be somebody's name, or a slip of one thumb."""
SHORTEST, LONGEST = 3, 32


@dataclass(frozen=True, kw_only=True)
class HeardText:
    """A masked message. `masked`: where its invented values stand (start, end): they are nobody's words."""

    inbox_id: int
    conversation_id: str
    text: str
    masked: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewWord:
    """A word and the messages it brings together, in the order they were given."""

    word: str
    inbox_ids: tuple[int, ...]
    conversations: int


def count_taught(texts: Iterable[str]) -> Counter[str]:
    """In how many texts each folded word stands."""
    taught: Counter[str] = Counter()
    for text in texts:
        taught.update(set(fold_words(text)))
    return taught


def find_new_words(heard: Sequence[HeardText], taught: Mapping[str, int]) -> list[NewWord]:
    """Those of the most conversations first. A message stands under one word: the one fewest people use."""
    words_of = {one.inbox_id: _new_words(one, taught) for one in heard}
    used_by: dict[str, set[str]] = defaultdict(set)
    for one in heard:
        for word in words_of[one.inbox_id]:
            used_by[word].add(one.conversation_id)
    together: dict[str, list[HeardText]] = defaultdict(list)
    for one in heard:
        new = [word for word in words_of[one.inbox_id] if len(used_by[word]) >= FEWEST_CONVERSATIONS]
        if new:
            rarest = min(new, key=lambda word: (taught.get(word, 0), len(used_by[word]), word))
            together[rarest].append(one)
    found = [_gather(word, those) for word, those in together.items()]
    # Its messages may have gone to rarer words: those that are left must still be of several people.
    kept = [one for one in found if one.conversations >= FEWEST_CONVERSATIONS]
    return sorted(kept, key=lambda one: (-one.conversations, one.word))


def _gather(word: str, those: Sequence[HeardText]) -> NewWord:
    conversations = {one.conversation_id for one in those}
    return NewWord(
        word=word, inbox_ids=tuple(one.inbox_id for one in those), conversations=len(conversations)
    )


def _new_words(one: HeardText, taught: Mapping[str, int]) -> set[str]:
    words = set(fold_words(leave_out(one.text, one.masked)))
    return {
        word
        for word in words
        if SHORTEST <= len(word) <= LONGEST and word.isalpha() and taught.get(word, 0) < FEWEST_TAUGHT
    }

"""Why a message is here, in words: after a choice with what is known, before one with nothing that points a way."""

from collections.abc import Mapping
from typing import Any

from casework.model.labels import NONE
from console.words import Words
from console.workbench.items import Why

# The gaps of a sentence that are codes, and the sections their words stand in.
WORDS_OF: Mapping[str, tuple[str, ...]] = {
    "about": ("wb_labels", "about_kinds"),
    "seen": ("wb_labels",),
    "intent": ("wb_labels", "wb_more"),
    "runner_up": ("wb_labels", "wb_more"),
    "outcome": ("outcomes", "wb_more"),
    "block": ("blocks",),
}


def tell_why(words: Words, why: Why) -> str:
    """One sentence. A code nobody gave words is told as its queue."""
    if not why.code:
        return str(words["wb_why_before"][why.queue.value])
    sentence = words["wb_why"].get(why.code)
    if sentence is None:
        return str(words["wb_queues"][why.queue.value]["why"])
    return str(sentence).format_map(
        _Gaps({name: _name(words, name, value) for name, value in why.detail.items()})
    )


class _Gaps(dict[str, str]):
    """A gap nothing is known for says so, rather than costing the page."""

    def __missing__(self, _name: str) -> str:
        return "?"


def _name(words: Words, name: str, value: Any) -> str:
    code = NONE if value is None else str(value)
    for section in WORDS_OF.get(name, ()):
        if code in words[section]:
            return str(words[section][code])
    return code

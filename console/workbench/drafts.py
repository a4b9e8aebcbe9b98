"""What a trainer has pressed for an item and not saved yet: it lies in the page's form, and nowhere else.

A page that is read again, or a desk that was started again, goes on from the form; nothing of it is kept here.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from casework.model.annotations import Label
from casework.model.disclosures import Category
from casework.model.labels import NONE, load_labels

FORM_IDS = frozenset("0123456789abcdef")
SPAN_KINDS: Mapping[str, str] = {
    "personal": "p",
    "date": "d",
    "age": "g",
    "town": "t",
    "reference": "r",
    "location": "l",
}
"""What a stretch of a message may be marked as, each with its key. `personal` hides it from the next reading on."""
MOST_SPANS = 40
MOST_LETTERS = 100_000

Span = tuple[int, int, str]


def _new_form_id() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`step`: risk, then wish. `picked`: dangers in the order they were pressed. `shown_at`: seconds since 1970."""

    form_id: str = field(default_factory=_new_form_id)
    step: str = "risk"
    is_several: bool = False
    picked: tuple[str, ...] = ()
    group: str = ""
    spans: tuple[Span, ...] = ()
    text_sha: str = ""
    shown_at: int = 0

    def toggle(self, risk: str) -> Self:
        """A danger pressed once is picked, pressed twice is not."""
        rest = tuple(each for each in self.picked if each != risk)
        return replace(self, picked=rest if len(rest) < len(self.picked) else (*rest, risk))

    def mark(self, span: Span) -> Self:
        if span in self.spans or len(self.spans) >= MOST_SPANS:
            return self
        return replace(self, spans=tuple(sorted((*self.spans, span))))

    def unmark(self, number: int) -> Self:
        return replace(self, spans=tuple(each for place, each in enumerate(self.spans) if place != number))

    @property
    def spans_text(self) -> str:
        """As the form carries them: `0-5-personal,9-12-age`."""
        return ",".join(f"{start}-{end}-{kind}" for start, end, kind in self.spans)


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """What a press came to: a whole `label`, or a `draft` that goes on. `fault`: a name of wb_faults."""

    draft: Draft
    label: Label | None = None
    fault: str = ""


def press(draft: Draft, name: str, value: str) -> Pressed | None:
    """A press of the two steps, danger and wish; None for one that is none of theirs."""
    match name:
        case "risk" if value == NONE:
            return Pressed(draft=replace(draft, step="wish", picked=(), is_several=False))
        case "risk" if value in set(Category) and draft.is_several:
            return Pressed(draft=draft.toggle(value))
        case "risk" if value in set(Category):
            return Pressed(draft=draft, label=Label(risks=(value,)))
        case "several":
            return Pressed(draft=replace(draft, is_several=True))
        case "save" if draft.picked:
            return Pressed(draft=draft, label=Label(risks=draft.picked))
        case "save":
            return Pressed(draft=draft, fault="none_chosen")
        case "wish" if draft.step == "wish" and load_labels().has_wish(value):
            return Pressed(draft=draft, label=Label(intent=value))
        case "group" if value in load_labels().list_by_group():
            return Pressed(draft=replace(draft, group=value))
        case "back":
            return Pressed(draft=replace(draft, step="risk", picked=(), is_several=False))
    return None


def find_group(wish: str) -> str:
    """Of a wish, or the first: whose wishes the figures choose."""
    wishes = load_labels().wishes
    return next((each.group for each in wishes if each.name == wish and each.group), wishes[0].group)


def read_draft(form: Mapping[str, str]) -> Draft:
    """What no page of ours would send is left out."""
    given = form.get("form_id", "")
    picked = (each for each in form.get("picked", "").split(",") if each in set(Category))
    shown_at = form.get("shown_at", "")
    group = form.get("group", "")
    return Draft(
        form_id=given if len(given) == 32 and set(given) <= FORM_IDS else _new_form_id(),
        step="wish" if form.get("step") == "wish" else "risk",
        is_several=form.get("several") == "1",
        picked=tuple(dict.fromkeys(picked)),
        group=group if group in load_labels().list_by_group() else "",
        spans=_read_spans(form.get("spans", "")),
        text_sha=form.get("text_sha", "")[:16],
        shown_at=int(shown_at) if shown_at.isascii() and shown_at.isdigit() and len(shown_at) < 12 else 0,
    )


def _read_spans(text: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    for each in text.split(",")[:MOST_SPANS]:
        start, _, rest = each.partition("-")
        end, _, kind = rest.partition("-")
        if (
            is_number(start)
            and is_number(end)
            and kind in SPAN_KINDS
            and int(start) < int(end) <= MOST_LETTERS
        ):
            spans.append((int(start), int(end), kind))
    return tuple(spans)


def is_number(text: str) -> bool:
    """A whole number a page of ours could have sent."""
    return text.isascii() and text.isdigit() and len(text) < 8

"""How two models differ on one message: its words, masked, and what a person would get from each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.adapters.content_base import load_base_texts
from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.content_lint import WEB
from casework.model.disclosures import Band, Category
from casework.model.errors import MessageNotFound
from casework.model.masking import Masker
from casework.services import consents, contents
from casework.services.comparison_ports import ComparisonChange
from casework.services.masked_reading import mask_messages
from casework.services.safety_lines import NO_CATEGORY
from console.words import Words
from console.workbench.masked_words import Word, split_words

GAP = re.compile(r"\{\w+\}")
SHOWN, LIVE, UNUSABLE, GONE, SET = "shown", "live", "unusable", "gone", "set"


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """`reading`: whether its words may be shown now: shown, live, unusable, gone, set. Only then are there `words`."""

    place: int
    change: ComparisonChange
    reading: str
    words: tuple[Word, ...] = ()

    @property
    def counts_as_opened(self) -> bool:
        """Not while its words wait to be shown: whoever decides has to have read what can be read."""
        return self.reading != LIVE


@dataclass(frozen=True, kw_only=True)
class Gets:
    """What a person would get: sentences about who looks at it, then the words of every answer in their order."""

    is_alert: bool
    sentences: tuple[str, ...]
    answers: tuple[str, ...]
    intent: str | None
    confidence: float
    category: str | None


def list_views(
    tx: SqlTransaction, changes: Sequence[tuple[int, ComparisonChange]], *, masker: Masker
) -> list[ChangeView]:
    """In the order given, each with its words where they may be shown now."""
    readings = {place: find_reading(tx, change) for place, change in changes}
    shown = [
        change.inbox_id
        for place, change in changes
        if readings[place] == SHOWN and change.inbox_id is not None
    ]
    masked = mask_messages(tx, shown, masker=masker)
    return [
        ChangeView(
            place=place,
            change=change,
            reading=readings[place],
            words=split_words(masked[change.inbox_id]) if change.inbox_id in masked else (),
        )
        for place, change in changes
    ]


def find_reading(tx: SqlTransaction, change: ComparisonChange) -> str:
    """As in the queues: nothing of a live talk, of a rehearsal, or of somebody who did not agree."""
    if change.inbox_id is None:
        return SET
    try:
        conversation_id = tx.masking_reads.get_written(change.inbox_id).conversation_id
        if not consents.is_usable(tx, change.inbox_id):
            return UNUSABLE
        return SHOWN if tx.reviews.is_at_rest(conversation_id) else LIVE
    except MessageNotFound:
        return GONE


def read_said(tx: SqlTransaction) -> dict[str, str]:
    """The words of every answer as they are said now, by its name."""
    base = {name: text.forms[WEB] for name, text in load_base_texts().items() if WEB in text.forms}
    return base | {
        state.base.name: state.said.forms[WEB]
        for state in contents.list_states(tx)
        if WEB in state.said.forms
    }


def tell_gets(outcome: Mapping[str, Any], words: Words, *, said: Mapping[str, str], service: Service) -> Gets:
    """`outcome`: as a comparison keeps it. `said`: `read_said`."""
    band, category = outcome.get("band"), outcome.get("category")
    is_alert = band == Band.RED
    answers = [_safety_line(category, service)] if is_alert else list(_answers(outcome, words, said))
    return Gets(
        is_alert=is_alert,
        sentences=tuple(_sentences(outcome, words, has_answer=bool(answers))),
        answers=tuple(answers),
        intent=outcome.get("intent"),
        confidence=float(outcome.get("confidence") or 0.0),
        category=category if category in set(Category) else None,
    )


def _safety_line(category: str | None, service: Service) -> str:
    lines = service.safety_lines
    return lines[category if category is not None and category in lines else NO_CATEGORY].web


def _answers(outcome: Mapping[str, Any], words: Words, said: Mapping[str, str]) -> Iterator[str]:
    say = words["wb_gets"]
    for name in outcome.get("responses", ()):
        text = said.get(name)
        if text is None:
            # Words that prove who somebody is, and others nobody publishes over: their name says enough here.
            yield str(say["other_words"]).format(name=name.removeprefix("utter_").replace("_", " "))
        elif text:
            yield GAP.sub(str(say["gap"]), text)


def _sentences(outcome: Mapping[str, Any], words: Words, *, has_answer: bool) -> Iterator[str]:
    say, band = words["wb_gets"], outcome.get("band")
    if band == Band.RED:
        yield str(say["red"])
        return
    if band == Band.AMBER:
        yield str(say["amber"])
    if outcome.get("to_person"):
        yield str(say["to_person"])
    for effect in outcome.get("effects", ()):
        known = words["wb_gets_effects"].get(effect)
        if known:
            yield str(known)
    if band != Band.AMBER and not outcome.get("to_person"):
        yield str(say["green"])
    if not has_answer:
        yield str(say["nothing"])

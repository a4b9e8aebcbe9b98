"""Danger that a fixed rule sees and a model, asked again, does not: the trainers look at it and teach it.

A turn the rules call RED was never put to a model when it came, so only asking again finds these.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from casework.adapters.storage.database import Database
from casework.model.disclosures import Band
from casework.services import review_steps
from launcher.replay import Replayed
from launcher.replay_input import ReplayInput


def find_rule_alone(turns: Iterable[ReplayInput], models: Iterable[Replayed]) -> dict[int, float]:
    """By inbox id of what any of the models takes for calm: how urgent it read to the one that sees least, 0 to 1.

    Without what trainers have settled, and what a detective called calm: there the rule may be what errs.
    """
    asked, found = [turn for turn in turns if _is_open(turn)], dict[int, float]()
    for replayed in models:
        for turn in asked:
            urgency = _find_urgency(replayed, turn.turn_id)
            if urgency is not None:
                found[turn.inbox_id] = min(urgency, found.get(turn.inbox_id, 1.0))
    return found


def note_rule_alone(database: Database, found: Mapping[int, float]) -> int:
    """Puts them among the possible misses; how many may teach. One a transaction: others write in between."""
    notes = [
        partial(review_steps.note_rule_alone, inbox_id=inbox_id, urgency=urgency)
        for inbox_id, urgency in sorted(found.items())
    ]
    return sum(map(database.write_now, notes))


def _is_open(turn: ReplayInput) -> bool:
    if turn.screen.band is not Band.RED:
        return False
    return turn.truth is None or (turn.truth.is_urgent and turn.truth.by != "settled")


def _find_urgency(replayed: Replayed, turn_id: str) -> float | None:
    """None where the model sees it, was not asked, or says nothing of danger at all."""
    if replayed.alone.get(turn_id) is not Band.GREEN:
        return None
    return replayed.outcomes[turn_id].urgency

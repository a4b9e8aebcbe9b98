"""Compares the provider's history with ours. Each check names what is wrong, one by one; none is the promise kept."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from launcher.soak.history import Held, History, Queued, Sent, Written
from launcher.soak.words import is_echo, tells_of_a_person

UNFINISHED = frozenset({"waiting", "leased", "sending", "unknown"})
SAFETY_LANE = 0
WEBHOOK = "webhook"
CONFIDENT_OF_NONE = 3.0  # with none in N, the rate is below 3/N with 95 % (the rule of three)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found. `of`: among how many; `wrong`: ids, of the kind the check's name says."""

    name: str
    of: int
    wrong: tuple[str, ...]

    @property
    def most(self) -> float | None:
        """The rate is below this with 95 % where none was found; None where some were, or nothing was looked at."""
        return CONFIDENT_OF_NONE / self.of if self.of and not self.wrong else None


def check(history: History) -> list[Finding]:
    """Every check, in the order the table shows them."""
    return [
        Finding(name=name, of=len(among(history)), wrong=tuple(find(history))) for name, among, find in CHECKS
    ]


# --- what came in ---------------------------------------------------------------------------------


def find_lost(history: History) -> list[str]:
    """Ids of texts that nobody of ours holds, though the provider still lists them."""
    held = {each.sid for each in history.held}
    return [each.sid for each in history.written if each.sid not in held]


def find_lost_accepted(history: History) -> list[str]:
    """Of those, the ones the provider was told we have."""
    accepted = {each.sid for each in _accepted(history)}
    return [sid for sid in find_lost(history) if sid in accepted]


def find_duplicate_rows(history: History) -> list[str]:
    """Ids held more than once, and ids the provider never had."""
    held, known = Counter(each.sid for each in history.held), {each.sid for each in history.written}
    return [sid for sid, count in held.items() if count > 1 or sid not in known]


def find_taken_out_of_order(history: History) -> list[str]:
    """Ids taken in before an older one of the same phone, which had been accepted before this one was written.

    Promised of webhooks alone: what the spool or the provider's list brings comes when it comes (docs/recovery.md).
    """
    rows: dict[str, int] = {}
    for each in history.held:
        if each.origin == WEBHOOK and each.sid not in history.spooled:
            rows.setdefault(each.sid, each.inbox_id)
    wrong: list[str] = []
    for texts in _by_handset([each for each in history.written if each.sid in rows]).values():
        older = sorted((each for each in texts if each.accepted_at is not None), key=_accepted_at)
        newest, next_older = 0, 0
        for text in texts:
            while next_older < len(older) and _accepted_at(older[next_older]) < text.at:
                newest = max(newest, rows[older[next_older].sid])
                next_older += 1
            if rows[text.sid] < newest:
                wrong.append(text.sid)
    return wrong


# --- what went out --------------------------------------------------------------------------------


def find_duplicate_replies(history: History) -> list[str]:
    """Provider's ids of messages that are no row's, and of words that came to one phone a second time."""
    ours = Counter(each.sid for each in history.queued if each.sid is not None)
    told: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for each in history.sent:
        words = (each.handset, each.text)
        if each.sid not in ours or (is_echo(each.text) and words in told):
            wrong.append(each.sid)
        told.add(words)
    return wrong


def find_never_left(history: History) -> list[str]:
    """Outbox ids recorded as sent under an id the provider does not have, or one that another row has."""
    taken = {each.sid for each in history.sent}
    seen: set[str] = set()
    wrong: list[str] = []
    for row in history.queued:
        if row.status != "sent":
            continue
        if row.sid is None or row.sid not in taken or row.sid in seen:
            wrong.append(str(row.outbox_id))
        else:
            seen.add(row.sid)
    return wrong


def find_sent_out_of_order(history: History) -> list[str]:
    """Outbox ids the provider took after a later one of the same conversation and lane.

    Lanes go before one another on purpose. Within one: in the order of the messages they answer, then as queued.
    """
    at = {each.sid: each.at for each in history.sent}
    lines: dict[tuple[str, int], list[Queued]] = defaultdict(list)
    for row in history.queued:
        if row.sid in at:
            lines[row.conversation, row.lane].append(row)
    wrong: set[int] = set()
    for rows in lines.values():
        answers = [row for row in rows if row.inbox_id is not None]
        wrong |= _find_late(rows, at, lambda row: (0, row.outbox_id))
        wrong |= _find_late(answers, at, lambda row: (row.inbox_id or 0, row.outbox_id))
    return [str(each) for each in sorted(wrong)]


def _find_late(
    rows: Sequence[Queued], at: Mapping[str, int], place: Callable[[Queued], tuple[int, int]]
) -> set[int]:
    wrong: set[int] = set()
    latest = -1
    for row in sorted(rows, key=place):
        moment = at[row.sid or ""]
        if moment < latest:
            wrong.add(row.outbox_id)
        latest = max(latest, moment)
    return wrong


# --- danger, and what people are told ---------------------------------------------------------------


def find_urgent_without_item(history: History) -> list[str]:
    """Ids of texts that tell of danger, are held, and have no item of their own on the desk."""
    with_item = {each.inbox_id for each in history.items}
    return [each.sid for each in _held_urgent(history) if each.inbox_id not in with_item]


def find_seen_late(history: History) -> list[str]:
    """Inbox ids that could be read before their item could."""
    return [str(each) for each in sorted(history.seen_late)]


def find_told_without_item(history: History) -> list[str]:
    """Provider's ids of messages that speak of a person, to somebody who is on nobody's desk and never was."""
    with_person = {each.conversation for each in history.items} | history.owned
    of_row = {each.sid: each.conversation for each in history.queued}
    of_handset = _conversations(history)
    return [
        each.sid
        for each in _telling(history)
        if (of_row.get(each.sid) or of_handset.get(each.handset)) not in with_person
    ]


# --- ends ---------------------------------------------------------------------------------------------


def find_unfinished(history: History) -> list[str]:
    """Inbox and outbox ids that are still on their way when everything has been quiet."""
    turns = [f"in-{each.inbox_id}" for each in history.held if each.turn_status != "done"]
    return turns + [f"out-{each.outbox_id}" for each in history.queued if each.status in UNFINISHED]


def find_without_end(history: History) -> list[str]:
    """Ids of texts that nobody answered and no person has or had."""
    answered = {each.inbox_id for each in history.queued if each.status == "sent"}
    with_person = {each.conversation for each in history.items} | history.owned
    return [
        each.sid
        for each in history.held
        if each.turn_status == "done"
        and each.inbox_id not in answered
        and each.conversation not in with_person
    ]


# --- among how many -----------------------------------------------------------------------------------


def _written(history: History) -> Sequence[object]:
    return history.written


def _accepted(history: History) -> Sequence[Written]:
    return [each for each in history.written if each.accepted_at is not None]


def _held(history: History) -> Sequence[object]:
    return history.held


def _sent(history: History) -> Sequence[object]:
    return history.sent


def _ended(history: History) -> Sequence[object]:
    return (*history.held, *history.queued)


def _held_urgent(history: History) -> Sequence[Held]:
    return [each for each in history.held if each.sid in history.urgent]


def _looks(history: History) -> Sequence[object]:
    return range(history.looks)


def _telling(history: History) -> list[Sent]:
    safety = {each.sid for each in history.queued if each.lane == SAFETY_LANE}
    return [each for each in history.sent if each.sid in safety or tells_of_a_person(each.text)]


CHECKS: tuple[
    tuple[str, Callable[[History], Sequence[object]], Callable[[History], list[str]]],
    ...,
] = (
    ("lost, though accepted", _accepted, find_lost_accepted),
    ("lost", _written, find_lost),
    ("duplicate or invented rows", _held, find_duplicate_rows),
    ("duplicate replies", _sent, find_duplicate_replies),
    ("recorded as sent and never taken", _sent, find_never_left),
    ("taken in out of order", _held, find_taken_out_of_order),
    ("sent out of order", _sent, find_sent_out_of_order),
    ("urgent without an item", _held_urgent, find_urgent_without_item),
    ("urgent seen before its item", _looks, find_seen_late),
    ("told of a person without an item", _telling, find_told_without_item),
    ("unfinished after the quiet end", _ended, find_unfinished),
    ("neither answered nor with a person", _held, find_without_end),
)


def _accepted_at(text: Written) -> int:
    return -1 if text.accepted_at is None else text.accepted_at


def _by_handset(texts: Sequence[Written]) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = defaultdict(list)
    for text in sorted(texts, key=lambda each: each.at):
        found[text.handset].append(text)
    return found


def _conversations(history: History) -> dict[str, str]:
    of_sid = {each.sid: each.conversation for each in history.held}
    return {each.handset: of_sid[each.sid] for each in history.written if each.sid in of_sid}

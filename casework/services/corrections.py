"""Putting right what a wrong import led us to say: one approved text, to those who were told and nobody else."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from casework.model.cases import Case
from casework.model.errors import WaymarkError
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.services import outgoing
from casework.services.ports import Transaction
from casework.services.service_texts import ServiceTexts

CORRECTIONS = frozenset({"correction"})


class CorrectionUnknown(WaymarkError):
    """No approved correction has this name."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A fixed text that nobody asked for, about a case, to one address."""

    case: Case
    channel: Channel
    to: str
    text_id: str
    kind: SendKind
    dedupe_key: str


# True: an outbox row was written. False: the plan forbids it, and a person has the task.
Tell = Callable[[Transaction, Letter, ServiceTexts], bool]


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """How many were written to; and the cases in which a person has to tell them."""

    written: int
    for_a_person: tuple[str, ...]


def send_corrections(
    tx: Transaction, import_id: str, text_id: str, *, texts: ServiceTexts, tell: Tell, by: str
) -> Corrected:
    """Raises CorrectionUnknown. Asked again it writes nothing more."""
    if text_id not in CORRECTIONS:
        raise CorrectionUnknown(f"{text_id} is no correction. There is: {', '.join(sorted(CORRECTIONS))}.")
    letters, for_a_person = _list_letters(tx, import_id, text_id)
    written = 0
    for letter in letters:
        if tell(tx, letter, texts):
            written += 1
        else:
            for_a_person.append(letter.case.crime_reference)
    tx.audit.record("import_corrected", by=by, thing=f"{import_id}: {text_id}")
    return Corrected(written=written, for_a_person=tuple(for_a_person))


def _list_letters(tx: Transaction, import_id: str, text_id: str) -> tuple[list[Letter], list[str]]:
    """One an address, however many cases and events it was told of; and the cases that have no address."""
    letters: dict[tuple[str, str], Letter] = {}
    without: dict[str, None] = {}
    for told in tx.imports.list_told(import_id):
        case = tx.cases.find(told.crime_reference)
        to = told.to or (case.contact_mobile if case else None)
        if case is None or to is None:
            without[told.crime_reference] = None
            continue
        channel = Channel(told.channel or Channel.SMS)
        name = hashlib.sha256(f"{channel.value}:{to}".encode()).hexdigest()[:32]
        letters.setdefault(
            (channel.value, to),
            Letter(
                case=case,
                channel=channel,
                to=to,
                text_id=text_id,
                kind=SendKind.CORRECTION,
                dedupe_key=f"{text_id}:{import_id}:{name}",
            ),
        )
    return list(letters.values()), list(without)


def write_to_victim(tx: Transaction, letter: Letter, texts: ServiceTexts) -> bool:
    """On its way now or from the hour the plan allows; else a person has the task, who may reach them another way."""
    recipient = tx.conversations.open(letter.channel, letter.to)
    message = outgoing.address(
        recipient,
        texts.render(letter.text_id, letter.channel),
        lane=Lane.STAFF,
        kind=letter.kind,
        author=Author.SERVICE,
        template=letter.text_id,
        dedupe_key=letter.dedupe_key,
    )
    decision = outgoing.decide(tx, message)
    outgoing.send(tx, message)
    return decision.may_leave_some_time

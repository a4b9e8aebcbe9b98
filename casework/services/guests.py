"""Testers talk with a candidate: screened, answered and shown as it would be, and nothing of it happens.

No conversation is opened, nothing waits at the desk, nothing is sent, no effect is carried out. What they wrote is kept
for the trainers, in a table of its own.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.model.bands import BandDecision, Bands, decide_band
from casework.model.disclosures import Band, ScreenResult
from casework.model.errors import AssistantUnavailable, WaymarkError
from casework.model.messages import Channel, InboundMessage
from casework.model.standings import Standing
from casework.model.tokens import hash_token
from casework.services.guest_ports import GuestLink, GuestMessage, NewGuestMessage, Said, SaidKind
from casework.services.model_ports import VersionStatus
from casework.services.ports import Assistant, AssistantAnswer, AssistantReply, JsonObject, Store, Transaction
from casework.services.receive import Screen
from casework.services.rendering import CHECK_QUESTION, render_answer
from casework.services.safety_lines import SafetyLines, find_safety_line
from casework.services.service_texts import ServiceTexts
from casework.services.told_contents import publish_over

LONGEST_DAYS = 14
MOST_A_VISIT = 60
MOST_A_LINK = 600
LONGEST_GROUP = 80
TOKEN_BYTES = 32
HAND_OFF = "hand_off"


class LinkOver(WaymarkError):
    """The link opens nothing: it never did, has run out, was ended, or its model is no candidate any more."""


class TooManyWritten(WaymarkError):
    """As many messages as one visit, or all of one link together, may hold."""


class LinkUnfit(WaymarkError):
    """No candidate, no name for the group, or more days than a link may live."""


@dataclass(frozen=True, kw_only=True)
class Trying:
    """What answering a tester needs, wired once."""

    store: Store
    assistant: Assistant
    screen: Screen
    bands: Bands
    safety_lines: SafetyLines
    texts: ServiceTexts


def open_link(tx: Transaction, model_id: str, *, group: str, days: int, by: str) -> str:
    """The token, shown once and kept nowhere. Raises LinkUnfit."""
    version = tx.model_releases.find_version(model_id)
    is_candidate = version is not None and version.status == VersionStatus.CANDIDATE
    group = group.strip()
    if not is_candidate or not 0 < len(group) <= LONGEST_GROUP or not 1 <= days <= LONGEST_DAYS:
        raise LinkUnfit(model_id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    number = tx.guests.open_link(
        hash_token(token), model_id, group=group, by=by, expires_at=tx.now + timedelta(days=days)
    )
    tx.audit.record("guest_link_made", by=by, thing=f"guest-link:{number}")
    return token


def end_link(tx: Transaction, number: int, *, by: str) -> bool:
    is_ended = tx.guests.end_link(number)
    if is_ended:
        tx.audit.record("guest_link_ended", by=by, thing=f"guest-link:{number}")
    return is_ended


def find_link(tx: Transaction, token: str) -> GuestLink:
    """Raises LinkOver."""
    found = tx.guests.find_open(hash_token(token))
    if found is None:
        raise LinkOver
    return found


def list_visit(tx: Transaction, token: str, visit: str) -> list[GuestMessage]:
    """Oldest first. Raises LinkOver."""
    find_link(tx, token)
    return tx.guests.list_visit(hash_token(token), visit)


async def say(
    trying: Trying, token: str, visit: str, message: InboundMessage, *, after: int
) -> list[GuestMessage]:
    """The visit with this message and what followed it. `after`: the last message its page showed, 0 for none.

    A page that was sent a second time changes nothing. Raises LinkOver and TooManyWritten.
    """
    link, written = await trying.store.read(lambda tx: _look(tx, token, visit))
    if (written[-1].id if written else 0) != after:
        return written
    earlier = _list_earlier(written, trying.bands, message.received_at)
    screened = trying.screen.screen(message, earlier)
    decision = decide_band(screened, None, None, trying.bands.limits)
    state = written[-1].state if written else None
    answer: AssistantAnswer | None = None
    if decision.band is not Band.RED:
        answer = await _ask(trying, link, visit, message, state, earlier)
        decision = _decide(screened, answer, trying.bands)
    return await trying.store.write(
        lambda tx: _keep(tx, trying, token, visit, message, decision, answer, state, after=after)
    )


def _look(tx: Transaction, token: str, visit: str) -> tuple[GuestLink, list[GuestMessage]]:
    link, written = find_link(tx, token), tx.guests.list_visit(hash_token(token), visit)
    if len(written) >= MOST_A_VISIT or link.messages >= MOST_A_LINK:
        raise TooManyWritten
    return link, written


async def _ask(
    trying: Trying,
    link: GuestLink,
    visit: str,
    message: InboundMessage,
    state: JsonObject | None,
    earlier: Sequence[str],
) -> AssistantAnswer | None:
    """The candidate's answer to somebody of whom nothing is known; None where it has none."""
    facts: JsonObject = {
        "channel": Channel.WEBCHAT.value,
        "standing": Standing.UNKNOWN.name.lower(),
        "code_pending": False,
        "safe_question": False,
        "earlier": list(earlier),
    }
    try:
        return await trying.assistant.ask(
            turn_id=secrets.token_hex(16),
            conversation=f"guest-{visit}",
            text=message.text,
            state=state,
            facts=facts,
            models=(link.model_id,),
        )
    except AssistantUnavailable:
        return None


def _decide(screened: ScreenResult, answer: AssistantAnswer | None, bands: Bands) -> BandDecision:
    learned, wish = (answer.learned, answer.wish) if answer else (None, None)
    return decide_band(screened, learned, wish, bands.limits)


def _keep(
    tx: Transaction,
    trying: Trying,
    token: str,
    visit: str,
    message: InboundMessage,
    decision: BandDecision,
    answer: AssistantAnswer | None,
    state: JsonObject | None,
    *,
    after: int,
) -> list[GuestMessage]:
    token_hash = hash_token(token)
    # Asked again: the link may have ended, or the same page been sent twice, while the candidate thought.
    _, written = _look(tx, token, visit)
    if (written[-1].id if written else 0) != after:
        return written
    is_answered = answer is not None and decision.band is not Band.RED
    replies = publish_over(tx, answer.replies, Channel.WEBCHAT) if answer and is_answered else ()
    tx.guests.record(
        token_hash,
        visit,
        NewGuestMessage(
            text=message.text,
            # What was interrupted by danger goes on where it stood.
            state=answer.state if answer and is_answered else state,
            responses=tuple(reply.response for reply in replies),
            said=tuple(_list_said(trying, decision, answer, replies)),
            band=decision.band,
            tier=decision.tier,
        ),
    )
    return tx.guests.list_visit(token_hash, visit)


def _list_said(
    trying: Trying,
    decision: BandDecision,
    answer: AssistantAnswer | None,
    replies: Sequence[AssistantReply],
) -> list[Said]:
    if decision.band is Band.RED:
        line = find_safety_line(decision, Channel.WEBCHAT, trying.safety_lines)
        return [Said(kind=SaidKind.SAFETY_LINE, text=line.text), Said(kind=SaidKind.TOLD_AT_ONCE)]
    is_check = decision.band is Band.AMBER
    said: list[Said] = []
    if replies:
        rendered = render_answer(replies, Channel.WEBCHAT, trying.texts, asks=is_check)
        said += [Said(kind=SaidKind.REPLY, text=each.text, choices=each.choices) for each in rendered]
    else:
        said.append(Said(kind=SaidKind.NO_ANSWER))
        if is_check:
            question = trying.texts.render(CHECK_QUESTION, Channel.WEBCHAT)
            said.append(Said(kind=SaidKind.REPLY, text=question))
    if is_check:
        said.append(Said(kind=SaidKind.CHECKED))
    if answer is not None and any(effect.get("effect") == HAND_OFF for effect in answer.effects):
        said.append(Said(kind=SaidKind.TO_PERSON))
    return said


def _list_earlier(written: Sequence[GuestMessage], bands: Bands, now: datetime) -> list[str]:
    since = now - timedelta(minutes=bands.limits.earlier_minutes)
    recent = [each.text for each in written if each.at >= since]
    return recent[-bands.limits.earlier_texts :]

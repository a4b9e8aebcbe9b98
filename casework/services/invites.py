"""Invites: how a person is let in without a code. Issued by staff or the case feed, used once, within seven days.

The token is the proof; who may hold it is decided by the way it is handed over. A text message also carries a
short word, which proves nothing but an answer from the very number it was sent to. See docs/invites.md.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import quote

from casework.model.cases import Case
from casework.model.errors import WaymarkError
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.model.sms_segments import count_segments
from casework.model.standings import ProofMethod, Standing
from casework.model.throttles import Tried
from casework.model.tokens import hash_token, make_address_token
from casework.services import outgoing, throttles
from casework.services.ports import Conversation, OpenedInvite, Transaction
from casework.services.prove import CodeBook
from casework.services.service_texts import ServiceTexts

INVITE_LASTS = timedelta(days=7)  # auth.md section 2 flow A
MOST_SEGMENTS = 2  # sms_whatsapp.md T2
LONGEST_ADDRESS = 128  # what a conversation can be filed under

BY_SMS, BY_EMAIL = "invite_by_sms", "invite_by_email"
INVITE_TEMPLATES = frozenset({BY_SMS, BY_EMAIL})  # what is kept of them once they have left is `invite_sent`

# A digit, four consonants, a digit: 22 bits (NIST SP 800-63B-4 asks 20 of a code sent to a phone), and neither
# a word, a postcode, a reference nor a one-time code looks like it. Without vowels it spells nothing.
WORD_LETTERS = "BDGHJMNPQRTVWXYZ"
WORD_DIGITS = "23456789"
WORD = re.compile(f"[{WORD_DIGITS}][{WORD_LETTERS}]{{4}}[{WORD_DIGITS}]")
# What Telegram says for a deep link, whatever stood in it; and the text prefilled for WhatsApp, which must be
# whole: "start again" is something people write.
DEEP_LINK_OPENING = re.compile(r"/start (\S{1,64})")
OPENING = re.compile(r"start ([A-Za-z0-9_-]{32})", re.IGNORECASE)


class ByWayOf(StrEnum):
    """How an invite reaches the person."""

    SMS = "sms"
    EMAIL = "email"
    LEAFLET = "leaflet"
    LINK = "link"  # told to whoever issued it, once
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"


class CaseNotFound(WaymarkError):
    """No case has this reference. For staff only: nobody else is ever told."""


class InviteNotSent(WaymarkError):
    """An invite may not, or cannot, be sent this way; the message says why and what to do. Nothing was issued."""


@dataclass(frozen=True, kw_only=True)
class IssuedInvite:
    """`token` is shown or sent once and kept nowhere."""

    id: str
    token: str


def issue_invite(
    tx: Transaction,
    crime_reference: str,
    *,
    by: str,
    by_way_of: ByWayOf,
    sent_to: str | None = None,
    word_hash: str | None = None,
) -> IssuedInvite:
    """A new invite; earlier unused ones of that way are withdrawn. Raises CaseNotFound."""
    _get_case(tx, crime_reference)
    if tx.invites.withdraw_unused(crime_reference, by_way_of):
        tx.audit.record("invites_withdrawn", by=by)
    token = make_address_token()
    invite_id = tx.invites.record(
        token_hash=hash_token(token),
        crime_reference=crime_reference,
        by_way_of=by_way_of,
        by=by,
        expires_at=tx.now + INVITE_LASTS,
        sent_to=sent_to,
        word_hash=word_hash,
    )
    tx.audit.record("invite_issued", by=by, thing=f"invite:{invite_id}")
    return IssuedInvite(id=invite_id, token=token)


def send_invite_by_sms(
    tx: Transaction, crime_reference: str, *, by: str, codes: CodeBook, texts: ServiceTexts, public_url: str
) -> IssuedInvite:
    """Issues one and files its text for the contact of record. Raises CaseNotFound, InviteNotSent."""
    case = _get_case(tx, crime_reference)
    mobile = _get_address(case.contact_mobile, Channel.SMS)
    word = make_word()
    issued = issue_invite(
        tx,
        crime_reference,
        by=by,
        by_way_of=ByWayOf.SMS,
        sent_to=mobile,
        word_hash=codes.hash(word),
    )
    text = texts.render(BY_SMS, Channel.SMS, link=get_invite_link(public_url, issued.token), word=word)
    if count_segments(text) > MOST_SEGMENTS:
        raise InviteNotSent("WAYMARK_PUBLIC_URL is too long for a text message of two parts.")
    _file(tx, issued, Channel.SMS, mobile, text, template=BY_SMS, by=by)
    return issued


def send_invite_by_email(
    tx: Transaction, crime_reference: str, *, by: str, texts: ServiceTexts, public_url: str
) -> IssuedInvite:
    """Issues one and files its e-mail for the address of record. Raises CaseNotFound, InviteNotSent."""
    case = _get_case(tx, crime_reference)
    address = _get_address(case.contact_email, Channel.EMAIL)
    issued = issue_invite(tx, crime_reference, by=by, by_way_of=ByWayOf.EMAIL, sent_to=address)
    text = texts.render(BY_EMAIL, Channel.EMAIL, link=get_invite_link(public_url, issued.token))
    _file(tx, issued, Channel.EMAIL, address, text, template=BY_EMAIL, by=by)
    return issued


def open_invite(
    tx: Transaction, token: str, conversation: Conversation, *, codes: CodeBook
) -> OpenedInvite | None:
    """Binds the invite to this conversation and links it to the case; None, and nothing changed, for any
    token that is used, expired, withdrawn, unknown or malformed: one statement decides, and none says which.

    The short word of a text message counts only from the number it was sent to, by SMS.
    """
    if conversation.channel is Channel.SMS and WORD.fullmatch(token):
        opened = _open_word(tx, token, conversation, codes)
    else:
        opened = tx.invites.use(hash_token(token), conversation.id)
    if opened is None:
        return None
    tx.standings.record(
        conversation.id, opened.crime_reference, Standing.LINKED, method=ProofMethod.INVITE.value
    )
    throttles.clear(tx, Tried.WRONG_CODES_OF_CASE, opened.crime_reference)
    reach = tx.people.find_of_case(opened.crime_reference)
    if reach is not None and conversation.external_id == reach.contact_mobile:
        tx.people.confirm_contact(reach.person_id)
    tx.audit.record(
        "invite_opened", by="person", conversation_id=conversation.id, thing=f"invite:{opened.id}"
    )
    return opened


def _open_word(
    tx: Transaction, word: str, conversation: Conversation, codes: CodeBook
) -> OpenedInvite | None:
    words = tx.invites.list_words(conversation.external_id)
    # The work of one look even where no invite was sent, as for a code.
    if not words:
        codes.matches(word, None)
    matching = [known for known in words if codes.matches(word, known.word_hash)]
    return tx.invites.use_word(matching[0].invite_id, conversation.id) if matching else None


def find_invite_token(text: str) -> str | None:
    """The token or short word that a message consists of; None when it says anything else as well."""
    said = text.strip()
    opening = DEEP_LINK_OPENING.fullmatch(said) or OPENING.fullmatch(said)
    if opening is not None:
        return opening[1]
    word = said.strip(" .!,\"'").upper()
    return word if WORD.fullmatch(word) else None


def make_word() -> str:
    letters = "".join(secrets.choice(WORD_LETTERS) for _ in range(4))
    return f"{secrets.choice(WORD_DIGITS)}{letters}{secrets.choice(WORD_DIGITS)}"


def get_invite_link(public_url: str, token: str) -> str:
    return f"{public_url}/i/{token}"


def get_telegram_link(bot_name: str, token: str) -> str:
    """Telegram's deep link: the bot is told `/start <token>` when the person presses Start."""
    return f"https://t.me/{bot_name}?start={token}"


def get_whatsapp_link(number: str, opening: str) -> str:
    """WhatsApp's link with the first message already written; `number` in E.164."""
    return f"https://wa.me/{number.removeprefix('whatsapp:').removeprefix('+')}?text={quote(opening)}"


def _get_case(tx: Transaction, crime_reference: str) -> Case:
    case = tx.cases.find(crime_reference)
    if case is None:
        raise CaseNotFound(f"There is no case {crime_reference} here. Import the case file first.")
    return case


def _get_address(address: str | None, channel: Channel) -> str:
    if not address or len(address) > LONGEST_ADDRESS:
        raise InviteNotSent(
            f"The case has no address for {channel.value}. Hand the invite over: --by-way-of leaflet or link."
        )
    return address


def _file(
    tx: Transaction, issued: IssuedInvite, channel: Channel, to: str, text: str, *, template: str, by: str
) -> None:
    """Sends it, at the hour the plan allows; InviteNotSent where it allows none, and then nothing was issued."""
    recipient = tx.conversations.open(channel, to)
    message = outgoing.address(
        recipient,
        text,
        lane=Lane.STAFF,
        kind=SendKind.INVITE,
        author=Author.SERVICE,
        template=template,
        dedupe_key=f"invite:{issued.id}",
    )
    decision = outgoing.decide(tx, message)
    if not decision.may_leave_some_time:
        raise InviteNotSent(
            f"The safe-contact plan allows no {channel.value} that nobody asked for ({decision.reason.value}). "
            "Hand the invite over in person: --by-way-of leaflet or link."
        )
    outgoing.send(tx, message)
    tx.audit.record("invite_filed", by=by, conversation_id=recipient.id, thing=f"invite:{issued.id}")

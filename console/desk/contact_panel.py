"""How the person can be reached: what they asked, what the network allows, whether all of it is here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import SeenVisit, find_last_visit
from casework.model.messages import PHONES, Channel, OutboxStatus
from casework.services.ports import Conversation, HeldCount, OptOut, TranscriptEntry
from casework.services.windows import WINDOW

ASKED = "asked"
REFUSED = "provider"


@dataclass(frozen=True, kw_only=True)
class OpenOptOut:
    channel: Channel
    opt_out: OptOut

    @property
    def is_asked(self) -> bool:
        return self.opt_out.how == ASKED


@dataclass(frozen=True, kw_only=True)
class Window:
    """When WhatsApp takes free words: until then, or closed since then."""

    is_open: bool
    until: datetime | None  # None: they never wrote there


@dataclass(frozen=True, kw_only=True)
class ContactPanel:
    channel: Channel
    address: str | None  # None where the channel has none that says anything
    is_number: bool
    calls_themselves: str | None
    seen_with: str | None  # a number they were once seen with
    opt_outs: tuple[OpenOptOut, ...]
    window: Window | None  # None but on WhatsApp
    held: HeldCount | None
    waiting_for_them: int  # our messages that leave when they write again
    visit: SeenVisit | None = None  # None but on the web

    @property
    def has_asked_to_stop(self) -> bool:
        return any(each.is_asked and each.channel is self.channel for each in self.opt_outs)

    @property
    def is_refused(self) -> bool:
        return any(not each.is_asked and each.channel is self.channel for each in self.opt_outs)

    @property
    def lacks_messages(self) -> bool:
        return self.held is not None and self.held.held < self.held.listed

    @property
    def held_of_listed(self) -> int:
        """Never more than is listed: what has left the provider's list is still here."""
        return min(self.held.held, self.held.listed) if self.held else 0

    @property
    def parts(self) -> list[object]:
        """What the page shows of it, for its fingerprint."""
        held = (self.held.since, self.held.listed, self.held.held) if self.held else None
        return [
            self.calls_themselves,
            self.seen_with,
            self.opt_outs,
            self.window,
            held,
            self.waiting_for_them,
            self.visit,
        ]


def load_contact_panel(
    tx: SqlTransaction, conversation: Conversation, entries: Sequence[TranscriptEntry]
) -> ContactPanel:
    """`entries`: the newest of the conversation, oldest first."""
    is_phone = conversation.channel in PHONES
    return ContactPanel(
        channel=conversation.channel,
        address=conversation.external_id if is_phone else None,
        is_number=conversation.external_id.startswith("+"),
        calls_themselves=_find_detail(entries, "profile_name"),
        seen_with=_find_detail(entries, "phone"),
        opt_outs=_list_opt_outs(tx, conversation),
        window=find_window(conversation, tx.now),
        held=tx.sweeps.find_held(conversation.id),
        waiting_for_them=sum(entry.status is OutboxStatus.HELD for entry in entries),
        visit=find_last_visit(tx, conversation.id) if conversation.channel is Channel.WEBCHAT else None,
    )


def _find_detail(entries: Sequence[TranscriptEntry], name: str) -> str | None:
    """What the channel said last."""
    said = (entry.details.get(name) for entry in reversed(entries))
    return next((str(value) for value in said if value), None)


def _list_opt_outs(tx: SqlTransaction, conversation: Conversation) -> tuple[OpenOptOut, ...]:
    # The same number may have been closed on the other of its two channels.
    channels = PHONES if conversation.channel in PHONES else (conversation.channel,)
    return tuple(
        OpenOptOut(channel=channel, opt_out=opt_out)
        for channel in channels
        for opt_out in tx.opt_outs.find(channel, conversation.external_id)
    )


def find_window(conversation: Conversation, now: datetime) -> Window | None:
    if conversation.channel is not Channel.WHATSAPP:
        return None
    written_at = conversation.last_inbound_at
    until = written_at + WINDOW if written_at else None
    return Window(is_open=until is not None and now < until, until=until)

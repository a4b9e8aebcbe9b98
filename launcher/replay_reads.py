"""What the actions are told while turns are asked again: what was proved then, and of any case one invented one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from actions.reads import AssistantView, SupportService
from casework.model.cases import Case
from casework.model.may_tell import flags_of, may_tell
from casework.model.safe_contact import Wording, plan_for
from casework.model.standings import Standing
from launcher.replay_input import ReplayInput

# One day for all: what is told must not change between two replays.
TODAY = date(2026, 1, 15)
CASE = Case(
    crime_reference="43260990001",
    crime_type="burglary",
    stage="under_investigation",
    stage_since=date(2026, 1, 5),
    oic_name="DC Robin Test-Officer",
    oic_collar_number="T0001",
    oic_contact="101 extension 0000 (synthetic)",
    next_update_due=date(2026, 2, 2),
    victim_name="Alex Example",
    contact_mobile="+447700900001",
    contact_email="alex@example.org",
    safe_contact="any",
    enhanced_rights=False,
    language="en",
    imported_at=datetime(2026, 1, 14, tzinfo=UTC),
)
SERVICE = SupportService(
    name="Example Support (synthetic)",
    phone="07700 900000",
    hours="",
    for_whom="anyone",
    reach="call or write.",
)
UNKNOWN = AssistantView(standing=Standing.UNKNOWN)


class ReplayReads:
    """Knows each turn by its id, which is the conversation's while it is asked again. Nobody proves anything here."""

    def __init__(self, turns: Iterable[ReplayInput] = ()) -> None:
        self._views: Mapping[str, AssistantView] = {}
        self.know(turns)

    def know(self, turns: Iterable[ReplayInput]) -> None:
        """These from now on, and no others."""
        self._views = {turn.turn_id: _view(turn) for turn in turns}

    async def read_view(self, conversation_id: str, *, as_if_code: str | None = None) -> AssistantView:
        return self._views.get(conversation_id, UNKNOWN)

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        return False

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        return [SERVICE]


def _view(turn: ReplayInput) -> AssistantView:
    pending = AssistantView(standing=turn.standing, code_is_pending=turn.code_pending)
    if turn.standing < Standing.LINKED:
        return pending
    plan = plan_for(CASE.safe_contact, CASE.crime_type, None)
    return AssistantView(
        standing=turn.standing,
        case=CASE,
        told=may_tell(turn.standing, channel=turn.channel, plan=plan, flags=flags_of(CASE)),
        is_neutral=plan.wording is Wording.NEUTRAL,
        code_is_pending=turn.code_pending,
    )

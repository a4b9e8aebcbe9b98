"""Case reads with memory: who has proved what, which codes would be accepted."""

from dataclasses import dataclass, field, replace
from typing import Any

from actions.reads import AssistantView, SupportService
from casework.model.cases import Case
from casework.model.may_tell import flags_of, may_tell
from casework.model.messages import Channel
from casework.model.safe_contact import Wording, plan_for
from casework.model.standings import Standing

NOBODY = AssistantView(standing=Standing.UNKNOWN)


def a_linked_view(case: Case, channel: Channel = Channel.WEBCHAT, **values: Any) -> AssistantView:
    """As the service gives it to whoever has proved a link to this case, on that channel."""
    standing = values.pop("standing", Standing.LINKED)
    plan = plan_for(case.safe_contact, case.crime_type, None)
    return AssistantView(
        standing=standing,
        case=case,
        told=may_tell(standing, channel=channel, plan=plan, flags=flags_of(case)),
        is_neutral=channel is not Channel.WEBCHAT and plan.wording is Wording.NEUTRAL,
        **values,
    )


@dataclass
class FakeReads:
    views: dict[str, AssistantView] = field(default_factory=dict)
    provable: dict[tuple[str, str], Case] = field(default_factory=dict)
    support: list[SupportService] = field(default_factory=list)
    asked_support_for: list[tuple[str | None, str | None]] = field(default_factory=list)
    failure: Exception | None = None

    def link(self, conversation_id: str, case: Case) -> None:
        self.views[conversation_id] = a_linked_view(case)

    def expect_code(self, conversation_id: str, code: str, case: Case) -> None:
        """A code was asked for, and this one would prove this case."""
        self.provable[conversation_id, code] = case
        view = self.views.get(conversation_id, NOBODY)
        self.views[conversation_id] = replace(view, code_is_pending=True)

    async def read_view(self, conversation_id: str, *, as_if_code: str | None = None) -> AssistantView:
        if self.failure is not None:
            raise self.failure
        case = self.provable.get((conversation_id, as_if_code or ""))
        if case is not None:
            return a_linked_view(case)
        return self.views.get(conversation_id, NOBODY)

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        return (conversation_id, code) in self.provable

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        self.asked_support_for.append((crime_type, topic))
        return self.support

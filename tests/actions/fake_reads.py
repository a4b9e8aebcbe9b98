"""Case reads with memory: who has proved what, which codes would be accepted."""

from dataclasses import dataclass, field, replace

from actions.reads import AssistantView, SupportService
from casework.model.cases import Case
from casework.model.standings import Standing

NOBODY = AssistantView(standing=Standing.UNKNOWN)


@dataclass
class FakeReads:
    views: dict[str, AssistantView] = field(default_factory=dict)
    provable: dict[tuple[str, str], Case] = field(default_factory=dict)
    support: list[SupportService] = field(default_factory=list)
    asked_support_for: list[tuple[str | None, str | None]] = field(default_factory=list)
    failure: Exception | None = None

    def link(self, conversation_id: str, case: Case) -> None:
        self.views[conversation_id] = AssistantView(standing=Standing.LINKED, case=case)

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
            return AssistantView(standing=Standing.LINKED, case=case)
        return self.views.get(conversation_id, NOBODY)

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        return (conversation_id, code) in self.provable

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        self.asked_support_for.append((crime_type, topic))
        return self.support

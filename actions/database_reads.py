"""The actions' reads over the service's own storage. Read-only transactions; nothing here writes."""

import asyncio

from actions.reads import AssistantView, SupportService
from casework.adapters.service import Service
from casework.model.standings import Standing
from casework.services import prove
from casework.services.ports import Transaction
from casework.services.support_directory import find_support_services


class DatabaseReads:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def read_view(self, conversation_id: str, *, as_if_code: str | None = None) -> AssistantView:
        return await self._service.database.read(lambda tx: self._view(tx, conversation_id, as_if_code))

    def _view(self, tx: Transaction, conversation_id: str, code: str | None) -> AssistantView:
        standing, reference = tx.standings.find(conversation_id)
        if code is not None:
            proved = prove.find_provable_case(tx, conversation_id, code, codes=self._service.codes)
            if proved is not None:
                standing, reference = max(standing, Standing.LINKED), proved
        return AssistantView(
            standing=standing,
            case=tx.cases.find(reference) if reference is not None else None,
            code_is_pending=tx.codes.has_asked(conversation_id),
        )

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        codes = self._service.codes
        found = await self._service.database.read(
            lambda tx: prove.find_provable_case(tx, conversation_id, code, codes=codes)
        )
        return found is not None

    async def find_support(self, crime_type: str | None) -> list[SupportService]:
        today = self._service.clock.now().date()
        found = await asyncio.to_thread(find_support_services, crime_type, today=today)
        return [
            SupportService(name=s.name, phone=s.phone_display, hours=s.hours, for_whom=s.for_whom)
            for s in found
        ]

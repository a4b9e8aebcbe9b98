"""The actions' reads over the service's own storage. Read-only transactions; nothing here writes."""

import asyncio
from datetime import datetime, timedelta

from actions.reads import AssistantView, SupportService
from casework.adapters.service import Service
from casework.model.standings import Standing
from casework.services import prove, support_directory
from casework.services.ports import Transaction
from casework.services.support_directory import LONDON, find_opening, find_support_services

NEW_VISIT_AFTER = timedelta(hours=12)
EXPIRED_CODE_TOLD_FOR = timedelta(days=7)


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
        is_pending = tx.codes.has_asked(conversation_id)
        since = tx.now - EXPIRED_CODE_TOLD_FOR
        return AssistantView(
            standing=standing,
            case=tx.cases.find(reference) if reference is not None else None,
            code_is_pending=is_pending,
            code_has_expired=not is_pending and tx.codes.count_requests(conversation_id, since=since) > 0,
            is_new_visit=_is_new_visit(tx, conversation_id),
        )

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        codes = self._service.codes
        found = await self._service.database.read(
            lambda tx: prove.find_provable_case(tx, conversation_id, code, codes=codes)
        )
        return found is not None

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        now = self._service.clock.now()
        found = await asyncio.to_thread(
            find_support_services, crime_type, topic=topic, today=now.astimezone(LONDON).date()
        )
        return [show_service(service, now) for service in found]


def _is_new_visit(tx: Transaction, conversation_id: str) -> bool:
    """Whether the message now answered came long after whatever was written before it."""
    latest = tx.transcripts.list_latest(conversation_id, limit=2)
    return len(latest) < 2 or latest[1].at - latest[0].at > NEW_VISIT_AFTER


def show_service(service: support_directory.SupportService, now: datetime) -> SupportService:
    """A service of the directory as it is told at that moment (aware)."""
    return SupportService(
        name=service.name,
        phone=service.phone_display,
        hours=service.hours,
        for_whom=service.for_whom,
        reach=service.reach,
        opening=find_opening(service, now),
    )

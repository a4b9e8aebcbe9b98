"""The actions' reads over the service's own storage. Read-only transactions; nothing here writes."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from actions.reads import AssistantView, SupportService
from casework.adapters.service import Service
from casework.model.cases import Case
from casework.model.may_tell import Piece, flags_of, may_tell
from casework.model.messages import Channel
from casework.model.safe_contact import Wording
from casework.model.standings import Standing
from casework.services import outgoing, prove, support_directory
from casework.services.clocks import load_code_rules, next_due_for_victim
from casework.services.content_book import read_content_book
from casework.services.notices import is_withheld
from casework.services.ports import Transaction
from casework.services.support_directory import LONDON, find_opening, find_support_services

NEW_VISIT_AFTER = timedelta(hours=12)
EXPIRED_CODE_TOLD_FOR = timedelta(days=7)

_load_rules = cache(load_code_rules)


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
        view = AssistantView(
            standing=standing,
            code_is_pending=is_pending,
            code_has_expired=not is_pending and tx.codes.count_requests(conversation_id, since=since) > 0,
            is_new_visit=_is_new_visit(tx, conversation_id),
        )
        # A proof that has run out still names its case, and nothing of it is read.
        case = tx.cases.find(reference) if reference and standing >= Standing.LINKED else None
        return view if case is None else self._with_case(tx, view, case, conversation_id)

    def _with_case(
        self, tx: Transaction, view: AssistantView, case: Case, conversation_id: str
    ) -> AssistantView:
        conversation = tx.conversations.get(conversation_id)
        channel = conversation.channel
        plans = outgoing.list_plans(tx, channel, conversation.external_id, conversation_id)
        flags = replace(flags_of(case), is_news_waiting=is_withheld(tx, case))
        # The case of a code that is about to be confirmed is not among the conversation's own yet.
        reach = tx.people.find_of_case(case.crime_reference)
        plans += [outgoing.get_plan(reach)] if reach is not None else []
        allowed = [may_tell(view.standing, channel=channel, plan=plan, flags=flags) for plan in plans]
        told = frozenset.intersection(*allowed)
        is_dated = Piece.CODE_CLOCK_DATES in told
        return replace(
            view,
            case=case,
            told=told,
            is_neutral=channel is not Channel.WEBCHAT
            and any(plan.wording is Wording.NEUTRAL for plan in plans),
            hear_by=next_due_for_victim(tx, case.crime_reference, rules=_load_rules()) if is_dated else None,
        )

    async def would_accept_code(self, conversation_id: str, code: str) -> bool:
        codes = self._service.codes
        found = await self._service.database.read(
            lambda tx: prove.find_provable_case(tx, conversation_id, code, codes=codes)
        )
        return found is not None

    async def find_support(self, crime_type: str | None, *, topic: str | None = None) -> list[SupportService]:
        now = self._service.clock.now()
        book = await self._service.database.read(read_content_book)
        found = await asyncio.to_thread(
            find_support_services,
            crime_type,
            topic=topic,
            today=now.astimezone(LONDON).date(),
            published=book.entries,
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

"""Words published over the release's: what is said now, drafts with their checks and previews, and who was told what.

Trainers write, supervisors publish and go back. Nothing here opens a conversation; the list of who was told links to
the desk, for whoever is at it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web

from casework.adapters.content_base import load_base_texts
from casework.adapters.storage.people import StaffMemberNotFound
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.content_lint import LintFinding
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.model.working_days import local_day
from casework.services import contents
from casework.services.content_ports import BaseText, ContentKind, ContentVersion, Told
from casework.services.content_previews import Preview, preview
from console.desk.conversation_pages import parse_inbox_id
from console.desk.reply_texts import clean_reply
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.session_bar import read_bar

CONTENT = "/workbench/content"
NAMED = CONTENT + "/{content_name}"
MOST_TOLD = 500
WORDS = "words_"
FAULTS: Mapping[type[WaymarkError], tuple[int, str]] = {
    contents.ContentRefused: (422, "refused"),
    contents.NothingNew: (422, "nothing_new"),
    contents.ContentChanged: (409, "changed"),
    contents.OwnDraft: (409, "own_draft"),
    contents.NothingPublished: (409, "nothing_published"),
}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a form holds. `review_by`: None for what is no date."""

    forms: Mapping[str, str]
    source: str
    review_by: date | None
    note: str
    after_version: int


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page after a press: which fault, what is wrong with the words, and the form as it was."""

    status: int = 200
    fault: str | None = None
    draft: Draft | None = None
    findings: tuple[LintFinding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A text in the list."""

    base: BaseText
    state: contents.ContentState
    is_past_review: bool


def add_content_routes(app: web.Application) -> None:
    app.router.add_get(CONTENT, show_contents)
    app.router.add_get(NAMED, show_content)
    app.router.add_post(NAMED + "/draft", keep_draft)
    app.router.add_post(NAMED + "/publish", publish_draft)
    app.router.add_post(NAMED + "/refuse", refuse_draft)
    app.router.add_post(NAMED + "/back", go_back)
    app.router.add_get(NAMED + "/told", show_told)
    app.on_startup.append(_seed)


async def show_contents(request: web.Request) -> web.StreamResponse:
    states = await request.app[SERVICE].database.read(contents.list_states)
    today, texts = _find_today(request), load_base_texts()
    rows = [
        Row(base=texts[state.base.name], state=state, is_past_review=_is_past(state.said, today))
        for state in states
        if state.base.name in texts
    ]
    return await _render(
        request,
        "contents.html",
        drafted=[row for row in rows if row.state.draft],
        to_look_at=[row for row in rows if row.is_past_review or row.state.has_base_changed],
        kinds={kind: [row for row in rows if row.base.kind is kind] for kind in ContentKind},
    )


async def show_content(request: web.Request) -> web.StreamResponse:
    return await _show(request, Shown())


async def keep_draft(request: web.Request) -> web.StreamResponse:
    """Shows what the words would be and what is wrong with them; keeps them only when that was pressed."""
    base, form = _find_base(request), await read_form(request)
    draft, service, staff = _parse_draft(base, form), request.app[SERVICE], request[SESSION].staff
    if form.get("press") == "check":
        return await _show(request, Shown(draft=draft, findings=_check(request, base, draft)))
    return await _do(
        request,
        lambda tx: contents.draft(
            tx,
            base,
            draft.forms,
            source=draft.source,
            review_by=draft.review_by,
            note=draft.note,
            after_version=draft.after_version,
            texts=service.texts,
            by=staff.id,
        ),
        draft=draft,
    )


async def publish_draft(request: web.Request) -> web.StreamResponse:
    base, version = _find_base(request), await _read_version(request)
    texts, staff = request.app[SERVICE].texts, request[SESSION].staff
    return await _do(request, lambda tx: contents.publish(tx, base, version, texts=texts, by=staff.id))


async def refuse_draft(request: web.Request) -> web.StreamResponse:
    base, version = _find_base(request), await _read_version(request)
    staff = request[SESSION].staff
    return await _do(request, lambda tx: contents.refuse(tx, base.name, version, by=staff.id))


async def go_back(request: web.Request) -> web.StreamResponse:
    base, version = _find_base(request), await _read_version(request)
    staff = request[SESSION].staff
    return await _do(request, lambda tx: contents.roll_back(tx, base.name, version, by=staff.id))


async def show_told(request: web.Request) -> web.StreamResponse:
    """Who was told one version. Which conversations they were is for whoever is at the desk."""
    base, version = _find_base(request), parse_inbox_id(request.query.get("version", ""))

    def read(tx: SqlTransaction) -> tuple[int, Counter[Channel], list[Told]]:
        counts: Counter[Channel] = Counter()
        withheld, newest = 0, list[Told]()
        for told in tx.contents.list_told(base.name, version):
            if not told.has_left:
                withheld += 1
                continue
            counts[told.channel] += 1
            newest = [*newest[1 - MOST_TOLD :], told]
        return withheld, counts, newest[::-1]

    withheld, counts, newest = await request.app[SERVICE].database.read(read)
    return await _render(
        request,
        "content_told.html",
        base=base,
        version=version,
        withheld=withheld,
        counts=counts,
        listed=newest if request[SESSION].may("see_queue") else None,
        most=MOST_TOLD,
    )


async def _do(
    request: web.Request, work: Callable[[SqlTransaction], object], *, draft: Draft | None = None
) -> web.StreamResponse:
    try:
        await request.app[SERVICE].database.write(work)
    except contents.ContentRefused as refused:
        status, fault = FAULTS[type(refused)]
        shown = Shown(status=status, fault=fault, draft=draft, findings=refused.findings)
        return await _show(request, shown)
    except tuple(FAULTS) as refused:
        status, fault = FAULTS[type(refused)]
        return await _show(request, Shown(status=status, fault=fault, draft=draft))
    raise web.HTTPSeeOther(f"{CONTENT}/{_find_base(request).name}")


async def _show(request: web.Request, shown: Shown) -> web.StreamResponse:
    base, service = _find_base(request), request.app[SERVICE]

    def read(tx: SqlTransaction) -> tuple[list[ContentVersion], dict[str, str]]:
        versions = tx.contents.list_of(base.name)
        people = {each for version in versions for each in (version.drafted_by, version.approved_by) if each}
        return versions, {staff_id: _find_name(tx, staff_id) for staff_id in people}

    versions, names = await service.database.read(read)
    state = contents.state_of(versions)
    if state is None:
        raise web.HTTPNotFound
    said, waiting = state.said, state.draft
    today = _find_today(request)
    draft = shown.draft or Draft(
        forms=said.forms,
        source=said.source,
        review_by=None,
        note="",
        after_version=versions[0].version,
    )
    return await _render(
        request,
        "content.html",
        status=shown.status,
        base=base,
        state=state,
        versions=versions,
        names=names,
        is_past_review=_is_past(said, today),
        may_publish=waiting is not None and waiting.drafted_by != request[SESSION].staff.id,
        waiting_findings=_check(request, base, waiting) if waiting else (),
        waiting_previews=_preview(request, base, waiting.forms) if waiting else (),
        fault=shown.fault,
        findings=shown.findings,
        draft=draft,
        is_checked=shown.draft is not None,
        previews=_preview(request, base, draft.forms) if shown.draft is not None else (),
        latest_review=contents.find_latest_review(today),
        today=today,
    )


async def _render(
    request: web.Request, template: str, *, status: int = 200, **values: Any
) -> web.StreamResponse:
    session = request[SESSION]
    bar = None
    if session.may("train"):
        bar = await request.app[SERVICE].database.read(lambda tx: read_bar(tx, by=session.staff))
    return request.app[PAGES].render(
        f"workbench/{template}", status=status, session=session, bar=bar, **values
    )


def _find_base(request: web.Request) -> BaseText:
    base = load_base_texts().get(request.match_info["content_name"])
    if base is None:
        raise web.HTTPNotFound
    return base


async def _read_version(request: web.Request) -> int:
    return parse_inbox_id((await read_form(request)).get("version", ""))


def _parse_draft(base: BaseText, form: Mapping[str, str]) -> Draft:
    try:
        review_by = date.fromisoformat(form.get("review_by", ""))
    except ValueError:
        review_by = None
    return Draft(
        forms={name: clean_reply(form.get(WORDS + name, "")).strip() for name in base.forms},
        source=form.get("source", "").strip(),
        review_by=review_by,
        note=form.get("note", "").strip(),
        after_version=parse_inbox_id(form.get("after_version", "")),
    )


def _check(request: web.Request, base: BaseText, draft: Draft | ContentVersion) -> tuple[LintFinding, ...]:
    return contents.check(
        base,
        draft.forms,
        source=draft.source,
        review_by=draft.review_by,
        today=_find_today(request),
        texts=request.app[SERVICE].texts,
    )


def _preview(request: web.Request, base: BaseText, forms: Mapping[str, str]) -> tuple[Preview, ...]:
    return preview(base, forms, texts=request.app[SERVICE].texts, all_texts=load_base_texts())


def _find_name(tx: SqlTransaction, staff_id: str) -> str:
    try:
        return tx.staff.get(staff_id).display_name
    except StaffMemberNotFound:
        return ""


def _is_past(version: ContentVersion, today: date) -> bool:
    return version.review_by is not None and version.review_by < today


def _find_today(request: web.Request) -> date:
    return local_day(request.app[SERVICE].clock.now())


async def _seed(app: web.Application) -> None:
    await app[SERVICE].database.write(lambda tx: contents.seed_contents(tx, load_base_texts()))

"""One message of a tester: labelled, decided between two, and taught as any other (console/workbench/item_pages.py).

No part of it can be uncovered or marked: nobody's case is known of it. What is still personal is put in own words.
"""

from dataclasses import dataclass, replace
from typing import NoReturn

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.annotations import AnnotationKind, ItemStatus, Label
from casework.model.errors import AnnotationNotFound
from casework.model.labels import load_labels
from casework.model.masking import Masker
from casework.services import guest_labels
from casework.services.annotations import AlreadyLabelled, LabelUnfit, NotTheThird, TooLateToUndo
from casework.services.example_words import OwnWordingNeeded, TextRefused
from casework.services.examples import NothingToTeach, NotSettled, SecondPersonNeeded
from casework.services.guest_labels import GuestItem
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.drafts import Draft, find_group, press, read_draft
from console.workbench.guest_pages import GUESTS
from console.workbench.item_pages import FAULT_OF
from console.workbench.items import find_stage
from console.workbench.masked_words import Word, split_words
from console.workbench.session_bar import read_with_bar, render

ONE = GUESTS + r"/written/{guest_no:\d{1,12}}"


@dataclass(frozen=True, kw_only=True)
class GuestView:
    """As `ItemView` where a template reads both. Whatever the model made of it is shown after one's own label."""

    item: GuestItem
    stage: str
    words: tuple[Word, ...]
    before: tuple[tuple[Word, ...], ...]

    # A wish is suggested by the record of a turn, and a tester's message has none.
    suggestion: None = None

    @property
    def own(self) -> Label | None:
        return self.item.own

    @property
    def others(self) -> tuple[Label, ...]:
        return self.item.others if self.stage == "third" else ()

    @property
    def status(self) -> ItemStatus:
        return self.item.status

    @property
    def example(self) -> object:
        return self.item.example

    @property
    def is_restricted(self) -> bool:
        return self.item.is_restricted


def add_guest_item_routes(app: web.Application) -> None:
    app.router.add_get(ONE, show_guest_item)
    app.router.add_post(ONE + "/label", label)
    app.router.add_post(ONE + "/third", adjudicate)
    app.router.add_post(ONE + "/undo", undo)
    app.router.add_post(ONE + "/accept", accept)
    app.router.add_post(ONE + "/remove", remove)


async def show_guest_item(request: web.Request) -> web.StreamResponse:
    return await _show(request, fault=request.query.get("fault", ""))


async def label(request: web.Request) -> web.StreamResponse:
    return await _press(request, AnnotationKind.LABEL)


async def adjudicate(request: web.Request) -> web.StreamResponse:
    return await _press(request, AnnotationKind.ADJUDICATION)


async def undo(request: web.Request) -> web.StreamResponse:
    guest_no, by = _guest_no(request), request[SESSION].staff
    try:
        await request.app[SERVICE].database.write(lambda tx: guest_labels.undo(tx, guest_no, by=by))
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    except (AnnotationNotFound, TooLateToUndo) as refusal:
        _stay(request, fault=FAULT_OF[type(refusal)])
    _stay(request)


async def accept(request: web.Request) -> web.StreamResponse:
    """Teaches it as it stands, or in the trainer's own words."""
    form, service, guest_no = await read_form(request), request.app[SERVICE], _guest_no(request)
    words = form.get("text", "").strip() if form.get("press") == "own" else None
    by = request[SESSION].staff
    try:
        await service.database.write(
            lambda tx: guest_labels.accept(tx, guest_no, text=words or None, by=by, masker=service.masker)
        )
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    except TextRefused as refused:
        return await _show(
            request, status=422, fault="own_wording_needed", refused=refused.codes, draft_words=words or ""
        )
    except OwnWordingNeeded:
        return await _show(request, status=422, fault="own_wording_needed")
    except (NotSettled, NothingToTeach, SecondPersonNeeded) as refusal:
        return _stay(request, fault=FAULT_OF[type(refusal)])
    return _stay(request)


async def remove(request: web.Request) -> web.StreamResponse:
    guest_no, by = _guest_no(request), request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: guest_labels.remove(tx, guest_no, by=by))
    _stay(request)


async def _press(request: web.Request, kind: AnnotationKind) -> web.StreamResponse:
    """A whole label is kept, anything less comes back on the page."""
    form = await read_form(request)
    draft = read_draft(form)
    name, _, value = form.get("press", "").partition(":")
    if name == "take" and kind is AnnotationKind.ADJUDICATION and value in ("0", "1"):
        return await _save(request, kind, draft, await _find_other(request, int(value)))
    pressed = press(draft, name, value)
    if pressed is None:
        raise web.HTTPBadRequest
    if pressed.label is not None:
        return await _save(request, kind, draft, pressed.label)
    return await _show(request, draft=pressed.draft, fault=pressed.fault)


async def _save(request: web.Request, kind: AnnotationKind, draft: Draft, chosen: Label) -> NoReturn:
    guest_no, by = _guest_no(request), request[SESSION].staff
    try:
        await request.app[SERVICE].database.write(
            lambda tx: guest_labels.label(tx, guest_no, chosen, kind=kind, form_id=draft.form_id, by=by)
        )
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    except (LabelUnfit, AlreadyLabelled, NotTheThird) as refusal:
        _stay(request, fault=FAULT_OF[type(refusal)])
    _stay(request)


async def _find_other(request: web.Request, place: int) -> Label:
    """One of the two labels somebody decides between. Raises HTTPBadRequest where there is none."""
    guest_no, by = _guest_no(request), request[SESSION].staff
    try:
        item = await request.app[SERVICE].database.read(
            lambda tx: guest_labels.find_item(tx, guest_no, by=by)
        )
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    if not (item.may_adjudicate and place < len(item.others)):
        raise web.HTTPBadRequest
    return item.others[place]


def _stay(request: web.Request, *, fault: str = "") -> NoReturn:
    told = f"?fault={fault}" if fault else ""
    raise web.HTTPSeeOther(f"{GUESTS}/written/{_guest_no(request)}{told}")


def _guest_no(request: web.Request) -> int:
    return int(request.match_info["guest_no"])


def load_guest_item(tx: SqlTransaction, guest_no: int, *, by: StaffMember, masker: Masker) -> GuestView:
    """Raises ItemNotFound."""
    item = guest_labels.find_item(tx, guest_no, by=by)
    stage = find_stage(item.status, has_own=item.own is not None, is_third=item.may_adjudicate)
    before = guest_labels.list_before(tx, item.row)
    return GuestView(
        item=item,
        stage=stage,
        words=split_words(guest_labels.mask(item.row, masker=masker)),
        before=tuple(split_words(guest_labels.mask(each, masker=masker)) for each in before),
    )


async def _show(
    request: web.Request,
    *,
    status: int = 200,
    draft: Draft | None = None,
    fault: str = "",
    refused: tuple[str, ...] = (),
    draft_words: str = "",
) -> web.StreamResponse:
    guest_no, by, masker = _guest_no(request), request[SESSION].staff, request.app[SERVICE].masker
    draft = draft or Draft()
    try:
        view, bar = await read_with_bar(
            request, lambda tx: load_guest_item(tx, guest_no, by=by, masker=masker)
        )
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    labels = load_labels()
    return render(
        request,
        "guest_item.html",
        bar,
        status=status,
        view=view,
        path=f"{GUESTS}/written/{guest_no}",
        queue="guests",
        fault=fault if fault in request.app[PAGES].words["wb_faults"] else "",
        refused=refused,
        draft=replace(draft, group=draft.group or find_group("")),
        tiers=labels.list_by_tier(),
        groups=labels.list_by_group(),
        draft_words=draft_words,
    )

"""One message at a time: is there danger in it, what do they want, was the assistant right, shall it be taught.

Every control is a button of one form, so that it works without a script; workbench.js presses the same buttons by key.
Nothing is kept before a whole label is: what was pressed so far lies in the form (console/workbench/drafts.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.annotations import Act, AnnotationKind, Judgement, Label
from casework.model.errors import AnnotationNotFound, MessageNotFound, WaymarkError
from casework.model.labels import load_labels
from casework.model.review_queues import Queue
from casework.services import annotations, examples
from casework.services.annotations import (
    AlreadyLabelled,
    LabelUnfit,
    NotTheThird,
    Settled,
    TooLateToUndo,
)
from casework.services.example_words import OwnWordingNeeded, TextRefused
from casework.services.examples import (
    NothingToTeach,
    NotSettled,
    NotUsable,
    SecondPersonNeeded,
)
from casework.services.masked_reading import list_masked_context
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound
from casework.services.workbench_ports import Decided
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.drafts import SPAN_KINDS, Draft, find_group, is_number, press, read_draft
from console.workbench.home_pages import HOME, TAB_PATHS
from console.workbench.items import AFTER, is_answered, load_item
from console.workbench.masked_words import find_span
from console.workbench.session_bar import read_bar, render
from console.workbench.whys import tell_why

ITEM = HOME + r"/items/{item_no:\d{1,12}}"
THIRD = "third"
FAULT_OF: dict[type[WaymarkError], str] = {
    ItemNotFound: "gone",
    MessageNotFound: "gone",
    LabelUnfit: "label_unfit",
    AlreadyLabelled: "already_labelled",
    NotTheThird: "not_yours",
    TooLateToUndo: "too_late",
    AnnotationNotFound: "too_late",
    NotSettled: "not_settled",
    SecondPersonNeeded: "second_person_needed",
    OwnWordingNeeded: "own_wording_needed",
    NothingToTeach: "nothing_to_teach",
    NotUsable: "not_usable",
}


@dataclass(frozen=True, kw_only=True)
class _Saved:
    settled: Settled
    has_more: bool  # to say of the same message


def add_item_routes(app: web.Application) -> None:
    app.router.add_get(ITEM, show_item)
    app.router.add_post(ITEM + "/label", label)
    app.router.add_post(ITEM + "/third", adjudicate)
    app.router.add_post(ITEM + "/skip", skip)
    app.router.add_post(ITEM + "/flag", flag)
    app.router.add_post(ITEM + "/judge", judge)
    app.router.add_post(ITEM + "/accept", accept)
    app.router.add_post(ITEM + "/remove", remove)
    app.router.add_post(HOME + "/undo/{annotation_id:[0-9a-f]{32}}", undo)


async def show_item(request: web.Request) -> web.StreamResponse:
    """Where the item stands for this trainer: to be labelled, to be decided between two, or already theirs."""
    return await _show(request, queue=request.query.get("queue", ""), fault=request.query.get("fault", ""))


async def label(request: web.Request) -> web.StreamResponse:
    return await _press(request, AnnotationKind.LABEL)


async def adjudicate(request: web.Request) -> web.StreamResponse:
    return await _press(request, AnnotationKind.ADJUDICATION)


async def skip(request: web.Request) -> web.StreamResponse:
    return await _put_aside(request, Act.SKIPPED)


async def flag(request: web.Request) -> web.StreamResponse:
    return await _put_aside(request, Act.FLAGGED)


async def judge(request: web.Request) -> web.StreamResponse:
    """What the assistant's next step was worth, after one's own label."""
    form = await read_form(request)
    judgement = form.get("press", "").partition(":")[2]
    if judgement not in set(Judgement):
        raise web.HTTPBadRequest
    draft = read_draft(form)
    decided = _decide(request, draft, kind=AnnotationKind.JUDGEMENT, judgement=judgement)
    saved = await _keep(request, form, lambda tx, by: annotations.decide(tx, decided, by=by))
    # Settled: the same page offers to teach it.
    _go(request, form, stays=saved.settled.label is not None)


async def accept(request: web.Request) -> web.StreamResponse:
    """Teaches it as it stands, or in the trainer's own words."""
    form, item_no, service = await read_form(request), _item_no(request), request.app[SERVICE]
    words = form.get("text", "").strip() if form.get("press") == "own" else None
    by = request[SESSION].staff
    try:
        await service.database.write(
            lambda tx: examples.accept(tx, item_no, text=words or None, by=by, masker=service.masker)
        )
    except TextRefused as refused:
        return await _show(
            request,
            queue=form.get("queue", ""),
            status=422,
            fault="own_wording_needed",
            refused=refused.codes,
            draft_words=words or "",
        )
    except OwnWordingNeeded:
        return await _show(request, queue=form.get("queue", ""), status=422, fault="own_wording_needed")
    except (ItemNotFound, NotSettled, NothingToTeach, NotUsable, SecondPersonNeeded) as refusal:
        _go(request, form, stays=not isinstance(refusal, ItemNotFound), fault=FAULT_OF[type(refusal)])
    return _go(request, form, stays=False)


async def remove(request: web.Request) -> web.StreamResponse:
    """It is not taught, whoever accepted it."""
    form, item_no, by = await read_form(request), _item_no(request), request[SESSION].staff

    def take_out(tx: SqlTransaction) -> None:
        example = examples.find_of(tx, item_no)
        if example is not None:
            examples.remove(tx, example.id, by=by)

    await request.app[SERVICE].database.write(take_out)
    _go(request, form, stays=True)


async def undo(request: web.Request) -> web.StreamResponse:
    """Back to the item of that press. Sent twice it says the same: only somebody else's, or an old one, is refused."""
    form, by = await read_form(request), request[SESSION].staff
    annotation_id = request.match_info["annotation_id"]

    def take_back(tx: SqlTransaction) -> int:
        press = tx.annotations.get(annotation_id)
        if press.staff_id == by.id and press.undone_at is not None:
            return press.decided.inbox_id
        return annotations.undo(tx, annotation_id, by=by).inbox_id

    try:
        item_no = await request.app[SERVICE].database.write(take_back)
    except (TooLateToUndo, AnnotationNotFound) as refusal:
        raise web.HTTPSeeOther(_next_path(request, form, fault=FAULT_OF[type(refusal)])) from None
    raise web.HTTPSeeOther(f"{HOME}/items/{item_no}?queue={_queue(request, form)}")


async def _press(request: web.Request, kind: AnnotationKind) -> web.StreamResponse:
    """One press of the label form: a whole label is kept, anything less comes back on the page."""
    form = await read_form(request)
    draft = read_draft(form)
    name, _, value = form.get("press", "").partition(":")
    match name:
        case "take" if kind is AnnotationKind.ADJUDICATION and value in ("0", "1"):
            return await _save(request, form, kind, draft, await _find_other(request, int(value)))
        case "span" if value in SPAN_KINDS:
            return await _mark(request, form, draft, value)
        case "unspan" if is_number(value):
            return await _show(request, queue=form.get("queue", ""), draft=draft.unmark(int(value)))
    pressed = press(draft, name, value)
    if pressed is None:
        raise web.HTTPBadRequest
    if pressed.label is not None:
        return await _save(request, form, kind, draft, pressed.label)
    return await _show(request, queue=form.get("queue", ""), draft=pressed.draft, fault=pressed.fault)


async def _save(
    request: web.Request, form: dict[str, str], kind: AnnotationKind, draft: Draft, chosen: Label
) -> NoReturn:
    decided = _decide(request, draft, kind=kind, chosen=chosen)
    keep = annotations.adjudicate if kind is AnnotationKind.ADJUDICATION else annotations.decide

    def work(tx: SqlTransaction, by: StaffMember) -> Settled:
        # Drawn anew and not read from the form: the same item shows the same person the same.
        shown = annotations.find_suggestion(tx, decided.inbox_id, by=by) if chosen.intent else None
        suggested = None if shown is None else {"intent": shown.intent, "confidence": shown.confidence}
        return keep(tx, replace(decided, was_blind=shown is None, suggested=suggested), by=by)

    saved = await _keep(request, form, work)
    _go(request, form, stays=saved.has_more or saved.settled.label is not None)


async def _find_other(request: web.Request, place: int) -> Label:
    """One of the two labels somebody decides between. Raises HTTPBadRequest where there is none."""
    item_no, by = _item_no(request), request[SESSION].staff
    try:
        seen = await request.app[SERVICE].database.read(lambda tx: annotations.find_for(tx, item_no, by=by))
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    if not place < len(seen.others):
        raise web.HTTPBadRequest
    return seen.others[place]


async def _put_aside(request: web.Request, act: Act) -> NoReturn:
    form = await read_form(request)
    decided = _decide(request, read_draft(form), kind=AnnotationKind.LABEL, act=act)
    await _keep(request, form, lambda tx, by: annotations.decide(tx, decided, by=by))
    _go(request, form, stays=False)


async def _mark(request: web.Request, form: dict[str, str], draft: Draft, kind: str) -> web.StreamResponse:
    service, item_no, by = request.app[SERVICE], _item_no(request), request[SESSION].staff
    given = (form.get("span_from", ""), form.get("span_to", ""))
    try:
        view = await service.database.read(lambda tx: load_item(tx, item_no, by=by, masker=service.masker))
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    span = find_span(view.words, *map(int, given)) if all(map(is_number, given)) else None
    queue = form.get("queue", "")
    if span is None or draft.text_sha != view.text_sha:
        return await _show(request, queue=queue, draft=draft, fault="span_unfit")
    return await _show(request, queue=queue, draft=draft.mark((*span, kind)))


def _decide(
    request: web.Request,
    draft: Draft,
    *,
    kind: AnnotationKind,
    act: Act = Act.DECIDED,
    chosen: Label | None = None,
    judgement: str | None = None,
) -> Decided:
    now = request.app[SERVICE].clock.now().timestamp()
    chosen = chosen or Label()
    return Decided(
        inbox_id=_item_no(request),
        form_id=draft.form_id,
        kind=kind.value,
        act=act.value,
        risks=chosen.risks,
        intent=chosen.intent,
        sub=chosen.sub,
        spans=draft.spans,
        text_sha=draft.text_sha if draft.spans else "",
        judgement=judgement,
        seconds=max(0.0, now - draft.shown_at) if draft.shown_at else 0.0,
    )


async def _keep(
    request: web.Request, form: dict[str, str], keep: Callable[[SqlTransaction, StaffMember], Settled]
) -> _Saved:
    """What a press came to; a refusal leads on, with its reason, and changes nothing."""
    service, item_no, by = request.app[SERVICE], _item_no(request), request[SESSION].staff

    def work(tx: SqlTransaction) -> _Saved:
        settled = keep(tx, by)
        around = list_masked_context(tx, item_no, masker=service.masker, before=0, after=AFTER)
        return _Saved(settled=settled, has_more=is_answered(around))

    try:
        return await service.database.write(work)
    except (ItemNotFound, NotTheThird, LabelUnfit, AlreadyLabelled) as refusal:
        is_here = isinstance(refusal, LabelUnfit | AlreadyLabelled)
        _go(request, form, stays=is_here, fault=FAULT_OF[type(refusal)])


def _go(request: web.Request, form: dict[str, str], *, stays: bool, fault: str = "") -> NoReturn:
    """To the same item as it stands now, or to the next of its queue."""
    if not stays:
        raise web.HTTPSeeOther(_next_path(request, form, fault=fault))
    told = f"&fault={fault}" if fault else ""
    raise web.HTTPSeeOther(f"{HOME}/items/{_item_no(request)}?queue={_queue(request, form)}{told}")


def _next_path(request: web.Request, form: dict[str, str], *, fault: str = "") -> str:
    queue = _queue(request, form)
    path = f"{HOME}/{THIRD}/next" if queue == THIRD else f"{HOME}/inbox/{queue}/next"
    return path + (f"?fault={fault}" if fault else "")


def _queue(request: web.Request, form: dict[str, str]) -> str:
    return clean_queue(request, form.get("queue", ""))


def clean_queue(request: web.Request, name: str) -> str:
    """The queue a trainer goes through; the first of the tabs where a page names none of ours."""
    known = {queue.value for queue in request.app[TAB_PATHS] if queue is not Queue.GUESTS} | {THIRD}
    return name if name in known else Queue.STAFF_DISAGREED.value


def _item_no(request: web.Request) -> int:
    return int(request.match_info["item_no"])


async def _show(
    request: web.Request,
    *,
    queue: str,
    status: int = 200,
    draft: Draft | None = None,
    fault: str = "",
    **values: Any,
) -> web.StreamResponse:
    service, staff, item_no = request.app[SERVICE], request[SESSION].staff, _item_no(request)
    draft = draft or Draft()
    is_wish = draft.step == "wish"
    try:
        view, bar = await service.database.read(
            lambda tx: (
                load_item(tx, item_no, by=staff, masker=service.masker, with_suggestion=is_wish),
                read_bar(tx, by=staff),
            )
        )
    except (ItemNotFound, MessageNotFound) as missing:
        raise web.HTTPNotFound from missing
    labels, words = load_labels(), request.app[PAGES].words
    group = draft.group or find_group(view.suggestion.intent if view.suggestion else "")
    return render(
        request,
        "item.html",
        bar,
        status=status,
        view=view,
        queue=clean_queue(request, queue),
        fault=fault if fault in words["wb_faults"] else "",
        draft=replace(
            draft,
            group=group,
            spans=draft.spans if draft.text_sha in ("", view.text_sha) else (),
            text_sha=view.text_sha,
            shown_at=draft.shown_at or int(service.clock.now().timestamp()),
        ),
        # Two queues may say the same.
        whys=list(dict.fromkeys(tell_why(words, why) for why in view.whys)),
        tiers=labels.list_by_tier(),
        groups=labels.list_by_group(),
        span_kinds=SPAN_KINDS,
        judgements=list(Judgement),
        refused=values.get("refused", ()),
        draft_words=values.get("draft_words", ""),
    )

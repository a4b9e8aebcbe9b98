"""What was accepted to be taught or tested with: looked through, put in other words, taken out again."""

from typing import Any, NoReturn

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.disclosures import Category
from casework.model.errors import ExampleNotFound
from casework.model.labels import UNCLEAR, load_labels
from casework.services import examples, variants
from casework.services.example_words import OwnWordingNeeded, TextRefused
from casework.services.examples import (
    ExampleFrozen,
    ExampleStale,
    NothingToTeach,
    NotUsable,
)
from casework.services.review_ports import Example
from casework.services.variants import NoVariants, TooManyVariants
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.drafts import is_number
from console.workbench.home_pages import HOME
from console.workbench.session_bar import read_with_bar, render

EXAMPLES = HOME + "/examples"
ONE = EXAMPLES + "/{example_id:[0-9a-f]{1,32}}"
SHOWN = ("train", "test", "removed")
FAULT_OF: dict[type[Exception], tuple[int, str]] = {
    ExampleStale: (409, "stale"),
    ExampleFrozen: (409, "frozen"),
    NotUsable: (409, "not_usable"),
    NothingToTeach: (422, "nothing_to_teach"),
    OwnWordingNeeded: (422, "own_wording_needed"),
    TextRefused: (422, "own_wording_needed"),
    NoVariants: (409, "no_variants"),
    TooManyVariants: (409, "too_many_variants"),
}


def add_example_routes(app: web.Application) -> None:
    app.router.add_get(EXAMPLES, show_examples)
    app.router.add_get(ONE, show_example)
    app.router.add_post(ONE, change)
    app.router.add_post(ONE + "/variants", add_variant)


async def show_examples(request: web.Request) -> web.StreamResponse:
    shown = request.query.get("show", "")
    shown = shown if shown in SHOWN else ""
    after = request.query.get("after", "")
    is_id = 0 < len(after) <= 32 and set(after) <= set("0123456789abcdef")
    page, bar = await read_with_bar(
        request,
        lambda tx: examples.list_page(
            tx,
            side=shown if shown in ("train", "test") else None,
            status="removed" if shown == "removed" else "accepted",
            after=after if is_id else None,
        ),
    )
    done = request.query.get("done", "")
    return render(
        request,
        "examples.html",
        bar,
        page=page,
        shown=shown,
        sides=SHOWN,
        done=f"done_{done}" if done in ("changed", "removed", "added") else "",
    )


async def show_example(request: web.Request) -> web.StreamResponse:
    return await _show(request)


async def change(request: web.Request) -> web.StreamResponse:
    """Takes it out, or changes words or label of just the version that was read."""
    form, by = await read_form(request), request[SESSION].staff
    example_id, service = request.match_info["example_id"], request.app[SERVICE]
    try:
        if form.get("press") == "remove":
            await service.database.write(lambda tx: examples.remove(tx, example_id, by=by))
            _done("removed")
        given = _read_label(form.get("label", ""))
        version = form.get("row_version", "")
        words = form.get("text", "").replace("\r\n", "\n").strip()
        await service.database.write(
            lambda tx: examples.change(
                tx,
                example_id,
                row_version=int(version) if is_number(version) else 0,
                by=by,
                masker=service.masker,
                text=words or None,
                **given,
            )
        )
    except ExampleNotFound as missing:
        raise web.HTTPNotFound from missing
    except (ExampleStale, ExampleFrozen, NotUsable, NothingToTeach, OwnWordingNeeded, TextRefused) as refusal:
        status, fault = FAULT_OF[type(refusal)]
        codes = refusal.codes if isinstance(refusal, TextRefused) else ()
        return await _show(request, status=status, fault=fault, refused=codes, words=form.get("text", ""))
    return _done("changed")


async def add_variant(request: web.Request) -> web.StreamResponse:
    """Teaches the same in a trainer's own words beside it."""
    form, by = await read_form(request), request[SESSION].staff
    example_id, service = request.match_info["example_id"], request.app[SERVICE]
    words = form.get("text", "").replace("\r\n", "\n").strip()
    try:
        await service.database.write(
            lambda tx: variants.add(tx, example_id, words, by=by, masker=service.masker)
        )
    except ExampleNotFound as missing:
        raise web.HTTPNotFound from missing
    except (NoVariants, TooManyVariants, NotUsable, OwnWordingNeeded, TextRefused) as refusal:
        status, fault = FAULT_OF[type(refusal)]
        codes = refusal.codes if isinstance(refusal, TextRefused) else ()
        return await _show(request, status=status, fault=fault, refused=codes, variant=words)
    return _done("added")


def _done(what: str) -> NoReturn:
    raise web.HTTPSeeOther(f"{EXAMPLES}?done={what}")


def _read_label(name: str) -> dict[str, str]:
    """The keyword of a danger or of a wish; none for neither, which leaves the label as it is."""
    if name in set(Category):
        return {"category": name}
    return {"intent": name} if name != UNCLEAR and load_labels().has_wish(name) else {}


async def _show(
    request: web.Request,
    *,
    status: int = 200,
    fault: str = "",
    refused: tuple[str, ...] = (),
    words: str | None = None,
    variant: str = "",
) -> web.StreamResponse:
    example_id = request.match_info["example_id"]

    def read(tx: SqlTransaction) -> tuple[Example, list[Example], list[dict[str, Any]]]:
        example = examples.get(tx, example_id)
        # Whoever did it is not told to a colleague: it is on record.
        changes = [{"at": at, "what": what} for at, _, what in tx.examples.list_changes(example_id)]
        return example, variants.list_of(tx, example), changes

    try:
        (example, others, changes), bar = await read_with_bar(request, read)
    except ExampleNotFound as missing:
        raise web.HTTPNotFound from missing
    labels = load_labels()
    return render(
        request,
        "example.html",
        bar,
        status=status,
        example=example,
        changes=changes,
        variants=others,
        variant_given=variant,
        fault=fault if fault in request.app[PAGES].words["wb_faults"] else "",
        refused=refused,
        words_given=example.text if words is None else words,
        tiers=labels.list_by_tier(),
        groups=labels.list_by_group(),
    )

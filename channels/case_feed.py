"""The signed door for a force's records system: one case said whole, or events as they happen."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import structlog
from aiohttp import web

from casework.adapters.case_import import build_case_feed
from casework.adapters.web_app import SERVICE
from casework.model.case_changes import EventOutcome
from casework.model.cases import Case
from casework.model.crime_references import parse_crime_reference
from casework.model.errors import SignatureInvalid
from casework.services.bulk_imports import take_case, take_events
from casework.services.case_feed import CaseFeed
from casework.services.case_file import CaseFileInvalid, parse_case
from casework.services.feed_events import FeedInvalid, FieldProblem, parse_events
from channels.feed_signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TimestampInvalid,
    check_signature,
)

log = structlog.get_logger()

FEED = web.AppKey("feed", CaseFeed)
LARGEST_FEED_BODY_BYTES = 1024 * 1024
OPENAPI = Path(__file__).with_name("case_feed_openapi.json")
BY = "feed"

STATUS_OF_OUTCOME = {
    EventOutcome.RECORDED: 201,
    EventOutcome.KNOWN: 200,
    EventOutcome.HELD: 202,
    EventOutcome.UNKNOWN_CASE: 404,
    EventOutcome.CONFLICT: 409,
}
STATUS_OF_RESULT = {"new": 201, "changed": 200, "unchanged": 200, "held": 202}


def add_case_feed_routes(app: web.Application) -> None:
    app[FEED] = build_case_feed()
    app.router.add_put("/feed/v1/cases/{reference}", receive_case)
    app.router.add_post("/feed/v1/events", receive_events)
    app.router.add_get("/feed/v1/openapi.json", show_openapi)


async def receive_case(request: web.Request) -> web.Response:
    """201 new, 200 changed or unchanged, 202 held for two people; 401 unsigned; 422 with every problem."""
    cells = await _read_signed(request)
    case = _parse_case(request.match_info["reference"], cells)
    feed = request.app[FEED]
    taken = await request.app[SERVICE].database.write(
        lambda tx: take_case(tx, cells | {"crime_reference": case.crime_reference}, case, feed=feed, by=BY)
    )
    log.info("feed_case_taken", status=STATUS_OF_RESULT[taken.result])
    answer = {"result": taken.result} | ({"import": taken.import_id} if taken.import_id else {})
    return web.json_response(answer, status=STATUS_OF_RESULT[taken.result])


async def receive_events(request: web.Request) -> web.Response:
    """200 with what became of each event, in their order; 401 unsigned; 422 with every problem, none taken."""
    written = await _read_signed(request)
    service, feed = request.app[SERVICE], request.app[FEED]
    try:
        events = parse_events(written, now=service.clock.now())
    except FeedInvalid as invalid:
        _refuse(422, invalid.problems)
    taken = await service.database.write(lambda tx: take_events(tx, events, feed=feed, by=BY))
    log.info("feed_events_taken", count=len(events))
    return web.json_response({"results": [_result_of(each, taken.import_id) for each in taken.outcomes]})


def _result_of(outcome: EventOutcome, import_id: str | None) -> dict[str, Any]:
    result = {"status": STATUS_OF_OUTCOME[outcome], "result": outcome.value}
    return result | {"import": import_id} if outcome is EventOutcome.HELD else result


async def show_openapi(request: web.Request) -> web.Response:
    _check_switched_on(request)
    return web.Response(text=OPENAPI.read_text(encoding="utf-8"), content_type="application/json")


def _parse_case(reference: str, cells: Any) -> Case:
    named = parse_crime_reference(reference)
    if named is None:
        _refuse(
            422, [_problem("", "the address names no crime reference", "Put it last: /feed/v1/cases/...")]
        )
    if not isinstance(cells, dict):
        _refuse(422, [_problem("", "this is not a case", "Send one object: {...}.")])
    try:
        case = parse_case({"crime_reference": named} | cells)
    except CaseFileInvalid as invalid:
        _refuse(422, [_problem(each.column, each.what, each.remedy) for each in invalid.problems])
    if case.crime_reference != named:
        what = "the address names another case than the body"
        _refuse(422, [_problem("crime_reference", what, "Send each case to its own address.")])
    return case


async def _read_signed(request: web.Request) -> Any:
    """The body as JSON, believed only after its signature."""
    _check_switched_on(request)
    service = request.app[SERVICE]
    body = await _read_body(request)
    try:
        check_signature(
            keys=service.settings.feed_keys,
            method=request.method,
            path=request.raw_path,
            body=body,
            timestamp=request.headers.get(TIMESTAMP_HEADER),
            signature=request.headers.get(SIGNATURE_HEADER),
            now=service.clock.now(),
        )
    except TimestampInvalid as refusal:
        log.warning("signature_refused", route="case_feed")
        _refuse(
            401, [_problem(TIMESTAMP_HEADER, str(refusal), "Set the sender's clock; sign each try anew.")]
        )
    except SignatureInvalid as refusal:
        log.warning("signature_refused", route="case_feed")
        _refuse(401, [_problem(SIGNATURE_HEADER, str(refusal), "docs/case-feed.md shows how to sign.")])
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        _refuse(422, [_problem("", "the body is not JSON", "Send JSON in UTF-8.")])


async def _read_body(request: web.Request) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > LARGEST_FEED_BODY_BYTES:
            _refuse(413, [_problem("", "the body is larger than 1 MB", "Send fewer events at once.")])
    return bytes(body)


def _check_switched_on(request: web.Request) -> None:
    if not request.app[SERVICE].settings.feed_keys:
        raise web.HTTPNotFound(text="")


def _problem(field: str, what: str, remedy: str) -> FieldProblem:
    return FieldProblem(field=field, what=what, remedy=remedy)


def _refuse(status: int, problems: Sequence[FieldProblem]) -> NoReturn:
    body = json.dumps({"problems": [asdict(problem) for problem in problems]})
    refusals: dict[int, type[web.HTTPException]] = {
        401: web.HTTPUnauthorized,
        422: web.HTTPUnprocessableEntity,
    }
    if status == 413:
        raise web.HTTPRequestEntityTooLarge(
            LARGEST_FEED_BODY_BYTES, text=body, content_type="application/json"
        )
    raise refusals[status](text=body, content_type="application/json")

"""The private listener: POST /actions, where Rasa asks for a custom action, and GET /metrics. Never the public one."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import date

from aiohttp import web
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.case import TellAboutCase
from actions.children import TellChild
from actions.dialogue import AnswerAlso, AnswerWish, Dialogue
from actions.interpreter import BringInterpreter
from actions.people import HandOff, Rephrase, SetBoundary
from actions.proof import CheckCode, RequestCode
from actions.reads import CaseReads
from actions.rights import TellRight
from actions.second_thoughts import AnswerNo, AnswerYes, NotThat, SayAgain
from actions.support import FindSupport
from actions.telling import Wish

SECRET_HEADER = "X-Waymark-Secret"
MIN_SECRET_LENGTH = 32
MAX_BODY_BYTES = 512 * 1024
# The text form of Prometheus (prometheus.io/docs/instrumenting/exposition_formats).
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

EXECUTOR = web.AppKey("executor", ActionExecutor)
SECRET = web.AppKey("secret", bytes)

logger = logging.getLogger(__name__)


def build_actions_app(
    reads: CaseReads,
    secret: str,
    *,
    today: Callable[[], date] = date.today,
    metrics: Callable[[], Awaitable[bytes]] | None = None,
) -> web.Application:
    """The app to mount on the private listener. Refuses a secret shorter than 32 characters.

    Answers 403 to an unknown caller, 400 to a body that is no action call, 500 to an action that is unknown
    or fails.
    """
    if len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(f"The turn secret must be at least {MIN_SECRET_LENGTH} characters.")
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[SECRET] = secret.encode()
    app[EXECUTOR] = ActionExecutor()
    for action in get_actions(reads, today):
        app[EXECUTOR].register_action(action)
    app.router.add_post("/actions", receive_action_call)
    if metrics is not None:
        app.router.add_get("/metrics", _show(metrics))
    return app


def _show(metrics: Callable[[], Awaitable[bytes]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Counts and times alone (docs/metrics.md), so whoever reaches the private listener may read them."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": METRICS_TYPE})

    return show


def get_actions(reads: CaseReads, today: Callable[[], date] = date.today) -> list[Action]:
    answers: list[Action] = [
        *(TellAboutCase(reads, wish, today) for wish in Wish),
        RequestCode(reads, today),
        CheckCode(reads, today),
        TellRight(),
        FindSupport(reads),
        TellChild(reads),
        BringInterpreter(),
        HandOff(),
    ]
    dialogue = Dialogue(reads, {action.name(): action for action in answers})
    return [
        *(AnswerWish(action, dialogue) for action in answers),
        *(
            AnswerAlso(dialogue),
            AnswerYes(dialogue),
            AnswerNo(dialogue),
            NotThat(dialogue),
            SayAgain(dialogue),
        ),
        Rephrase(),
        SetBoundary(),
    ]


async def receive_action_call(request: web.Request) -> web.Response:
    given = request.headers.get(SECRET_HEADER, "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, request.app[SECRET]):
        return web.json_response({"code": "wrong_secret"}, status=403)
    try:
        call = await request.json()
    except ValueError:
        return web.json_response({"code": "malformed"}, status=400)
    if not isinstance(call, dict) or not isinstance(call.get("tracker"), dict):
        return web.json_response({"code": "malformed"}, status=400)
    return await _run_action(request.app[EXECUTOR], call)


async def _run_action(executor: ActionExecutor, call: dict[str, object]) -> web.Response:
    try:
        # Rasa leaves its domain out of the call (endpoints.yml) and no action here reads it.
        result = await executor.run({**call, "domain": {}})
    except ActionExecutionRejection as rejection:
        return web.json_response({"action_name": rejection.action_name, "error": "rejected"}, status=400)
    except Exception as error:
        # rasa-sdk would send the tracker back in the reply; a name is enough to find the fault.
        logger.error("A custom action failed: %s", type(error).__name__)
        return web.json_response({"code": "action_failed"}, status=500)
    if result is None:
        return web.json_response({"code": "action_unknown"}, status=500)
    return web.json_response(result.model_dump())

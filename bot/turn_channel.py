"""POST /webhooks/turn: one turn in, the whole answer out, or 503 and why.

The only way into Rasa. A turn is answered from the state in the request alone, so any process can take any
turn.
"""

import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.processor import MessageProcessor
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.log_privacy import keep_words_out_of_logs
from bot.turn_answer import AskedTurn, answer_turn, parse_turn
from bot.turn_state import WINDOW_EVENTS, BadState, TurnAbandoned

SECRET_NAME = "WAYMARK_TURN_SECRET"
SECRET_HEADER = "X-Waymark-Secret"
MIN_SECRET_LENGTH = 32

logger = logging.getLogger(__name__)


class TurnChannel(InputChannel):
    """Refuses to load without a shared secret of at least 32 characters in WAYMARK_TURN_SECRET."""

    def __init__(self, secret: str, window_events: int = WINDOW_EVENTS) -> None:
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(
                f"{SECRET_NAME} must be at least {MIN_SECRET_LENGTH} characters. Set it and restart."
            )
        self._secret = secret.encode()
        self._window_events = window_events

    @classmethod
    def name(cls) -> str:
        return "turn"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "TurnChannel":
        keep_words_out_of_logs()
        window_events = (credentials or {}).get("window_events", WINDOW_EVENTS)
        return cls(os.environ.get(SECRET_NAME, ""), window_events)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Routes /webhooks/turn and /webhooks/turn/ready.

        `on_new_message` answers None for a lost message and stores trackers of its own, so it is not used.
        """
        turn = Blueprint("turn", strict_slashes=False)

        @turn.get("/ready")
        async def get_ready(request: Request) -> HTTPResponse:
            processor = _find_processor(request)
            if processor is None:
                return _reply(503, {"ready": False, "code": "not_ready"})
            return _reply(200, {"ready": True, "model": processor.model_metadata.model_id})

        @turn.post("/")
        async def receive_turn(request: Request) -> HTTPResponse:
            if not self._is_known_caller(request):
                return _reply(403, {"code": "wrong_secret"})
            try:
                asked = parse_turn(request.body)
            except ValueError:
                return _reply(400, {"code": "malformed"})
            return await self._answer(_find_processor(request), asked)

        return turn

    def _is_known_caller(self, request: Request) -> bool:
        given = request.headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode(errors="surrogateescape"), self._secret)

    async def _answer(self, processor: MessageProcessor | None, asked: AskedTurn) -> HTTPResponse:
        try:
            if processor is None:
                raise TurnAbandoned("not_ready")
            return _reply(200, await answer_turn(processor, asked, self._window_events))
        except TurnAbandoned as abandoned:
            code = abandoned.code
        except BadState:
            code = "bad_state"
        except Exception as error:
            # The message of an exception may hold what the person wrote; its kind does not.
            logger.error("A turn failed inside Rasa: %s, turn %s", type(error).__name__, asked.turn_id)
            code = "failed"
        logger.warning("A turn was not answered: %s, turn %s", code, asked.turn_id)
        return _reply(503, {"code": code})


def _find_processor(request: Request) -> MessageProcessor | None:
    agent = getattr(request.app.ctx, "agent", None)
    return agent.processor if agent is not None and agent.is_ready() else None


def _reply(status: int, body: Mapping[str, Any]) -> HTTPResponse:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return HTTPResponse(text, status=status, content_type="application/json")

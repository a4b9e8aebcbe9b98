"""Asking one address of the assistant by itself, with nobody at the other end (`casework/services/readiness.py`)."""

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp

from casework.adapters.assistant import DEADLINE_SECONDS, PROBE_SECONDS, RasaAssistant, ask_ready
from casework.adapters.storage.statements import new_id
from casework.services.ports import AssistantAnswer, JsonObject

# As of somebody who writes a first text and has proved nothing.
FACTS: JsonObject = {
    "channel": "sms",
    "standing": "unknown",
    "code_pending": False,
    "safe_question": False,
    "earlier": [],
}


class RasaPlaces:
    """The addresses of WAYMARK_RASA_URLS, each for itself: no other answers in its place."""

    def __init__(
        self,
        urls: Sequence[str],
        secret: str,
        session: aiohttp.ClientSession,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self._session = session
        self._probe_seconds = probe_seconds
        self._known: dict[str, str] = {}
        self._assistants = {
            url: RasaAssistant([url], secret, session, deadline_seconds=deadline_seconds) for url in urls
        }

    async def list_ready(self) -> Mapping[str, str]:
        said = await asyncio.gather(*(self._find_model(url) for url in self._assistants))
        self._known = {
            url: model for url, model in zip(self._assistants, said, strict=True) if model is not None
        }
        return self._known

    async def ask(self, address: str, text: str) -> AssistantAnswer:
        # Ids that nothing has: an action that reads finds nobody.
        return await self._assistants[address].ask(
            turn_id=new_id(), conversation=new_id(), text=text, state=None, facts=FACTS
        )

    async def _find_model(self, url: str) -> str | None:
        try:
            _, model = await ask_ready(self._session, url.rstrip("/"), seconds=self._probe_seconds)
        except TimeoutError:
            return self._known.get(url)  # too busy to say has what it had, and is asked all the same
        return model

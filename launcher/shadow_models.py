"""The Rasa processes of a shadow: each checked as one that answers people is, kept while it is of use, then let go."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from casework.adapters.model_signing import load_public_key
from casework.adapters.service import Service
from casework.model.release_gates import GateLimits
from casework.services.ports import Assistant
from launcher.model_files import models_dir
from launcher.model_keeper import find_file
from launcher.model_loader import UNSIGNED, CheckedModel, ModelRefused, check_model, remove_copies
from launcher.replay import Replayed, replay_with, running_model
from launcher.replay_input import ReplayInput
from launcher.replay_reads import ReplayReads


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A Rasa of its own, what its actions are told, and how it ends."""

    assistant: Assistant
    reads: ReplayReads
    ending: AsyncExitStack


class ShadowModels:
    """What is loaded for a shadow, by model. It is started in this process's niceness, and dies with it."""

    def __init__(self, service: Service, limits: GateLimits) -> None:
        self._service = service
        self._limits = limits
        self._loaded: dict[str, Loaded] = {}
        self._used_at = 0.0

    @property
    def loaded(self) -> frozenset[str]:
        """Ids of the models that have a Rasa here."""
        return frozenset(self._loaded)

    @property
    def idle_seconds(self) -> float:
        return time.monotonic() - self._used_at

    async def load(self, model_id: str, *, is_trial: bool) -> None:
        """`is_trial`: a candidate will do. Raises ModelRefused, ModelNotRunning."""
        if not self._loaded:
            # After a kill: each copy is as large as a model.
            remove_copies(copies_dir(self._service.settings.data_dir))
        checked, reads = self._check(model_id, is_trial=is_trial), ReplayReads()
        async with AsyncExitStack() as starting:
            starting.callback(checked.copy.unlink, missing_ok=True)
            running = running_model(self._service.settings.training_root, checked, reads)
            assistant = await starting.enter_async_context(running)
            self._loaded[model_id] = Loaded(assistant=assistant, reads=reads, ending=starting.pop_all())
        self._used_at = time.monotonic()

    def _check(self, model_id: str, *, is_trial: bool) -> CheckedModel:
        settings = self._service.settings
        version, rolled_back = self._service.database.read_now(
            lambda tx: (tx.model_releases.find_version(model_id), tx.model_releases.list_rolled_back())
        )
        try:
            public_key = load_public_key(settings.data_dir)
        except (OSError, ValueError) as fault:
            raise ModelRefused(UNSIGNED, model_id) from fault
        if version is None:
            raise ModelRefused(UNSIGNED, model_id)
        return check_model(
            find_file([settings.training_root / "models"], version.file),
            version.paper or "",
            wanted=model_id,
            public_key=public_key,
            limits=self._limits,
            run_dir=copies_dir(settings.data_dir),
            withdrawn=rolled_back,
            is_trial=is_trial,
        )

    async def replay(self, model_id: str, turns: Sequence[ReplayInput]) -> Replayed:
        """It must be loaded, unless there is nothing to ask."""
        if not turns:
            return Replayed(outcomes={}, digest="", seconds=0.0, p95_ms=0.0, failed=(), alone={})
        loaded = self._loaded[model_id]
        loaded.reads.know(turns)
        try:
            return await replay_with(
                loaded.assistant, turns, bands=self._service.bands, on_progress=lambda _done, _of: None
            )
        finally:
            self._used_at = time.monotonic()

    async def let_go(self) -> None:
        """Ends all; the next `load` starts anew."""
        while self._loaded:
            _, loaded = self._loaded.popitem()
            await loaded.ending.aclose()


def copies_dir(data_dir: Path) -> Path:
    """Apart from the copies of the models that answer people: theirs end at other times."""
    return models_dir(data_dir) / "shadow"

"""Which models are loaded: it looks each second at which are wanted, and gives each a Rasa of its own.

Only what launcher/model_loader.py let through is ever started here.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from casework.adapters.model_signing import load_public_key
from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.release_gates import GateLimits
from casework.services.model_ports import WantedModel, WhyWanted
from casework.services.model_routing import list_wanted
from launcher import model_files
from launcher.model_loader import (
    ANOTHER_MODEL,
    PROBE_SECONDS,
    UNSIGNED,
    CheckedModel,
    ModelRefused,
    ask_model,
    check_model,
    rasa_command,
    remove_copy,
)
from launcher.processes import Program, Supervisor

LOOK_SECONDS = 1.0
NOT_LOADED_SECONDS = 180.0
AGAIN_SECONDS = 30.0
"""How long a refused model stays refused unlooked at: its file may be put back."""
REFUSED, NOT_LOADED = "model_refused", "model_not_loaded"
"""Alarms: casework's pages have words for both."""
NICENESS = 10


@dataclass(frozen=True)
class Slot:
    """A place for one Rasa: the name of its program and its port."""

    name: str
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Loaded:
    """What a slot holds. `seen_at`: when it last said who it is, at first when it was started."""

    model: CheckedModel
    seen_at: float
    is_ready: bool = False


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What the database says: what is wanted, what may answer victims, and what must not any more."""

    wanted: Sequence[WantedModel]
    allowed: Sequence[WantedModel]
    rolled_back: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """What a keeper needs, put together once."""

    root: Path
    data_dir: Path
    model_dirs: Sequence[Path]  # where trained models stand; the first that has a file is asked
    slots: Sequence[Slot]
    environ: Mapping[str, str]  # Rasa's: launcher/training.py: `rasa_environ`
    limits: GateLimits
    again_seconds: float = AGAIN_SECONDS
    say: Callable[[str], None] = field(default=lambda line: print(line, file=sys.stderr, flush=True))


class ModelKeeper:
    """One look is `look`; nothing happens between two of them."""

    def __init__(self, keeping: Keeping, supervisor: Supervisor, database: Database) -> None:
        self._keeping = keeping
        self._supervisor = supervisor
        self._database = database
        self._held: dict[Slot, Loaded] = {}
        self._refused: dict[str, tuple[float, str]] = {}  # model -> when, and why
        self._told: dict[str, str] | None = None

    @property
    def held(self) -> dict[str, str]:
        """Program -> model, of all that were started."""
        return {slot.name: loaded.model.model_id for slot, loaded in self._held.items()}

    async def look(self) -> None:
        """Starts what is wanted and loaded nowhere, ends what nobody wants, and asks each who it is."""
        sought = await self._database.read(_seek)
        known = {each.model_id for each in (*sought.wanted, *sought.allowed)}
        self._refused = {model_id: why for model_id, why in self._refused.items() if model_id in known}
        wanted = self._choose(sought)
        await self._free(wanted, sought)
        for each in wanted:
            await self._load(each, wanted, sought)
        await self._ask_all()
        await self._tell()

    def _choose(self, sought: Sought) -> list[WantedModel]:
        """As many as there are slots. Where the live one was refused, the newest before it that was not comes too."""
        wanted = [each for each in sought.wanted if not self._is_refused(each.model_id)]
        if not any(each.why == WhyWanted.LIVE for each in wanted):
            before = [each for each in sought.allowed if not self._is_refused(each.model_id)][:1]
            wanted = before + [each for each in wanted if each not in before]
        return wanted[: len(self._keeping.slots)]

    def _is_refused(self, model_id: str) -> bool:
        at, _ = self._refused.get(model_id, (float("-inf"), ""))
        return time.monotonic() - at < self._keeping.again_seconds

    async def _free(self, wanted: Sequence[WantedModel], sought: Sought) -> None:
        keep = {each.model_id for each in wanted}
        if not self._is_live_ready(sought):
            # Until the live one answers, whatever else may answer victims does.
            keep |= {each.model_id for each in sought.allowed}
        for slot, loaded in list(self._held.items()):
            if loaded.model.model_id not in keep:
                await self._stop(slot)

    def _is_live_ready(self, sought: Sought) -> bool:
        live = {each.model_id for each in sought.allowed[:1]}
        return any(loaded.is_ready and loaded.model.model_id in live for loaded in self._held.values())

    async def _load(self, one: WantedModel, wanted: Sequence[WantedModel], sought: Sought) -> None:
        if any(loaded.model.model_id == one.model_id for loaded in self._held.values()):
            return
        try:
            checked = await asyncio.to_thread(self._check, one, sought.rolled_back)
        except ModelRefused as refusal:
            self._refuse(one.model_id, refusal)
            return
        slot = await self._find_slot(one, wanted)
        if slot is None:
            return
        self._refused.pop(one.model_id, None)
        self._supervisor.start(self._program(slot, checked))
        self._held[slot] = Loaded(checked, time.monotonic())

    async def _find_slot(self, one: WantedModel, wanted: Sequence[WantedModel]) -> Slot | None:
        """A free one; for the live model if need be that of a model wanted less."""
        free = next((each for each in self._keeping.slots if each not in self._held), None)
        if free is not None or one.why == WhyWanted.TRIAL:
            return free
        places = [each.model_id for each in wanted]
        order = {model_id: number for number, model_id in enumerate(places)}
        last = max(self._held, key=lambda slot: order.get(self._held[slot].model.model_id, len(places)))
        if order.get(self._held[last].model.model_id, len(places)) <= order[one.model_id]:
            return None
        await self._stop(last)
        return last

    def _check(self, one: WantedModel, rolled_back: frozenset[str]) -> CheckedModel:
        keeping = self._keeping
        try:
            public_key = load_public_key(keeping.data_dir)
        except (OSError, ValueError) as fault:
            raise ModelRefused(UNSIGNED, one.file) from fault
        return check_model(
            find_file(keeping.model_dirs, one.file),
            one.paper,
            wanted=one.model_id,
            public_key=public_key,
            limits=keeping.limits,
            run_dir=model_files.run_dir(keeping.data_dir),
            withdrawn=rolled_back,
            is_trial=one.why == WhyWanted.TRIAL,
        )

    def _program(self, slot: Slot, checked: CheckedModel) -> Program:
        return Program(
            name=slot.name,
            command=rasa_command(self._keeping.root, checked, port=slot.port),
            environ=self._keeping.environ,
            niceness=NICENESS,
            folder=checked.copy.parent,
        )

    async def _ask_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            slots = list(self._held)
            said = await asyncio.gather(*(ask_model(session, slot.address) for slot in slots))
        for slot, model_id in zip(slots, said, strict=True):
            await self._note(slot, model_id)

    async def _note(self, slot: Slot, model_id: str | None) -> None:
        loaded = self._held[slot]
        loaded.is_ready = model_id == loaded.model.model_id
        if loaded.is_ready:
            loaded.seen_at = time.monotonic()
        elif model_id is not None:
            await self._stop(slot)
            self._refuse(loaded.model.model_id, ModelRefused(ANOTHER_MODEL, slot.name))
        elif not loaded.model.copy.exists():
            # It fell, and would find nothing to start from: the next look checks the model anew.
            await self._stop(slot)

    async def _stop(self, slot: Slot) -> None:
        loaded = self._held.pop(slot)
        await self._supervisor.stop_one(slot.name)
        remove_copy(loaded.model)

    def _refuse(self, model_id: str, refusal: ModelRefused) -> None:
        if model_id not in self._refused:
            self._keeping.say(f"{refusal}")
        self._refused[model_id] = (time.monotonic(), refusal.why)

    async def _tell(self) -> None:
        """Both alarms as they are now: what was put right ends them."""
        late_since = time.monotonic() - NOT_LOADED_SECONDS
        late = {loaded.model.model_id[:12] for loaded in self._held.values() if loaded.seen_at < late_since}
        refused = {f"{model_id[:12]} {why}" for model_id, (_, why) in self._refused.items()}
        alarms = {REFUSED: ", ".join(sorted(refused)), NOT_LOADED: ", ".join(sorted(late))}
        if alarms != self._told:
            await self._database.write(partial(_sound, alarms=alarms))
            self._told = alarms


def _seek(tx: SqlTransaction) -> Sought:
    versions = [tx.model_releases.find_version(model_id) for model_id in tx.model_releases.list_allowed()]
    return Sought(
        wanted=list_wanted(tx),
        allowed=[
            WantedModel(model_id=each.model_id, file=each.file, paper=each.paper or "", why=WhyWanted.BEFORE)
            for each in versions
            if each is not None
        ],
        rolled_back=tx.model_releases.list_rolled_back(),
    )


def _sound(tx: SqlTransaction, *, alarms: Mapping[str, str]) -> None:
    for kind, detail in alarms.items():
        if detail:
            tx.alarms.sound(kind, detail)
        else:
            tx.alarms.end(kind)


def find_file(folders: Iterable[Path], name: str) -> Path:
    """Where the model of that name stands; in the first folder where it stands nowhere, and the loader says so."""
    # The name comes from the database: nothing outside the folders is opened by it.
    places = [folder / Path(name).name for folder in folders]
    return next((place for place in places if place.exists()), places[0])


async def keep(keeper: ModelKeeper, *, say: Callable[[str], None]) -> None:
    """Looks each second until it is cancelled; what a look fails at, the next one tries again."""
    while True:
        try:
            await keeper.look()
        except Exception as fault:
            # Whatever runs goes on running: a database that is away for a moment stops no model.
            say(f"The models were not looked at: {type(fault).__name__}")
        await asyncio.sleep(LOOK_SECONDS)

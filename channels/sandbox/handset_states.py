"""What a pretend phone is set to: its number hidden, the service blocked, the clock of its WhatsApp window moved."""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from channels.sandbox.addresses import is_whatsapp
from channels.sandbox.record import Direction, Record

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class HandsetState:
    """`wrote_at` stands for every message up to `moved_seq`: a test's word against the clock's."""

    is_hidden: bool = False
    is_blocked: bool = False
    wrote_at: str | None = None
    moved_seq: int = 0


class HandsetStates:
    """The states by address, kept in a file."""

    def __init__(self, data_dir: Path, record: Record) -> None:
        self._path = data_dir / "sandbox-handsets.json"
        self._record = record
        known = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._states = {address: HandsetState(**fields) for address, fields in known.items()}

    def get(self, handset: str) -> HandsetState:
        return self._states.get(handset, HandsetState())

    def change(self, handset: str, **fields: Any) -> HandsetState:
        self._states[handset] = replace(self.get(handset), **fields)
        text = json.dumps({address: asdict(state) for address, state in self._states.items()})
        part = self._path.with_suffix(".part")
        part.write_text(text)
        os.replace(part, self._path)
        self._record.tell()
        return self._states[handset]

    def move_last_wrote(self, handset: str, *, hours_ago: float) -> None:
        """As if the phone's newest message so far had been sent that long ago."""
        wrote_at = datetime.now(UTC) - timedelta(hours=hours_ago)
        newest = max((message.seq for message in self._record.find_thread(handset)), default=0)
        self.change(handset, wrote_at=wrote_at.isoformat(), moved_seq=newest)

    def find_last_wrote(self, handset: str) -> datetime | None:
        state = self.get(handset)
        since = [
            message.created
            for message in self._record.find_thread(handset)
            if message.direction is Direction.INBOUND and message.seq > state.moved_seq
        ]
        if since:
            return since[-1]
        return datetime.fromisoformat(state.wrote_at) if state.wrote_at else None

    def get_window(self, handset: str) -> timedelta:
        """How long the phone may still be sent free text; zero when the window is closed. SMS has no window."""
        if not is_whatsapp(handset):
            return WINDOW
        last = self.find_last_wrote(handset)
        left = last + WINDOW - datetime.now(UTC) if last else timedelta()
        return max(left, timedelta())

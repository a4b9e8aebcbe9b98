"""Drills: synthetic victims write through the real pipeline, and how soon a person is there is measured.

Every message of a drill is received, screened, graded and answered as anybody's. What answers it is kept and never
sent (`casework/services/deliver.py`): their conversation says `is_drill`, and their address is one that no provider
takes. Whoever counts, measures or trains leaves out the conversations with `is_drill` set.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.bands import Bands
from casework.model.crime_references import parse_crime_reference
from casework.model.errors import WaymarkError
from casework.model.messages import Channel, InboundMessage
from casework.model.toml_files import as_text, read_toml
from casework.services.drill_addresses import make_drill_address
from casework.services.drill_ports import Drill, DrillLine
from casework.services.ports import Store, Transaction
from casework.services.receive import Screen, receive_message
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts

TEMPLATE = Path(__file__).parent.parent / "templates" / "drills.toml"
ALARM = "drill_running"
LONGEST = timedelta(hours=2)
"""After its last line: a drill nobody ended must not stand over the desk the next day."""
LATEST_LINE_SECONDS = 3600
CHANNELS = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM)
# Ofcom keeps these numbers for drama: nobody's phone rings.
DRAMA_NUMBER = re.compile(r"07700 900\d{3}")


class DrillUnknown(WaymarkError):
    """No script has this name."""


class DrillInvalid(WaymarkError):
    """The packaged scripts are not as they should be."""


class DrillRunning(WaymarkError):
    """One at a time: a report of two drills at once says nothing of either."""


@dataclass(frozen=True, kw_only=True)
class ScriptLine:
    """`after_seconds` of the start, this victim writes this."""

    victim: str
    channel: Channel
    number: str
    after_seconds: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Script:
    """One rehearsal: `looks_for` says what a supervisor is to watch."""

    name: str
    title: str
    looks_for: str
    lines: tuple[ScriptLine, ...]

    @property
    def victims(self) -> int:
        return len({line.victim for line in self.lines})


@dataclass(frozen=True, kw_only=True)
class Drilling:
    """What a drill's messages need to be received as anybody's."""

    store: Store
    screen: Screen
    safety_lines: SafetyLines
    bands: Bands
    texts: ServiceTexts


# --- the scripts ----------------------------------------------------------------------------------------


@cache
def load_scripts() -> Mapping[str, Script]:
    """The packaged scripts by name. Raises DrillInvalid where a number could be somebody's."""
    return {name: parse_script(name, given) for name, given in read_toml(TEMPLATE).items()}


def parse_script(name: str, given: Mapping[str, Any]) -> Script:
    try:
        lines = tuple(_parse_line(line) for line in given["lines"])
        script = Script(
            name=name, title=as_text(given["title"]), looks_for=as_text(given["looks_for"]), lines=lines
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise DrillInvalid(f"Drill {name}: {fault}") from fault
    if not lines or min(line.after_seconds for line in lines) != 0:
        raise DrillInvalid(f"Drill {name}: the first line is written at 0 seconds.")
    addresses = {line.victim: (line.channel, line.number) for line in lines}
    if any(addresses[line.victim] != (line.channel, line.number) for line in lines):
        raise DrillInvalid(f"Drill {name}: a victim writes from one address.")
    if len(set(addresses.values())) != len(addresses):
        raise DrillInvalid(f"Drill {name}: two victims have one address.")
    return script


def _parse_line(given: Mapping[str, Any]) -> ScriptLine:
    channel, number, after = Channel(given["channel"]), given["number"], given["after_seconds"]
    if channel not in CHANNELS:
        raise ValueError(f"{channel.value} is no channel of a drill")
    if not DRAMA_NUMBER.fullmatch(number):
        raise ValueError(f"{number} may be somebody's: use 07700 900xxx")
    if type(after) is not int or not 0 <= after <= LATEST_LINE_SECONDS:
        raise ValueError(f"{after!r} is no time of a line in seconds")
    if parse_crime_reference(given["text"]) is not None:
        raise ValueError("its words hold a crime reference, which may be a real person's")
    return ScriptLine(
        victim=as_text(given["victim"]),
        channel=channel,
        number=number,
        after_seconds=after,
        text=as_text(given["text"]),
    )


def get_script(name: str) -> Script:
    """Raises DrillUnknown."""
    scripts = load_scripts()
    if name not in scripts:
        raise DrillUnknown(f"There is no drill {name!r}. Choose one of: {', '.join(scripts)}.")
    return scripts[name]


# --- one drill ------------------------------------------------------------------------------------------


def start_drill(tx: Transaction, script: Script, *, by: str, at: datetime | None = None) -> str:
    """The new drill's id. Its lines are sent from `at` on, or from now. Raises DrillRunning."""
    if tx.drills.list_open():
        raise DrillRunning("A drill is running or waits for its hour. End it first.")
    starts_at = max(tx.now, at or tx.now)
    mark = f"{int(tx.now.timestamp()):x}"
    lines = [
        DrillLine(
            victim=line.victim,
            channel=line.channel,
            external_id=make_drill_address(mark, line.number),
            text=line.text,
            due_at=starts_at + timedelta(seconds=line.after_seconds),
        )
        for line in script.lines
    ]
    drill_id = tx.drills.record(script.name, by=by, starts_at=starts_at, lines=lines)
    tx.audit.record("drill_started", by=by, thing=drill_id)
    return drill_id


def end_drill(tx: Transaction, drill_id: str, *, by: str) -> bool:
    """Nothing more is written, the mark over every page goes, and what nobody has is closed as a test.

    What somebody has is theirs to close.

    False when it had ended. Raises DrillNotFound.
    """
    tx.drills.get(drill_id)
    if not tx.drills.end(drill_id):
        return False
    tx.drills.close_unclaimed(drill_id)
    tx.alarms.end(ALARM)
    tx.audit.record("drill_ended", by=by, thing=drill_id)
    return True


async def send_next_line(drilling: Drilling) -> bool:
    """Writes the next line that is due as its victim, or ends a drill nobody has ended. False when neither was."""
    due = await drilling.store.read(_find_work)
    if due is None:
        return False
    await drilling.store.write(lambda tx: send_line(tx, drilling))
    return True


def _find_work(tx: Transaction) -> DrillLine | Drill | None:
    return tx.drills.find_due() or _find_forgotten(tx)


def send_line(tx: Transaction, drilling: Drilling) -> None:
    """The same in one transaction; nothing when another worker was first."""
    line = tx.drills.find_due()
    if line is None:
        forgotten = _find_forgotten(tx)
        if forgotten is not None:
            end_drill(tx, forgotten.id, by="worker")
        return
    conversation = tx.conversations.open(line.channel, line.external_id)
    if not tx.drills.record_sent(line.id, conversation.id):
        return
    tx.drills.mark_conversation(conversation.id)
    tx.alarms.sound(ALARM, "")
    message = InboundMessage(
        channel=line.channel,
        provider_message_id=f"drill-{line.id}",
        external_id=line.external_id,
        text=line.text,
        received_at=tx.now,
    )
    receive_message(
        tx,
        message,
        screen=drilling.screen,
        safety_lines=drilling.safety_lines,
        bands=drilling.bands,
        texts=drilling.texts,
    )


def _find_forgotten(tx: Transaction) -> Drill | None:
    for drill in tx.drills.list_open():
        last_line = drill.starts_at + timedelta(seconds=LATEST_LINE_SECONDS)
        if tx.now >= last_line + LONGEST:
            return drill
    return None

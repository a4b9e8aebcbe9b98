"""Phones that write at a steady rate and wait for what comes back: the driver of `./waymark bench end-to-end`.

An open loop, in a process of its own: message n is due at n/rate seconds and its time is counted from then, until the
first message to that phone stands in the provider's record. Each phone writes every ten seconds or so, in the order of
one calm script, so a reply belongs to what was written last.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from channels.sandbox.record import Direction
from launcher.bench_ingest import Posted, Signed, find_percentile, post_all, sign_text
from launcher.bench_rasa import BenchFailed, run_driver
from launcher.bench_turn import SCRIPT

RECORD = "sandbox-messages.jsonl"  # of channels/sandbox/record.py
PAUSE_SECONDS = 10.0
# Numbers kept for drama, without those of the invented cases: a case has a plan that may hold a reply back.
FIRST_PHONE, MOST_PHONES = 100, 900
DRAIN_SECONDS = 30.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Where messages are posted, for which address and with what they are signed, and where replies are recorded."""

    url: str
    signed_url: str
    token: str
    account_sid: str
    to: str
    data_dir: str

    @property
    def record(self) -> Path:
        return Path(self.data_dir) / RECORD


@dataclass(frozen=True, kw_only=True)
class Written:
    """One message: who wrote, when it was due and when the reply stood in the record, both in seconds of one clock.

    `replied` None: nothing came before the phone wrote again, or before waiting was given up.
    """

    phone: str
    due: float
    late: float
    status: int
    replied: float | None = None

    @property
    def waited_ms(self) -> float | None:
        return None if self.replied is None else (self.replied - self.due) * 1000


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Milliseconds from when each message was due to its reply at the provider; `late_ms`, the driver's own lateness,
    is part of them. `errors`: not accepted. `last_p95_ms`: of the last third alone, which a growing backlog slows."""

    rate: float
    count: int
    errors: int
    unanswered: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    last_p95_ms: float
    late_ms: float


def choose_phones(rate: float) -> list[str]:
    count = min(MOST_PHONES, max(1, round(rate * PAUSE_SECONDS)))
    return [f"+447700900{FIRST_PHONE + number:03d}" for number in range(count)]


def sign_script(provider: Provider, phones: Sequence[str], count: int, *, turn: int) -> list[Signed]:
    """`count` messages, phone after phone, each at its own place. `turn`: how many each has written before."""
    signed = []
    for number in range(count):
        place, phone = turn + number // len(phones), number % len(phones)
        signed.append(
            sign_text(
                SCRIPT[(place + phone) % len(SCRIPT)],
                sender=phones[phone],
                url=provider.signed_url,
                token=provider.token,
                account_sid=provider.account_sid,
                to=provider.to,
            )
        )
    return signed


def match_replies(written: Sequence[Written], replies: Mapping[str, Sequence[float]]) -> list[Written]:
    """Each with the first reply to its phone between when it was due and when that phone's next message was."""
    later: dict[str, float] = {}
    matched = []
    for each in reversed(written):
        until = later.get(each.phone, float("inf"))
        came = [at for at in replies.get(each.phone, ()) if each.due <= at < until]
        matched.append(
            Written(**{**asdict(each), "replied": min(came) if came else None}),
        )
        later[each.phone] = each.due
    return matched[::-1]


def summarise(rate: float, written: Sequence[Written]) -> Waits:
    """What was not answered counts with the longest time anybody waited. Raises BenchFailed where nothing was."""
    answered = [each.waited_ms for each in written if each.waited_ms is not None]
    if not answered:
        raise BenchFailed(f"Not one of {len(written)} messages was answered.")
    longest = max(*answered, DRAIN_SECONDS * 1000)
    waits = [longest if each.waited_ms is None else each.waited_ms for each in written]
    ordered = sorted(waits)
    return Waits(
        rate=rate,
        count=len(written),
        errors=sum(not 200 <= each.status < 300 for each in written),
        unanswered=len(written) - len(answered),
        p50_ms=find_percentile(ordered, 50),
        p95_ms=find_percentile(ordered, 95),
        p99_ms=find_percentile(ordered, 99),
        last_p95_ms=find_percentile(sorted(waits[-max(1, len(waits) // 3) :]), 95),
        late_ms=find_percentile(sorted(each.late * 1000 for each in written), 99),
    )


def read_replies(record: Path, *, after: int) -> dict[str, list[float]]:
    """Phone -> when messages to it came to the provider, seconds since 1970, of the record's lines after that byte."""
    replies: dict[str, list[float]] = defaultdict(list)
    seen: set[str] = set()
    if not record.exists():
        return replies
    with record.open("rb") as lines:
        lines.seek(after)
        for line in lines:
            if not line.endswith(b"\n"):
                break  # not whole yet
            told = json.loads(line)
            # A line is written each time a message changes: the first is when it came.
            if told["direction"] != Direction.OUTBOUND or told["sid"] in seen:
                continue
            seen.add(told["sid"])
            replies[told["handset"]].append(datetime.fromisoformat(told["created_at"]).timestamp())
    return replies


async def drive(root: Path, provider: Provider, *, rate: float, count: int, turn: int = 0) -> Waits:
    """Starts the driver, gives it its orders and reads what it saw. Raises BenchFailed if it fails."""
    orders = {"provider": asdict(provider), "rate": rate, "count": count, "turn": turn}
    written = await run_driver(root, "launcher.bench_phones", orders)
    return summarise(rate, [Written(**each) for each in written])


async def _follow_orders() -> None:
    orders = json.load(sys.stdin)
    provider, rate = Provider(**orders["provider"]), orders["rate"]
    phones = choose_phones(rate)
    messages = sign_script(provider, phones, orders["count"], turn=orders["turn"])
    start = provider.record.stat().st_size if provider.record.exists() else 0
    # The record has the time of day, the loop a clock that nobody sets.
    offset = time.time() - time.perf_counter()
    posted = await post_all(provider.url, messages, rate=rate)
    written = [
        Written(
            phone=phones[number % len(phones)],
            due=each.due + offset,
            late=each.sent - each.due,
            status=each.status,
        )
        for number, each in enumerate(posted)
    ]
    json.dump(
        [asdict(each) for each in await _wait_for_replies(provider.record, start, written, posted)],
        sys.stdout,
    )


async def _wait_for_replies(
    record: Path, start: int, written: Sequence[Written], posted: Sequence[Posted]
) -> list[Written]:
    """Until every message has its reply, or nothing more is waited for."""
    until = max(each.due for each in posted) + DRAIN_SECONDS
    while True:
        matched = match_replies(written, read_replies(record, after=start))
        if all(each.replied is not None for each in matched) or time.perf_counter() > until:
            return matched
        await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    asyncio.run(_follow_orders())

"""`./waymark capacity [--people N]`: demand, what it needs, what gives way first, and how long people wait."""

import random
from collections.abc import Sequence

from launcher.bench_ingest import find_percentile
from launcher.capacity.demand import Demand, find_demand
from launcher.capacity.needs import MS, Cost, Needs, find_ceilings, find_disk, find_needs, load_cost
from launcher.capacity.queues import Station, arrive_by_chance, exponential, fixed, simulate

FORCE, ALL = 2_000_000, 60_000_000
SIMULATED = 20_000
GIGABYTE = 1e9
# In the order a message goes through them. The database is part of the time of each.
WAY = ("gateway", "worker", "rasa", "actions")


def print_capacity(people: Sequence[int] = (FORCE, ALL)) -> int:
    print(render(people, load_cost()))
    return 0


def render(people: Sequence[int], cost: Cost) -> str:
    return "\n\n".join([*(_render_one(find_demand(each), cost) for each in people), _render_ceilings(cost)])


def _render_one(demand: Demand, cost: Cost) -> str:
    lines = [
        f"{demand.people:,} people",
        f"  contacts a day            {demand.contacts_a_day:12,.0f}",
        f"  the same by calls         {demand.contacts_a_day_by_calls:12,.0f}",
        f"  messages in a day         {demand.messages_a_day:12,.0f}",
        f"  stored in a year          {find_disk(demand, cost) / GIGABYTE:12,.1f} GB",
    ]
    for name, rate in (("busiest hour", demand.peak), ("surge", demand.surge)):
        lines += ["", *_render_needs(name, find_needs(rate, cost), cost)]
    return "\n".join(lines)


def _render_needs(name: str, needs: Needs, cost: Cost) -> list[str]:
    processes = ", ".join(f"{part} {count}" for part, count in needs.processes.items())
    took = sorted(simulate_way(needs, cost))
    half, most = (find_percentile(took, percent) * MS for percent in (50, 99))
    return [
        f"  {name}: {needs.rate:.2f} messages/s, {needs.transactions_a_second:.0f} transactions/s",
        f"    processes               {processes}",
        f"    processors              {needs.processors:12.1f}",
        f"    numbers to send from    {needs.numbers:12d}",
        f"    answered, p50 and p99   {half:8.0f} ms, {most:.0f} ms",
    ]


def simulate_way(needs: Needs, cost: Cost, *, count: int = SIMULATED) -> tuple[float, ...]:
    """Seconds each of `count` messages takes through all parts, on as many processes as are needed.

    Rasa's time varies with what is said, so it is drawn by chance; the others do much the same for each message.
    """
    chance = random.Random(needs.rate)
    stations = [
        Station(
            name=part,
            servers=needs.processes[part],
            takes=(exponential if part == "rasa" else fixed)(cost.processor_ms[part] / MS),
        )
        for part in WAY
    ]
    return simulate(stations, arrive_by_chance(needs.rate, count, chance=chance), chance=chance).took


def _render_ceilings(cost: Cost) -> str:
    lines = ["What gives way first, with one of each"]
    lines += [f"  {rate:8.1f} messages/s   {what}" for what, rate in find_ceilings(cost)]
    return "\n".join([*lines, f"Measured: {cost.measured}"])

"""Messages that wait for stations, simulated; and what theory says of the two cases it can be checked by.

Times are seconds, rates are messages a second. Sources: the recursions of Lindley (1952) and of Kiefer and Wolfowitz
(1955) for one and for several servers; Pollaczek (1930) and Khinchine (1932); Erlang (1917).
"""

import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Draw = Callable[[random.Random], float]
"""How long one message takes at a station."""


class Shares(StrEnum):
    """How those at a station share the work: whoever is free takes the next, or each gets the next in its turn."""

    ANY = "any"
    IN_TURN = "in turn"


@dataclass(frozen=True, kw_only=True)
class Station:
    """One step of a message's way, with as many at it as `servers`; each does one message at a time, in order."""

    name: str
    servers: int
    takes: Draw
    shares: Shares = Shares.ANY


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What was seen. `waited`: the mean wait at each station; `took`: of each message, from its arrival to its end."""

    throughput: float
    waited: tuple[float, ...]
    took: tuple[float, ...]


def fixed(seconds: float) -> Draw:
    return lambda _chance: seconds


def exponential(mean: float) -> Draw:
    return lambda chance: chance.expovariate(1 / mean)


def arrive_by_chance(rate: float, count: int, *, chance: random.Random) -> list[float]:
    """When each of `count` comes: people who do not know of each other (a Poisson process)."""
    at, arrivals = 0.0, []
    for _ in range(count):
        at += chance.expovariate(rate)
        arrivals.append(at)
    return arrivals


def simulate(stations: Sequence[Station], arrivals: Sequence[float], *, chance: random.Random) -> Simulated:
    """Every message through every station, in the order it gets there. Raises ValueError without any arrival."""
    if not arrivals:
        raise ValueError("Nobody came.")
    began, here = list(arrivals), list(arrivals)
    waited = []
    for station in stations:
        here, waits = _pass_through(station, here, chance)
        waited.append(sum(waits) / len(waits))
    over = max(here) - min(began)
    return Simulated(
        throughput=len(here) / over if over > 0 else math.inf,
        waited=tuple(waited),
        took=tuple(end - start for start, end in zip(began, here, strict=True)),
    )


def _pass_through(
    station: Station, arrivals: Sequence[float], chance: random.Random
) -> tuple[list[float], list[float]]:
    """When each message leaves, and how long each waited before somebody began with it."""
    leaves, waits = [0.0] * len(arrivals), [0.0] * len(arrivals)
    # When each of them is free, the soonest first; in turn, the place in the list is whose turn it is.
    free = [(0.0, number) for number in range(station.servers)]
    for place, message in enumerate(sorted(range(len(arrivals)), key=lambda each: arrivals[each])):
        arrived = arrivals[message]
        if station.shares is Shares.ANY:
            free_at, server = heapq.heappop(free)
        else:
            free_at, server = free[place % station.servers]
        begins = max(arrived, free_at)
        ends = begins + station.takes(chance)
        waits[message], leaves[message] = begins - arrived, ends
        if station.shares is Shares.ANY:
            heapq.heappush(free, (ends, server))
        else:
            free[server] = (ends, server)
    return leaves, waits


def mean_wait_of_one(*, rate: float, seconds: float) -> float:
    """M/D/1: one server, a fixed time. Raises ValueError where more comes than it can do."""
    load = _find_load(rate, seconds, 1)
    return load * seconds / (2 * (1 - load))


def mean_wait_of_several(*, rate: float, mean_seconds: float, servers: int) -> float:
    """M/M/c: several servers, times by chance (Erlang C). Raises ValueError where more comes than they can do."""
    load = _find_load(rate, mean_seconds, servers)
    offered = rate * mean_seconds
    begun = sum(offered**busy / math.factorial(busy) for busy in range(servers))
    all_busy = offered**servers / (math.factorial(servers) * (1 - load))
    return all_busy / (begun + all_busy) * mean_seconds / (servers * (1 - load))


def _find_load(rate: float, seconds: float, servers: int) -> float:
    load = rate * seconds / servers
    if load >= 1:
        raise ValueError(f"{rate:g} a second is more than {servers} can do at {seconds:g} s each")
    return load

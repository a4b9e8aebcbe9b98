"""What processes take of the machine: processor time and resident memory, by name. Read from /proc, so Linux only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.bench_rasa import BenchFailed, read_cpu_ns

PROC = Path("/proc")

Groups = Mapping[str, Collection[int]]
"""Name -> ids of its processes."""


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Megabytes (1000 000 bytes). `is_shared_out`: what several have in common is divided among them (PSS).

    Not so where the system keeps that to itself, which it does unless asked by root: then it counts for each (RSS),
    and the sum is too high.
    """

    megabytes: float
    is_shared_out: bool


def group_processes(named: Mapping[str, int]) -> dict[str, list[int]]:
    """Each with its descendants, but for those that have a name of their own, and theirs."""
    children: dict[int, list[int]] = {}
    for pid, parent in _list_parents():
        children.setdefault(parent, []).append(pid)
    taken = set(named.values())
    groups: dict[str, list[int]] = {}
    for name, pid in named.items():
        family, asked = [pid], [pid]
        while asked:
            found = [each for each in children.get(asked.pop(), ()) if each not in taken]
            family += found
            asked += found
        groups[name] = family
    return groups


def _list_parents() -> list[tuple[int, int]]:
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name before the last bracket may hold anything.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        found.append((int(folder.name), int(fields[1])))
    return found


def read_cpu_ms(groups: Groups) -> dict[str, float]:
    """Milliseconds of processor since each began. Raises BenchFailed where one has stopped."""
    return {name: sum(read_cpu_ns(pid) for pid in pids) / 1e6 for name, pids in groups.items()}


def read_resident(groups: Groups) -> dict[str, Resident]:
    """Raises BenchFailed where one has stopped."""
    return {name: add_resident([_read_resident(pid) for pid in pids]) for name, pids in groups.items()}


def add_resident(found: Sequence[Resident]) -> Resident:
    return Resident(
        megabytes=sum(each.megabytes for each in found),
        is_shared_out=all(each.is_shared_out for each in found),
    )


def _read_resident(pid: int) -> Resident:
    try:
        try:
            kilobytes = _find_line(PROC / str(pid) / "smaps_rollup", "Pss:")
            return Resident(megabytes=kilobytes * 1024 / 1e6, is_shared_out=True)
        except PermissionError:
            kilobytes = _find_line(PROC / str(pid) / "status", "VmRSS:")
            return Resident(megabytes=kilobytes * 1024 / 1e6, is_shared_out=False)
    except (FileNotFoundError, ProcessLookupError) as fault:
        raise BenchFailed(f"There is no process {pid} to measure; it stopped.") from fault


def _find_line(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))

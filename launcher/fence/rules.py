"""What one program may read, start, write and reach, as it is handed to the process that becomes it."""

import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# Libraries, and what the C library and the maths read of the machine. Nothing of it is secret, none of it is ours.
OF_THE_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf"),
    *("/etc/ssl/openssl.cnf", "/etc/mime.types", "/dev/null", "/dev/zero", "/dev/urandom"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu"),
)
PT_INTERP = 3
# What WAYMARK_CONTAINMENT may say. As far as it goes: what this machine does not hold is told, and Rasa starts.
AS_FAR_AS_IT_GOES, REQUIRED, OFF = "as-far-as-it-goes", "required", "off"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`folder`: its own, emptied before it starts; home, temporary files and code are looked for there.

    `code`: by the name it is imported under. `port`: where it listens, on this machine alone. What it may call is
    the port of `WAYMARK_ACTIONS_URL` in its environment. `wanted`: how much of it must hold.
    """

    folder: str
    reads: tuple[str, ...]
    executes: tuple[str, ...]
    code: Mapping[str, str]
    port: int
    wanted: str = AS_FAR_AS_IT_GOES


def make_rules(
    executable: Path,
    *,
    folder: Path,
    reads: Sequence[Path],
    code: Mapping[str, Path],
    port: int,
    wanted: str = AS_FAR_AS_IT_GOES,
) -> Rules:
    """For a program of that Python or script. What is not there is left out."""
    started = find_started(executable)
    around = [each.parent.parent for path in started for each in (path, path.resolve())]
    system = [Path(each) for each in OF_THE_SYSTEM]
    places = [*reads, *code.values(), *around, *started, *system]
    return Rules(
        folder=str(folder),
        # A loader of the system's stands two below everything.
        reads=tuple(sorted({str(each.resolve()) for each in places if each.exists()} - {"/"})),
        executes=tuple(sorted({str(each.resolve()) for each in started})),
        code={name: str(path.resolve()) for name, path in code.items() if path.exists()},
        port=port,
        wanted=wanted,
    )


def find_started(executable: Path) -> list[Path]:
    """The file, and whatever the system starts to run it: the interpreter of a script, the loader of a program."""
    found: list[Path] = []
    following: Path | None = executable
    while following is not None and following.exists() and following not in found:
        found.append(following)
        following = _interpreter_of(following)
    return found


def _interpreter_of(path: Path) -> Path | None:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"#!"):
        return Path(os.fsdecode(head[2:].split(b"\n", 1)[0].split()[0]))
    if not head.startswith(b"\x7fELF\x02\x01"):  # 64 bits, little-endian
        return None
    (table,), (size, count) = struct.unpack_from("<Q", head, 32), struct.unpack_from("<HH", head, 54)
    for number in range(count):
        at = table + number * size
        if struct.unpack_from("<I", head, at)[0] == PT_INTERP:
            (start,), (length,) = (
                struct.unpack_from("<Q", head, at + 8),
                struct.unpack_from("<Q", head, at + 32),
            )
            return Path(os.fsdecode(head[start : start + length].rstrip(b"\0")))
    return None


def write_rules(rules: Rules) -> str:
    return json.dumps(asdict(rules))


def read_rules(text: str) -> Rules:
    given = json.loads(text)
    return Rules(**given | {name: tuple(given[name]) for name in ("reads", "executes")})

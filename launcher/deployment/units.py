"""systemd's units as we write them: read, checked, and turned into the command and environment they stand for.

Not all of systemd: the form is INI with repeated keys, and what is not on the list is refused, so that a key spelled
wrongly, which systemd passes over with a warning, is noticed before somebody relies on it. `systemd-analyze verify`
knows more where it is installed; it does not know our modules and settings.
"""

import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from launcher.deployment.ours import find_part, is_known_variable

# systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5), of version 252.
KEYS_FILE = Path(__file__).with_name("unit_keys.toml")


@cache
def _list_keys() -> Mapping[str, frozenset[str]]:
    """The keys that are known, by section."""
    stored = tomllib.loads(KEYS_FILE.read_text())
    return {section: frozenset(keys) for section, keys in stored.items()}


# What each service has; None: any value.
HARDENED: Mapping[str, str | None] = {
    **dict.fromkeys(
        (
            *("PrivateTmp", "PrivateDevices", "PrivateIPC", "NoNewPrivileges", "RestrictNamespaces"),
            *(
                "RestrictRealtime",
                "RestrictSUIDSGID",
                "LockPersonality",
                "ProtectClock",
                "ProtectControlGroups",
            ),
            *("ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables"),
            *("ProtectHome", "RemoveIPC"),
        ),
        "yes",
    ),
    **{"ProtectSystem": "strict", "ProtectProc": "invisible", "CapabilityBoundingSet": "", "UMask": "0077"},
    **{"LimitCORE": "0", "SystemCallArchitectures": "native", "AmbientCapabilities": ""},
    **dict.fromkeys(("SystemCallFilter", "RestrictAddressFamilies", "TasksMax", "MemoryMax"), None),
}
CHECKOUT = "/opt/waymark"
PYTHONS = {f"{CHECKOUT}/.venv/bin/python", f"{CHECKOUT}/bot/.venv/bin/python"}


class UnitUnreadable(ValueError):
    """A line that is no section, no `Key=value` and no comment."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    name: str
    lines: tuple[tuple[str, str, str], ...]  # section, key, value, in their order

    def all(self, key: str, section: str = "Service") -> list[str]:
        """Every value of that key; an empty one forgets those before it, as systemd does."""
        found: list[str] = []
        for where, name, value in self.lines:
            if (where, name) == (section, key):
                found = [*found, value] if value else []
        return found

    def has(self, key: str, section: str = "Service") -> bool:
        return any((where, name) == (section, key) for where, name, _ in self.lines)

    @property
    def is_service(self) -> bool:
        return self.name.endswith(".service")

    @property
    def command(self) -> list[str]:
        """The words of ExecStart. Raises UnitUnreadable where there is not one of them."""
        started = self.all("ExecStart")
        if len(started) != 1:
            raise UnitUnreadable(f"{self.name}: {len(started)} ExecStart lines, and one is wanted.")
        return shlex.split(started[0])

    @property
    def environment(self) -> dict[str, str]:
        """Of its Environment lines; later ones go before earlier ones."""
        pairs = [word.partition("=") for line in self.all("Environment") for word in shlex.split(line)]
        return {name: value for name, _, value in pairs}

    @property
    def credentials(self) -> dict[str, str]:
        """Of its LoadCredential lines: name and path."""
        return {name: path for name, _, path in (line.partition(":") for line in self.all("LoadCredential"))}


def read_unit(path: Path) -> Unit:
    """Raises UnitUnreadable."""
    section, lines = "", []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
            continue
        key, equals, value = stripped.partition("=")
        if not equals or not section:
            raise UnitUnreadable(f"{path.name}:{number}: neither a section nor Key=value.")
        lines.append((section, key.strip(), value.strip()))
    return Unit(name=path.name, lines=tuple(lines))


def read_units(folder: Path) -> list[Unit]:
    """Every unit of the folder, by name."""
    return [read_unit(path) for path in sorted(folder.iterdir()) if path.suffix in (".service", ".target")]


def check_units(root: Path, units: Iterable[Unit]) -> list[str]:
    """What is wrong, a sentence each; empty where all is well."""
    known = list(units)
    return [problem for unit in known for problem in _check(root, unit, {each.name for each in known})]


def _check(root: Path, unit: Unit, names: set[str]) -> list[str]:
    found = [
        f"{unit.name}: [{section}] {key} is no key that is known here."
        for section, key, _ in unit.lines
        if key not in _list_keys().get(section, ())
    ]
    found += _check_neighbours(unit, names)
    if not unit.is_service:
        return found
    return [*found, *_check_command(root, unit), *_check_environment(root, unit), *_check_hardening(unit)]


def _check_neighbours(unit: Unit, names: set[str]) -> list[str]:
    named = {
        word
        for key in ("Wants", "Requires", "After", "Before", "PartOf", "BindsTo")
        for line in unit.all(key, "Unit")
        for word in line.split()
    }
    ours = {name for name in named if name.startswith("waymark")}
    return [f"{unit.name}: there is no {name} beside it." for name in sorted(ours - names)]


def _check_command(root: Path, unit: Unit) -> list[str]:
    try:
        python, *arguments = unit.command
    except UnitUnreadable as problem:
        return [str(problem)]
    if python not in PYTHONS:
        return [f"{unit.name}: {python} is none of {', '.join(sorted(PYTHONS))}."]
    if find_part(root, arguments) is None:
        return [f"{unit.name}: nothing of Waymark starts with {' '.join(arguments)!r}."]
    is_once = unit.all("Type") == ["oneshot"]
    if not is_once and unit.all("Restart") != ["always"]:
        return [f"{unit.name}: it is not started again when it ends (Restart=always)."]
    return []


def _check_environment(root: Path, unit: Unit) -> list[str]:
    found = [
        f"{unit.name}: {name} is no setting that is read."
        for name in (*unit.environment, *unit.credentials)
        if not is_known_variable(root, name)
    ]
    found += [
        f"{unit.name}: the credential {name} comes from a file of another name."
        for name, path in unit.credentials.items()
        if Path(path).name != name
    ]
    found += [
        f"{unit.name}: {name} is a secret; LoadCredential keeps it out of the environment."
        for name in unit.environment
        if is_secret(name)
    ]
    return found


def is_secret(name: str) -> bool:
    """By what settings are called: tokens, secrets, keys that are words, and addresses with a password in them."""
    endings = ("_TOKEN", "_SECRET", "_KEYS", "_KEY", "_DATABASE_URL", "_SMTP_URL")
    return name.endswith(endings) and name != "WAYMARK_KEYS"


def _check_hardening(unit: Unit) -> list[str]:
    found = []
    for key, wanted in HARDENED.items():
        if not unit.has(key):
            found.append(f"{unit.name}: {key} is missing.")
        elif wanted is not None and "".join(unit.all(key)) != wanted:
            found.append(f"{unit.name}: {key} is not {wanted!r}.")
    if not unit.has("User") and unit.all("DynamicUser") != ["yes"]:
        found.append(f"{unit.name}: it runs as root (User= or DynamicUser=yes).")
    return found


def check_settings_file(root: Path, path: Path) -> list[str]:
    """What is wrong with an EnvironmentFile."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    names = [line.partition("=")[0] for line in lines]
    return [
        *(
            f"{path.name}: {name} is no setting that is read."
            for name in names
            if not is_known_variable(root, name)
        ),
        *(
            f"{path.name}: {name} is a secret; it comes as a file of its own."
            for name in names
            if is_secret(name)
        ),
    ]


def resolve(words: Iterable[str], *, instance: str, places: Mapping[str, str]) -> list[str]:
    """What systemd would make of them for `waymark-x@INSTANCE`, with these paths in place of a real machine's."""
    found = []
    for word in words:
        resolved = word.replace("%i", instance)
        for there, here in places.items():
            resolved = resolved.replace(there, here)
        found.append(resolved)
    return found

"""What a container of ours must be: a part of Waymark, told settings it reads, and given no more than it needs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from launcher.deployment.ours import PROBES, find_part, is_known_variable
from launcher.deployment.units import is_secret

Json = Mapping[str, Any]
IMAGE = re.compile(r"waymark-(service|bot):VERSION")
# By which setting a part is told where to listen; Rasa's stands in its command.
PORT_OF = {
    **{"gateway": "WAYMARK_PORT", "desk": "WAYMARK_CONSOLE_PORT", "actions": "WAYMARK_PRIVATE_PORT"},
    **{"worker": "WAYMARK_HEALTH_PORT", "spool": "WAYMARK_SPOOL_PORT"},
}


def check_image(name: str, image: str, part: str | None) -> list[str]:
    """Whose registry it comes from is the force's to fill in, and so is the version."""
    match = IMAGE.fullmatch(image)
    if match is None:
        return [f"{name}: the image {image!r} is not waymark-service:VERSION or waymark-bot:VERSION."]
    wanted = "bot" if part == "rasa" else "service"
    return [] if match[1] == wanted else [f"{name}: {part} is not in the image {image}."]


def check_part(root: Path, name: str, arguments: Sequence[str]) -> list[str]:
    if find_part(root, arguments) is None:
        return [f"{name}: nothing of Waymark starts with {' '.join(arguments)!r}."]
    return []


def check_variables(root: Path, name: str, variables: Iterable[str], *, plain: Iterable[str]) -> list[str]:
    """`plain`: those whose value stands in the file."""
    unknown = [each for each in variables if not is_known_variable(root, each)]
    told = [each for each in plain if is_secret(each)]
    return [
        *(f"{name}: {each} is no setting that is read." for each in unknown),
        *(f"{name}: {each} is a secret, and its value stands in the file." for each in told),
    ]


def check_port(
    name: str, part: str, port: int, arguments: Sequence[str], environment: Mapping[str, str]
) -> list[str]:
    """Whether it listens where it is looked for."""
    if part == "rasa":
        told = arguments[list(arguments).index("--port") + 1] if "--port" in arguments else ""
    else:
        told = environment.get(PORT_OF[part], "")
    return (
        []
        if told == str(port)
        else [f"{name}: it is looked for at {port} and listens at {told or 'no port'}."]
    )


def check_probe_path(name: str, part: str, path: str) -> list[str]:
    return [] if path in PROBES[part] else [f"{name}: {part} has no {path}."]

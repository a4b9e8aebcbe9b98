"""The Containerfile and the Compose file, read and checked against what Waymark is."""

import re
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from launcher.deployment.ours import find_part
from launcher.deployment.pods import (
    Json,
    check_image,
    check_part,
    check_port,
    check_probe_path,
    check_variables,
)

PROBED = re.compile(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)")
NAME_OF_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+")
SPOOL_NEEDS = {"TWILIO_AUTH_TOKEN"}


def check_containerfile(root: Path, path: Path) -> list[str]:
    """What is wrong, a sentence each."""
    found, stages, users = [], [], {}
    for line in _join_lines(path.read_text()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, stage = rest.partition(" AS ")
            stages.append(stage)
            if not NAME_OF_VARIABLE.match(base):
                found.append(f"{path.name}: the base {base} is named; it is the force's to choose.")
        elif word == "USER":
            users[stages[-1]] = rest
        elif word == "COPY" and not rest.startswith("--from="):
            found += [
                f"{path.name}: there is no {source} to copy."
                for source in rest.split()[:-1]
                if not (root / source).exists()
            ]
    for stage in ("service", "bot"):
        if stage not in stages:
            found.append(f"{path.name}: there is no stage {stage}.")
        elif users.get(stage, "0").split(":")[0] in ("0", "root"):
            found.append(f"{path.name}: {stage} runs as root.")
    return found


def _join_lines(text: str) -> list[str]:
    joined = text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def read_compose(path: Path) -> Json:
    content: Json = YAML(typ="safe").load(path.read_text())
    return content


def check_compose(root: Path, compose: Json) -> list[str]:
    """What is wrong, a sentence each; empty where all is well."""
    found = []
    for name, service in compose["services"].items():
        found += _check_service(root, compose, name, service)
    internal = {name for name, network in compose["networks"].items() if (network or {}).get("internal")}
    for name, service in compose["services"].items():
        if find_part(root, service["command"]) == "rasa" and not set(service["networks"]) <= internal:
            found.append(f"{name}: it reaches more than the machine.")
    return found


def _check_service(root: Path, compose: Json, name: str, service: Json) -> list[str]:
    arguments = [str(each) for each in service["command"]]
    part = find_part(root, arguments)
    environment: Mapping[str, str] = service.get("environment", {})
    plain = [each for each, value in environment.items() if not NAME_OF_VARIABLE.match(str(value))]
    found = check_part(root, name, arguments) + check_image(name, service["image"], part)
    found += check_variables(root, name, environment, plain=plain)
    found += [
        f"{name}: {each} is declared nowhere."
        for kind in ("networks", "secrets")
        for each in service.get(kind, [])
        if each not in compose.get(kind, {})
    ]
    found += check_variables(root, name, service.get("secrets", []), plain=())
    if part == "spool" and set(service.get("secrets", [])) != SPOOL_NEEDS:
        found.append(f"{name}: it holds other secrets than {', '.join(SPOOL_NEEDS)}.")
    is_wanted = {
        "its own files can be written": service.get("read_only") is True,
        "it has capabilities": service.get("cap_drop") == ["ALL"],
        "it may gain rights": "no-new-privileges:true" in service.get("security_opt", []),
        "it runs as root": not str(service.get("user", "0")).startswith("0"),
        "it has no limits": {"mem_limit", "pids_limit"} <= set(service),
        "it is published to everybody": all(
            str(each).startswith("127.0.0.1:") for each in service.get("ports", [])
        ),
    }
    found += [f"{name}: {problem}." for problem, is_well in is_wanted.items() if not is_well]
    if part is None or part == "migrate":
        return found
    probed = PROBED.search(" ".join(service.get("healthcheck", {}).get("test", [])))
    if probed is None:
        return [*found, f"{name}: nobody asks how it is."]
    found += check_probe_path(name, part, probed[2])
    return [*found, *check_port(name, part, int(probed[1]), arguments, environment)]

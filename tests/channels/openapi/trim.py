"""Cuts Twilio's published OpenAPI documents down to what the sandbox answers, from a clone of twilio/twilio-oai.

    python -m tests.channels.openapi.trim path/to/twilio-oai/.git

Kept as published: every path, parameter, schema and enumeration that is reached from PATHS. Left out: all else, and the
words (descriptions, examples, `x-` fields), which check nothing.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
PATHS = {
    "twilio_api_v2010": {
        f"{ACCOUNT}/Messages.json": ("get", "post"),
        f"{ACCOUNT}/Messages/{{Sid}}.json": ("get", "post", "delete"),
        f"{ACCOUNT}/Messages/{{MessageSid}}/Media.json": ("get",),
        f"{ACCOUNT}/Messages/{{MessageSid}}/Media/{{Sid}}.json": ("get", "delete"),
        f"{ACCOUNT}/IncomingPhoneNumbers.json": ("get",),
        f"{ACCOUNT}/IncomingPhoneNumbers/{{Sid}}.json": ("get",),
    },
    "twilio_messaging_v1": {
        "/v1/Services": ("get",),
        "/v1/Services/{Sid}": ("get",),
        "/v1/Services/{ServiceSid}/PhoneNumbers": ("get",),
    },
    "twilio_content_v1": {
        "/v1/Content": ("get", "post"),
        "/v1/Content/{Sid}": ("get", "delete"),
        "/v1/Content/{Sid}/ApprovalRequests": ("get",),
    },
}
WORDS = ("description", "examples", "example", "summary", "tags", "title")


def main(git_dir: str) -> None:
    commit = _git(git_dir, "log", "-1", "--format=%H %cs").strip()
    for name, wanted in PATHS.items():
        document = json.loads(_git(git_dir, "show", f"HEAD:spec/json/{name}.json"))
        trimmed = trim(document, wanted) | {
            "x-origin": f"github.com/twilio/twilio-oai spec/json/{name}.json {commit}"
        }
        (HERE / f"{name}.json").write_text(json.dumps(trimmed, indent=1, sort_keys=True) + "\n")
    (HERE / "LICENSE").write_text(_git(git_dir, "show", "HEAD:LICENSE"))


def trim(document: dict[str, Any], wanted: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The document with these paths and methods, and the schemas they reach."""
    paths = {
        path: {name: _drop_words(document["paths"][path][name]) for name in ("servers", *methods)}
        for path, methods in wanted.items()
    }
    schemas: dict[str, Any] = {}
    waiting = _find_schemas(paths)
    while waiting:
        name = waiting.pop()
        schemas[name] = _drop_words(document["components"]["schemas"][name])
        waiting |= _find_schemas(schemas[name]) - set(schemas)
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "servers": document["servers"],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": document["components"]["securitySchemes"]},
    }


def _find_schemas(part: Any) -> set[str]:
    if isinstance(part, dict):
        here = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return here.union(*map(_find_schemas, part.values()))
    return set().union(*map(_find_schemas, part)) if isinstance(part, list) else set()


def _drop_words(part: Any, *, is_named: bool = False) -> Any:
    """Without the words; under `properties` the same keys are names of fields and stay."""
    if isinstance(part, list):
        return [_drop_words(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: _drop_words(value, is_named=key == "properties" and not is_named)
        for key, value in part.items()
        if is_named or not (key in WORDS or key.startswith("x-"))
    }
    for response in kept.get("responses", {}).values() if not is_named else ():
        response["description"] = ""  # the one word that OpenAPI insists on
    return kept


def _git(git_dir: str, *command: str) -> str:
    run = subprocess.run(["git", "--git-dir", git_dir, *command], check=True, capture_output=True, text=True)
    return run.stdout


if __name__ == "__main__":
    main(sys.argv[1])

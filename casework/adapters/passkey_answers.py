"""Where passkeys can be used, and what a browser posts of them, before anything of it is checked.

A passkey belongs to a host name, so there are none where the service has only an IP address.
"""

import base64
import ipaddress
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from casework.adapters.settings import Settings
from casework.services.ports import JsonObject

CHALLENGE_BYTES = 32
LONGEST_ID = 512
CREDENTIAL_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_ID}}}")


@dataclass(frozen=True, kw_only=True)
class PasskeyHome:
    """What passkeys of this service belong to."""

    host: str
    origin: str


def find_passkey_home(settings: Settings) -> PasskeyHome | None:
    """None where no browser could use a passkey: no host name, or neither https nor this very machine."""
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    is_own_machine = host == "localhost" or host.endswith(".localhost")
    if not host or _is_ip_address(host) or not (parts.scheme == "https" or is_own_machine):
        return None
    return PasskeyHome(host=host, origin=f"{parts.scheme}://{parts.netloc}")


def make_challenge() -> str:
    """Base64url without padding, as the browser's interface wants it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(CHALLENGE_BYTES)).rstrip(b"=").decode()


def parse_answer(body: bytes) -> JsonObject:
    """The JSON object a browser posted; {} for anything else."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def find_credential_id(answer: JsonObject) -> str:
    """Which passkey the answer says it is of; "" for what no passkey is called."""
    said = answer.get("id")
    return said if isinstance(said, str) and CREDENTIAL_ID.fullmatch(said) else ""


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

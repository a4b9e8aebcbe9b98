"""What a run is asked to be, and the places it is made of."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.soak.postgresql import make_url

ACCOUNT_SID, TOKEN = "AC" + "0" * 32, "soak-token-that-signs-nothing-else"
SERVICE_NUMBER = "+447700900900"
TURN_SECRET = "x" * 32
FAULTS_A_MINUTE = 4.0
GATEWAYS, WORKERS, RASAS = ("gateway-1", "gateway-2"), ("worker-1", "worker-2"), ("rasa-1", "rasa-2")
ACTIONS, SPOOL, PROVIDER = "actions", "spool", "provider"
TO_DATABASE, TO_PROVIDER = "{} to database", "{} to provider"
TO_RASA, TO_GATEWAYS, TO_SPOOL = "workers to {}", "provider to gateways", "provider to spool"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`messages`: the run ends with so many, or after `seconds`, whichever comes first. `rate`: texts a second.

    `is_stand_in`: an assistant that repeats, instead of Rasa. `most_unfinished`: beyond it nobody writes for a
    while. `quiet_seconds`: how long the end may take. `members`: staff at the desk.
    """

    root: Path
    messages: int
    seconds: float
    faults: int
    seed: int
    rate: float
    people: int
    is_stand_in: bool
    longest_fault_seconds: float
    most_unfinished: int = 300
    quiet_seconds: float = 900.0
    members: int = 6


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where each listens. `links`: of the proxies by name; nobody but the run itself goes past them."""

    database: int
    provider: int
    gateways: tuple[int, int]
    spool: int
    rasas: tuple[int, int]
    actions: int
    links: Mapping[str, int]

    @property
    def provider_url(self) -> str:
        return f"http://127.0.0.1:{self.provider}"

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.links[TO_GATEWAYS]}"

    @property
    def spool_url(self) -> str:
        return f"http://127.0.0.1:{self.links[TO_SPOOL]}"


def list_links() -> list[str]:
    users = (*GATEWAYS, *WORKERS, ACTIONS)
    return [
        *(TO_DATABASE.format(each) for each in users),
        *(TO_PROVIDER.format(each) for each in WORKERS),
        *(TO_RASA.format(each) for each in RASAS),
        TO_GATEWAYS,
        TO_SPOOL,
    ]


def make_environ(folder: Path, ports: Ports, *, of: str | None = None) -> dict[str, str]:
    """The settings of the process `of`, each of whose ways out is a proxy; None: the run's own, past them all."""
    ours = ("WAYMARK_", "TWILIO_", "TELEGRAM_", "PG")
    given = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    links = ports.links
    database = ports.database if of is None else links.get(TO_DATABASE.format(of), ports.database)
    provider = ports.provider if of is None else links.get(TO_PROVIDER.format(of), ports.provider)
    gateway = dict(zip(GATEWAYS, ports.gateways, strict=True)).get(of or "", ports.gateways[0])
    rasas = [f"http://127.0.0.1:{links[TO_RASA.format(each)]}" for each in RASAS]
    return given | {
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_DATABASE_URL": make_url(database),
        "WAYMARK_PUBLIC_URL": ports.public_url,
        "WAYMARK_PORT": str(gateway),
        "WAYMARK_PRIVATE_PORT": str(ports.actions),
        "WAYMARK_SPOOL_PORT": str(ports.spool),
        "WAYMARK_SPOOL_URL": ports.spool_url,
        "WAYMARK_SPOOL_DIR": str(folder / "spool"),
        "WAYMARK_TURN_SECRET": TURN_SECRET,
        "WAYMARK_RASA_URLS": ",".join(rasas),
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_TWILIO_API_URL": f"http://127.0.0.1:{provider}",
        "WAYMARK_SMS_FROM": SERVICE_NUMBER,
        "WAYMARK_WHATSAPP_FROM": SERVICE_NUMBER,
        # One number sends one segment a second by default; here faults are tried and not the pace.
        "WAYMARK_SMS_SEGMENTS_PER_SECOND": "200",
    }

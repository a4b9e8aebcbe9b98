"""The addresses others reach us at, and the ports behind them."""

import ipaddress
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from urllib.parse import SplitResult, urlsplit

from casework.adapters.process_settings import ProcessSettings
from launcher.doctor.findings import LOOK_SECONDS, Examined, Finding
from launcher.up import is_free

LOOPBACK = "127.0.0.1"


def check_public_address(examined: Examined) -> Iterator[Finding]:
    """The provider calls it and signs it to the letter, and people open it."""
    url = examined.settings.public_url
    wrong = _find_fault(urlsplit(url), name="WAYMARK_PUBLIC_URL") if examined.is_real else None
    yield Finding("public address", wrong is None, wrong or url)


def check_spool_address(examined: Examined) -> Iterator[Finding]:
    settings = examined.settings
    if not examined.is_real:
        yield Finding("spool's address", True, "the sandbox's own")
        return
    if settings.spool_url is None:
        yield Finding(
            "spool's address",
            False,
            "WAYMARK_SPOOL_URL is not set: while the gateway is away nothing takes its messages (docs/recovery.md)",
        )
        return
    wrong = _find_fault(urlsplit(settings.spool_url), name="WAYMARK_SPOOL_URL")
    if wrong is None and _host_and_port(settings.spool_url) == _host_and_port(settings.public_url):
        wrong = (
            "WAYMARK_SPOOL_URL is the gateway's own host and port: what takes the one away takes both. Give the spool "
            "another host, or at the least another port"
        )
    yield Finding("spool's address", wrong is None, wrong or settings.spool_url)


def check_desk_address(examined: Examined) -> Iterator[Finding]:
    """Whoever is on call opens it on their phone."""
    url = examined.settings.console_url
    wrong = _find_fault(urlsplit(url), name="WAYMARK_CONSOLE_URL") if examined.is_real else None
    yield Finding("desk's address", wrong is None, wrong or url)


def check_private_address(examined: Examined) -> Iterator[Finding]:
    """The actions answer whoever has the turn secret, and the figures whoever asks: never on the internet."""
    host = ProcessSettings.from_env(examined.plan.environ).private_host
    try:
        is_public = ipaddress.ip_address(host).is_global
    except ValueError:
        is_public = False  # a name: where it leads is the network's to say
    remedy = ": actions and figures belong on loopback or a private network" if is_public else ""
    yield Finding("private listener's address", not is_public, f"WAYMARK_PRIVATE_HOST is {host}{remedy}")


def _find_fault(parts: SplitResult, *, name: str) -> str | None:
    host = parts.hostname or ""
    if is_loopback(host):
        return f"{name} is this machine's own loopback: nobody else can reach it. Set the public address"
    if parts.scheme != "https":
        return f"{name} must start with https:// once real messages arrive"
    if parts.username or parts.password:
        return f"{name} holds a user or a password: no provider signs such an address. Take it out"
    if parts.path or parts.query or parts.fragment:
        return (
            f"{name} goes on after the host ({parts.path or '?'}): pages and signatures need the host alone. "
            "Give Waymark a host name of its own"
        )
    if parts.port == 443:
        return f"{name} names port 443, which providers leave out when they sign. Leave it out as well"
    return None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host_and_port(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def check_ports(examined: Examined) -> Iterator[Finding]:
    """Only while nothing of ours runs there: then each must be free."""
    if examined.is_running:
        return
    settings = examined.settings
    spool = int(examined.plan.environ["WAYMARK_SPOOL_PORT"])
    ports = {"gateway": settings.port, "desk": settings.console_port, "actions": settings.private_port}
    for name, port in {**ports, "spool": spool}.items():
        if is_free(port):
            yield Finding(f"port of the {name}", True, f"{port} is free")
        elif _is_ours(port):
            yield Finding(f"port of the {name}", True, f"{port}: Waymark listens there")
        else:
            yield Finding(
                f"port of the {name}",
                False,
                f"{port} is in use by another program. Stop it, or choose others: --port, --console-port, "
                "WAYMARK_PRIVATE_PORT, WAYMARK_SPOOL_PORT",
            )


def _is_ours(port: int) -> bool:
    for path, says in (("/health/live", b'"live"'), ("/metrics", b"waymark_")):
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=LOOK_SECONDS) as answer:
                if says in answer.read(65536):
                    return True
        except (OSError, HTTPException):
            continue
    return False

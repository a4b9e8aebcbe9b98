"""The Rasa processes that the operator runs: where they are, whether they know our secret, and which model they hold.

Those that `./waymark up` starts are looked at where they run (`here.check_running`).
"""

import ipaddress
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

from casework.adapters.clock import SystemClock
from casework.adapters.storage.transaction import SqlTransaction
from casework.services.model_routing import list_wanted
from launcher.doctor.findings import LOOK_SECONDS, Examined, Finding


def _list_urls(examined: Examined) -> tuple[str, ...]:
    """None where `./waymark up` chooses the ports."""
    return () if examined.plan.rasa_ports else examined.settings.rasa_urls


def check_addresses(examined: Examined) -> Iterator[Finding]:
    """What people write goes there, and neither Rasa nor the way to it is for the open network."""
    for url in _list_urls(examined):
        try:
            away = [each for each in _resolve(url) if not (each.is_private or each.is_loopback)]
        except OSError:
            yield Finding(
                "assistant's address", False, f"{url}: nobody knows that name. Mend WAYMARK_RASA_URLS"
            )
            continue
        detail = (
            f"{url} is a public address ({away[0]}): Rasa belongs on loopback or a private network"
            if away
            else f"{url} is not public"
        )
        yield Finding("assistant's address", not away, detail)


def _resolve(url: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def check_answers(examined: Examined) -> Iterator[Finding]:
    """Asked with our secret and no turn: 400 says that the secret is theirs too, 403 that it is not."""
    secret = examined.settings.turn_secret
    for url in _list_urls(examined):
        request = urllib.request.Request(
            f"{url}/webhooks/turn",
            b"{}",
            {"X-Waymark-Secret": secret, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=LOOK_SECONDS) as answer:
                status = answer.status
        except urllib.error.HTTPError as refusal:
            status = refusal.code
        except OSError:
            yield Finding(
                "assistant's secret", False, f"{url} does not answer. Start Rasa, or mend WAYMARK_RASA_URLS"
            )
            continue
        if status == 403:
            detail = f"{url} has another WAYMARK_TURN_SECRET than the service, so every turn is refused: give both one"
        elif status != 400:
            detail = f"{url} answers {status}: no Rasa with Waymark's channel is there (bot/credentials.yml)"
        else:
            detail = f"{url} knows it"
        yield Finding("assistant's secret", status == 400, detail)


def check_models(examined: Examined) -> Iterator[Finding]:
    """A model nobody released answers nobody; where the live one is nowhere, people wait for a person."""
    urls = _list_urls(examined)
    if not urls or not examined.has_database:
        return
    with examined.connect() as connection:
        tx = SqlTransaction(connection, SystemClock())
        allowed = tx.model_releases.list_allowed()
        wanted = {*allowed, *(each.model_id for each in list_wanted(tx))}
    if not allowed:
        yield Finding(
            "assistant's models",
            not examined.is_real,
            "none was ever released, so whatever is loaded answers: release one with a paper (docs/models.md)",
        )
        return
    served = {url: _ask_model(url) for url in urls}
    for url, model in served.items():
        if model is not None and model not in wanted:
            yield Finding(
                "assistant's models",
                False,
                f"{url} holds {model[:12]}, which has no paper and answers nobody. Load {allowed[0][:12]} there",
            )
    live_is_there = allowed[0] in served.values()
    detail = (
        f"the live one, {allowed[0][:12]}, is loaded"
        if live_is_there
        else f"the live one, {allowed[0][:12]}, is loaded nowhere: load it (docs/models.md)"
    )
    yield Finding("assistant's live model", live_is_there, detail)


def _ask_model(url: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{url}/webhooks/turn/ready", timeout=LOOK_SECONDS) as answer:
            return str(json.load(answer)["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

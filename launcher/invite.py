"""`./waymark invite REF`: lets a person in, by the way that is safe for them."""

import json
import os
from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.crime_references import parse_crime_reference
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.services.invites import (
    INVITE_LASTS,
    ByWayOf,
    InviteNotSent,
    IssuedInvite,
    get_invite_link,
    get_telegram_link,
    get_whatsapp_link,
    issue_invite,
    send_invite_by_email,
    send_invite_by_sms,
)
from channels.webchat.leaflet import render_leaflet

BY = "command_line"
WAYS = tuple(way.value for way in ByWayOf)


class ReferenceUnreadable(WaymarkError):
    """What was typed is no crime reference of a force Waymark knows."""


def invite(service: Service, given: Namespace) -> str:
    """Issues one and gives what to tell whoever asked; a link is in it once and kept nowhere."""
    reference = parse_crime_reference(given.reference)
    if reference is None:
        raise ReferenceUnreadable(f"{given.reference} is not a crime reference.")
    way = ByWayOf(given.by_way_of)
    _check_set_up(service, way, given.out)
    public_url = find_public_url(service, given.data_dir)
    issued = service.database.write_now(_work(service, reference, way, public_url))
    return _tell(service, way, issued, public_url, given.out)


def find_public_url(service: Service, data_dir: Path) -> str:
    """The address links are made with: what is set, else where a service of this data directory runs now."""
    run_file = data_dir / "run.json"
    if os.environ.get("WAYMARK_PUBLIC_URL") or not run_file.exists():
        return service.settings.public_url
    address: str = json.loads(run_file.read_text())["addresses"]["public"]
    return address


def _check_set_up(service: Service, way: ByWayOf, out: Path | None) -> None:
    """Before anything is issued: a new invite takes back the one before."""
    settings = service.settings
    missing = {
        ByWayOf.EMAIL: None if settings.smtp_url else "WAYMARK_SMTP_URL and WAYMARK_EMAIL_FROM",
        ByWayOf.TELEGRAM: None if settings.telegram_name else "WAYMARK_TELEGRAM_NAME",
        ByWayOf.WHATSAPP: None if settings.whatsapp_from else "WAYMARK_WHATSAPP_FROM",
    }.get(way)
    if missing:
        raise InviteNotSent(f"No {way.value} is set up here: set {missing}. See docs/running.md.")
    if way is ByWayOf.WHATSAPP and (settings.whatsapp_from or "").startswith("MG"):
        raise InviteNotSent("WAYMARK_WHATSAPP_FROM is a messaging service; a WhatsApp link needs the number.")
    if way is ByWayOf.LEAFLET and out is None:
        raise InviteNotSent("Say where to write the leaflet: --out leaflet.html")
    if way is not ByWayOf.LEAFLET and out is not None:
        raise InviteNotSent("--out is for a leaflet: --by-way-of leaflet --out leaflet.html")
    if out is not None and (out.exists() or not out.parent.is_dir()):
        raise InviteNotSent(f"{out} cannot be written anew: it exists already, or its folder does not.")


def _work(
    service: Service, reference: str, way: ByWayOf, public_url: str
) -> Callable[[SqlTransaction], IssuedInvite]:
    if way is ByWayOf.SMS:
        return lambda tx: send_invite_by_sms(
            tx, reference, by=BY, codes=service.codes, texts=service.texts, public_url=public_url
        )
    if way is ByWayOf.EMAIL:
        return lambda tx: send_invite_by_email(
            tx, reference, by=BY, texts=service.texts, public_url=public_url
        )
    return lambda tx: issue_invite(tx, reference, by=BY, by_way_of=way)


def _tell(service: Service, way: ByWayOf, issued: IssuedInvite, public_url: str, out: Path | None) -> str:
    settings, link = service.settings, get_invite_link(public_url, issued.token)
    match way:
        case ByWayOf.SMS | ByWayOf.EMAIL:
            return "It is on its way to the contact of record. It works once, for 7 days."
        case ByWayOf.LEAFLET:
            assert out is not None
            _write_leaflet(service, link, out)
            return f"{out} is ready to print. It works once, for 7 days, for whoever holds it."
        case ByWayOf.TELEGRAM:
            return _told_once(get_telegram_link(settings.telegram_name or "", issued.token))
        case ByWayOf.WHATSAPP:
            opening = service.texts.render("invite_opening", Channel.WHATSAPP, token=issued.token)
            return _told_once(get_whatsapp_link(settings.whatsapp_from or "", opening))
        case ByWayOf.LINK:
            return _told_once(link)


def _told_once(link: str) -> str:
    return f"{link}\nIt works once, for 7 days, for whoever opens it first. It is not shown again."


def _write_leaflet(service: Service, link: str, out: Path) -> None:
    works_until = (service.clock.now() + INVITE_LASTS - timedelta(days=1)).date()
    # Whoever reads the file can open the link: for its owner's eyes, and never over a file that is there.
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(render_leaflet(link, works_until=works_until))

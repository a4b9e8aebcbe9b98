"""Others' services: what is set at the provider, mail, the force's identity provider, and their clocks."""

import asyncio
import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from casework.adapters.email import parse_smtp_settings
from casework.adapters.settings import Settings
from casework.services.sweeps import ProviderUnreachable
from channels.twilio_reads import TwilioAccount, TwilioReader
from channels.twilio_settings_check import SettingFound, check_twilio_settings
from launcher.doctor.findings import LOOK_SECONDS, Examined, Finding

# A Date header counts whole seconds; a code of an authenticator holds for thirty.
LARGEST_DIFFERENCE = timedelta(seconds=15)
DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4
LARGEST_ANSWER = 1024 * 1024


def check_provider(examined: Examined) -> Iterator[Finding]:
    """What is set at the provider, read from the provider: it decides whether a message reaches us at all."""
    settings = examined.settings
    if settings.is_sandbox:
        if examined.run_file is None:
            yield Finding("provider", True, "the built-in sandbox, not running; nothing to read")
            return
        settings = _as_running(settings, examined.run_file["addresses"])
    try:
        found = asyncio.run(_read_provider(settings))
    except ProviderUnreachable as failure:
        yield Finding(
            "provider", False, f"could not be asked ({failure.code}); check the account and the network"
        )
        return
    for each in found:
        yield Finding(each.what, each.is_well, each.detail)


def _as_running(settings: Settings, addresses: Mapping[str, str]) -> Settings:
    port = urlsplit(addresses["public"]).port or settings.port
    # A service that was started before there was a spool runs without one.
    spool_url = addresses.get("spool", settings.spool_url)
    return replace(settings, twilio_api_url=addresses["sandbox"], spool_url=spool_url, port=port)


async def _read_provider(settings: Settings) -> list[SettingFound]:
    async with TwilioReader(TwilioAccount.from_settings(settings)) as reader:
        return await check_twilio_settings(reader, settings)


def check_provider_clock(examined: Examined) -> Iterator[Finding]:
    """Whatever it answers, it says what time it is (RFC 9110, Date). No account is named."""
    if examined.settings.is_sandbox:
        return
    yield from _check_date(examined, "clock and the provider's", examined.settings.twilio_api_url)


def _check_date(examined: Examined, what: str, url: str) -> Iterator[Finding]:
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as answer:
            said = answer.headers.get("Date")
    except urllib.error.HTTPError as refusal:
        said = refusal.headers.get("Date")
    except OSError:
        return  # that it is away is said by whoever needs more of it than the time
    if not said:
        return
    apart = abs(parsedate_to_datetime(said) - examined.now())
    well = apart <= LARGEST_DIFFERENCE
    remedy = "" if well else ": set this machine's clock by a time server (chrony, systemd-timesyncd)"
    yield Finding(what, well, f"{apart.total_seconds():.0f} s apart{remedy}")


def check_mail(examined: Examined) -> Iterator[Finding]:
    """Spoken to as far as its greeting and its offer of TLS; nobody logs in and nothing is sent."""
    smtp = parse_smtp_settings(examined.settings)
    if smtp is None:
        yield Finding("mail server", True, "WAYMARK_SMTP_URL is not set; no e-mail leaves")
        return
    if not examined.is_real:
        yield Finding("mail server", True, "the sandbox's own")
        return
    place = f"{smtp.host}:{smtp.port}"
    kind = smtplib.SMTP_SSL if smtp.is_tls_from_start else smtplib.SMTP
    try:
        with kind(smtp.host, smtp.port, timeout=LOOK_SECONDS) as server:
            server.ehlo_or_helo_if_needed()
            has_tls = smtp.is_tls_from_start or server.has_extn("starttls")
    except (OSError, smtplib.SMTPException) as fault:
        yield Finding(
            "mail server",
            False,
            f"{place} does not answer ({type(fault).__name__}): no notice by e-mail leaves. Check WAYMARK_SMTP_URL "
            "and the way out",
        )
        return
    well = has_tls or not smtp.needs_tls
    detail = "answers" if well else "offers no TLS, so nothing is sent to it: use smtps:// or another server"
    yield Finding("mail server", well, f"{place} {detail}")


def check_identities(examined: Examined) -> Iterator[Finding]:
    """Whether staff could sign in: the issuer answers, is called what we call it, and has our time."""
    oidc = examined.settings.oidc
    if oidc is None:
        return
    url = oidc.issuer.rstrip("/") + DISCOVERY
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as answer:
            said = json.loads(answer.read(LARGEST_ANSWER))
    except (OSError, ValueError):
        yield Finding(
            "identity provider",
            False,
            f"{url} does not answer: nobody can sign in at the desk. Check WAYMARK_OIDC_ISSUER and the way there",
        )
        return
    named = said.get("issuer") if isinstance(said, dict) else None
    well = named == oidc.issuer
    detail = (
        "answers, and is called so"
        if well
        else f"calls itself {named}: set WAYMARK_OIDC_ISSUER to that, to the letter"
    )
    yield Finding("identity provider", well, f"{oidc.issuer} {detail}")
    yield from _check_date(examined, "clock and the identity provider's", url)

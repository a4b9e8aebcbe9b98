"""Talking to the force's identity provider: where its pages are, which keys it signs with, a code for a token.

Nothing it answers is trusted with more than a bounded size and time; it is never followed elsewhere.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp

from casework.adapters.oidc_settings import OidcSettings, is_safe_address
from casework.model.errors import WaymarkError
from casework.services.ports import Clock
from console.staff.id_tokens import TokenRefused, find_key

KEPT_FOR = timedelta(hours=1)
# A token signed with a key we do not know may be the first after a change of keys: look again, but not for each.
LOOKED_AGAIN_AFTER = timedelta(minutes=1)
LARGEST_ANSWER = 256 * 1024
MOST_KEYS = 50
TIMEOUT = aiohttp.ClientTimeout(total=5)


class ProviderUnreachable(WaymarkError):
    """It did not answer, or with something that cannot be right."""


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    authorization: str
    token: str
    keys: str
    takes_basic: bool


class IdentityProvider:
    """What is known of it is kept for at most an hour."""

    def __init__(self, settings: OidcSettings, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._settings, self._http, self._clock = settings, http, clock
        self._endpoints: tuple[datetime, Endpoints] | None = None
        self._keys: tuple[datetime, Sequence[Mapping[str, Any]]] | None = None
        self._looking = asyncio.Lock()

    async def find_endpoints(self) -> Endpoints:
        """Raises ProviderUnreachable."""
        async with self._looking:
            if self._endpoints is None or self._is_old(self._endpoints[0], KEPT_FOR):
                told = await self._get(
                    f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                )
                self._endpoints = (self._clock.now(), self._parse(told))
            return self._endpoints[1]

    async def get_key(self, header: Mapping[str, Any]) -> Mapping[str, Any]:
        """The key a token's header names. Raises TokenRefused for one the provider does not have."""
        endpoints = await self.find_endpoints()
        async with self._looking:
            found = None if self._keys is None else find_key(self._keys[1], header)
            is_worth_a_look = self._keys is None or self._is_old(
                self._keys[0], KEPT_FOR if found else LOOKED_AGAIN_AFTER
            )
            if is_worth_a_look:
                self._keys = (self._clock.now(), _parse_keys(await self._get(endpoints.keys)))
                found = find_key(self._keys[1], header)
        if found is None:
            raise TokenRefused("key")
        return found

    async def redeem(self, code: str, verifier: str) -> str:
        """The ID token for a code, once. Raises ProviderUnreachable; TokenRefused where it has none for us."""
        endpoints, mine = await self.find_endpoints(), self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": mine.redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if endpoints.takes_basic:
            # RFC 6749, 2.3.1: both are form-encoded first.
            named = f"{quote(mine.client_id, safe='')}:{quote(mine.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(named.encode()).decode()}"
        else:
            form |= {"client_id": mine.client_id, "client_secret": mine.client_secret}
        told = await self._ask("POST", endpoints.token, data=form, headers=headers)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise TokenRefused("no_token")
        return token

    def _is_old(self, since: datetime, after: timedelta) -> bool:
        return self._clock.now() - since >= after

    def _parse(self, told: Mapping[str, Any]) -> Endpoints:
        # A provider that names another issuer is another provider (OpenID Connect Discovery 1.0, 4.3).
        if told.get("issuer") != self._settings.issuer:
            raise ProviderUnreachable("issuer")
        places = [told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(isinstance(each, str) and is_safe_address(each) for each in places):
            raise ProviderUnreachable("endpoints")
        ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Endpoints(
            authorization=str(places[0]),
            token=str(places[1]),
            keys=str(places[2]),
            takes_basic="client_secret_basic" in ways,
        )

    async def _get(self, address: str) -> Mapping[str, Any]:
        return await self._ask("GET", address)

    async def _ask(self, method: str, address: str, **values: Any) -> Mapping[str, Any]:
        try:
            async with self._http.request(
                method, address, allow_redirects=False, timeout=TIMEOUT, **values
            ) as answer:
                body = await answer.content.read(LARGEST_ANSWER + 1)
                while len(body) <= LARGEST_ANSWER and not answer.content.at_eof():
                    body += await answer.content.read(LARGEST_ANSWER + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderUnreachable(type(error).__name__) from error
        if method == "POST" and 400 <= answer.status < 500:
            raise TokenRefused("code")
        if answer.status != 200 or len(body) > LARGEST_ANSWER:
            raise ProviderUnreachable(f"status_{answer.status}")
        return _parse_object(body)


def _parse_object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnreachable("json") from error
    if not isinstance(told, dict):
        raise ProviderUnreachable("json")
    return told


def _parse_keys(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    keys = told.get("keys")
    if not isinstance(keys, list):
        raise ProviderUnreachable("keys")
    return [each for each in keys[:MOST_KEYS] if isinstance(each, dict)]

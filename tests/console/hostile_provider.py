"""An identity provider over sockets that signs whatever a test tells it to."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.support.clock import SetClock

CLIENT_ID, CLIENT_SECRET = "waymark-desk", "a secret of the tests"


@dataclass
class HostileProvider:
    """`claims`, `header`, `key`, `algorithm` change the next token; None takes a claim out of it."""

    clock: SetClock
    issuer: str = ""
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    ec: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "two", "use": "sig"}))
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: Any = None
    token: str | None = None  # sent as it stands
    metadata: dict[str, Any] = field(default_factory=dict)
    padding: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    looks_at_keys: int = 0

    def authorize(self, location: str) -> dict[str, str]:
        """What the desk asked for at the address it sends the browser to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(asked)
        return asked

    def make_claims(self) -> dict[str, Any]:
        now = self.at()
        claims = {
            **{"iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "nonce": self.asked[-1]["nonce"]},
            **{"iat": now, "exp": now + 300, "auth_time": now - 60, "amr": ["pwd", "mfa"]},
            **{"roles": ["desk-investigator"], "name": "Sam Price"},
        } | self.claims
        return {name: value for name, value in claims.items() if value is not None}

    def make_token(self) -> str:
        if self.token is not None:
            return self.token
        allowed = ["RS256", "ES256", "PS256", "RS512"]
        return jws.serialize_compact(
            {"alg": "RS256", "kid": "one"} | self.header,
            json.dumps(self.make_claims()).encode(),
            self.key or self.rsa,
            registry=jws.JWSRegistry(strict_check_header=False, algorithms=allowed),
        )

    def at(self, **before: float) -> int:
        return int((self.clock.now() - timedelta(**before)).timestamp())


@asynccontextmanager
async def run_provider(clock: SetClock) -> AsyncIterator[HostileProvider]:
    provider = HostileProvider(clock)

    async def configuration(_request: web.Request) -> web.Response:
        told = {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
        }
        return web.json_response(told | provider.metadata)

    async def keys(_request: web.Request) -> web.Response:
        provider.looks_at_keys += 1
        listed = [each.as_dict(private=False) for each in (provider.rsa, provider.ec)]
        return web.json_response({"keys": listed, "padding": "x" * provider.padding})

    async def token(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        provider.redeemed.append(form | {"authorization": request.headers.get("Authorization", "")})
        return web.json_response({"access_token": secrets.token_hex(8), "id_token": provider.make_token()})

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", configuration)
    app.router.add_get("/keys", keys)
    app.router.add_post("/token", token)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


def sign_with_secret(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """HS256 by hand: the library refuses to take a public key for a secret, as it should."""
    said = f"{encode(header)}.{encode(claims)}"
    signature = hmac.new(secret, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

"""The force's identity provider, as the environment names it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from casework.model.errors import SettingsInvalid
from casework.model.policy import Role

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CLAIM = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """`roles`: what the role claim says -> the desk's role. `acr`: what proves a second factor where `amr` does not."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    console_url: str
    role_claim: str
    roles: Mapping[str, Role]
    acr: str | None = None
    collar_claim: str | None = None

    @property
    def redirect_uri(self) -> str:
        return f"{self.console_url}/login/back"


def parse_oidc(environ: Mapping[str, str]) -> OidcSettings | None:
    """None where no issuer is set. Raises SettingsInvalid naming the first setting that is missing or wrong."""
    issuer = environ.get("WAYMARK_OIDC_ISSUER", "").strip()
    if not issuer:
        return None
    return OidcSettings(
        # Compared exactly with what the tokens say, so nothing is taken off its end.
        issuer=_check_address("WAYMARK_OIDC_ISSUER", issuer),
        client_id=_needed(environ, "WAYMARK_OIDC_CLIENT_ID"),
        client_secret=_needed(environ, "WAYMARK_OIDC_CLIENT_SECRET"),
        console_url=_check_address("WAYMARK_CONSOLE_URL", _needed(environ, "WAYMARK_CONSOLE_URL")).rstrip(
            "/"
        ),
        role_claim=_claim(environ, "WAYMARK_OIDC_ROLE_CLAIM") or "roles",
        roles=_roles(environ),
        acr=environ.get("WAYMARK_OIDC_ACR", "").strip() or None,
        collar_claim=_claim(environ, "WAYMARK_OIDC_COLLAR_CLAIM"),
    )


def is_safe_address(value: str) -> bool:
    """https, or this very machine."""
    parts = urlsplit(value)
    if parts.username or parts.password or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _check_address(name: str, value: str) -> str:
    if not is_safe_address(value) or urlsplit(value).query or urlsplit(value).fragment:
        raise SettingsInvalid(f"{name}: {value!r} is not an address such as https://login.example.org/force")
    return value


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsInvalid(f"{name} is not set, and WAYMARK_OIDC_ISSUER is. See docs/staff.md.")
    return value


def _claim(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").strip()
    if value and not CLAIM.fullmatch(value):
        raise SettingsInvalid(f"{name}: {value!r} is not the name of a claim, such as roles")
    return value or None


def _roles(environ: Mapping[str, str]) -> Mapping[str, Role]:
    name = "WAYMARK_OIDC_ROLES"
    pairs = [each.rpartition("=") for each in _needed(environ, name).split(",")]
    roles = {said.strip(): role.strip() for said, _, role in pairs}
    if len(roles) != len(pairs) or not all(said and role in set(Role) for said, role in roles.items()):
        raise SettingsInvalid(
            f"{name}: each is what the identity provider says=a role of the desk, each once, such as "
            f"waymark-desk=investigator. Roles: {', '.join(Role)}."
        )
    return MappingProxyType({said: Role(role) for said, role in roles.items()})

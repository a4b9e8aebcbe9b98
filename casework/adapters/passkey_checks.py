"""What a browser is asked about passkeys and what it answers (W3C Web Authentication), by py_webauthn.

Imported at the first use of a passkey: py_webauthn takes 14 MB, and a service without a host name never needs it.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from casework.adapters.passkey_answers import CHALLENGE_BYTES, LONGEST_ID, find_passkey_home
from casework.adapters.settings import Settings
from casework.services.passkeys import CHALLENGE_LASTS, MOST, NewPasskey
from casework.services.ports import JsonObject

# Lengths that devices of several makers give their ids: a made-up one must not stand out.
LENGTHS_OF_DECOYS = (16, 20, 32, 64)
TIMEOUT_MS = int(CHALLENGE_LASTS.total_seconds() * 1000)
# Somebody's, once, whose private half is gone: what a signature is checked against when there is nothing to check.
NOBODYS_KEY = base64.b64decode(
    "pQECAyYgASFYIM86axUdPT+BeaqxvmabB+uvenDnRLF93Rp5s8woYl7WIlggpKh4oEIkiWReK0mNgNN2+Qk/DGxJE/WhzbasED6swI4="
)
Malformed = (WebAuthnException, ValueError, KeyError, TypeError, IndexError)


@dataclass(frozen=True, kw_only=True)
class PasskeyChecks:
    """For one address of the service; `name` is what a device shows beside the passkey, and says nothing."""

    rp_id: str
    origin: str
    secret: bytes = field(repr=False)

    def describe_new(self, person_id: str, *, name: str, challenge: str, known: Sequence[str]) -> JsonObject:
        """What `navigator.credentials.create` is asked; `known`: ids of which the device must hold none."""
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=name,
            user_name=name,
            user_id=self._derive("user", person_id),
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT_MS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                authenticator_attachment=AuthenticatorAttachment.PLATFORM,
                # Not listed by name where the device can do without: it leaves less to find.
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_describe(known),
        )
        return options_to_json_dict(options)

    def describe_signing(self, person_id: str, *, challenge: str, known: Sequence[str]) -> JsonObject:
        """What `navigator.credentials.get` is asked: always as many ids, made up where there are fewer passkeys."""
        decoys = (self._make_decoy(person_id, number) for number in range(MOST - len(known)))
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT_MS,
            allow_credentials=_describe(sorted([*known, *decoys])),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    def check_new(self, answer: JsonObject, *, challenge: str | None) -> NewPasskey | None:
        """The passkey that the device made, or None for an answer that is not right in every point."""
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=_expect(challenge),
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except Malformed:
            return None
        credential_id = bytes_to_base64url(made.credential_id)
        if challenge is None or len(credential_id) > LONGEST_ID:
            return None
        return NewPasskey(
            credential_id=credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
        )

    def check_signed(
        self, answer: JsonObject, *, challenge: str | None, public_key: bytes | None
    ) -> int | None:
        """How often the passkey has signed by now, or None for an answer that is not right in every point.

        Whether it counts on is not looked at: that is asked of the database, in one statement. The same work is
        done without a key or a challenge.
        """
        try:
            signed = verify_authentication_response(
                credential=answer,
                expected_challenge=_expect(challenge),
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=NOBODYS_KEY if public_key is None else public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Malformed:
            return None
        return None if challenge is None or public_key is None else signed.new_sign_count

    def _make_decoy(self, person_id: str, number: int) -> str:
        drawn = self._derive(f"decoy {number}", person_id)
        return bytes_to_base64url(drawn[: LENGTHS_OF_DECOYS[drawn[0] % len(LENGTHS_OF_DECOYS)]])

    def _derive(self, purpose: str, person_id: str) -> bytes:
        """64 bytes, always the same for one person, that tell nothing to whoever has not the secret."""
        return hmac.digest(self.secret, f"passkey {purpose} {person_id}".encode(), hashlib.sha512)


def build_passkey_checks(settings: Settings) -> PasskeyChecks | None:
    """None where no browser could use a passkey; see find_passkey_home."""
    home = find_passkey_home(settings)
    if home is None:
        return None
    return PasskeyChecks(rp_id=home.host, origin=home.origin, secret=settings.turn_secret.encode())


def _expect(challenge: str | None) -> bytes:
    # Without one, a challenge nobody was ever given.
    return secrets.token_bytes(CHALLENGE_BYTES) if challenge is None else base64url_to_bytes(challenge)


def _describe(credential_ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in credential_ids]

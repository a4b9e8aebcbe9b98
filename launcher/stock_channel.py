"""Rasa's own Twilio channel with the sandbox provider in Twilio's place. Loaded by stock Rasa, in its Python 3.10.

Nothing else is changed: it checks no signature, and waits for the provider inside its event loop, as it comes.
"""

from typing import Any

from rasa.core.channels.twilio import TwilioInput, TwilioOutput  # type: ignore[import-not-found]
from twilio.http.http_client import TwilioHttpClient

TWILIO = "https://api.twilio.com"


class SandboxHttpClient(TwilioHttpClient):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def request(self, method: str, url: str, *given: Any, **named: Any) -> Any:
        return super().request(method, url.replace(TWILIO, self._address, 1), *given, **named)


class SandboxTwilioOutput(TwilioOutput):
    async def send_custom_json(self, recipient_id: str, json_message: Any, **_named: Any) -> None:
        """Our actions declare effects this way; the provider has nothing to do with them."""


class SandboxTwilio(TwilioInput):
    """Credentials: account_sid, auth_token, twilio_number and api_url, the sandbox provider's address."""

    @classmethod
    def from_credentials(cls, credentials: Any) -> "SandboxTwilio":
        given = dict(credentials)
        address = given.pop("api_url")
        channel = cls(**given)
        channel.address = address
        return channel

    def get_output_channel(self) -> Any:
        output = SandboxTwilioOutput(self.account_sid, self.auth_token, self.twilio_number)
        output.http_client = SandboxHttpClient(self.address)
        return output

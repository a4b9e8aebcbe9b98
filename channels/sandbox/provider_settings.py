"""What an operator sets in Twilio's console, changeable while the sandbox runs: `GET` and `POST /sandbox/settings`."""

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from channels.sandbox.settings import SandboxSettings


class DeliveryManner(StrEnum):
    """How a message from a phone is posted."""

    UNTIL_ANSWERED = (
        "until_answered"  # again and again while the service is down: the default of this sandbox
    )
    AS_TWILIO = "as_twilio"  # as the webhook's own settings say, then the fallback address, then never


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """`sms_url` and its fallback belong to the number, `inbound_request_url` and its own to the Messaging Service.

    A number that `uses_service` is called at the service's address; where that is None, what phones send is neither
    posted nor listed (Twilio's Service resource, `inbound_request_url`).
    """

    sms_url: str | None
    sms_fallback_url: str | None = None
    status_callback: str | None = None
    inbound_request_url: str | None
    fallback_url: str | None = None
    uses_service: bool = False
    delivery: str = DeliveryManner.UNTIL_ANSWERED
    handles_stop: bool = (
        False  # the provider's own stop words close the phone, until that is turned off there
    )
    has_opt_out_type: bool = False  # Advanced Opt-Out: the webhook says which word it was
    names_everyone: bool = False  # WhatsApp gives ExternalUserId for phones that hide nothing, too
    refuses_closed_window: str = "at_once"  # or "later": accepted, then failed with 63016
    media_needs_login: bool = True

    @property
    def inbound_url(self) -> str | None:
        return self.inbound_request_url if self.uses_service else self.sms_url

    @property
    def inbound_fallback_url(self) -> str | None:
        return self.fallback_url if self.uses_service else self.sms_fallback_url


@dataclass(frozen=True, kw_only=True)
class RetryRule:
    """Twilio's connection overrides, read from the fragment of a webhook address.

    Source: its documentation, "Webhooks: connection overrides". Without any, one more try after a failed connection.
    """

    retries: int = 1
    retried: frozenset[str] = frozenset({"ct"})
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0

    def is_retried(self, failure: str) -> bool:
        """Whether another try follows a `ct`, `rt`, `4xx` or `5xx`."""
        return "all" in self.retried or failure in self.retried


def parse_retry_rule(url: str) -> RetryRule:
    """The rule in `https://...#rc=5&rp=all`. Values that are not numbers, or out of bounds, count as absent."""
    given = dict(parse_qsl(urlsplit(url).fragment))
    rule = RetryRule()
    return RetryRule(
        retries=min(_whole(given.get("rc"), rule.retries), 5),
        retried=frozenset(given["rp"].lower().split(",")) if given.get("rp") else rule.retried,
        connect_seconds=min(_whole(given.get("ct"), 5000), 10000) / 1000,
        read_seconds=min(_whole(given.get("rt"), 15000), 15000) / 1000,
        total_seconds=min(_whole(given.get("tt"), 15000), 15000) / 1000,
    )


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else default


class ProviderConsole:
    """Holds the settings as they now are."""

    def __init__(self, settings: SandboxSettings) -> None:
        # The console holds what the world calls, whatever stands for it on this machine.
        url = settings.get_signed_url(settings.webhook_url)
        self.now = ProviderSettings(
            sms_url=url,
            sms_fallback_url=settings.fallback_url,
            inbound_request_url=url,
            fallback_url=settings.fallback_url,
            status_callback=settings.get_signed_url(settings.status_url) if settings.status_url else None,
        )

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/sandbox/settings", self.show_settings)
        router.add_post("/sandbox/settings", self.change_settings)

    async def show_settings(self, request: web.Request) -> web.Response:
        return web.json_response(asdict(self.now))

    async def change_settings(self, request: web.Request) -> web.Response:
        """Changes what the JSON object names, and answers with all. Refuses an unknown name.

        An address may be far away, as an operator's mistake would be; nothing is ever posted to it.
        """
        asked = await request.json()
        try:
            self.now = replace(self.now, **self._check(asked))
        except (TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"Not a setting: {error}") from error
        return web.json_response(asdict(self.now))

    @staticmethod
    def _check(asked: Any) -> dict[str, Any]:
        if not isinstance(asked, dict):
            raise TypeError("send a JSON object")
        kinds = {field.name: field.type for field in fields(ProviderSettings)}
        for name, value in asked.items():
            kind = kinds.get(name)
            if kind is None:
                raise ValueError(name)
            if kind is bool and not isinstance(value, bool):
                raise ValueError(f"{name} is true or false")
        if "delivery" in asked:
            asked["delivery"] = DeliveryManner(asked["delivery"])
        return asked

"""The number and the Messaging Service as Twilio's interfaces show them: where webhooks go is read from here."""

from aiohttp import web

from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.rest import Login, cut_page, describe_meta, describe_page, iso_8601, refused, rfc_2822
from channels.sandbox.settings import SandboxSettings

HOST = "https://messaging.twilio.com"
PHONE_SID = "PN" + "0" * 32
SET_UP_AT = "2026-01-05T09:00:00+00:00"


class SendersApi:
    def __init__(self, *, settings: SandboxSettings, console: ProviderConsole, login: Login) -> None:
        self._settings = settings
        self._console = console
        self._login = login

    def add_routes(self, router: web.UrlDispatcher) -> None:
        required = self._login.required
        account = "/2010-04-01/Accounts/{account_sid}"
        router.add_get(account + "/IncomingPhoneNumbers.json", required(self.list_numbers))
        router.add_get(account + "/IncomingPhoneNumbers/{sid}.json", required(self.get_number))
        router.add_get("/v1/Services", required(self.list_services))
        router.add_get("/v1/Services/{sid}", required(self.get_service))
        router.add_get("/v1/Services/{sid}/PhoneNumbers", required(self.list_numbers_of_service))

    async def list_numbers(self, request: web.Request) -> web.Response:
        number = self._describe_number()
        wanted = request.query.get("PhoneNumber", "").replace("%2B", "+")
        rows = [number] if wanted in ("", str(number["phone_number"])) else []
        path = f"/2010-04-01/Accounts/{self._settings.account_sid}/IncomingPhoneNumbers.json"
        shown, *_ = cut_page(rows, request.query)
        return web.json_response(
            {"incoming_phone_numbers": shown, **describe_page(path, rows, request.query)}
        )

    async def get_number(self, request: web.Request) -> web.Response:
        known = request.match_info["sid"] == PHONE_SID
        return web.json_response(self._describe_number()) if known else refused(404, 20404)

    async def list_services(self, request: web.Request) -> web.Response:
        rows = [self._describe_service()]
        shown, *_ = cut_page(rows, request.query)
        meta = describe_meta(HOST, "/v1/Services", rows, key="services", query=request.query)
        return web.json_response({"services": shown, "meta": meta})

    async def get_service(self, request: web.Request) -> web.Response:
        known = request.match_info["sid"] == self._settings.messaging_service_sid
        return web.json_response(self._describe_service()) if known else refused(404, 20404)

    async def list_numbers_of_service(self, request: web.Request) -> web.Response:
        sid = self._settings.messaging_service_sid
        if request.match_info["sid"] != sid:
            return refused(404, 20404)
        path = f"/v1/Services/{sid}/PhoneNumbers"
        rows = [
            {
                "sid": PHONE_SID,
                "account_sid": self._settings.account_sid,
                "service_sid": sid,
                "date_created": iso_8601(SET_UP_AT),
                "date_updated": iso_8601(SET_UP_AT),
                "phone_number": self._settings.service_number,
                "country_code": "GB",
                "capabilities": ["MMS", "SMS"],
                "url": f"{HOST}{path}/{PHONE_SID}",
            }
        ]
        shown, *_ = cut_page(rows, request.query)
        meta = describe_meta(HOST, path, rows, key="phone_numbers", query=request.query)
        return web.json_response({"phone_numbers": shown, "meta": meta})

    def _describe_number(self) -> dict[str, object]:
        now, number = self._console.now, self._settings.service_number
        return {
            "account_sid": self._settings.account_sid,
            "address_requirements": "none",
            "address_sid": None,
            "api_version": "2010-04-01",
            "beta": False,
            "bundle_sid": None,
            "capabilities": {"fax": False, "mms": True, "sms": True, "voice": False},
            "date_created": rfc_2822(SET_UP_AT),
            "date_updated": rfc_2822(SET_UP_AT),
            "emergency_address_sid": None,
            "emergency_address_status": "unregistered",
            "emergency_status": "Inactive",
            "friendly_name": number,
            "identity_sid": None,
            "origin": "twilio",
            "phone_number": number,
            "sid": PHONE_SID,
            "sms_application_sid": None,
            "sms_fallback_method": "POST",
            "sms_fallback_url": now.sms_fallback_url or "",
            "sms_method": "POST",
            "sms_url": now.sms_url or "",
            "status": "in-use",
            "status_callback": now.status_callback or "",
            "status_callback_method": "POST",
            "trunk_sid": None,
            "type": "mobile",
            "uri": f"/2010-04-01/Accounts/{self._settings.account_sid}/IncomingPhoneNumbers/{PHONE_SID}.json",
            "voice_application_sid": None,
            "voice_caller_id_lookup": False,
            "voice_fallback_method": "POST",
            "voice_fallback_url": None,
            "voice_method": "POST",
            "voice_receive_mode": "voice",
            "voice_url": None,
        }

    def _describe_service(self) -> dict[str, object]:
        now, sid = self._console.now, self._settings.messaging_service_sid
        url = f"{HOST}/v1/Services/{sid}"
        return {
            "account_sid": self._settings.account_sid,
            "area_code_geomatch": True,
            "date_created": iso_8601(SET_UP_AT),
            "date_updated": iso_8601(SET_UP_AT),
            "fallback_method": "POST",
            "fallback_to_long_code": False,
            "fallback_url": now.fallback_url,
            "friendly_name": "Pretend service",
            "inbound_method": "POST",
            "inbound_request_url": now.inbound_request_url,
            "links": {"phone_numbers": f"{url}/PhoneNumbers", "short_codes": f"{url}/ShortCodes"},
            "mms_converter": True,
            "scan_message_content": "inherit",
            "sid": sid,
            "smart_encoding": False,
            "status_callback": now.status_callback,
            "sticky_sender": True,
            "synchronous_validation": False,
            "url": url,
            "us_app_to_person_registered": False,
            "use_inbound_webhook_on_number": not now.uses_service,
            "usecase": "notifications",
            "validity_period": 36000,
        }

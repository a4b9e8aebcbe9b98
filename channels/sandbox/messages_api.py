"""Twilio's Messages resource as the sandbox speaks it: create, list, fetch, update, delete.

Shapes and codes follow Twilio's 2010-04-01 API; failures asked for with `POST /sandbox/faults` come first.
"""

import re
from collections.abc import Mapping
from itertools import islice

from aiohttp import web

from casework.model.sms_segments import count_segments
from channels.sandbox.addresses import find_handset, is_whatsapp
from channels.sandbox.contents import ContentRefused, Contents, FilledContent, fill_content
from channels.sandbox.faults import Fault, FaultKind, Faults, break_off
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.record import Direction, Record, RecordedMessage, new_sid
from channels.sandbox.rest import Login, count_needed, cut_page, describe_page, read_number, refused, rfc_2822
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.status_scripts import (
    DELIVERED,
    OUTSIDE_WINDOW,
    StatusScript,
    StatusScripts,
    fail_later,
)
from channels.sandbox.webhooks import Webhooks

RECIPIENT = re.compile(r"\+[1-9]\d{6,14}|whatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}\.\d{5,40})")
LONGEST_BODY = 1600
LONGEST_VALIDITY_SECONDS = 36000
NOT_YET_SENT = ("queued", "accepted", "scheduled")
ON_ITS_WAY = (*NOT_YET_SENT, "sending")


class MessagesApi:
    def __init__(
        self,
        *,
        settings: SandboxSettings,
        record: Record,
        states: HandsetStates,
        contents: Contents,
        console: ProviderConsole,
        faults: Faults,
        scripts: StatusScripts,
        webhooks: Webhooks,
        login: Login,
    ) -> None:
        self._settings = settings
        self._record = record
        self._states = states
        self._contents = contents
        self._console = console
        self._faults = faults
        self._scripts = scripts
        self._webhooks = webhooks
        self._login = login
        self._root = f"/2010-04-01/Accounts/{settings.account_sid}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        account = "/2010-04-01/Accounts/{account_sid}"
        required = self._login.required
        router.add_post(account + "/Messages.json", required(self.create_message))
        router.add_get(account + "/Messages.json", required(self.list_messages))
        router.add_get(account + "/Messages/{sid}.json", required(self.get_message))
        router.add_post(account + "/Messages/{sid}.json", required(self.update_message))
        router.add_delete(account + "/Messages/{sid}.json", required(self.delete_message))

    async def create_message(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        handset = find_handset(form.get("To", ""), self._record.find_handsets())
        try:
            refusal = self._check(form, handset)
            content = None if refusal else self._fill(form)
            refusal = refusal or self._check_window(form, handset)
        except ContentRefused as reason:
            refusal, content = reason.code, None
        if refusal:
            return refused(400, refusal)
        fault = self._faults.take(form["To"])
        if fault and fault.kind is FaultKind.ERROR:
            return refused(400, fault.code)
        if fault and fault.kind is not FaultKind.UNDELIVERED:
            return await self._fail(request, form, handset, content, fault)
        message = await self._store(form, handset, content, self._choose_script(form, handset, fault))
        return web.json_response(self._describe(message), status=201)

    async def list_messages(self, request: web.Request) -> web.Response:
        # A day may hold a hundred thousand: no more of them are looked at than the page needs, or than one phone has.
        newest_first = reversed(self._find_candidates(request.query))
        wanted = (message for message in newest_first if _is_wanted(message, request.query))
        chosen = list(islice(wanted, count_needed(request.query)))
        shown, *_ = cut_page(chosen, request.query)
        page = describe_page(f"{self._root}/Messages.json", chosen, request.query)
        return web.json_response({"messages": [self._describe(message) for message in shown], **page})

    def _find_candidates(self, query: Mapping[str, str]) -> list[RecordedMessage]:
        """Those of the phone that is asked about; all, where it is one of the service's own numbers or none."""
        threads = (self._record.find_thread(query[name]) for name in ("To", "From") if name in query)
        return next((thread for thread in threads if thread), None) or self._record.find_all()

    async def get_message(self, request: web.Request) -> web.Response:
        message = self._find(request)
        return web.json_response(self._describe(message)) if message else refused(404, 20404)

    async def update_message(self, request: web.Request) -> web.Response:
        """An empty Body redacts the text for good; Status=canceled stops what has not left yet."""
        message = self._find(request)
        if not message:
            return refused(404, 20404)
        form = await request.post()
        if form.get("Status") == "canceled":
            if message.status not in NOT_YET_SENT:
                return refused(400, 30409)
            message = self._record.change(message.sid, status="canceled", is_settled=True)
            self._webhooks.start_cancelled(message)
        elif form.get("Body") == "":
            if refusal := self._refuse_to_forget(message):
                return refusal
            message = self._record.change(message.sid, is_redacted=True)
        elif form:
            return refused(400, 20001)
        return web.json_response(self._describe(message))

    async def delete_message(self, request: web.Request) -> web.Response:
        message = self._find(request)
        if not message:
            return refused(404, 20404)
        if refusal := self._refuse_to_forget(message):
            return refusal
        self._record.change(message.sid, is_deleted=True)
        return web.Response(status=204)

    def _refuse_to_forget(self, message: RecordedMessage) -> web.Response | None:
        """A fault asked for by the message's sid comes first; what is still on its way cannot be changed."""
        fault = self._faults.take_exactly(message.sid)
        if fault is not None and fault.kind is FaultKind.TOO_MANY:
            return refused(429, 20429, headers={"Retry-After": str(fault.retry_after_seconds)})
        if fault is not None:
            return refused(500, 20500)
        return refused(409, 20009) if message.status in ON_ITS_WAY else None

    def _find(self, request: web.Request) -> RecordedMessage | None:
        message = self._record.find(request.match_info["sid"])
        return message if message and _is_listed(message) else None

    def _check(self, form: Mapping[str, str], handset: str) -> int | None:
        """Twilio's code for what is wrong with a send, or None."""
        if not form.get("To"):
            return 21604
        if not (form.get("From") or form.get("MessagingServiceSid")):
            return 21603
        if not form.get("Body") and not form.get("ContentSid"):
            return 21602
        if len(form.get("Body", "")) > LONGEST_BODY:
            return 21617
        if not RECIPIENT.fullmatch(form["To"]):
            return 21211
        if self._console.now.handles_stop and self._record.is_opted_out(handset):
            return 21610
        return 63024 if self._states.get(handset).is_blocked else None

    def _check_window(self, form: Mapping[str, str], handset: str) -> int | None:
        is_late = self._console.now.refuses_closed_window == "later"
        return 63016 if self._is_outside_window(form, handset) and not is_late else None

    def _is_outside_window(self, form: Mapping[str, str], handset: str) -> bool:
        """WhatsApp takes free text for 24 hours after the person wrote; then only an approved template."""
        content = self._contents.find(form.get("ContentSid", ""))
        is_template = content is not None and content.is_approved
        return is_whatsapp(handset) and not is_template and not self._states.get_window(handset)

    def _fill(self, form: Mapping[str, str]) -> FilledContent | None:
        sid = form.get("ContentSid")
        if not sid:
            return None
        content = self._contents.find(sid)
        if content is None:
            raise ContentRefused(21655)
        return fill_content(content, form.get("ContentVariables"))

    def _choose_script(self, form: Mapping[str, str], handset: str, fault: Fault | None) -> StatusScript:
        if self._is_outside_window(form, handset):
            return OUTSIDE_WINDOW
        if fault and fault.kind is FaultKind.UNDELIVERED:
            return fail_later(fault.code)
        return self._scripts.take(form["To"]) or DELIVERED

    async def _store(
        self, form: Mapping[str, str], handset: str, content: FilledContent | None, script: StatusScript
    ) -> RecordedMessage:
        validity = min(
            read_number(form.get("ValidityPeriod"), LONGEST_VALIDITY_SECONDS), LONGEST_VALIDITY_SECONDS
        )
        service_address = ("whatsapp:" if is_whatsapp(handset) else "") + self._settings.service_number
        message = self._record.add(
            sid=new_outbound_sid(content),
            direction=Direction.OUTBOUND,
            handset=handset,
            from_=form.get("From") or service_address,
            to=form["To"],
            body=content.body if content else form["Body"],
            status="queued",
            messaging_service_sid=form.get("MessagingServiceSid"),
            status_callback=form.get("StatusCallback"),
            validity_period=validity,
            buttons=content.buttons if content else (),
            list_opener=content.list_opener if content else None,
            content_sid=form.get("ContentSid"),
            is_in_window=bool(self._states.get_window(handset)),
        )
        if script.is_before_answer:
            await self._webhooks.post_statuses(message, script)
        else:
            self._webhooks.start(self._webhooks.post_statuses(message, script))
        return message

    async def _fail(
        self,
        request: web.Request,
        form: Mapping[str, str],
        handset: str,
        content: FilledContent | None,
        fault: Fault,
    ) -> web.StreamResponse:
        if fault.kind.stores:
            await self._store(form, handset, content, self._choose_script(form, handset, None))
        if fault.kind is FaultKind.TOO_MANY:
            return refused(429, 20429, headers={"Retry-After": str(fault.retry_after_seconds)})
        if fault.kind in (FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR_AFTER_STORE):
            return refused(500, 20500)
        return await break_off(request, fault)

    def _describe(self, message: RecordedMessage) -> dict[str, object]:
        uri = f"{self._root}/Messages/{message.sid}"
        left = message.direction is Direction.INBOUND or message.status not in (*NOT_YET_SENT, "canceled")
        return {
            "account_sid": self._settings.account_sid,
            "api_version": "2010-04-01",
            "body": "" if message.is_redacted else message.body,
            "date_created": rfc_2822(message.created_at),
            "date_sent": rfc_2822(message.created_at) if left else None,
            "date_updated": rfc_2822(message.updated_at),
            "direction": message.direction.value,
            "error_code": message.error_code,
            "error_message": None,
            "from": message.from_,
            "messaging_service_sid": message.messaging_service_sid,
            "num_media": str(sum(not media.is_deleted for media in message.media)),
            "num_segments": str(count_segments(message.body)),
            "price": None,
            "price_unit": None,
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }


def new_outbound_sid(content: FilledContent | None) -> str:
    # A message made from a template is an MM, as in recorded requests.
    return new_sid("MM" if content else "SM")


def _is_listed(message: RecordedMessage) -> bool:
    """Whether Twilio's interface knows it: not another provider's, not deleted, not lost before it was logged."""
    return message.sid[:2] in ("SM", "MM") and not message.is_deleted and not message.is_unlisted


def _is_wanted(message: RecordedMessage, query: Mapping[str, str]) -> bool:
    # The day is all Twilio filters by; `DateSent>=2026-11-21` arrives as a field named `DateSent>`.
    day = message.created_at[:10]
    return (
        _is_listed(message)
        and query.get("To", message.to) == message.to
        and query.get("From", message.from_) == message.from_
        and query.get("DateSent", day)[:10] == day
        and query.get("DateSent<", day)[:10] >= day
        and query.get("DateSent>", day)[:10] <= day
    )

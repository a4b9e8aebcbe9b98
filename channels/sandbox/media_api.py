"""Twilio's Media resource: the files of a message. The bytes lie elsewhere, at an address that a redirect names.

That address refuses a request with an Authorization header, as the signed addresses of a file store do: whoever
follows the redirect must not carry the account's token along.
"""

import hmac
from hashlib import sha256

from aiohttp import web

from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.record import Record, RecordedMedia, RecordedMessage
from channels.sandbox.rest import Login, cut_page, describe_page, refused, rfc_2822
from channels.sandbox.samples import SAMPLES, iterate_blocks
from channels.sandbox.settings import SandboxSettings

STORE = "/pretend-file-store/{media_sid}"


class MediaApi:
    def __init__(
        self, *, settings: SandboxSettings, record: Record, console: ProviderConsole, login: Login
    ) -> None:
        self._settings = settings
        self._record = record
        self._console = console
        self._login = login
        self._root = f"/2010-04-01/Accounts/{settings.account_sid}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        media = "/2010-04-01/Accounts/{account_sid}/Messages/{sid}/Media"
        required = self._login.required
        router.add_get(media + ".json", required(self.list_media))
        router.add_get(media + "/{media_sid}.json", required(self.describe_media))
        router.add_delete(media + "/{media_sid}.json", required(self.delete_media))
        router.add_get(media + "/{media_sid}", self.redirect_to_bytes)
        router.add_get(STORE, self.send_bytes)

    async def list_media(self, request: web.Request) -> web.Response:
        message = self._record.find(request.match_info["sid"])
        if not message or message.is_deleted:
            return refused(404, 20404)
        rows = [media for media in message.media if not media.is_deleted]
        shown, *_ = cut_page(rows, request.query)
        path = f"{self._root}/Messages/{message.sid}/Media.json"
        listed = [self._describe(message, media) for media in shown]
        return web.json_response({"media_list": listed, **describe_page(path, rows, request.query)})

    async def describe_media(self, request: web.Request) -> web.Response:
        found = self._find(request)
        return web.json_response(self._describe(*found)) if found else refused(404, 20404)

    async def delete_media(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if not found:
            return refused(404, 20404)
        self._record.delete_media(found[0].sid, found[1].sid)
        return web.Response(status=204)

    async def redirect_to_bytes(self, request: web.Request) -> web.StreamResponse:
        if self._console.now.media_needs_login and not self._login.is_given(request):
            return refused(401, 20003)
        found = self._find(request)
        if not found or SAMPLES[found[1].sample].is_missing:
            return refused(404, 20404)
        # Another name of this machine, so that whoever follows sees another host, as at Twilio.
        host = "localhost" if request.url.host == "127.0.0.1" else request.url.host
        store = request.url.with_host(str(host)).with_path(STORE.format(media_sid=found[1].sid))
        query = {"message": found[0].sid, "signature": self._sign(found[1].sid)}
        raise web.HTTPTemporaryRedirect(store.with_query(query))

    async def send_bytes(self, request: web.Request) -> web.StreamResponse:
        media_sid, sid = request.match_info["media_sid"], request.query.get("message", "")
        media = self._record.find_media(sid, media_sid)
        signature = request.query.get("signature", "")
        if "Authorization" in request.headers:
            return web.Response(status=400, text="Only one way to sign in is allowed.")
        if not media or not hmac.compare_digest(signature.encode(), self._sign(media_sid).encode()):
            return web.Response(status=403)
        sample = SAMPLES[media.sample]
        answer = web.StreamResponse(headers={"Content-Type": media.content_type})
        if sample.says_length:
            answer.content_length = sample.size
        else:
            answer.enable_chunked_encoding()
        await answer.prepare(request)
        for block in iterate_blocks(sample):
            await answer.write(block)
        await answer.write_eof()
        return answer

    def _find(self, request: web.Request) -> tuple[RecordedMessage, RecordedMedia] | None:
        sid = request.match_info["sid"]
        if request.match_info["account_sid"] != self._settings.account_sid:
            return None
        message, media = self._record.find(sid), self._record.find_media(sid, request.match_info["media_sid"])
        return (message, media) if message and media else None

    def _sign(self, media_sid: str) -> str:
        return hmac.new(self._settings.auth_token.encode(), media_sid.encode(), sha256).hexdigest()

    def _describe(self, message: RecordedMessage, media: RecordedMedia) -> dict[str, object]:
        return {
            "account_sid": self._settings.account_sid,
            "content_type": media.content_type,
            "date_created": rfc_2822(message.created_at),
            "date_updated": rfc_2822(message.updated_at),
            "parent_sid": message.sid,
            "sid": media.sid,
            "uri": f"{self._root}/Messages/{message.sid}/Media/{media.sid}.json",
        }

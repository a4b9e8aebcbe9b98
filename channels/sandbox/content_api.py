"""Twilio's Content API (`content.twilio.com`, version 1): create, list, fetch, delete, and whether it is approved."""

from aiohttp import web

from channels.sandbox.contents import Content, ContentRefused, Contents
from channels.sandbox.rest import Login, cut_page, describe_meta, iso_8601, refused
from channels.sandbox.settings import SandboxSettings

HOST = "https://content.twilio.com"


class ContentApi:
    def __init__(self, *, settings: SandboxSettings, contents: Contents, login: Login) -> None:
        self._settings = settings
        self._contents = contents
        self._login = login

    def add_routes(self, router: web.UrlDispatcher) -> None:
        required = self._login.required
        router.add_post("/v1/Content", required(self.create_content))
        router.add_get("/v1/Content", required(self.list_contents))
        router.add_get("/v1/Content/{sid}", required(self.get_content))
        router.add_delete("/v1/Content/{sid}", required(self.delete_content))
        router.add_get("/v1/Content/{sid}/ApprovalRequests", required(self.get_approval))
        router.add_post("/sandbox/contents/{sid}/approve", self.approve)

    async def create_content(self, request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            content = self._contents.create(asked if isinstance(asked, dict) else {})
        except ContentRefused as refusal:
            return refused(400, refusal.code)
        except ValueError:
            return refused(400, 20001)
        return web.json_response(self._describe(content), status=201)

    async def list_contents(self, request: web.Request) -> web.Response:
        contents = self._contents.find_all()
        shown, *_ = cut_page(contents, request.query)
        meta = describe_meta(HOST, "/v1/Content", contents, key="contents", query=request.query)
        return web.json_response({"contents": [self._describe(each) for each in shown], "meta": meta})

    async def get_content(self, request: web.Request) -> web.Response:
        content = self._contents.find(request.match_info["sid"])
        return web.json_response(self._describe(content)) if content else refused(404, 20404)

    async def delete_content(self, request: web.Request) -> web.Response:
        if not self._contents.find(request.match_info["sid"]):
            return refused(404, 20404)
        self._contents.remove(request.match_info["sid"])
        return web.Response(status=204)

    async def get_approval(self, request: web.Request) -> web.Response:
        content = self._contents.find(request.match_info["sid"])
        if not content:
            return refused(404, 20404)
        state = {
            "type": "whatsapp",
            "name": content.friendly_name,
            "category": "UTILITY",
            "content_type": next(iter(content.types)),
            "status": "approved" if content.is_approved else "unsubmitted",
            "rejection_reason": "",
            "allow_category_change": False,
        }
        url = f"{HOST}/v1/Content/{content.sid}/ApprovalRequests"
        answer = {
            "sid": content.sid,
            "account_sid": self._settings.account_sid,
            "whatsapp": state,
            "url": url,
        }
        return web.json_response(answer)

    async def approve(self, request: web.Request) -> web.Response:
        """A test's way to have a template approved; Meta takes a day or two."""
        if not self._contents.find(request.match_info["sid"]):
            raise web.HTTPNotFound
        self._contents.approve(request.match_info["sid"])
        return web.Response(status=204)

    def _describe(self, content: Content) -> dict[str, object]:
        url = f"{HOST}/v1/Content/{content.sid}"
        return {
            "sid": content.sid,
            "account_sid": self._settings.account_sid,
            "friendly_name": content.friendly_name,
            "language": content.language,
            "variables": dict(content.variables),
            "types": dict(content.types),
            "url": url,
            "date_created": iso_8601(content.created_at),
            "date_updated": iso_8601(content.created_at),
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
        }

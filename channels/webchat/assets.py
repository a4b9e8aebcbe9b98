"""The style and the scripts of the pages, under an address that changes with them."""

from aiohttp import web

from channels.webchat.responses import PAGES

KEPT_SECONDS = 365 * 24 * 3600


def add_asset_routes(app: web.Application) -> None:
    app.router.add_get("/s/{digest}/{name:.+}", show_asset)


async def show_asset(request: web.Request) -> web.Response:
    pages = request.app[PAGES]
    asset = pages.assets.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    response = web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")
    # A page from before an upgrade may still ask under the old digest: it gets the new file, and does not keep it.
    is_current = request.match_info["digest"] == pages.digest
    response.headers["Cache-Control"] = f"max-age={KEPT_SECONDS}, immutable" if is_current else "no-cache"
    response.enable_compression()
    return response

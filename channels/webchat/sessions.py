"""A browser's session with the web chat: its cookie, and whether a form came from one of our own pages."""

from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.web_app import SERVICE, same_origin
from casework.model.tokens import hash_token


def find_token_hash(request: web.Request) -> str:
    """The hash of the session token the browser sent; that of nothing where it sent none."""
    return hash_token(request.cookies.get(cookie_name(request.app[SERVICE]), ""))


def cookie_name(service: Service) -> str:
    # Browsers keep a __Host- cookie from being set by a neighbouring host, but only over https.
    return "__Host-wm" if is_secure(service) else "wm"


def is_secure(service: Service) -> bool:
    return service.settings.public_url.startswith("https:")


def give_cookie(response: web.Response, service: Service, token: str) -> None:
    response.set_cookie(
        cookie_name(service), token, httponly=True, secure=is_secure(service), samesite="Strict", path="/"
    )


def is_own_form(request: web.Request) -> bool:
    # Under our no-referrer policy browsers without Sec-Fetch-Site (before 2023, or plain http) name their
    # origin "null". They do keep SameSite=Strict: such a form from elsewhere comes without the session.
    is_unnamed = request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers
    return is_unnamed or same_origin(request, request.app[SERVICE].settings.public_url)


def is_surely_own_form(request: web.Request) -> bool:
    """Whether the browser itself names our page as where the form stood; older ones do not, and are let in without."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.app[SERVICE].settings.public_url

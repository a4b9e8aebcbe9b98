"""A posted form as plain text fields."""

from aiohttp import web


async def read_form(request: web.Request) -> dict[str, str]:
    """The text fields; files are left out. A body no browser would send is a bad request, not a fault of ours."""
    try:
        fields = await request.post()
    except (LookupError, ValueError) as error:
        raise web.HTTPBadRequest from error
    return {name: value for name, value in fields.items() if isinstance(value, str)}

"""How every server of the channels listens. It knows nothing of the service, so the spool can use it as well."""

from aiohttp import web

# Longer than a proxy in front keeps a connection it may use again (nginx: 60 s), or it would meet a closed one. The
# same time ends a client that trickles its headers. After a refusal the rest of a body is read for two seconds, so
# that the refusal can be heard.
IDLE_SECONDS = 75.0
LINGERING_SECONDS = 2.0


def make_runner(
    app: web.Application,
    *,
    idle_seconds: float = IDLE_SECONDS,
    lingering_seconds: float = LINGERING_SECONDS,
    shutdown_seconds: float = 2.0,
) -> web.AppRunner:
    """`shutdown_seconds`: what is still being answered has that long when the server stops."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=shutdown_seconds,
        keepalive_timeout=idle_seconds,
        lingering_time=lingering_seconds,
    )

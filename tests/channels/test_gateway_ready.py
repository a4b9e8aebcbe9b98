"""The gateway is content with one address that has a model: the others are places for models not loaded now."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from channels.gateway import build_gateway_app
from tests.support.databases import copy_sqlite
from tests.support.running import free_port
from tests.support.services import build_service_in


async def ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True, "model": "live"})


@pytest.mark.parametrize(("with_model", "is_ready"), [(True, True), (False, False)])
async def test_one_address_with_a_model_is_enough(
    tmp_path: Path, sqlite_template: Path, with_model: bool, is_ready: bool
) -> None:
    """Red when: only the first address is asked, or all have to answer."""
    place = web.Application()
    if with_model:
        place.router.add_get("/webhooks/turn/ready", ready)
    ports = [free_port() for _ in range(3)]
    service = build_service_in(
        tmp_path,
        WAYMARK_DATABASE_URL=copy_sqlite(sqlite_template, tmp_path / "waymark.db"),
        WAYMARK_RASA_URLS=",".join(f"http://127.0.0.1:{port}" for port in ports),
    )
    runners = [web.AppRunner(app, shutdown_timeout=0.1) for app in (place, build_gateway_app(service))]
    try:
        for runner, port in zip(runners, (ports[1], free_port()), strict=True):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{runners[1].addresses[0][1]}/health/ready") as answer,
        ):
            parts = await answer.json()
            assert parts["assistant"] is is_ready
            # Nobody has asked it anything yet: that is said, and takes nothing away.
            assert (parts["assistant_answers"], parts["assistant_checked_seconds"]) == (None, None)
    finally:
        for runner in runners:
            await runner.cleanup()
        service.database.close()

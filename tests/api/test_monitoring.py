"""/metrics at an address of its own, and then only there."""

import socket
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from acd.api import probe, serve, serve_metrics
from acd.errors import ConfigError
from acd.runtime.config.model import MetricsConfig
from tests.api.harness import CONFIG, TOKENS, MemoryRouter

HERE = MetricsConfig(port=0)


async def got(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    async with ClientSession() as http, http.get(url, headers=headers) as response:
        text = await response.text()
        return response.status, msgspec.json.decode(text) if "json" in response.content_type else text


async def test_figures_readiness_and_nothing_else(router: MemoryRouter) -> None:
    async with await serve_metrics([router], HERE, {}) as server:
        (address,) = server.addresses
        status, text = await got(f"{address}/metrics")
        assert status == 200
        assert 'acd_agents{domain="test",presence="signed-out"} 3.0' in text
        assert await got(f"{address}/livez") == (200, {"status": "live"})
        assert (await got(f"{address}/readyz"))[0] == 200
        router.ready = False
        assert (await got(f"{address}/readyz"))[0] == 503
        status, problem = await got(f"{address}/v1/agents", {"Authorization": f"Bearer {TOKENS['system']}"})
        assert (status, problem["code"]) == (404, "not-found")
        assert problem["detail"] == "There is no such resource; here are /metrics, /readyz and /livez."


async def test_the_api_has_them_no_longer(router: MemoryRouter) -> None:
    """Nor does its document say so; everything else is as before."""
    async with await serve(router, msgspec.structs.replace(CONFIG, metrics=False)) as server:
        (address,) = server.addresses
        assert (await got(f"{address}/metrics"))[0] == 404
        assert (await got(f"{address}/readyz"))[0] == 200
        _, document = await got(f"{address}/v1/openapi.json")
        assert "/metrics" not in document["paths"]
        assert "/readyz" in document["paths"]
        async with await serve_metrics([router], HERE, server.served) as metrics:
            status, text = await got(f"{metrics.addresses[0]}/metrics")
            assert status == 200
            assert 'acd_event_sockets{domain="test"} 0.0' in text


async def test_several_domains_are_told_of_together(router: MemoryRouter) -> None:
    other = MemoryRouter(domain="other")
    async with await serve_metrics([router, other], HERE, {}) as server:
        _, text = await got(f"{server.addresses[0]}/metrics")
        assert {'acd_ready{domain="test"} 1.0', 'acd_ready{domain="other"} 1.0'} <= set(text.splitlines())
        other.ready = False
        status, shown = await got(f"{server.addresses[0]}/readyz")
        assert (status, shown["domains"]) == (503, {"ready": 1, "all": 2})


async def test_a_port_in_use_is_named_by_its_own_key(router: MemoryRouter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = MetricsConfig(port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"metrics\.port: .* is in use by another program"):
            probe(config)
        with pytest.raises(ConfigError, match=r"metrics\.port: .* is in use by another program"):
            await serve_metrics([router], config, {})

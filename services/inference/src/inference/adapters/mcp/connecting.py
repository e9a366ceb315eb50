"""A session with one server. Everything here is the library's; nothing of it is trusted to end."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx
from mcp import Client, MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from inference.adapters.mcp.over_http import http_client, over_http
from inference.adapters.mcp.over_pipes import over_pipes
from inference.tools.listing import MOST_TOOLS, Listed
from inference.tools.outcome import ToolFailed
from inference.tools.servers import Server

CONNECT_SECONDS: Final = 15.0
LIST_SECONDS: Final = 15.0
PAGES: Final = 20
GRACE_SECONDS: Final = 5.0
"""That the library waits longer than we do."""

SENTENCE: Final = 2_000
"""Characters of what a server says against a call."""


KEY: Final = "colloquy/idempotencyKey"
"""The field of `_meta` that is the same wherever a call is repeated."""

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of one message of a server, whatever it may answer."""

# What it logs quotes what servers say.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class Session:
    """What can be asked of a server that is connected."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tools(self) -> list[Listed]:
        """All that it lists, within limits."""
        found: list[Listed] = []
        cursor: str | None = None
        async with asyncio.timeout(LIST_SECONDS):
            for _ in range(PAGES):
                page = await self._client.list_tools(cursor=cursor, cache_mode="bypass")
                found += [Listed(tool.name, tool.description or tool.title or "", tool.input_schema) for tool in page.tools]
                cursor = page.next_cursor
                if cursor is None or len(found) >= 4 * MOST_TOOLS:
                    break
        return found

    async def call(self, name: str, arguments: dict[str, Any], key: str, seconds: float) -> Any:
        """The answer as JSON. Raises ToolFailed when the server says so, and whatever the library raises."""
        params = CallToolRequestParams(name=name, arguments=arguments, _meta={KEY: key})
        try:
            # Not the client's own `call_tool`: that runs the server's patterns over the result.
            result = await self._client.session.send_request(
                CallToolRequest(params=params), CallToolResult, request_read_timeout_seconds=seconds + GRACE_SECONDS
            )
        except MCPError as error:
            if error.code in (CONNECTION_CLOSED, REQUEST_TIMEOUT):
                raise
            raise ToolFailed("tool_failed", error.message[:SENTENCE]) from None
        except ValidationError:
            raise ToolFailed("tool_malformed", "The tool's answer can't be read.", unknown=True) from None
        if result.is_error:
            raise ToolFailed("tool_failed", _content(result)[:SENTENCE] or "The tool failed.")
        return result.structured_content if result.structured_content is not None else _content(result)


@asynccontextmanager
async def connected(server: Server, client: httpx.AsyncClient, changed: Callable[[], None]) -> AsyncGenerator[Session]:
    """A session while the context is open. `changed` is called when the server says that its tools are others now."""

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed()
        await asyncio.sleep(0)

    most = LARGEST + 2 * server.max_result_bytes
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(CONNECT_SECONDS):
            if server.url:
                http = await stack.enter_async_context(http_client(client, server, most))
                transport = over_http(http, server.url, most)
            else:
                env = {name: value.get_secret_value() for name, value in server.env.items()}
                transport = over_pipes(server.command, env, most)
            mcp = Client(transport, cache=None, message_handler=hear, read_timeout_seconds=LIST_SECONDS)
            session = Session(await stack.enter_async_context(mcp))
        yield session


def _content(result: CallToolResult) -> str:
    """The texts; of what is no text, what it is."""
    texts: list[str] = []
    for part in result.content:
        fields = part.model_dump(mode="json", by_alias=True)
        text = fields.get("text")
        texts.append(text if isinstance(text, str) else f"[{fields.get('type')}: {fields.get('mimeType') or 'no text'}]")
    return "\n".join(texts)

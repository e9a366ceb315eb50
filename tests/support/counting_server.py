"""A real MCP server for the tests of the whole system: each effect is a line in a file, and every call takes a while.

`keyed` honours the idempotency key, `plain` does not.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("counting")
FILE = Path(os.environ["COUNTING_FILE"])
SECONDS = float(os.environ.get("COUNTING_SECONDS", "0"))


def count(line: str) -> None:
    with FILE.open("a") as file:
        file.write(line + "\n")


@server.tool()
async def keyed(text: str, context: Context[Any, Any]) -> str:
    """Counts once for each key."""
    line = f"keyed {(context.request_context.meta or {}).get('colloquy/idempotencyKey')} {text}"
    if line not in FILE.read_text():
        count(line)
    await asyncio.sleep(SECONDS)
    return f"counted {text}"


@server.tool()
async def plain(text: str) -> str:
    """Counts each time."""
    count(f"plain {text}")
    await asyncio.sleep(SECONDS)
    return f"counted {text}"


if __name__ == "__main__":
    FILE.touch()
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")

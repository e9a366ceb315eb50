"""`python -m example_calendar`: an MCP server with one tool, over stdio, or with `--port` over streamable HTTP at /mcp."""

import argparse
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from example_calendar.diary import entries

NOTICE: Final = "Made up: this is the example calendar of Colloquy. Nobody meets anybody."


def server(owner: str, zone: ZoneInfo) -> MCPServer:
    """The server with its tool. Each owner has other entries."""
    made = MCPServer("colloquy-calendar", title="Calendar (made up)", instructions=NOTICE, version="0.1.0", log_level="WARNING")

    @made.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def list_events(
        start: Annotated[str, Field(description="A moment, such as 2026-01-31T00:00:00+01:00.")],
        end: Annotated[str, Field(description="Likewise: entries that begin before it.")],
    ) -> dict[str, Any]:
        """Entries of the example calendar between two moments. They are made up (synthetic)."""
        try:
            found = entries(_moment(start, zone), _moment(end, zone), owner, zone)
        except (ValueError, OverflowError) as error:
            raise ToolError(f"{error}.") from None
        return {"notice": NOTICE, "timezone": str(zone), "events": [entry.shown() for entry in found]}

    return made


def _moment(text: str, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="example_calendar", description="An MCP server with a made-up calendar.")
    parser.add_argument("--port", type=int, help="listen on this port; without it: stdio")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--owner", default="ana", help="whose calendar: each name has other entries")
    parser.add_argument("--timezone", type=ZoneInfo, default=ZoneInfo("Europe/Berlin"), help="where the owner lives")
    given = parser.parse_args(arguments)
    made = server(given.owner, given.timezone)
    if given.port is None:
        anyio.run(made.run_stdio_async)
        return
    app = made.streamable_http_app(stateless_http=True, json_response=True, host=given.host)
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()

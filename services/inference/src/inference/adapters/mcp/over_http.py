"""MCP's HTTP over a client of ours, which goes nowhere else, with no body longer than it may be."""

from collections.abc import AsyncIterator

import httpx
import httpx2
from mcp.client.streamable_http import streamable_http_client

from inference.tools.servers import Server

STREAM_FACTOR = 8
"""A stream of events may be this much longer than one body: it tells of progress too."""


class BodyTooLong(httpx2.TransportError):
    """A server sent more than is taken."""


class Bridge(httpx2.AsyncBaseTransport):
    """Sends the requests of one library through a client of the other: that one looks at addresses (S8)."""

    def __init__(self, client: httpx.AsyncClient, most: int) -> None:
        self._client, self._most = client, most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, whose body is counted. Raises httpx2.TransportError, and what the client refuses."""
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
        # Nobody unpacks here: what is said to be small must be small.
        headers.append((b"Accept-Encoding", b"identity"))
        timeout = request.extensions.get("timeout")
        sent = self._client.build_request(
            request.method,
            str(request.url),
            headers=headers,
            content=await request.aread(),
            timeout=httpx.Timeout(**timeout) if timeout else httpx.USE_CLIENT_DEFAULT,
        )
        try:
            response = await self._client.send(sent, stream=True, follow_redirects=False)
        except httpx.TransportError as error:
            raise httpx2.ConnectError(type(error).__name__) from None
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise BodyTooLong("compressed")
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        body = _Counted(response, self._most * STREAM_FACTOR if events else self._most)
        return httpx2.Response(response.status_code, headers=response.headers.raw, stream=body)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, response: httpx.Response, most: int) -> None:
        self._response, self._left = response, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.aiter_raw():
                self._left -= len(piece)
                if self._left < 0:
                    raise BodyTooLong("a body without end")
                yield piece
        except httpx.TransportError as error:
            raise httpx2.ReadError(type(error).__name__) from None

    async def aclose(self) -> None:
        await self._response.aclose()


def http_client(client: httpx.AsyncClient, server: Server, most: int) -> httpx2.AsyncClient:
    """The client that MCP is given for one server."""
    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    timeout = httpx2.Timeout(10.0, read=server.timeout_seconds + 30.0)
    return httpx2.AsyncClient(transport=Bridge(client, most), headers=headers, timeout=timeout, trust_env=False)


def over_http(client: httpx2.AsyncClient, url: str, most: int):  # noqa: ANN201 - the library's own transport
    """The transport to this address."""
    return streamable_http_client(url, http_client=client, max_sse_event_size=most)

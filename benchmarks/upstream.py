"""A model's server for measurements: `say N P` is answered with N tokens, P a second (0: at once). As cheap as it can be."""

import asyncio
import json
import sys
from contextlib import suppress

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _token(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


FIRST = _token("first ")
NEXT = [_token(f"{number} ") for number in range(1_000)]  # LiteLLM gives up a model that repeats itself
LAST = _token("", "stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            _, count, pace = body["messages"][-1]["content"].split()
            await _answer(writer, int(count), int(pace))
    writer.close()


async def _answer(writer: asyncio.StreamWriter, count: int, pace: int) -> None:
    writer.write(HEAD + FIRST)
    for number in range(count - 1):
        if pace:
            await asyncio.sleep(1 / pace)
        writer.write(NEXT[number % len(NEXT)])
    writer.write(LAST)
    await writer.drain()


async def _main(port: int) -> None:
    async with await asyncio.start_server(_serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))

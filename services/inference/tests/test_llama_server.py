"""One real server, opt-in: llama.cpp's, with a tiny model made on the spot. `COLLOQUY_LLAMA_SERVER` is the program's path."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import tiny_gguf
from turns import NewBus, Turn, Work, folded

from shared.contract.inference import COMPLETE, Complete, StopNow
from shared.contract.objects import PromptMessage
from shared.contract.subjects import stop_signal

PROGRAM = os.environ.get("COLLOQUY_LLAMA_SERVER", "")
KEY = "sk-test-0123456789abcdef0123"

pytestmark = pytest.mark.skipif(
    not PROGRAM,
    reason="llama-server has no wheel and takes long to build: set COLLOQUY_LLAMA_SERVER to its path",
)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncGenerator[str]:
    model = tmp_path / "tiny.gguf"
    model.write_bytes(tiny_gguf.model())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--host 127.0.0.1 --port {port} -c 4096 -np 2 -t 1 --jinja --alias tiny --offline --api-key {KEY}"
    with (tmp_path / "log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(PROGRAM, "-m", str(model), *options.split(), stdout=log, stderr=log)
        try:
            await healthy(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()
            await server.wait()


async def healthy(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


def toml(url: str, key: str = KEY) -> str:
    return (
        f'[models.tiny]\nbase_url = "{url}"\napi_key = "{key}"\ncapabilities = ["tools", "json"]\nprompt_price = 1\n'
        f'[models.locked]\nmodel = "tiny"\nbase_url = "{url}"\napi_key = "wrong"\nfallback = ["tiny"]\n'
    )


async def test_it_answers_and_counts(url: str, turn: Turn, work: Work):
    await work(models=toml(url))
    end = await turn.answer("hello", sampling={"max_tokens": 40, "seed": 1})
    assert (end.outcome, end.model, end.finish_reason) == ("completed", "tiny", "length")
    assert (end.usage.completion_tokens, end.usage.prompt_tokens > 5, end.usage.estimated) == (40, True, None)
    assert end.text
    assert folded(await turn.log()) == end.text
    again = await turn.answer("hello", "g_2", sampling={"max_tokens": 40, "seed": 1})
    assert again.text == end.text, "a seed is a seed"


async def test_it_is_stopped(url: str, turn: Turn, work: Work):
    await work(models=toml(url))
    row = turn.memory.add("hello", sampling={"max_tokens": 1_900})
    await turn.order()
    await turn.said(1)
    await turn.bus.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
    end = await turn.ended(row, 30)
    assert end.outcome in ("cancelled", "completed"), "it says 1,900 tokens in a quarter of a second"


async def test_it_is_held_to_a_schema(url: str, work: Work, new_bus: NewBus):
    await work(models=toml(url))
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"]}
    question = Complete(
        messages=[PromptMessage(role="user", text="n?")], form="json", json_schema=schema | {"additionalProperties": False}
    )
    said = await (await new_bus("workflow")).ask(COMPLETE, question, timeout=60)
    assert said.text.startswith('{"n":')


async def test_a_wrong_key_and_a_question_that_is_too_long_have_their_codes(url: str, turn: Turn, work: Work):
    await work(models=toml(url))
    assert (await turn.answer("hello", model="locked", sampling={"max_tokens": 5})).model == "tiny"
    end = await turn.answer("tide " * 5_000, "g_2")
    assert (end.outcome, end.error.code) == ("failed", "upstream_refused")

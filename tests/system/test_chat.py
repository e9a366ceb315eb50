"""`colloquy chat` against a running system: in a pipe, through the death of a gateway, and stopped by Ctrl-C."""

import asyncio
import signal
import sys

import pytest
from support.system import running

NUMBERS = ", ".join(map(str, range(1, 61)))


@pytest.fixture
async def system(tmp_path):
    with running(tmp_path / "data", INFERENCE_DEMO_TOKENS_PER_SECOND="30") as system:
        yield system


async def test_in_a_pipe_each_line_is_a_message_or_a_command(system):
    status, out, err = await talk(system, "/echo héllo  there\n/new\n/echo two\n/list\n")
    assert (status, err) == (0, "")
    *answers, first, second = out.splitlines()
    assert answers == ["héllo  there", "two"]
    conversation = second.split()[0]
    assert first.split()[0] != conversation
    status, out, _ = await talk(system, "/echo three\n", "--conversation", conversation)
    assert out.splitlines()[-1] == "three"
    assert out.count("\n") == 3
    status, _, err = await talk(system, "/open c_unknown\n")
    assert (status, "unknown_conversation" in err) == (1, True)


async def test_the_death_of_every_part_is_not_seen_in_the_answer(system):
    process = await chatting(system, "count to 60\n")
    await read_until(process, b"5, ")
    for name in ("gateway-1", "memory-1"):
        system.signal(name, signal.SIGKILL)
    out, _ = await process.communicate()
    assert "5, " + out.decode() == NUMBERS[NUMBERS.index("5, ") :] + "\n"
    assert process.returncode == 0


async def test_ctrl_c_stops_the_answer(system):
    process = await chatting(system, "count to 5000\n")
    await read_until(process, b"5, ")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        _, err = await process.communicate()
    assert (process.returncode, "(cancelled" in err.decode()) == (0, True)


async def chatting(system, text, *arguments):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "colloquy", "chat", "--url", system.url, "--user", "ana", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    process.stdin.write(text.encode())
    process.stdin.write_eof()
    return process


async def talk(system, text, *arguments):
    process = await chatting(system, text, *arguments)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def read_until(process, end):
    async with asyncio.timeout(30):
        await process.stdout.readuntil(end)

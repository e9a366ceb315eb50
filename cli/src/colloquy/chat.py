"""`colloquy chat`: a small client for the terminal. Streams, resumes and stops; works in a pipe too."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Any

from colloquy.api_client import ApiClient, connect
from colloquy.errors import Failed, first_of
from colloquy.frames import Frame
from colloquy.terminal import complain, say
from colloquy.turn import Turn

HELP = "/new  /list  /open ID  /stop  /help · Ctrl-C stops an answer · Ctrl-D leaves"


@dataclass(slots=True)
class Chat:
    """A conversation at the terminal."""

    api: ApiClient
    write: Callable[[str], None]
    conversation: str | None = None
    failed: bool = False

    async def take(self, line: str) -> None:
        """Carries out what was typed: a command, or a message to send."""
        name, _, argument = line.strip().partition(" ")
        match name:
            case "":
                return
            case "/new":
                self.conversation = None
            case "/help":
                self.write(f"{HELP}\n")
            case "/list":
                await self._list()
            case "/open":
                await self.open(argument.strip())
            case "/stop":
                await self.stop()
            case _:
                await self._ask(line)

    async def open(self, conversation: str) -> None:
        """Goes on with a conversation, and shows how it stands."""
        for message in await self.api.messages(conversation):
            self.write(f"{'> ' if message['role'] == 'user' else ''}{message['text']}\n")
        self.conversation = conversation

    async def stop(self) -> None:
        """Stops what is being answered."""
        if self.conversation:
            await self.api.stop(self.conversation)

    async def _list(self) -> None:
        for each in await self.api.conversations():
            self.write(f"{each['id']}  {each.get('title') or '(no title)'}\n")

    async def _ask(self, text: str) -> None:
        accepted = await self.api.send(text, self.conversation)
        self.conversation = accepted["conversationId"]
        turn = Turn(accepted["generationId"], accepted["answerId"])
        cursor: str | None = accepted["streamUrl"].partition("after=")[2].partition("&")[0]
        while not turn.ended:
            async with aclosing(self.api.follow(accepted["conversationId"], cursor)) as events:
                await self._show(events, turn)
            cursor = None if turn.ended else await self._reload(turn)
        self._conclude(turn)

    async def _show(self, events: AsyncIterator[Frame], turn: Turn) -> None:
        async for frame in events:
            self.write(turn.take(frame))
            if turn.ended:
                return

    async def _reload(self, turn: Turn) -> str:
        """After a reset: the answer may have ended meanwhile; if not, go on from here."""
        state: dict[str, Any] = await self.api.state()
        for message in state["messages"]:
            if message["id"] == turn.answer and message["status"] in {"completed", "failed", "cancelled"}:
                self.write(turn.settle(message["status"], message))
        return state["cursor"]

    def _conclude(self, turn: Turn) -> None:
        self.write("\n")
        if turn.ended != "completed":
            complain(f"({turn.ended}{': ' + turn.problem if turn.problem else ''})", "yellow")
        self.failed = self.failed or turn.ended == "failed"


def chat(url: str, user: str | None, token: str | None, conversation: str | None) -> None:
    """Talks until the input ends. Raises Failed."""
    with asyncio.Runner() as runner:
        # Typing blocks, so the loop runs only while something is to be done.
        stack = AsyncExitStack()
        talk = Chat(runner.run(stack.enter_async_context(connect(url, user, token))), _write)
        try:
            if conversation:
                runner.run(talk.open(conversation))
            for line in _lines():
                runner.run(_interruptibly(talk, line))
        finally:
            runner.run(stack.aclose())
    if talk.failed:
        raise Failed("An answer failed.")


async def _interruptibly(talk: Chat, line: str) -> None:
    """Ctrl-C stops the answer, not the program: its end comes over the stream like everything else."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.TaskGroup() as tasks:
            loop.add_signal_handler(signal.SIGINT, lambda: tasks.create_task(talk.stop()))
            await talk.take(line)
    except* Failed as failures:
        if not sys.stdin.isatty():
            raise first_of(failures) from None
        complain(str(first_of(failures)), "red")
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _lines() -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    say(HELP, "dim")
    while True:
        try:
            yield input("> ")
        except KeyboardInterrupt:
            say("")
        except EOFError:
            say("")
            return


def _write(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()

"""What work in the background may not do: call heavy tools, and write to the person. Nobody has asked for it.

A definition says `warm_only`, every attempt at one of its steps knows that, and these ports refuse whatever it must not do,
whoever wrote the job. With a call of a tool the word travels, so that inference refuses too.
"""

from dataclasses import replace
from typing import Any

from shared.contract.account import StoredOutput, StoreOutput
from shared.contract.tools import Tool
from shared.errors import WarmOnly
from workflow.jobs.ports import Ports, Post, Tools
from workflow.step import About, Attempt


def guarded(ports: Ports) -> Ports:
    """The ports as jobs get them."""
    return replace(ports, tools=GuardedTools(ports.tools), post=GuardedPost(ports.post))


class GuardedTools:
    """See `Tools`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def offered(self, about: About) -> list[Tool]:
        """See the port."""
        return await self._tools.offered(about)

    async def call(self, attempt: Attempt, name: str, arguments: dict[str, Any], *, approved: bool = False) -> Any:
        """See the port."""
        if attempt.about.warm_only and any(tool.heavy for tool in await self.offered(attempt.about) if tool.name == name):
            raise WarmOnly(f"{name!r} is a heavy tool, and this work runs in the background.")
        return await self._tools.call(attempt, name, arguments, approved=approved)


class GuardedPost:
    """See `Post`."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def say(self, attempt: Attempt, title: str, text: str) -> StoredOutput:
        """See the port."""
        _must_be_asked_for(attempt)
        return await self._post.say(attempt, title, text)

    async def answer(self, attempt: Attempt, order: StoreOutput) -> StoredOutput:
        """See the port."""
        _must_be_asked_for(attempt)
        return await self._post.answer(attempt, order)


def _must_be_asked_for(attempt: Attempt) -> None:
    if attempt.about.warm_only:
        raise WarmOnly("Work in the background does not write to people.")

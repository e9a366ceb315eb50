"""All tools that can be called for a person: built-in ones, and those of MCP servers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from inference.adapters.built_in_tools import BuiltInTools
from inference.tools.offer import Offer, Offered, offer_for
from inference.tools.telling import cleaned_value, cut


class Servers(Protocol):
    """Whoever has more tools."""

    async def offered(self, user: str, preferences: Mapping[str, Any], wanted: Collection[str]) -> Sequence[Offered]:
        """Those of this person now."""
        ...

    async def call(self, user: str, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        """Raises ToolFailed."""
        ...


class Toolbox:
    """The port `Tools`, made real."""

    def __init__(self, built_in: Sequence[Offered], doer: BuiltInTools, servers: Servers) -> None:
        self._built_in, self._doer, self._servers = built_in, doer, servers

    async def offer(self, user: str, preferences: Mapping[str, Any], wanted: Collection[str] = ()) -> Offer:
        """The tools that this person has now, under what they have chosen."""
        others = await self._servers.offered(user, preferences, wanted)
        return offer_for([*self._built_in, *others], preferences)

    async def call(self, user: str, offered: Offered, arguments: dict[str, Any], key: str) -> Any:
        """The tool's answer, cleaned and cut. Raises ToolFailed."""
        doer = self._doer if offered.tool.server is None else self._servers
        return cut(cleaned_value(await doer.call(user, offered, arguments, key)), offered.most)

"""The tools of one answer: which are offered to the model, and what is made of a call of one of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from inference.tools.arguments import problem_with
from inference.tools.policy import decided, wish_for
from shared.contract.objects import Problem
from shared.contract.tools import Tool, ToolPolicy, ToolSpec

REFUSALS: Final = ("unknown_tool", "invalid_arguments")
"""Codes of what we say ourselves, before any tool is asked."""

NAMELESS: Final = Problem(code="unknown_tool", message="There is no tool of this name here.")


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as it is there for one person. `original`: what its server calls it."""

    tool: Tool
    original: str
    idempotent: bool = False
    """Twice with the same key is as good as once."""
    taints: bool = False
    """Strangers may have written what it answers."""
    guarded: bool = True
    """It changes something, or tells somebody: asked about once the model has read what strangers wrote."""
    loose: bool = False
    """A person may have it be called without being asked."""
    timeout: float = 30.0
    most: int = 65_536
    """Characters of an answer that are kept."""
    foreign: bool = False
    """It is of a server that the person named: its name is nobody else's business."""


class Offer:
    """The tools of one answer, by name."""

    def __init__(self, tools: Iterable[Offered] = ()) -> None:
        self._tools = {offered.tool.name: offered for offered in tools if offered.tool.policy != "never"}

    def __bool__(self) -> bool:
        return bool(self._tools)

    def get(self, name: str) -> Offered | None:
        """The tool of this name, if it is offered."""
        return self._tools.get(name)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What a model is told."""
        return tuple(
            ToolSpec(name=one.tool.name, description=one.tool.description, parameters=one.tool.parameters)
            for one in self._tools.values()
        )

    @property
    def tools(self) -> list[Tool]:
        """What a person is told."""
        return [offered.tool for offered in self._tools.values()]

    def refusal(self, name: str, arguments: Mapping[str, Any]) -> Problem | None:
        """Why a call can't be made at all, in words that help a model to do better."""
        offered = self.get(name)
        if offered is None:
            return NAMELESS
        wrong = problem_with(arguments, offered.tool.parameters)
        return Problem(code="invalid_arguments", message=wrong) if wrong else None

    def policy(self, name: str, *, untrusted: bool) -> ToolPolicy:
        """What holds for a call. Once the model has read what strangers wrote, all that does something is asked about (S9)."""
        offered = self.get(name)
        if offered is None:
            return "auto"  # It is refused anyhow, with a reason.
        if untrusted and offered.guarded and offered.tool.policy == "auto":
            return "ask"
        return offered.tool.policy

    def label(self, name: str) -> str:
        """The tool as it is counted and logged: a name that an operator knows."""
        offered = self.get(name)
        if offered is None:
            return "(unknown)"
        return "(of a person)" if offered.foreign else name

    def taints(self, name: str) -> bool:
        """Whether the answer of this tool may have been written by strangers."""
        offered = self.get(name)
        return offered is None or offered.taints


def offer_for(tools: Iterable[Offered], preferences: Mapping[str, Any]) -> Offer:
    """The tools under what this person has chosen."""
    return Offer(_with_wish(offered, preferences) for offered in tools)


def _with_wish(offered: Offered, preferences: Mapping[str, Any]) -> Offered:
    wish = wish_for(offered.tool.name, preferences)
    policy = decided(offered.tool.policy, wish, loose=offered.loose)
    if policy == offered.tool.policy:
        return offered
    return replace(offered, tool=offered.tool.model_copy(update={"policy": policy}))

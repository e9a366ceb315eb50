"""OpenAI's chat completions, as their libraries send them. No input or output here."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import to_json

from gateway.faults import Unsupported
from gateway.requests import is_id
from shared.contract.memory import SendMessage
from shared.contract.objects import PromptCall, PromptMessage, Role, Sampling
from shared.contract.tools import ToolSpec
from shared.errors import Invalid, TooLarge, UnknownConversation

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_FORMATS = ("text", "json_object", "json_schema")  # compared, not hashed: anything may stand there

Named = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")]
"""Ids and names of others: no control characters."""

FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]


class Foreign(BaseModel):
    """What somebody else's library sends: fields that we don't know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(Foreign):
    """A part of a message's content."""

    type: str
    text: str | None = None


class CalledFunction(Foreign):
    """What a model called; `arguments` is JSON as it wrote it."""

    name: FunctionName
    arguments: str = ""


class CalledTool(Foreign):
    """A call in a message of the assistant's."""

    id: Named
    type: str = "function"
    function: CalledFunction | None = None

    def call(self, place: str) -> PromptCall:
        """The same as we know it. Raises Unsupported for what is no function."""
        if self.function is None or self.type != "function":
            raise Unsupported(f"Calls of type {self.type[:32]!r} are not supported here.", param=place)
        return PromptCall(id=self.id, name=self.function.name, arguments=self.function.arguments)


class CompletionMessage(Foreign):
    """A message of the list."""

    role: str
    content: str | list[Part] | None = None
    name: Named | None = None
    tool_calls: Annotated[list[CalledTool], Field(max_length=128)] | None = None
    tool_call_id: Named | None = None

    def prompt(self, index: int) -> PromptMessage:
        """The same as we know it. Raises Unsupported for roles and parts that are not text, Invalid."""
        place = f"messages[{index}]"
        role = _ROLES.get(self.role)
        if role is None:
            raise Unsupported(f"Messages of role {self.role[:32]!r} are not supported here.", param=place)
        if role == "tool" and self.tool_call_id is None:
            raise Invalid("A tool's message needs the tool_call_id of the call that it answers.", param=place + ".tool_call_id")
        parts = [self.content] if isinstance(self.content, str) else [_text(part, place) for part in self.content or []]
        return PromptMessage(
            role=role,
            text="".join(parts),
            tool_calls=self._calls(place + ".tool_calls") if role == "assistant" else None,
            tool_call_id=self.tool_call_id if role == "tool" else None,
            name=self.name,
        )

    def _calls(self, place: str) -> list[PromptCall] | None:
        return [call.call(place) for call in self.tool_calls or []] or None


class Function(Foreign):
    """A function of the client's."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class GivenTool(Foreign):
    """A tool of the client's."""

    type: str = "function"
    function: Function | None = None

    def spec(self, index: int) -> ToolSpec:
        """The same as we know it. Raises Unsupported for what is no function."""
        if self.function is None or self.type != "function":
            raise Unsupported(f"Tools of type {self.type[:32]!r} are not supported here.", param=f"tools[{index}]")
        given = self.function
        return ToolSpec(
            name=given.name, description=given.description or "", parameters=given.parameters or {}, strict=given.strict
        )


class StreamOptions(Foreign):
    """What a stream shall hold besides the answer."""

    include_usage: bool | None = False


Stops = Annotated[list[str], Field(max_length=16)]


class CompletionRequest(Foreign):
    """A call of /v1/chat/completions. The fields that would change the answer and that we can't honour are refused."""

    model: Annotated[str, StringConstraints(max_length=255)] | None = None
    messages: Annotated[list[CompletionMessage], Field(min_length=1, max_length=2_000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    tools: Annotated[list[GivenTool], Field(max_length=128)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    stop: str | Stops | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None

    @property
    def include_usage(self) -> bool:
        """Whether the stream ends with a chunk that holds the usage."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def has_tools(self) -> bool:
        """Whether the client carries out the calls."""
        return bool(self.tools)

    @property
    def demands(self) -> bool:
        """Whether not every model's server can answer it."""
        return self.has_tools or self.response_format is not None

    @property
    def stored(self) -> bool:
        """Whether the answer is part of a conversation that can be read again."""
        return self._conversation() is not None

    def order(self, user: str, limit: int, key: str | None = None) -> SendMessage:
        """What memory is asked to do: a temporary conversation of what the client brought along, or the next message of one
        that is stored. Raises Unsupported, Invalid, TooLarge, UnknownConversation.
        """
        self._refuse_what_we_cannot()
        prompts = [message.prompt(index) for index, message in enumerate(self.messages)]
        last = prompts[-1]
        if last.role not in ("user", "tool") or (last.role == "user" and not last.text.strip()):
            raise Invalid("The last message must be a user's, with text, or a tool's.", param="messages")
        demands = self._demands()
        self._check_size(prompts, limit)
        return SendMessage(
            user=user,
            client_message_id=key,
            text=last.text,
            role="user" if last.role == "user" else "tool",
            tool_call_id=last.tool_call_id,
            name=last.name,
            model=self.model or None,
            sampling=self._sampling(),
            **demands,
            **self._place(prompts[:-1]),
        )

    def _place(self, before: list[PromptMessage]) -> dict[str, Any]:
        conversation = self._conversation()
        if conversation is None:
            return {"temporary": True, "history": before}
        results = len(before)
        while results and before[results - 1].role == "tool":
            results -= 1
        told = "\n\n".join(message.text for message in before if message.role == "system")
        return {"conversation_id": conversation, "history": before[results:], "instructions": told or None}

    def _conversation(self) -> str | None:
        named = (self.metadata or {}).get("conversation_id")
        if named is None:
            return None
        if not isinstance(named, str) or not is_id(named):
            raise UnknownConversation(param="metadata.conversation_id")
        return named

    def _refuse_what_we_cannot(self) -> None:
        refused = {
            "n": (self.n or 1) != 1,
            "functions": bool(self.functions),
            "logprobs": bool(self.logprobs),
            "modalities": (self.modalities or ["text"]) != ["text"],
            "audio": bool(self.audio),
            "response_format": self.response_format is not None and self.response_format.get("type") not in _FORMATS,
        }
        for name, bad in refused.items():
            if bad:
                raise Unsupported(f"This server doesn't support {name} like that.", param=name)

    def _demands(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if self.response_format is not None and self.response_format["type"] != "text":
            fields["response_format"] = self.response_format
        if self.tools:
            tools = [tool.spec(index) for index, tool in enumerate(self.tools)]
            fields |= {"client_tools": tools, "tool_choice": self._choice([tool.name for tool in tools])}
            fields["parallel_tool_calls"] = self.parallel_tool_calls
        elif self.tool_choice not in (None, "none", "auto"):
            raise Invalid("A tool_choice needs tools.", param="tool_choice")
        return fields

    def _choice(self, names: list[str]) -> str | dict[str, Any] | None:
        choice = self.tool_choice
        if choice is None or choice in ("none", "auto", "required"):
            return choice
        if isinstance(choice, str) or choice.get("type") != "function":
            raise Unsupported("This server doesn't support that tool_choice.", param="tool_choice")
        function: Any = choice.get("function")
        if not isinstance(function, dict) or function.get("name") not in names:
            raise Invalid("The tool_choice names none of the tools.", param="tool_choice")
        return choice

    def _check_size(self, prompts: list[PromptMessage], limit: int) -> None:
        """All of it travels in one message."""
        size = sum(len(prompt.text.encode()) for prompt in prompts)
        size += sum(len(str(call.arguments).encode()) for prompt in prompts for call in prompt.tool_calls or ())
        for extra in (self.tools, self.response_format):
            size += len(to_json(extra)) if extra else 0
        if size > limit:
            raise TooLarge("The messages are too long.", limit=limit)

    def _sampling(self) -> Sampling:
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=[self.stop] if isinstance(self.stop, str) else self.stop,
            seed=self.seed,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
        )


def _text(part: Part, place: str) -> str:
    if part.type != "text" or part.text is None:
        raise Unsupported(f"Content of type {part.type[:32]!r} is not supported here.", param=place + ".content")
    return part.text

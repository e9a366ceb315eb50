"""OpenAI's chat completions, as their libraries send and read them: requests, chunks, answers. No input or output here."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.faults import Unsupported
from shared.contract.memory import SendMessage
from shared.contract.objects import ChatMessage, FinishReason, PromptMessage, Role, Sampling, Usage
from shared.errors import Invalid, TooLarge

DONE = b"data: [DONE]\n\n"
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_REASONS: dict[FinishReason, str] = {"length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}


class Foreign(BaseModel):
    """What somebody else's library sends: fields that we don't know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(Foreign):
    """A part of a message's content."""

    type: str
    text: str | None = None


class CompletionMessage(Foreign):
    """A message of the list."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Any] | None = None

    def prompt(self, index: int) -> PromptMessage:
        """The same as we know it. Raises Unsupported for roles and parts that are not text."""
        role = _ROLES.get(self.role)
        if role is None or self.tool_calls:
            raise Unsupported(f"Messages of role {self.role[:32]!r} are not supported here.", param=f"messages[{index}]")
        parts = [self.content] if isinstance(self.content, str) else [_text(part, index) for part in self.content or []]
        return PromptMessage(role=role, text="".join(parts))


class StreamOptions(Foreign):
    """What a stream shall hold besides the answer."""

    include_usage: bool = False


Stops = Annotated[list[str], Field(max_length=16)]


class CompletionRequest(Foreign):
    """A call of /v1/chat/completions. The fields that would change the answer and that we can't honour are refused."""

    model: Annotated[str, StringConstraints(max_length=255)] | None = None
    messages: Annotated[list[CompletionMessage], Field(min_length=1, max_length=2_000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
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
        return self.stream_options is not None and self.stream_options.include_usage

    def order(self, user: str, limit: int) -> SendMessage:
        """What memory is asked to do: a temporary conversation of what the client brought along."""
        self._refuse_what_we_cannot()
        prompts = [message.prompt(index) for index, message in enumerate(self.messages)]
        if prompts[-1].role != "user" or not prompts[-1].text.strip():
            raise Invalid("The last message must be a user's, with text.", param="messages")
        if sum(len(prompt.text.encode()) for prompt in prompts) > limit:
            raise TooLarge("The messages are too long.", limit=limit)
        return SendMessage(
            user=user,
            text=prompts[-1].text,
            model=self.model or None,
            temporary=True,
            history=prompts[:-1],
            sampling=self._sampling(),
        )

    def _refuse_what_we_cannot(self) -> None:
        refused = {
            "n": (self.n or 1) != 1,
            "tools": bool(self.tools),
            "functions": bool(self.functions),
            "response_format": (self.response_format or {"type": "text"}).get("type") != "text",
            "logprobs": bool(self.logprobs),
            "modalities": (self.modalities or ["text"]) != ["text"],
            "audio": bool(self.audio),
        }
        for name, bad in refused.items():
            if bad:
                raise Unsupported(f"This server doesn't support {name} yet.", param=name)

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


def _text(part: Part, index: int) -> str:
    if part.type != "text" or part.text is None:
        raise Unsupported(f"Content of type {part.type[:32]!r} is not supported here.", param=f"messages[{index}].content")
    return part.text


def usage_of(usage: Usage | None) -> dict[str, int]:
    """The usage object; zeros when the model didn't count."""
    usage = usage or Usage()
    total = usage.total_tokens or usage.prompt_tokens + usage.completion_tokens
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "total_tokens": total}


def finish_reason(reason: FinishReason | None) -> str:
    """Their word for why an answer ended."""
    return _REASONS.get(reason or "stop", "stop")


def completion(answer: ChatMessage, completion_id: str, created: int, model: str) -> dict[str, Any]:
    """The whole answer of a call that doesn't stream."""
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answer.finish_reason)}
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model or model,
        "choices": [choice],
        "usage": usage_of(answer.usage),
    }


class Chunks:
    """Renders the chunks of one stream."""

    def __init__(self, completion_id: str, created: int, model: str, *, include_usage: bool) -> None:
        self._head = {"id": completion_id, "object": "chat.completion.chunk", "created": created}
        self.model = model
        self._include_usage = include_usage

    def delta(self, finish: str | None = None, **delta: str) -> dict[str, Any]:
        """A chunk with a piece of the answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._chunk([choice], {"usage": None} if self._include_usage else {})

    def end(self, answer: ChatMessage) -> list[dict[str, Any]]:
        """The last chunks."""
        chunks = [self.delta(finish_reason(answer.finish_reason))]
        if self._include_usage:
            chunks.append(self._chunk([], {"usage": usage_of(answer.usage)}))
        return chunks

    def _chunk(self, choices: list[Any], more: dict[str, Any]) -> dict[str, Any]:
        return {**self._head, "model": self.model, "choices": choices, **more}


class Diverged(Exception):
    """Another attempt says something else than what was sent already."""


class Unrolled:
    """Text that can't be taken back. An attempt that starts again must first repeat what was sent, or the stream fails."""

    def __init__(self) -> None:
        self.sent = ""
        self._seen = ""
        self._blind = False

    def restart(self) -> None:
        """The text of earlier attempts is void; this one is seen from its beginning."""
        self._seen = ""
        self._blind = False

    def gap(self) -> None:
        """Some text was missed: wait for the end."""
        self._blind = True

    def push(self, text: str) -> str:
        """What to send now that the attempt goes on with `text`. Raises Diverged."""
        if self._blind:
            return ""
        self._seen += text
        return self._rest(self._seen)

    def end(self, text: str) -> str:
        """What is still to be sent of the stored text. Raises Diverged."""
        return self._rest(text)

    def _rest(self, text: str) -> str:
        if len(text) <= len(self.sent):
            if not self.sent.startswith(text):
                raise Diverged
            return ""
        if not text.startswith(self.sent):
            raise Diverged
        rest = text[len(self.sent) :]
        self.sent = text
        return rest

"""One request to a model, measured and traced by OpenTelemetry's conventions for generative AI. Never its words."""

from time import perf_counter
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from inference import metrics
from inference.delta import Delta, End, Spent
from inference.failure import ModelFailed
from inference.prompt import Prompt
from shared.contract.inference import Model
from shared.contract.objects import FinishReason, Usage

MILLION: Final = 1_000_000
CUT: Final = "cancelled"
"""What went wrong when nothing did, and nobody wanted the rest."""


class Request:
    """From the question to the last word. A span is written only where a tracer is configured."""

    def __init__(self, card: Model, provider: str, prompt: Prompt) -> None:
        self._card, self._provider = card, provider
        self._began = perf_counter()
        self._first: float | None = None
        self._usage: Usage | None = None
        self._reason: FinishReason | None = None
        self._error: str | None = CUT
        self._span = trace.get_tracer("colloquy.inference").start_span(f"chat {card.id}", kind=SpanKind.CLIENT)
        if self._span.is_recording():
            self._span.set_attributes(_asked(card, provider, prompt))

    def first(self) -> None:
        """The first word has come."""
        self._first = perf_counter()

    def note(self, delta: Delta) -> None:
        """Of what is said, what it is about itself."""
        match delta:
            case Spent(usage):
                self._usage = usage
            case End(reason):
                self._reason, self._error = reason, None
            case _:
                pass

    def failed(self, failure: ModelFailed) -> None:
        """It ended with this."""
        self._error = failure.code

    def close(self) -> None:
        """Counts it. Once, when it has ended, however it did."""
        now, card = perf_counter(), self._card
        labels = (self._provider, card.id)
        metrics.DURATION.labels(*labels, self._error or "").observe(now - self._began)
        if self._first is not None:
            metrics.FIRST_CHUNK.labels(*labels).observe(self._first - self._began)
        if (usage := self._usage) is not None:
            metrics.TOKEN_USAGE.labels(*labels, "input").observe(usage.prompt_tokens)
            metrics.TOKEN_USAGE.labels(*labels, "output").observe(usage.completion_tokens)
            metrics.COST.labels(card.id).inc(cost_of(card, usage))
            if self._first is not None and usage.completion_tokens > 1 and now > self._first:
                metrics.PER_TOKEN.labels(*labels).observe((now - self._first) / (usage.completion_tokens - 1))
        self._end_span()

    def _end_span(self) -> None:
        span = self._span
        if span.is_recording():
            span.set_attribute("gen_ai.response.model", self._card.id)
            if self._reason is not None:
                span.set_attribute("gen_ai.response.finish_reasons", [self._reason])
            if self._first is not None:
                span.set_attribute("gen_ai.response.time_to_first_chunk", self._first - self._began)
            if self._usage is not None:
                span.set_attribute("gen_ai.usage.input_tokens", self._usage.prompt_tokens)
                span.set_attribute("gen_ai.usage.output_tokens", self._usage.completion_tokens)
            if self._error is not None and self._error != CUT:
                span.set_attribute("error.type", self._error)
                span.set_status(StatusCode.ERROR)
        span.end()


def cost_of(card: Model, usage: Usage) -> float:
    """US dollars."""
    spent = usage.prompt_tokens * (card.prompt_price or 0.0) + usage.completion_tokens * (card.completion_price or 0.0)
    return spent / MILLION


def _asked(card: Model, provider: str, prompt: Prompt) -> dict[str, str | int | float]:
    sampling = prompt.sampling
    known = {
        "gen_ai.request.max_tokens": sampling.max_tokens,
        "gen_ai.request.temperature": sampling.temperature,
        "gen_ai.request.top_p": sampling.top_p,
        "gen_ai.request.seed": sampling.seed,
    }
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": card.kind,
        "gen_ai.request.model": card.id,
        "server.address": provider,
    } | {name: value for name, value in known.items() if value is not None}

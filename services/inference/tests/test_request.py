"""Traces and counts by the conventions for generative AI, per model, and never a word of what was said."""

from typing import Any

import fake_upstream as fake
import pytest
from opentelemetry import trace
from prometheus_client import REGISTRY, generate_latest
from turns import Turn, Work

from inference.request import cost_of
from shared.contract.inference import Model
from shared.contract.objects import Usage


class Span(trace.NonRecordingSpan):
    """Keeps what is said about it, as an SDK's would."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name, self.attributes, self.status, self.ended = name, attributes, None, False

    def is_recording(self) -> bool:
        return True

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        self.attributes.update(attributes)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        self.ended = True


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    made: list[Span] = []

    class Tracer(trace.NoOpTracer):
        def start_span(self, name: str, *_: Any, **__: Any) -> Span:
            made.append(Span(name, {}))
            return made[-1]

    class Provider(trace.TracerProvider):
        def get_tracer(self, *_: Any, **__: Any) -> Tracer:
            return Tracer()

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Provider())
    return made


def toml(url: str) -> str:
    return f'[models.priced]\nmodel = "m"\nbase_url = "{url}"\nprompt_price = 2\ncompletion_price = 10\n'


async def test_a_request_is_a_span_with_the_attributes_of_the_conventions(spans: list[Span], turn: Turn, work: Work):
    async with fake.upstream(fake.counts) as server:
        await work(models=toml(server.url))
        await turn.answer("my secret question", sampling={"temperature": 0.5, "max_tokens": 9})
    [span] = spans
    first = span.attributes.pop("gen_ai.response.time_to_first_chunk")
    assert (span.name, span.ended, span.status, first > 0) == ("chat priced", True, None, True)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "priced",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.model": "priced",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "server.address": server.url[7:-3],
    }


async def test_each_model_of_a_chain_has_its_own_span_and_a_failure_its_code(spans: list[Span], turn: Turn, work: Work):
    async with fake.upstream(fake.refuses("500 Oops")) as server:
        await work(models=toml(server.url) + 'fallback = ["colloquy-demo"]\n', retries=0)
        await turn.answer("count to 2")
    assert [span.name for span in spans] == ["chat priced", "chat colloquy-demo"]
    assert (spans[0].attributes["error.type"], spans[0].status) == ("upstream_unavailable", trace.StatusCode.ERROR)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_m094_tokens_cost_and_times_are_counted_for_each_model_and_no_words(turn: Turn, work: Work):
    async with fake.upstream(fake.counts) as server:
        of = {"server_address": server.url[7:-3], "gen_ai_request_model": "priced"}
        before = sample("colloquy_model_cost_usd_total", model="priced")
        await work(models=toml(server.url))
        await turn.answer("my secret question")
    assert sample("gen_ai_client_token_usage_sum", **of, gen_ai_token_type="input") == 3
    assert sample("gen_ai_client_token_usage_sum", **of, gen_ai_token_type="output") == 2
    assert sample("gen_ai_client_operation_duration_seconds_count", **of, error_type="") == 1
    assert sample("gen_ai_client_operation_time_to_first_chunk_seconds_count", **of) == 1
    assert sample("gen_ai_server_time_per_output_token_seconds_count", **of) == 1
    assert sample("colloquy_model_cost_usd_total", model="priced") - before == pytest.approx(26e-6)
    assert b"secret" not in generate_latest()


def test_a_price_is_for_a_million_tokens():
    card = Model(id="m", description="", kind="openai", prompt_price=2.0, completion_price=10.0)
    assert cost_of(card, Usage(prompt_tokens=500_000, completion_tokens=100_000)) == 2.0
    assert cost_of(Model(id="m", description="", kind="openai"), Usage(prompt_tokens=5)) == 0.0

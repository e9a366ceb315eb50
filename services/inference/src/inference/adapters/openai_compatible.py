"""Any OpenAI-compatible server over HTTP."""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from json import loads
from math import isnan
from typing import Any, Final, cast

import httpx
import structlog

from inference import metrics
from inference.cleaning import cleaned
from inference.delta import Delta
from inference.dialect import Normalizer, failure_of
from inference.estimate import Meter
from inference.failure import ModelFailed, UpstreamMalformed, UpstreamRateLimited, UpstreamUnavailable
from inference.prompt import Prompt
from inference.settings import InferenceSettings
from inference.tags import Tag, Tags
from shared.contract import inference

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GRACE_SECONDS: Final = 2.0
"""After the finish reason, how long usage and `[DONE]` may take: some servers never send them, nor close."""

ERROR_CAP: Final = 64 * 1024
"""Bytes of an error's body that are read."""

BODY_CAP: Final = 64 * 1024 * 1024
"""Bytes of one answer's body, comments and all."""

_NO_TOOLS: Final = re.compile(rb"not support tools|enable-auto-tool-choice|requires --jinja", re.IGNORECASE)
"""What Ollama, vLLM and llama.cpp say when a model, or the way they were started, knows no tools."""


@asynccontextmanager
async def client_of(settings: InferenceSettings) -> AsyncGenerator[httpx.AsyncClient]:
    """The one HTTP client of the process. Proxies of the environment are not used: the address is the operator's."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=settings.slots)
    # Compressed streams would be decoded without a limit, and none was asked for.
    headers = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(headers=headers, limits=limits, trust_env=False) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, after how long at first, how long at most when told, and in how many seconds altogether."""

    limit: int
    delay: float
    cap: float
    within: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is, what it is called there, and what every request to it carries."""

    base_url: str
    model: str
    headers: Mapping[str, str]
    connect_seconds: float
    max_output: int | None = None
    tags: tuple[Tag, ...] = ()


class OpenAICompatible:
    """One model at one server."""

    def __init__(self, client: httpx.AsyncClient, endpoint: Endpoint, card: inference.Model, retries: Retries) -> None:
        self._client = client
        self._endpoint = endpoint
        self._url = endpoint.base_url.rstrip("/") + "/chat/completions"
        self._retries = retries
        self._usage = self._tools = True
        self.card = card
        # Reading has no timeout here: a comment would reset it. The guard of the generation counts what is said.
        self._timeout = httpx.Timeout(None, connect=endpoint.connect_seconds, write=endpoint.connect_seconds)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """The answer as it comes. Raises ModelFailed after what was said before."""
        response = await self._ask(cleaned(prompt))
        try:
            said, body = Normalizer(), _Body(response)
            tags, meter = Tags(self._endpoint.tags), Meter(prompt)
            async for chunk in body.chunks(said):
                for delta in meter.through(tags.through(said.feed(chunk))):
                    yield delta
            for delta in meter.rest(tags.through(said.close(cut=body.cut))):
                yield delta
            if said.failure is not None:
                raise said.failure
        finally:
            await response.aclose()

    async def _ask(self, prompt: Prompt) -> httpx.Response:
        """A response that streams. Tries again, within limits, what may be passing."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._retries.within
        for attempt in count():
            try:
                return await self._try(prompt)
            except (UpstreamUnavailable, UpstreamRateLimited) as failure:
                delay = delay_of(self._retries, attempt, failure.retry_after, random.random())  # noqa: S311 - jitter
                if delay is None or loop.time() + delay > deadline:
                    raise
                log.warning("upstream.retried", code=failure.code, attempt=attempt, delay=round(delay, 3))
            metrics.RETRIES.inc()
            await asyncio.sleep(delay)
        raise AssertionError

    async def _try(self, prompt: Prompt) -> httpx.Response:
        try:
            response = await self._client.send(self._request(prompt), stream=True)
        except httpx.TransportError as error:
            raise UpstreamUnavailable(type(error).__name__) from None
        if response.is_success and _is_readable(response):
            return response
        try:
            body = await _read_error(response)
        finally:
            await response.aclose()
        if response.status_code in (400, 422) and self._usage and b"stream_options" in body:
            self._usage = False
            return await self._try(prompt)
        if self._tools and prompt.ours and prompt.tools and _NO_TOOLS.search(body):
            self._tools = False
            log.warning("upstream.without_tools", model=self.card.id)
            return await self._try(prompt)
        raise _failure(response, body)

    def _request(self, prompt: Prompt) -> httpx.Request:
        body: dict[str, Any] = {"model": self._endpoint.model, "messages": prompt.chat(), "stream": True}
        if self._usage:
            body["stream_options"] = {"include_usage": True}
        if prompt.ours and not self._tools:
            prompt = replace(prompt, tools=())
        body |= prompt.sampling.model_dump(exclude_none=True) | prompt.demands()
        if most := self._endpoint.max_output:
            body["max_tokens"] = min(body.get("max_tokens", most), most)
        headers = dict(self._endpoint.headers)
        return self._client.build_request("POST", self._url, json=body, headers=headers, timeout=self._timeout)


class _Body:
    """The bytes of a response until enough is said, or they end. `cut`: they broke off."""

    def __init__(self, response: httpx.Response) -> None:
        self._raw = response.aiter_raw()
        self.cut = False

    async def chunks(self, said: Normalizer) -> AsyncIterator[bytes]:
        left = BODY_CAP
        while left > 0 and not said.done and said.failure is None:
            try:
                chunk = await self._next(None if said.reason is None else GRACE_SECONDS)
            except TimeoutError:
                return
            except httpx.TransportError:
                self.cut = True
                return
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
        self.cut = left <= 0

    async def _next(self, seconds: float | None) -> bytes:
        if seconds is None:
            return await anext(self._raw, b"")
        async with asyncio.timeout(seconds):
            return await anext(self._raw, b"")


def delay_of(retries: Retries, attempt: int, told: float | None, chance: float) -> float | None:
    """Seconds until the next try, or None when there is none; `chance` is from [0, 1)."""
    if attempt >= retries.limit or (told is not None and told > retries.cap):
        return None
    return told if told is not None else retries.delay * 2**attempt * (0.5 + chance)


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """What a Retry-After header says, in seconds or as a date; None when it says nothing that can be read."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if isnan(seconds) else max(0.0, seconds)


def _is_readable(response: httpx.Response) -> bool:
    plain = response.headers.get("content-encoding", "identity").strip().lower() in ("", "identity")
    return plain and "html" not in response.headers.get("content-type", "")


async def _read_error(response: httpx.Response) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > ERROR_CAP:
                    break
    except (TimeoutError, httpx.TransportError):
        pass
    return body


def _failure(response: httpx.Response, body: bytes) -> ModelFailed:
    if response.is_success:
        return UpstreamMalformed("a compressed answer or a page")
    try:
        said: Any = loads(body)
    except (ValueError, RecursionError):
        said = None
    error = cast("dict[str, Any]", said).get("error") if isinstance(said, dict) else None
    failure = failure_of(error, response.status_code)
    failure.retry_after = seconds_of(response.headers.get("retry-after"), datetime.now(UTC))
    return failure

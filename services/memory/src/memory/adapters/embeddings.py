"""Embeddings from any server that speaks OpenAI's `/embeddings`. Only the configured address is ever called (S8)."""

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from pydantic import BaseModel, SecretStr, ValidationError

from memory.settings import MemorySettings
from shared.errors import Refused, Unavailable

_OK, _TOO_MANY, _FAILED = 200, 429, 500
MOST_BYTES = 32 * 1024 * 1024
TIMEOUT = httpx.Timeout(20.0, connect=5.0)


class EmbedderUnfit(Refused):
    """The server of embeddings answers with something else."""

    code = "embedder_unfit"


class _One(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_One]


class HttpEmbedder:
    """See `ports.Embedder`. `dimensions` is asked for when it is given."""

    def __init__(self, client: httpx.AsyncClient, url: str, model: str, key: SecretStr | None, dimensions: int | None) -> None:
        self.model = f"{model}/{dimensions or ''}"
        self._client, self._url = client, url.rstrip("/") + "/embeddings"
        self._headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._asked: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions:
            self._asked["dimensions"] = dimensions

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """See `ports.Embedder.embed`."""
        body = await self._ask({**self._asked, "input": list(texts)})
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError:
            raise EmbedderUnfit from None
        ordered = sorted(answer.data, key=lambda one: one.index)
        if len(ordered) != len(texts):
            raise EmbedderUnfit
        return [_unit(one.embedding) for one in ordered]

    async def _ask(self, question: dict[str, Any]) -> bytes:
        try:
            async with self._client.stream("POST", self._url, json=question, headers=self._headers) as response:
                body = await _read(response)
        except httpx.HTTPError as error:
            raise Unavailable("The server of embeddings can't be reached.") from error
        if response.status_code == _TOO_MANY or response.status_code >= _FAILED:
            raise Unavailable("The server of embeddings can't answer now.")
        if response.status_code != _OK:
            raise EmbedderUnfit(f"The server of embeddings answers with {response.status_code}.")
        return body


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise EmbedderUnfit("The server of embeddings answers with too much.")
    return bytes(body)


def _unit(vector: Sequence[float]) -> bytes:
    array = np.asarray(vector, dtype="<f4")
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length == 0.0:
        raise EmbedderUnfit
    return (array / length).tobytes()


def client() -> httpx.AsyncClient:
    """One that goes nowhere but where it is sent: no redirects, no proxy of the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


def embedder_of(client: httpx.AsyncClient, settings: MemorySettings, url: str) -> HttpEmbedder:
    """The one of these settings."""
    return HttpEmbedder(client, url, settings.embeddings_model, settings.embeddings_key, settings.embeddings_dimensions)

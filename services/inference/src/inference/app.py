"""How inference is put together."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from inference.adapters.embedded import Embedded
from inference.adapters.memory import BusMemory
from inference.adapters.openai_compatible import OpenAICompatible, Retries, client_of
from inference.attempt import Surroundings
from inference.commands import NAME
from inference.completing import Completer
from inference.digest import Digester
from inference.guard import Deadlines
from inference.lines import Clock
from inference.models import Models
from inference.pacer import Pacer
from inference.ports import Model
from inference.settings import InferenceSettings
from inference.worker import Worker
from shared import __version__
from shared.bus import Answer, Bus
from shared.contract.inference import COMPLETE, DIGEST, GENERATE, LIST_MODELS, StopNow
from shared.contract.subjects import every_stop_signal
from shared.errors import Invalid


@asynccontextmanager
async def application(settings: InferenceSettings, bus: Bus) -> AsyncGenerator[None]:
    """Takes orders to generate while the context is open. Raises Invalid when the settings contradict each other."""
    async with AsyncExitStack() as stack:
        models = Models(_models(settings, await stack.enter_async_context(client_of(settings))))
        memory, name = BusMemory(bus), f"{socket.gethostname()}-{os.getpid()}"
        worker = Worker(settings, name, models, Surroundings(memory, bus, Pacer(), Clock()))
        digester = Digester(memory, models, name)
        deadlines = Deadlines(settings.first_token_seconds, settings.idle_seconds, settings.total_seconds)
        completer = Completer(models, deadlines, settings.complete_slots, settings.max_output_chars)
        answers = [Answer(LIST_MODELS, models.list), Answer(COMPLETE, completer.complete)]
        await stack.enter_async_context(bus.answer("inference", __version__, answers))
        await stack.enter_async_context(completer.until_leaving())
        await stack.enter_async_context(bus.listen(every_stop_signal(), StopNow, worker.stop))
        await stack.enter_async_context(bus.work(DIGEST, digester.make, digester.dead, slots=settings.digest_slots))
        await stack.enter_async_context(bus.work(GENERATE, worker.generate, worker.abandon, slots=settings.slots))
        yield


def _models(settings: InferenceSettings, client: httpx.AsyncClient) -> list[Model]:
    """The configured ones, then the built-in commands: those are the default only when nothing is configured."""
    names = [name for name in (part.strip() for part in settings.model.split(",")) if name and name != NAME]
    embedded = Embedded(settings.demo_tokens_per_second)
    if bool(names) != bool(settings.base_url):
        raise Invalid("Set INFERENCE_BASE_URL and INFERENCE_MODEL together, or neither.")
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        raise Invalid("INFERENCE_BASE_URL must start with http:// or https://.")
    retries = Retries(
        settings.retries, settings.retry_delay_seconds, settings.retry_after_cap_seconds, settings.first_token_seconds
    )
    return [*(OpenAICompatible(client, settings.base_url, name, retries) for name in names), embedded]

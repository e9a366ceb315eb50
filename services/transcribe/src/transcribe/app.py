"""How speech is put together."""

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from pydantic import SecretStr

from shared import __version__
from shared.bus import Answer, Bus
from shared.contract.speech import LIST_VOICES, LISTEN, SAY, TRANSCRIBE, Hearing
from shared.outbound import Reach, outbound
from shared.tasks import owned
from transcribe.adapters.mouths import mouths
from transcribe.adapters.openai_speech import TIMEOUT, OpenAIHearing, OpenAISpeech
from transcribe.adapters.sandboxes import nursery
from transcribe.adapters.whisper import whisper
from transcribe.leftovers import Leftovers
from transcribe.live import Live
from transcribe.ports import Engine, Speaker
from transcribe.settings import TranscribeSettings
from transcribe.speaking import Speaking
from transcribe.transcribing import Limits, Transcriber

GRACE_SECONDS = 1.0
EMBEDDED = Hearing(
    engine="pocketsphinx",
    model="en-us",
    languages=["en"],
    note="Built in and small: English only, lower case, without punctuation, and it errs. See docs/voice.md for better ones.",
)


@asynccontextmanager
async def application(settings: TranscribeSettings, bus: Bus) -> AsyncGenerator[None]:
    """Speech in and out while the context is open."""
    reach = Reach(frozenset(settings.url_hosts), frozenset(settings.url_origins))
    limits = Limits(settings.max_minutes * 60, settings.max_bytes, settings.language)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(outbound(reach))
        engine = await hearing(settings, stack)
        speaker = await speaking(settings, stack)
        sandboxes = await stack.enter_async_context(nursery(settings.engine, settings.decode_memory))
        tasks = await stack.enter_async_context(owned())
        sweeping = tasks.create_task(Leftovers(bus, settings.sweep_seconds).run())
        stack.callback(sweeping.cancel)
        transcriber = Transcriber(bus, sandboxes, engine, client, limits, f"{socket.gethostname()}-{os.getpid()}")
        card = engine.card if engine is not None else EMBEDDED
        voices = Speaking(speaker, card)
        live = Live(bus, sandboxes, engine, card, limits, settings.sessions, settings.idle_seconds, tasks)
        answers = [Answer(LISTEN, live.listen), Answer(SAY, voices.say), Answer(LIST_VOICES, voices.list_voices)]
        await stack.enter_async_context(
            bus.work(TRANSCRIBE, transcriber.carry_out, transcriber.bury, slots=settings.jobs, grace=GRACE_SECONDS)
        )
        await stack.enter_async_context(bus.answer("transcribe", __version__, answers))
        stack.callback(live.leave)
        yield


async def hearing(settings: TranscribeSettings, stack: AsyncExitStack) -> Engine | None:
    """What understands speech; None when the sandbox does it itself. Raises NoModel."""
    if settings.engine == "whisper":
        return await stack.enter_async_context(whisper(settings.whisper_model, settings.whisper_threads))
    if settings.engine == "openai":
        client = await _client(settings.openai_key, stack)
        return OpenAIHearing(client, settings.openai_url, settings.openai_model)
    return None


async def speaking(settings: TranscribeSettings, stack: AsyncExitStack) -> Speaker:
    """What speaks. Raises NobodySpeaks."""
    engine = "piper" if settings.speech_engine == "auto" and settings.piper_voice else settings.speech_engine
    made = await stack.enter_async_context(mouths(engine, settings.piper_voice, settings.speech_processes))
    if engine != "openai":
        return made
    client = await _client(settings.speech_key, stack)
    return OpenAISpeech(client, settings.speech_url, settings.speech_model, settings.speech_voices, made)


async def _client(key: SecretStr, stack: AsyncExitStack) -> httpx.AsyncClient:
    """A client for a server that the operator chose. Proxies of the environment are not used."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key.get_secret_value() else {}
    return await stack.enter_async_context(httpx.AsyncClient(headers=headers, timeout=TIMEOUT, trust_env=False))

"""Voice: decoding, understanding, the first partial word, the first byte of a sentence. `python -m benchmarks.voice`

Speech is made by flite (Debian: `apt install flite`), so it is clean, and one voice: word error rates of people are higher.
"""

import argparse
import asyncio
import io
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import httpx
import websockets
from support.speech import SENTENCES, encoded, spoken, understood
from support.system import running

from benchmarks.machine import machine
from transcribe import listening
from transcribe.adapters import decoding
from transcribe.adapters.mouths import mouths
from transcribe.adapters.sandboxes import nursery
from transcribe.adapters.whisper import whisper
from transcribe.listening import Said

MEMORY = 384 * 1024 * 1024
FORMS = (("webm", "libopus"), ("ogg", "libopus"), ("mp4", "aac"), ("mp3", "libmp3lame"), ("flac", "flac"), ("wav", "pcm_s16le"))


def seconds(pcm: bytes) -> float:
    """How long it is."""
    return len(pcm) / 32_000


def decode(minutes: int) -> None:
    """How many times faster than it plays each format is decoded, in seconds of computing."""
    pcm = (spoken(SENTENCES[0]) * 100)[: minutes * 60 * 32_000]
    for form, codec in FORMS:
        data = encoded(pcm, form, codec)
        began = time.process_time()
        kind = decoding.container(data[:12])
        decoding.probe(io.BytesIO(data), kind, 3_600)
        got = sum(map(len, decoding.samples(io.BytesIO(data), kind, 3_600)))
        took = time.process_time() - began
        print(
            f"decode {form:5} {seconds(pcm):6.0f} s of audio, {len(data) / 1e3:7.0f} kB  {got / 32_000 / took:7.0f} x real time"
        )


async def understand(name: str, engine, boxes) -> None:
    """Real-time factor and word error rate on the sentences."""
    wall = audio = right = words = 0.0
    for sentence in SENTENCES:
        pcm = spoken(sentence)
        data, began = encoded(pcm), time.perf_counter()
        async with boxes.open(live=False, seconds=60) as box:
            await box.send(data)
            await box.end()
            events = box.events()
            listened = listening.inside(events) if engine is None else listening.recorded(events, engine, "en")
            text = " ".join([one.text async for one in listened if isinstance(one, Said)])
        wall, audio = wall + time.perf_counter() - began, audio + seconds(pcm)
        count = len(sentence.split())
        words, right = words + count, right + count * understood(sentence, text.replace(",", "").replace(".", ""))
    print(
        f"{name:14} real-time factor {wall / audio:.2f} (wall)   word error rate {1 - right / words:.0%} of {words:.0f} words"
    )


async def first_sentence() -> None:
    """From the question to the sound of one sentence."""
    async with mouths("flite", "", 1) as made:
        times = []
        for _ in range(20):
            began = time.perf_counter()
            await made.say("Your meeting is on Friday at ten.", made.voices[0], 1.0, "opus", None, last=True)
            times.append(1_000 * (time.perf_counter() - began))
    times.sort()
    print(f"one sentence as Ogg/Opus: p50 {times[10]:.0f} ms, worst {times[-1]:.0f} ms")


async def over_http(system) -> None:
    """The first byte of speech, and the first partial word after speech began, through all services."""
    async with httpx.AsyncClient(base_url=system.url, timeout=60, trust_env=False) as http:
        times = []
        for _ in range(10):
            began = time.perf_counter()
            body = {"text": "Your meeting is on Friday at ten. " * 20}
            async with http.stream("POST", "/api/v1/speech?user=ana", json=body) as answer:
                await anext(answer.aiter_raw())
                times.append(1_000 * (time.perf_counter() - began))
    print(f"first audio byte over HTTP: p50 {sorted(times)[5]:.0f} ms, worst {max(times):.0f} ms")
    partials = sorted([await first_partial(system) for _ in range(5)])
    print(f"first partial after speech began: p50 {partials[2]:.0f} ms, worst {partials[-1]:.0f} ms (chunks of 100 ms)")


async def first_partial(system) -> float:
    """Milliseconds from the first sound of speech to the first word, when it is sent as fast as it is spoken."""
    pcm, quiet = spoken(SENTENCES[2]), 0.72
    data = encoded(pcm, live="1", cluster_time_limit="100", flush_packets="1")
    pace, pieces = 0.1, round(seconds(pcm) / 0.1)
    size = len(data) // pieces + 1
    async with websockets.connect(f"ws://127.0.0.1:{system.port}/api/v1/audio?user=ana") as socket:
        began = time.perf_counter()

        async def feed() -> None:
            for number, place in enumerate(range(0, len(data), size)):
                await asyncio.sleep(max(0.0, began + pace * (number + 1) - time.perf_counter()))
                await socket.send(data[place : place + size])
            await socket.send(json.dumps({"type": "end"}))

        feeding = asyncio.create_task(feed())
        async for frame in socket:
            if json.loads(frame)["type"] == "transcript.partial":
                break
        took = time.perf_counter() - began - quiet
        feeding.cancel()
    return 1_000 * took


@asynccontextmanager
async def engine_of(model: str):
    """faster-whisper with this model."""
    async with whisper(model, os.cpu_count() or 1) as made:
        yield made


async def engines(model: str) -> None:
    """Each engine that is there."""
    async with nursery("pocketsphinx", MEMORY) as boxes:
        await understand("pocketsphinx", None, boxes)
    if model:
        async with engine_of(model) as made, nursery("whisper", MEMORY) as boxes:
            await understand("faster-whisper", made, boxes)


def main(say: Callable[[str], None] = print) -> None:
    """All of it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--minutes", type=int, default=3)
    asked.add_argument("--whisper", default=os.environ.get("TRANSCRIBE_WHISPER_MODEL", ""))
    asked.add_argument("--data", type=Path, default=Path("data/bench-voice"))
    given = asked.parse_args()
    say(machine())
    decode(given.minutes)
    asyncio.run(engines(given.whisper))
    asyncio.run(first_sentence())
    with running(given.data) as system:
        asyncio.run(over_http(system))


if __name__ == "__main__":
    main()

"""faster-whisper, in a process of its own: `python -m transcribe.adapters.whisper FD MODEL THREADS`, and the service's side.

It is given our own samples: its own decoder collects all of a file, and breaks with newer versions of PyAV.
"""

import asyncio
import importlib
import json
import signal
import socket
import sys
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from shared.contract.speech import Hearing
from shared.contract.transcript import Segment
from shared.errors import Fault, Unavailable
from transcribe.adapters import limits
from transcribe.adapters.apart import Apart, Refuses
from transcribe.adapters.frames import EVENT, FAILED, SOUND, frame, read_frame
from transcribe.adapters.frames import START as ASK
from transcribe.hearing import Understood

LOAD_SECONDS: Final = 120.0
HEAR_SECONDS: Final = 300.0
ANSWER_BYTES: Final = 1024 * 1024
INSTALL: Final = "faster-whisper is not installed: uv sync --all-packages --extra whisper"
FETCH: Final = (
    "There is no faster-whisper model {model!r} on this machine. Fetch one, and set TRANSCRIBE_WHISPER_MODEL to its folder: "
    "python -c \"from faster_whisper import download_model; download_model('small', 'models/small')\""
)


class NoModel(Fault):
    """The engine's model is not there."""

    code, status = "no_model", 500


def load(name: str, threads: int) -> Any:
    """The model, from a folder or from what was fetched before. Raises NoModel with the command that fetches it."""
    try:
        library = importlib.import_module("faster_whisper")
    except ImportError:
        raise NoModel(INSTALL) from None
    if not name or ("/" in name and not (Path(name) / "model.bin").is_file()):
        raise NoModel(FETCH.format(model=name))
    try:
        return library.WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
    except (OSError, RuntimeError, ValueError):  # what the hub says of a model that is not there is one of these
        raise NoModel(FETCH.format(model=name)) from None


def understood(model: Any, pcm: bytes, language: str | None) -> dict[str, Any]:
    """What is said in these samples."""
    numpy = importlib.import_module("numpy")
    samples = numpy.frombuffer(array("h", pcm), dtype="<i2").astype("float32") / 32768.0
    known = language if model.model.is_multilingual else "en"
    segments, info = model.transcribe(samples, language=known, beam_size=1, condition_on_previous_text=False)
    found = [{"start": one.start, "end": one.end, "text": one.text.strip()} for one in segments]
    return {"segments": found, "language": info.language}


def main() -> None:
    """Loads the model; then answers until the other end is closed."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    limits.die_with_parent()
    try:
        model = load(sys.argv[2], int(sys.argv[3]))
    except NoModel as missing:
        sock.sendall(frame(FAILED, str(missing).encode()))
        return
    sock.sendall(frame(EVENT, b"{}"))
    with suppress(EOFError, OSError):
        while True:
            _, asked = read_frame(sock)
            _, pcm = read_frame(sock)
            answer = understood(model, pcm, json.loads(asked)["language"])
            sock.sendall(frame(EVENT, json.dumps(answer).encode()))


class Whisper:
    """The service's side: see `ports.Engine`. One question at a time; it computes with all its threads."""

    def __init__(self, name: str, threads: int) -> None:
        self._apart = Apart("transcribe.adapters.whisper", name, str(threads), limit=ANSWER_BYTES)
        self._one = asyncio.Lock()
        self.card = Hearing(engine="whisper", model=Path(name).name, languages=[])

    async def begin(self) -> None:
        """Starts it and waits for the model. Raises NoModel."""
        try:
            await self._apart.begin(LOAD_SECONDS)
        except Refuses as reason:
            raise NoModel(str(reason)) from None

    async def understand(self, pcm: bytes, language: str | None) -> Understood:
        """What is said in it."""
        async with self._one:
            try:
                if not self._apart.runs:
                    await self.begin()
                return await self._asked(pcm, language)
            except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError) as error:
                await asyncio.shield(self.end())
                if isinstance(error, asyncio.CancelledError):
                    raise
                raise Unavailable("The engine has died; it starts again.") from None

    async def _asked(self, pcm: bytes, language: str | None) -> Understood:
        question = json.dumps({"language": language and language.partition("-")[0].lower()}).encode()
        self._apart.write(frame(ASK, question) + frame(SOUND, pcm))
        _, data = await self._apart.read(HEAR_SECONDS)
        answer = json.loads(data)
        return Understood(tuple(Segment.model_validate(one) for one in answer["segments"]), answer["language"])

    async def end(self) -> None:
        """It is gone when this returns."""
        await self._apart.end()


@asynccontextmanager
async def whisper(name: str, threads: int) -> AsyncGenerator[Whisper]:
    """faster-whisper with its model loaded. Raises NoModel."""
    made = Whisper(name, threads)
    try:
        await made.begin()
        yield made
    finally:
        await made.end()


if __name__ == "__main__":
    main()

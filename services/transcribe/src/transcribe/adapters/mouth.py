"""A process that speaks: `python -m transcribe.adapters.mouth FD ENGINE [VOICE]`. It is asked over FD, one sentence at a time.

What speaks may be under the GPL, and may crash: it shares nothing with the service but a socket.
"""

import json
import random
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Protocol

from shared.contract.speech import Say, Voice
from transcribe.adapters import limits
from transcribe.adapters.encoding import encoded
from transcribe.adapters.espeak import Espeak
from transcribe.adapters.flite import Flite
from transcribe.adapters.frames import EVENT, FAILED, SOUND, frame, read_frame
from transcribe.adapters.piper import Piper


class Synthesizer(Protocol):
    """An engine with its voices."""

    voices: tuple[Voice, ...]

    def synthesize(self, text: str, voice: str, speed: float) -> tuple[bytes, int]:
        """Samples of 16 bits, and how many a second."""
        ...


class Silent:
    """Nobody speaks: it only encodes what was spoken elsewhere."""

    voices: tuple[Voice, ...] = ()

    def synthesize(self, text: str, voice: str, speed: float) -> tuple[bytes, int]:
        """Nothing."""
        return b"", 16_000


ENGINES: dict[str, Callable[[str], Synthesizer]] = {
    "flite": lambda _: Flite(),
    "espeak": lambda _: Espeak(),
    "piper": Piper,
    "openai": lambda _: Silent(),
    "none": lambda _: Silent(),
}


def engine_of(name: str, voice: str) -> Synthesizer:
    """The engine of this name; for `auto` the first that is there. Raises OSError."""
    if name != "auto":
        return ENGINES[name](voice)
    for candidate in ("flite", "espeak"):
        try:
            return ENGINES[candidate](voice)
        except OSError:
            continue
    return Silent()


def main() -> None:
    """Says first who can speak; then answers until the other end is closed."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    limits.die_with_parent()
    try:
        engine = engine_of(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
    except OSError as error:
        sock.sendall(frame(FAILED, str(error).encode()))
        return
    voices = [voice.wire() for voice in engine.voices]
    if voices:  # the first sentence takes longer
        engine.synthesize("Hello.", engine.voices[0].id, 1.0)
    sock.sendall(frame(EVENT, json.dumps(voices).encode()))
    try:
        while True:
            _answer(sock, engine, *read_frame(sock))
    except (EOFError, OSError):
        return


def _answer(sock: socket.socket, engine: Synthesizer, _: bytes, data: bytes) -> None:
    asked: dict[str, Any] = json.loads(data)
    say = Say.model_validate(asked["say"])
    pcm, rate = _spoken(sock, engine, say, asked)
    made = encoded(pcm, rate, say.format, say.place, last=say.last, serial=random.getrandbits(31))
    place = None if made.place is None else made.place.wire()
    sock.sendall(frame(EVENT, json.dumps([made.rate, made.seconds, place]).encode()))
    sock.sendall(frame(SOUND, made.data))


def _spoken(sock: socket.socket, engine: Synthesizer, say: Say, asked: dict[str, Any]) -> tuple[bytes, int]:
    if "rate" in asked:  # somebody else has spoken
        return read_frame(sock)[1], asked["rate"]
    return engine.synthesize(say.text, str(say.voice), say.speed)


if __name__ == "__main__":
    main()

"""espeak-ng, by its C library: many languages, robotic. GPL: only in a process of its own, which talks over a socket."""

import ctypes
import importlib
from typing import Any, Final

from shared.contract.speech import Voice

RETRIEVE, CHARACTERS, UTF8, RATE_PARAMETER = 1, 1, 1, 1
WORDS_PER_MINUTE: Final = 165
LANGUAGES: Final = (
    *(
        "en-us",
        "en-gb",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "pt-br",
        "nl",
        "sv",
        "da",
        "nb",
        "fi",
        "pl",
        "cs",
        "sk",
        "hu",
        "ro",
        "bg",
    ),
    *("el", "tr", "ru", "uk", "ar", "fa", "hi", "id", "vi", "ko", "ja", "cmn"),
)
SAID = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library, of the wheel `espeakng-loader` or of the system. Raises OSError when there is none."""

    def __init__(self) -> None:
        path, data = _where()
        self._library: Any = ctypes.CDLL(path)
        self._rate: int = self._library.espeak_Initialize(RETRIEVE, 0, data, 0)
        if self._rate <= 0:
            raise OSError("espeak-ng has no data")
        self._said: list[bytes] = []
        self._callback = SAID(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self.voices = tuple(
            Voice(id=f"espeak-{language}", language=_tag(language), engine="espeak", default=place == 0)
            for place, language in enumerate(LANGUAGES)
        )

    def synthesize(self, text: str, voice: str, speed: float) -> tuple[bytes, int]:
        """Samples of 16 bits, and how many a second."""
        self._said.clear()
        self._library.espeak_SetVoiceByName(voice.removeprefix("espeak-").encode())
        self._library.espeak_SetParameter(RATE_PARAMETER, int(WORDS_PER_MINUTE * speed), 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, CHARACTERS, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return b"".join(self._said), self._rate

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._said.append(ctypes.string_at(samples, 2 * count))
        return 0


def _where() -> tuple[str, bytes | None]:
    try:
        loader = importlib.import_module("espeakng_loader")
    except ImportError:
        return "libespeak-ng.so.1", None
    return loader.get_library_path(), str(loader.get_data_path()).encode()


def _tag(language: str) -> str:
    """As a BCP 47 tag."""
    language = {"cmn": "zh"}.get(language, language)
    head, dash, region = language.partition("-")
    return head + dash + region.upper()

"""flite, by its C library: English, small, permissively licensed. For a process of its own: it knows nothing of threads."""

import ctypes
from typing import Any, Final

from shared.contract.speech import Voice

LIBRARIES: Final = ("flite", "flite_usenglish", "flite_cmulex")
NAMES: Final = ("slt", "rms", "awb", "kal16")
"""A woman's voice first: it is the clearest."""


class Wave(ctypes.Structure):
    """`cst_wave` of flite's header."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class Flite:
    """The library with those of its voices that are installed. Raises OSError when it is not."""

    def __init__(self) -> None:
        self._flite = next(iter([_library(name) for name in LIBRARIES]))
        self._flite.flite_init()
        self._flite.flite_text_to_wave.restype = ctypes.POINTER(Wave)
        self._flite.flite_text_to_wave.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
        self._flite.delete_wave.argtypes = (ctypes.POINTER(Wave),)
        self._flite.feat_set_float.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float)
        self._voices = {name: voice for name in NAMES if (voice := _registered(name)) is not None}
        if not self._voices:
            raise OSError("no voice of flite is installed")
        self.voices = tuple(
            Voice(id=f"flite-{name}", language="en-US", engine="flite", default=place == 0)
            for place, name in enumerate(self._voices)
        )

    def synthesize(self, text: str, voice: str, speed: float) -> tuple[bytes, int]:
        """Samples of 16 bits, and how many a second."""
        pointer = self._voices[voice.removeprefix("flite-")]
        self._flite.feat_set_float(_features(pointer), b"duration_stretch", 1 / speed)
        wave = self._flite.flite_text_to_wave(text.encode(), pointer)
        if not wave:
            return b"", 16_000
        try:
            made = wave.contents
            return ctypes.string_at(made.samples, 2 * made.num_samples), made.sample_rate
        finally:
            self._flite.delete_wave(wave)


class VoiceHead(ctypes.Structure):
    """The beginning of `cst_voice` of flite's header."""

    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


def _features(voice: int) -> int:
    return ctypes.cast(voice, ctypes.POINTER(VoiceHead)).contents.features


def _library(name: str) -> Any:
    return ctypes.CDLL(f"lib{name}.so.1", mode=ctypes.RTLD_GLOBAL)


def _registered(name: str) -> int | None:
    try:
        register = getattr(_library(f"flite_cmu_us_{name}"), f"register_cmu_us_{name}")
    except (OSError, AttributeError):
        return None
    register.restype = ctypes.c_void_p
    register.argtypes = (ctypes.c_char_p,)
    return register(None)

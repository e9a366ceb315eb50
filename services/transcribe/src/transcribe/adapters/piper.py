"""piper, with a voice that the operator has fetched. GPL: only in a process of its own, which talks over a socket."""

import importlib
from pathlib import Path
from typing import Any

from shared.contract.speech import Voice


class Piper:
    """One voice. Raises OSError when it is not there, or piper is not installed."""

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise OSError(
                f"TRANSCRIBE_PIPER_VOICE names no file; fetch one by: python -m piper.download_voices {Path(path).stem}"
            )
        try:
            self._piper: Any = importlib.import_module("piper")
        except ImportError as error:
            raise OSError("piper is not installed: uv pip install piper-tts") from error
        self._voice: Any = self._piper.PiperVoice.load(path)
        name = Path(path).stem
        language = name.partition("-")[0].replace("_", "-")
        self.voices = (Voice(id=f"piper-{name}", language=language, engine="piper", default=True),)

    def synthesize(self, text: str, voice: str, speed: float) -> tuple[bytes, int]:
        """Samples of 16 bits, and how many a second."""
        config = self._piper.SynthesisConfig(length_scale=1 / speed)
        chunks = list(self._voice.synthesize(text, config))
        rate: int = chunks[0].sample_rate if chunks else 22_050
        return b"".join(chunk.audio_int16_bytes for chunk in chunks), rate

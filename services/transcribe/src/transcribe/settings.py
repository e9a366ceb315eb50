"""What an operator may change about speech."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from shared.settings import settings_config

MIB = 1024 * 1024
Names = Annotated[tuple[str, ...], NoDecode]
"""Several names in one variable, separated by commas."""


class TranscribeSettings(BaseSettings):
    """Speech: which engine understands it, which one speaks, and how much of it at a time."""

    model_config = settings_config("TRANSCRIBE_")

    engine: Literal["pocketsphinx", "whisper", "openai"] = Field(
        default="pocketsphinx",
        description="What understands speech. pocketsphinx is built in, small, and for English; others: docs/voice.md.",
    )
    whisper_model: str = Field(
        default="", description="Folder of a faster-whisper model, or the name of one that was fetched, such as small."
    )
    whisper_threads: int = Field(default=2, ge=1, description="Threads that faster-whisper computes with.")
    openai_url: str = Field(default="", description="Base address of a server with /audio/transcriptions.")
    openai_key: SecretStr = Field(default=SecretStr(""), description="The key for that server.")
    openai_model: str = Field(default="whisper-1", description="The model it is asked for.")
    language: str | None = Field(default=None, description="Language of speech when nobody says which; empty: it is found out.")

    jobs: int = Field(default=2, ge=1, description="Recordings that this process works on at the same time.")
    sessions: int = Field(default=20, ge=1, description="Live sessions of this process; one more is told to come back later.")
    max_minutes: float = Field(default=60.0, gt=0, description="Minutes of audio that a recording or a session may have.")
    max_bytes: int = Field(default=25 * MIB, ge=1024, description="Bytes that a recording behind an address may have.")
    decode_memory: int = Field(
        default=384 * MIB, ge=64 * MIB, description="Memory that reading one recording may take beyond what is shared."
    )
    idle_seconds: float = Field(default=15.0, gt=0, description="Silence of the sender after which a live session ends.")
    url_hosts: Names = Field(
        default=(),
        description="Hosts whose audio may be fetched by address, separated by commas; .example.org with all below it, * any.",
    )
    url_origins: Names = Field(
        default=(), description="Origins in a network of your own that audio may come from, such as http://10.0.0.7:9000."
    )
    sweep_seconds: float = Field(default=60.0, gt=0, description="How often audio that nobody needs any more is looked for.")

    speech_engine: Literal["auto", "flite", "espeak", "piper", "openai", "none"] = Field(
        default="auto",
        description="What speaks. auto: flite where it is installed, else espeak, else nobody, and clients speak themselves.",
    )
    piper_voice: str = Field(default="", description="Path of a piper voice (.onnx).")
    speech_url: str = Field(default="", description="Base address of a server with /audio/speech.")
    speech_key: SecretStr = Field(default=SecretStr(""), description="The key for that server.")
    speech_model: str = Field(default="tts-1", description="The model it is asked for.")
    speech_voices: Names = Field(default=("alloy",), description="Voices that it has, separated by commas.")
    speech_processes: int = Field(default=1, ge=1, description="Processes that speak.")

    @field_validator("url_hosts", "url_origins", "speech_voices", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("language", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

"""Speech: transcripts as memory keeps them, the order to make one, what is said while it is spoken, and text spoken aloud."""

from typing import Literal

from pydantic import ConfigDict, Field

from shared.contract.base import Message
from shared.contract.memory import Done
from shared.contract.objects import Problem
from shared.contract.topics import Call, Queue
from shared.contract.transcript import Segment, Transcript

SpeechFormat = Literal["opus", "wav", "pcm", "mp3", "aac"]

MAX_SAID = 150
"""Characters of one Say: what comes of it must fit one NATS message."""


class Audio(Message):
    """A message that carries bytes, in base64."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


# --- transcripts ------------------------------------------------------------------------------------------------------


class CreateTranscript(Message):
    """Audio has come, as the blob of this id, or lies at `url`: keep it in mind, and order its transcript.

    The same `key` again gives the first transcript again; refused with `idempotency_mismatch` when `digest` is another one, and
    with `rate_limited` while too many of this user are waiting.
    """

    user: str
    id: str
    url: str | None = None
    language: str | None = None
    key: str | None = None
    digest: str = ""


class KeepTranscript(Message):
    """What was said live, when it has ended. The same id again changes nothing."""

    user: str
    id: str
    text: str
    language: str | None = None
    engine: str | None = None
    duration_seconds: float
    segments: list[Segment]
    error: Problem | None = None


class GetTranscript(Message):
    """One transcript."""

    user: str
    id: str


class Accounted(Transcript):
    """A transcript as it was created. `repeated`: under this key it was there before; what was uploaded now is not needed."""

    repeated: bool = False


class ClaimTranscript(Message):
    """A worker wants to make this transcript. `worker` names the process, for the logs."""

    user: str
    id: str
    worker: str


class TranscriptClaim(Message):
    """What the worker may do: `run` it until the lease ends; `wait`: another one holds it; `done`: there is nothing to do."""

    decision: Literal["run", "wait", "done"]
    lease_seconds: float = 0
    epoch: int = 0
    url: str | None = None
    language: str | None = None
    waited_seconds: float = 0


class RenewTranscript(Message):
    """The worker still makes it. Refused with `lost_lease` when the epoch is not the running one."""

    user: str
    id: str
    epoch: int


class TranscriptLease(Message):
    """The lease is extended."""

    lease_seconds: float


class FinishTranscript(Message):
    """The one end of a transcript. Accepted only for the running epoch; the same again is answered the same."""

    user: str
    id: str
    epoch: int
    outcome: Literal["completed", "failed"]
    text: str = ""
    language: str | None = None
    engine: str | None = None
    duration_seconds: float | None = None
    segments: list[Segment] = Field(default_factory=list[Segment])
    error: Problem | None = None


class ReleaseTranscript(Message):
    """The worker must stop, and gives it back: it is ordered again, for another worker, at once."""

    user: str
    id: str
    epoch: int


class AbandonTranscript(Message):
    """No worker could do it: the order goes to the dead letters. Ends it as failed unless it has ended."""

    user: str
    id: str
    error: Problem


class SiftTranscripts(Message):
    """Which of these are still to be made? The audio of all others is not needed any more."""

    ids: list[str] = Field(max_length=500)


class OpenTranscripts(Message):
    """Those that are."""

    ids: list[str]


# --- orders -----------------------------------------------------------------------------------------------------------


class Transcribe(Message):
    """Make this transcript. Everything else is asked of memory when the order is taken."""

    transcript_id: str
    user: str


# --- live -------------------------------------------------------------------------------------------------------------


class Listen(Message):
    """Somebody begins to speak: one worker listens to `audio.{user}.{transcript}` from its answer on. Busy when all are."""

    user: str
    transcript_id: str
    language: str | None = None


class Listening(Message):
    """The worker listens. It may be sent `window` bytes that it has not said to be through with."""

    engine: str
    window: int


class Chunk(Audio):
    """A piece of the audio as the browser made it; `number` counts from 0. Without data: the speaker is still there."""

    number: int
    data: bytes = b""
    end: bool = False


class Heard(Message):
    """What the listening worker says. `through`: bytes it is through with; `behind`: seconds of audio that wait for it.

    A `partial` text may still change; an `utterance` is over, and counts from 0. One of `ended` and `failed` is the last word.
    """

    kind: Literal["alive", "partial", "utterance", "ended", "failed"]
    through: int = 0
    behind: float = 0
    utterance: int = 0
    text: str = ""
    start: float = 0
    end: float = 0
    language: str | None = None
    error: Problem | None = None


# --- speech out -------------------------------------------------------------------------------------------------------


class OggPlace(Message):
    """Where the next sentence goes on in an Ogg stream."""

    serial: int
    page: int = 0
    granule: int = 0


class Say(Message):
    """One sentence as sound. With `place` it is the next part of that stream; `last` ends it. Refused with `no_voice`."""

    text: str = Field(max_length=MAX_SAID)
    voice: str | None = None
    language: str | None = None
    format: SpeechFormat = "opus"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    place: OggPlace | None = None
    last: bool = True


class Said(Audio):
    """The sound. `place`: where the next sentence goes on; `rate` in samples a second, of what has no header."""

    data: bytes
    rate: int
    seconds: float
    place: OggPlace | None = None


class ListVoices(Message):
    """Who can speak here, and what can be understood?"""


class Voice(Message):
    """A voice. `language` is a BCP 47 tag; `default`: it speaks when none is named."""

    id: str
    language: str
    engine: str
    default: bool = False


class Hearing(Message):
    """What understands speech here. No languages: many, and it finds out which."""

    engine: str
    model: str
    languages: list[str]
    note: str = ""


class Voices(Message):
    """Who can speak here; nobody: the client has to speak itself."""

    voices: list[Voice]
    hearing: Hearing


# --- the calls --------------------------------------------------------------------------------------------------------

CREATE_TRANSCRIPT = Call("memory", "create_transcript", CreateTranscript, Accounted)
KEEP_TRANSCRIPT = Call("memory", "keep_transcript", KeepTranscript, Transcript)
GET_TRANSCRIPT = Call("memory", "get_transcript", GetTranscript, Transcript)
CLAIM_TRANSCRIPT = Call("memory", "claim_transcript", ClaimTranscript, TranscriptClaim)
RENEW_TRANSCRIPT = Call("memory", "renew_transcript", RenewTranscript, TranscriptLease)
FINISH_TRANSCRIPT = Call("memory", "finish_transcript", FinishTranscript, Transcript)
RELEASE_TRANSCRIPT = Call("memory", "release_transcript", ReleaseTranscript, Done)
ABANDON_TRANSCRIPT = Call("memory", "abandon_transcript", AbandonTranscript, Done)
SIFT_TRANSCRIPTS = Call("memory", "sift_transcripts", SiftTranscripts, OpenTranscripts)

TRANSCRIBE = Queue("transcribe", Transcribe, ack_wait=6.0)
LISTEN = Call("transcribe", "listen", Listen, Listening)
SAY = Call("transcribe", "say", Say, Said)
LIST_VOICES = Call("transcribe", "list_voices", ListVoices, Voices)

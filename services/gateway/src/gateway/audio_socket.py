"""The socket one speaks into: audio in, words back while it is spoken; answers to what was said, spoken in turn (N21)."""

import asyncio
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocket

from gateway.aloud import begun_by, recited
from gateway.body import parse_json
from gateway.ear import Ear, listening_to
from gateway.exchange import query
from gateway.identity import Identity
from gateway.line import DONE, GOING_AWAY, REFUSED, Closing, Line
from gateway.parts import Parts
from gateway.requests import Request
from gateway.speech import Manner
from gateway.turn import Begun, begin, receipt
from gateway.upload import language_of
from gateway.validation import explained
from shared.contract.memory import SendMessage
from shared.contract.objects import IfBusy, Problem
from shared.contract.speech import KEEP_TRANSCRIPT, Heard, KeepTranscript, Said
from shared.contract.transcript import Segment
from shared.errors import Busy, Fault, Invalid
from shared.ids import Id
from shared.tasks import owned

START_SECONDS: Final = 60.0
"""How long a socket may be open before anybody says anything."""

BEHIND_SECONDS: Final = 2.0
KEEP_SECONDS: Final = 5.0
MAX_SPEECHES: Final = 8
"""Answers that may wait to be spoken at one socket."""

Tag = Annotated[str, AfterValidator(language_of)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class InStart(Request):
    """How what follows is to be taken. Audio may also begin without it."""

    type: Literal["start"] = "start"
    conversation_id: Id | None = None
    hands_free: bool = False
    speak: bool = False
    language: Tag | None = None
    voice: Name | None = None
    format: Literal["opus", "wav", "mp3"] = "opus"
    persona: Name | None = None
    model: Name | None = None
    if_busy: IfBusy = "queue"


class InEnd(Request):
    """There is no more audio."""

    type: Literal["end"]


class InSpeak(Request):
    """Speak this answer, which may still be written."""

    type: Literal["speak"]
    conversation_id: Id
    message_id: Id


class InHush(Request):
    """Speak no more of what is being spoken."""

    type: Literal["hush"]


class InPing(Request):
    """Are you there?"""

    type: Literal["ping"]


Incoming = InStart | InEnd | InSpeak | InHush | InPing
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


class AudioSocket:
    """A socket that somebody speaks into, from accept to close."""

    def __init__(self, parts: Parts, caller: Identity, websocket: WebSocket, request_id: str) -> None:
        self._parts, self._caller = parts, caller
        self._line = Line(parts, caller, websocket, request_id)
        self._options = InStart(language=language_of(query(websocket.scope).get("language")))
        self._conversation: str | None = None
        self._segments: list[Segment] = []
        self._language: str | None = None
        self._kept = False
        self._speeches: asyncio.Queue[Begun | None] = asyncio.Queue(MAX_SPEECHES)
        self._reciting: asyncio.Task[Any] | None = None

    async def serve(self) -> None:
        """Until what was said has been understood, and answered if that was asked for; or the client leaves."""
        await self._line.serve(self._converse)

    # --- listening ---------------------------------------------------------------------------------------------------------

    async def _converse(self) -> None:
        """From the first word to the last. Raises Closing."""
        try:
            first = await self._begun()
            async with listening_to(self._parts, self._caller.user, self._options.language) as ear:
                await self._tell("ready", transcriptId=ear.transcript_id, engine=ear.engine)
                await self._listen(ear, first)
        except Fault as fault:
            await self._line.complain(fault)
            raise Closing(GOING_AWAY if isinstance(fault, Busy) else REFUSED) from None
        raise Closing(DONE)

    async def _begun(self) -> bytes:
        """The first audio; what comes before it says how it is to be taken. Raises Closing when nobody says anything."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    frame = await self._line.receive()
                    if isinstance(frame, bytes):
                        return frame
                    message = _read(frame, self._parts.settings.json_depth)
                    if isinstance(message, InStart):
                        language = message.language or self._options.language
                        self._options = message.model_copy(update={"language": language})
                        self._conversation = message.conversation_id
                        return b""
                    await self._obey(message, None)
        except TimeoutError:
            raise Closing(DONE) from None

    async def _listen(self, ear: Ear, first: bytes) -> None:
        try:
            async with owned() as tasks:
                reading = tasks.create_task(self._read_on(ear, first))
                speaking = tasks.create_task(self._speak_on())
                await self._hear_out(ear)
                await self._speeches.put(None)
                await speaking
                reading.cancel()
        finally:
            await asyncio.shield(self._leave(ear))

    async def _read_on(self, ear: Ear, first: bytes) -> None:
        await ear.send(first)
        while True:
            frame = await self._line.receive()
            if isinstance(frame, bytes):
                await ear.send(frame)
                continue
            try:
                await self._obey(_read(frame, self._parts.settings.json_depth), ear)
            except Invalid as invalid:
                await self._line.complain(invalid)

    async def _obey(self, message: Incoming, ear: Ear | None) -> None:
        match message:
            case InEnd():
                if ear is None:
                    raise Closing(DONE)
                await ear.end()
            case InSpeak():
                where = (message.conversation_id, message.message_id)
                await self._queue(await begun_by(self._parts, self._caller.user, *where))
            case InHush():
                if self._reciting is not None:
                    self._reciting.cancel()
            case InPing():
                await self._tell("pong")
            case InStart():
                raise Invalid("start comes before the audio.")

    async def _hear_out(self, ear: Ear) -> None:
        """Hands on every word of the worker, to its last."""
        async for word in ear.words():
            match word.kind:
                case "partial":
                    about = {"transcriptId": ear.transcript_id, "utterance": word.utterance}
                    await self._tell("transcript.partial", **about, text=self._whole(word.text))
                case "utterance":
                    await self._understood(ear, word)
                case "alive":
                    if word.behind >= BEHIND_SECONDS:
                        await self._tell("transcript.behind", transcriptId=ear.transcript_id, seconds=word.behind)
                case "ended":
                    await self._end(ear, word.end)
                case "failed":
                    await self._fail(ear, word.error or Problem(code="failed", message="Listening failed."))

    async def _understood(self, ear: Ear, word: Heard) -> None:
        self._language = word.language or self._language
        self._segments.append(Segment(start=word.start, end=word.end, text=word.text))
        await self._tell(
            "transcript.utterance",
            transcriptId=ear.transcript_id,
            utterance=word.utterance,
            text=word.text,
            start=word.start,
            end=word.end,
            language=word.language,
        )
        if self._options.hands_free and word.text.strip():
            await self._send_on(f"{ear.transcript_id}-{word.utterance}", word.text)

    async def _end(self, ear: Ear, seconds: float) -> None:
        await self._keep(ear, seconds)
        about = {"transcriptId": ear.transcript_id, "utterances": len(self._segments), "durationSeconds": seconds}
        await self._tell("transcript.completed", **about, text=self._whole(), language=self._language)

    def _whole(self, rest: str = "") -> str:
        """All that was said until now."""
        return " ".join(text for text in (*(segment.text for segment in self._segments), rest) if text)

    async def _fail(self, ear: Ear, error: Problem) -> None:
        """The session is over; what was understood is kept, and the client may begin again with the rest."""
        await self._keep(ear, self._segments[-1].end if self._segments else 0.0)
        await self._tell("transcript.failed", transcriptId=ear.transcript_id, error=error.wire())

    async def _leave(self, ear: Ear) -> None:
        """Whoever goes away in the middle of a sentence has said the ones before it."""
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await ear.end()
                await self._keep(ear, self._segments[-1].end if self._segments else 0.0)
        except (Fault, TimeoutError):
            return

    async def _keep(self, ear: Ear, seconds: float) -> None:
        """What was said, for the other devices too. Nothing was said: nothing is kept."""
        if self._kept or not self._segments:
            return
        self._kept = True
        kept = KeepTranscript(
            user=self._caller.user,
            id=ear.transcript_id,
            text=self._whole(),
            language=self._language,
            engine=ear.engine,
            duration_seconds=seconds,
            segments=self._segments,
        )
        await self._parts.ask(KEEP_TRANSCRIPT, kept)

    # --- answering ---------------------------------------------------------------------------------------------------------

    async def _send_on(self, key: str, text: str) -> None:
        """What was said is a message at once. What it is refused with is told; one goes on listening."""
        options = self._options
        order = SendMessage(
            user=self._caller.user,
            text=text,
            conversation_id=self._conversation,
            channel="voice",
            language=options.language,
            persona=options.persona,
            model=options.model,
            if_busy=options.if_busy,
            client_message_id=key,
        )
        try:
            begun = await begin(self._parts, order)
        except Fault as fault:
            await self._line.complain(fault)
            return
        self._conversation = begun.accepted.conversation_id
        await self._tell("accepted", **receipt(begun, self._caller), clientMessageId=key, text=text)
        if options.speak:
            await self._queue(begun)

    async def _queue(self, begun: Begun) -> None:
        if self._speeches.full():
            raise Invalid("Too many answers wait to be spoken here.")
        await self._speeches.put(begun)

    async def _speak_on(self) -> None:
        """Speaks one answer after the other."""
        while (begun := await self._speeches.get()) is not None:
            self._reciting = asyncio.ensure_future(self._recite(begun))
            try:
                await asyncio.wait([self._reciting])
            finally:
                self._reciting.cancel()
            if not self._reciting.cancelled() and (error := self._reciting.exception()) is not None:
                raise error
            reason = "stopped" if self._reciting.cancelled() else self._reciting.result()
            await self._tell("speech.ended", messageId=begun.accepted.answer_id, reason=reason)

    async def _recite(self, begun: Begun) -> str:
        manner = Manner(self._options.voice, self._options.language, self._options.format)
        message_id = begun.accepted.answer_id

        async def utter(number: int, text: str, sound: Said) -> None:
            about = {"messageId": message_id, "index": number, "text": text, "format": manner.format}
            head = to_json({"type": "speech", **about, "seconds": round(sound.seconds, 2), "bytes": len(sound.data)})
            await self._line.send(head, sound.data)

        try:
            return await recited(self._parts, begun, manner, utter)
        except Fault as fault:
            await self._line.complain(fault)
            return "failed"

    # --- writing -----------------------------------------------------------------------------------------------------------

    async def _tell(self, kind: str, **values: Any) -> None:
        await self._line.send(to_json({"type": kind, **{name: value for name, value in values.items() if value is not None}}))


def _read(frame: str, depth: int) -> Incoming:
    try:
        return INCOMING.validate_python(parse_json(frame.encode(), depth))
    except ValidationError as error:
        raise explained(error.errors(include_url=False, include_input=False)) from None

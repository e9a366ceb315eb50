"""Other people's servers that understand speech, or speak: what they say is believed as little as what a client says."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.speech import RATE, SENTENCES, encoded, spoken

from shared.contract.transcript import Segment
from shared.errors import Unavailable
from transcribe import listening
from transcribe.adapters.decoding import wave_of
from transcribe.adapters.mouths import mouths
from transcribe.adapters.openai_speech import EngineRefused, OpenAIHearing, OpenAISpeech
from transcribe.adapters.sandboxes import nursery
from transcribe.listening import Said


class Upstream:
    """A server as OpenAI's, that answers what it is told to and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.forms: list[dict[str, object]] = []

    async def answer(self, request):
        if request.url.path.endswith("speech"):
            self.forms.append(await request.json())
        else:
            async with request.form() as form:
                self.forms.append(
                    {name: value if isinstance(value, str) else await value.read() for name, value in form.items()}
                )
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
async def upstream():
    fake = Upstream()
    routes = [Route(f"/v1/audio/{name}", fake.answer, methods=["POST"]) for name in ("transcriptions", "speech")]
    async with _served(Starlette(routes=routes)) as url, httpx.AsyncClient(trust_env=False) as client:
        fake.url, fake.client = url, client
        yield fake


@asynccontextmanager
async def _served(app):
    with socket.socket() as listening_socket:
        listening_socket.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening_socket]))
        yield f"http://127.0.0.1:{listening_socket.getsockname()[1]}/v1"
        server.should_exit = True
        await task


def hearing(upstream):
    return OpenAIHearing(upstream.client, upstream.url + "/", "whisper-1")


async def test_a_server_is_given_wav_and_its_segments_keep_the_times_of_the_recording(upstream):
    upstream.answers = [
        JSONResponse({"text": "a b", "segments": [{"start": 0.5, "end": 1, "text": " a b "}], "language": "english"})
    ]
    async with nursery("openai", 384 << 20) as boxes, boxes.open(live=False, seconds=60) as box:
        await box.send(encoded(b"".join(map(spoken, SENTENCES[:2]))))
        await box.end()
        found = [one async for one in listening.recorded(box.events(), hearing(upstream), "en-US") if isinstance(one, Said)]
    assert found[0].text == "a b"
    assert found[0].segments[0].start > 0.6
    assert upstream.forms[0]["file"][:4] == b"RIFF"
    assert (upstream.forms[0]["language"], upstream.forms[0]["model"]) == ("en", "whisper-1")


async def test_a_server_that_does_not_know_the_details_is_asked_without_them(upstream):
    upstream.answers = [JSONResponse({"error": "no such field"}, 422), JSONResponse({"text": "hello"})]
    engine = hearing(upstream)
    for _ in range(2):
        understood = await engine.understand(bytes(2 * RATE), None)
        assert understood.segments == (Segment(start=0.0, end=1.0, text="hello"),)
    assert ["response_format" in form for form in upstream.forms] == [True, False, False]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Response(status_code=500), Unavailable),
        (Response(status_code=429), Unavailable),
        (Response(status_code=401), EngineRefused),
        (Response(b"not json"), EngineRefused),
        (Response(b"[1]"), EngineRefused),
        (Response(b'{"segments": [{"start": "x"}]}'), EngineRefused),
    ],
)
async def test_s20_what_a_server_says_may_be_anything(upstream, answer, fault):
    upstream.answers = [answer]
    with pytest.raises(fault):
        await hearing(upstream).understand(bytes(2 * RATE), None)


async def test_a_server_that_is_not_there_is_unavailable(upstream):
    engine = OpenAIHearing(upstream.client, "http://127.0.0.1:1/v1", "m")
    with pytest.raises(Unavailable):
        await engine.understand(bytes(2 * RATE), None)


async def test_what_a_server_speaks_is_encoded_here(upstream):
    upstream.answers = [Response(wave_of(spoken("hello there"), RATE)), Response(bytes(48_000)), Response(b"RIFF and no more")]
    async with mouths("none", "", 1) as encoder:
        speaker = OpenAISpeech(upstream.client, upstream.url, "tts-1", ("alloy", "nova"), encoder)
        sound = await speaker.say("Hello.", speaker.voices[1], 1.0, "opus", None, last=True)
        assert sound.data[:4] == b"OggS"
        assert upstream.forms[0] == {
            "model": "tts-1",
            "input": "Hello.",
            "voice": "nova",
            "response_format": "wav",
            "speed": 1.0,
        }
        bare = await speaker.say("Hello.", speaker.voices[0], 1.0, "wav", None, last=True)
        assert bare.seconds == 1.0
        with pytest.raises(EngineRefused):
            await speaker.say("Hello.", speaker.voices[0], 1.0, "wav", None, last=True)


async def test_a_mouth_that_dies_is_begun_again_and_the_sentence_is_asked_for_again():
    async with mouths("auto", "", 1) as made:
        (mouth,) = made._mouths
        mouth._apart._process.kill()
        await mouth._apart._process.wait()
        with pytest.raises(Unavailable):
            await made.say("Hello.", made.voices[0], 1.0, "opus", None, last=True)
        assert (await made.say("Hello.", made.voices[0], 1.0, "opus", None, last=True)).data

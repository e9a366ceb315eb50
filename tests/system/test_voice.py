"""Voice end to end, offline: speech that flite makes goes in as a browser sends it, and comes back as words and sound."""

import asyncio
import io
import json
import os
import signal
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from openai import AsyncOpenAI, BadRequestError
from support.speech import SENTENCES, encoded, flite, spoken, understood
from support.system import running

SESSIONS = int(os.environ.get("COLLOQUY_TEST_SESSIONS", "3"))
"""How many speak at once; 20 take a minute of two cores."""

PATIENCE = 120.0
SAID = " ".join(SENTENCES)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    flite()
    settings = {"GATEWAY_RATE_PER_MINUTE": "100000", "INFERENCE_DEMO_TOKENS_PER_SECOND": "40", "TRANSCRIBE_SWEEP_SECONDS": "1"}
    with running(tmp_path_factory.mktemp("voice"), **settings) as whole:
        yield whole


@pytest.fixture(scope="module")
def speech():
    """All sentences, one after the other, as a browser's recorder packs them."""
    return encoded(b"".join(spoken(sentence) for sentence in SENTENCES), live="1")


@asynccontextmanager
async def microphone(system, user="ana", **start):
    """A socket to speak into."""
    address = f"ws://127.0.0.1:{system.port}/api/v1/audio?user={user}"
    async with asyncio.timeout(PATIENCE), websockets.connect(address, max_size=None) as socket:
        await socket.send(json.dumps({"type": "start", **start}))
        yield socket


async def speak(socket, data, pieces=20):
    size = len(data) // pieces + 1
    for place in range(0, len(data), size):
        await socket.send(data[place : place + size])
    await socket.send(json.dumps({"type": "end"}))


async def events(socket):
    """Everything until the server closes; binary frames as their sizes."""
    return [json.loads(frame) if isinstance(frame, str) else len(frame) async for frame in socket]


def of(kind, heard):
    return [event for event in heard if isinstance(event, dict) and event["type"] == kind]


async def finished(client, transcript):
    async with asyncio.timeout(PATIENCE):
        while True:
            job = await client.call("GET", f"/api/v1/voice-upload/{transcript}")
            if job["status"] in ("completed", "failed"):
                return job
            await asyncio.sleep(0.1)


async def test_m063_speech_that_was_recorded_comes_back_as_text_with_times(system, speech):
    async with system.client() as client:
        taken = await client.call("POST", "/api/v1/voice-upload", files={"file": ("../../etc/x.webm", speech, "text/html")})
        job = await finished(client, taken["transcriptJobId"])
    assert understood(SAID, job["text"]) >= 0.85
    assert job["language"] == "en"
    assert len(job["segments"]) == len(SENTENCES)
    assert all(one["start"] < one["end"] <= job["durationSeconds"] for one in job["segments"])


async def test_m063_the_short_form_waits_for_the_text_of_a_bare_body(system):
    async with httpx.AsyncClient(base_url=system.url, timeout=PATIENCE, trust_env=False) as http:
        audio = encoded(spoken(SENTENCES[0]), "ogg")
        answer = await http.post("/api/transcribe?user=ana", content=audio, headers={"content-type": "audio/ogg"})
    assert understood(SENTENCES[0], answer.json()["text"]) >= 0.75


async def test_f19_the_same_upload_under_the_same_key_is_one_transcript(system):
    audio = encoded(spoken("hello there"))
    async with system.client() as client:
        taken = [
            await client.call(
                "POST", "/api/v1/voice-upload", files={"file": ("a", audio)}, headers={"idempotency-key": "one recording"}
            )
            for _ in range(2)
        ]
    assert taken[0]["transcriptJobId"] == taken[1]["transcriptJobId"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {"content-type": "audio/webm"}, 415),
        (b"#EXTM3U\nfile:///etc/passwd", {"content-type": "audio/webm"}, 415),
        (b"PK\x03\x04" + bytes(1_000), {"content-type": "audio/webm"}, 415),
        (b"hello", {"content-type": "text/plain"}, 415),
        (b"--x\r\n\r\n", {"content-type": "multipart/form-data; boundary=x"}, 400),
        (b"--x\r\n" + b"a: b\r\n\r\nc\r\n--x\r\n" * 10_000, {"content-type": "multipart/form-data; boundary=x"}, 400),
        (b"OggS" + bytes(26 * 1024 * 1024), {"content-type": "audio/ogg"}, 413),
        (b'{"url": "file:///etc/passwd"}', {"content-type": "application/json"}, 422),
        (b'{"url": "https://127.0.0.1/a.webm"}', {"content-type": "application/json"}, 422),
        (b'{"url": "https://169.254.169.254/latest"}', {"content-type": "application/json"}, 422),
    ],
)
async def test_s12_what_is_no_audio_is_refused_with_the_reason(system, content, headers, status):
    async with httpx.AsyncClient(base_url=system.url, timeout=PATIENCE, trust_env=False) as http:
        answer = await http.post("/api/transcribe?user=ana", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"] != "internal") == (status, True)


async def test_n14_the_openai_library_hears_what_it_had_spoken(system):
    async with AsyncOpenAI(base_url=f"{system.url}/v1", api_key="-", default_query={"user": "ana"}) as openai:
        said = "I would like a cup of coffee and a piece of cake."
        sound = await openai.audio.speech.create(model="tts-1", voice="alloy", input=said, response_format="mp3")
        audio = ("speech.mp3", io.BytesIO(sound.content))
        heard = await openai.audio.transcriptions.create(model="whisper-1", file=audio)
        assert understood("i would like a cup of coffee and a piece of cake", heard.text) >= 0.75
        audio[1].seek(0)
        detailed = await openai.audio.transcriptions.create(model="whisper-1", file=audio, response_format="verbose_json")
        assert detailed.segments[0].end <= detailed.duration
        with pytest.raises(BadRequestError):
            await openai.audio.transcriptions.create(model="whisper-1", file=audio, response_format="gif")


async def test_n21_words_come_while_one_speaks_and_what_was_said_is_kept(system, speech):
    async with microphone(system) as socket:
        _, heard = await asyncio.gather(speak(socket, speech), events(socket))
    assert len(of("transcript.partial", heard)) > len(SENTENCES)
    texts = [event["text"] for event in of("transcript.utterance", heard)]
    (ended,) = of("transcript.completed", heard)
    assert ended["text"] == " ".join(texts)
    assert understood(SAID, ended["text"]) >= 0.85
    async with system.client() as client:
        kept = await client.call("GET", f"/api/v1/voice-upload/{ended['transcriptId']}")
    assert (kept["origin"], kept["text"]) == ("live", ended["text"])


async def test_n21_hands_free_an_utterance_is_a_message_and_its_answer_is_heard_sentence_by_sentence(system):
    async with microphone(system, handsFree=True, speak=True) as socket:
        _, heard = await asyncio.gather(speak(socket, encoded(spoken(SENTENCES[2]))), events(socket))
    (accepted,) = of("accepted", heard)
    sentences = of("speech", heard)
    assert [one["index"] for one in sentences] == list(range(len(sentences)))
    assert [heard[heard.index(one) + 1] for one in sentences] == [one["bytes"] for one in sentences]
    assert of("speech.ended", heard)[0]["reason"] == "completed"
    async with system.client() as client:
        asked, answer = await client.messages(accepted["conversationId"])
    assert (asked["channel"], asked["text"]) == ("voice", accepted["text"])
    assert sentences[0]["text"][:20] in answer["text"]


async def test_n21_who_stops_the_answer_stops_its_speech(system):
    async with system.client() as client, microphone(system) as socket:
        accepted = await client.send("count to 500")
        where = {"conversationId": accepted["conversationId"], "messageId": accepted["answerId"]}
        await socket.send(json.dumps({"type": "ping"}))
        await socket.send(json.dumps({"type": "speak", **where}))
        while isinstance(frame := await socket.recv(), str):
            assert json.loads(frame)["type"] != "error", frame
        await client.call("POST", f"/api/v1/conversations/{accepted['conversationId']}/stop", json={})
        while not isinstance(frame := await socket.recv(), str) or json.loads(frame)["type"] != "speech.ended":
            pass
    assert json.loads(frame)["reason"] == "stopped"


async def test_m066_speech_comes_while_the_rest_is_being_spoken(system):
    text = "This is a sentence that is spoken. " * 30
    async with httpx.AsyncClient(base_url=system.url, timeout=PATIENCE, trust_env=False) as http:
        request = http.stream("POST", "/api/v1/speech?user=ana", json={"text": text, "format": "opus"})
        async with request as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
            assert answer.headers["content-type"] == "audio/ogg"
        voices = (await http.get("/api/v1/speech/voices?user=ana")).json()
    assert len(pieces) > 10
    assert b"".join(pieces).count(b"OpusHead") == 1
    assert [voice["id"] for voice in voices["voices"] if voice["default"]] == ["flite-slt"]


async def test_s4_a_transcript_of_somebody_else_does_not_exist(system):
    async with system.client() as ana, system.client("bob") as bob:
        taken = await ana.call("POST", "/api/v1/voice-upload", files={"file": ("a", encoded(spoken("hello there")))})
        answer = await bob.http.get(f"/api/v1/voice-upload/{taken['transcriptJobId']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_transcript")


async def test_many_who_speak_at_once_are_all_understood_however_far_behind(system, speech):
    async def one(number):
        async with microphone(system, f"user-{number}") as socket:
            _, heard = await asyncio.gather(speak(socket, speech, 100), events(socket))
        return of("transcript.completed", heard)

    ended = await asyncio.gather(*(one(number) for number in range(SESSIONS)))
    assert all(understood(SAID, last["text"]) >= 0.85 for (last,) in ended)


def pieces_of(audio):
    return [audio[place : place + 32] for place in range(1_000, len(audio) - 32, 2_000)]


async def test_m068_no_byte_of_any_audio_is_left_in_the_data_folder(system, speech):
    async with system.client() as client:
        taken = await client.call("POST", "/api/v1/voice-upload", files={"file": ("a", speech)})
        await finished(client, taken["transcriptJobId"])
        await client.call("POST", "/api/v1/voice-upload", files={"file": ("a", encoded(spoken("hello there")))})
    bare = [spoken(sentence)[20_000:20_032] for sentence in SENTENCES]
    looked = [*pieces_of(speech), *bare]
    async with asyncio.timeout(PATIENCE):
        while left := files_with(system.data, looked):
            await asyncio.sleep(0.5)
    assert left == []


def files_with(folder, pieces):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(piece in path.read_bytes() for piece in pieces)]


async def test_f7_a_worker_that_is_killed_in_the_middle_of_a_recording_leaves_one_transcript(tmp_path, speech):
    flite()
    with running(tmp_path, scale="transcribe=2") as system:
        async with system.client() as client, client.http.stream("GET", "/api/v1/stream?user=ana") as stream:
            taken = await client.call("POST", "/api/v1/voice-upload", files={"file": ("a", speech)})
            told, killed = [], False
            async with asyncio.timeout(PATIENCE):
                async for line in stream.aiter_lines():
                    if line.startswith("event: transcript."):
                        told.append(line.removeprefix("event: transcript."))
                    if told and not killed:
                        killed = True
                        for worker in ("transcribe-1", "transcribe-2"):
                            system.signal(worker, signal.SIGKILL)
                    if told and told[-1] in ("completed", "failed"):
                        break
            job = await client.call("GET", f"/api/v1/voice-upload/{taken['transcriptJobId']}")
    assert told[-1] == "completed"
    assert understood(SAID, job["text"]) >= 0.85
    assert len(job["segments"]) == len(SENTENCES)


async def test_a_session_whose_worker_is_killed_ends_with_a_typed_event(tmp_path):
    with running(tmp_path) as system:
        async with microphone(system) as socket:
            assert json.loads(await socket.recv())["type"] == "ready"
            system.signal("transcribe-1", signal.SIGKILL)
            heard = await events(socket)
    (failed,) = of("transcript.failed", heard)
    assert failed["error"]["code"] == "worker_lost"

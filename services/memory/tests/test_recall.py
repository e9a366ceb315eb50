"""What means the same is found without a common word, by any server of embeddings; and search goes on when that one is away."""

import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

import pytest
from pydantic import SecretStr

from memory.indexer import Indexer
from shared.contract.knowledge import SEARCH, Search
from shared.contract.memory import DELETE_CONVERSATION, DeleteConversation
from shared.contract.state import CREATE_NOTE, CreateNote

SAME = {"automobile": "car", "vehicle": "car", "feline": "cat", "kitten": "cat"}


def vector(text, dimensions):
    """A bag of words, of which some mean the same."""
    made = [0.0] * dimensions
    for word in text.lower().split():
        made[crc32(SAME.get(word, word).encode()) % dimensions] += 1.0
    return made


class Server(ThreadingHTTPServer):
    """Speaks `/embeddings`, or fails as it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.asked, self.keys, self.refuses, self.elsewhere = 200, [], set(), None, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.asked.append(question["input"])
        server.keys.add(self.headers["Authorization"])
        bad = server.refuses is not None and any(server.refuses in text for text in question["input"])
        self.send_response(400 if bad else server.status)
        if server.status == 302:
            self.send_header("Location", f"{server.elsewhere}/embeddings")
        self.end_headers()
        size = question.get("dimensions", 64)
        data = [{"index": place, "embedding": vector(text, size)} for place, text in enumerate(question["input"])]
        self.wfile.write(json.dumps({"data": data[::-1]}).encode())

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server():
    with serving() as running:
        yield running


async def note(desk, text, user="ana"):
    return await desk.ask(CREATE_NOTE, CreateNote(user=user, text=text))


async def caught_up(desk):
    """Indexed, and every vector made."""
    await Indexer(desk.ledger, desk.ledger.finder, desk.ledger.recall.wake).catch_up()
    await desk.ledger.recall.catch_up()
    async with asyncio.timeout(30):
        while await desk.rows("SELECT seq FROM embed_queue") or await desk.rows("SELECT seq FROM search_queue"):
            await desk.ledger.recall.catch_up()


async def texts(desk, query, user="ana", **more):
    return [hit.snippet for hit in (await desk.ask(SEARCH, Search(user=user, query=query, **more))).hits]


async def test_n11_what_means_the_same_is_found_and_what_has_the_words_too_comes_first(new_desk, server):
    async with new_desk(embeddings_url=server.url, embeddings_key=SecretStr("sesame")) as desk:
        for text in ("my automobile is red", "a car of my own", "nothing of the kind"):
            await note(desk, text)
        await desk.send("the feline sleeps")
        await note(desk, "a vehicle of bob", user="bob")
        await caught_up(desk)
        assert await texts(desk, "car my") == ["a car of my own", "my automobile is red"]
        assert await texts(desk, "kitten") == ["the feline sleeps"]
        assert await texts(desk, "car", "bob") == ["a vehicle of bob"]
        assert server.keys == {"Bearer sesame"}


async def test_without_the_server_search_goes_by_words_and_vectors_are_made_when_it_is_back(new_desk, server):
    server.status = 503
    async with new_desk(embeddings_url=server.url) as desk:
        await note(desk, "my automobile")
        await note(desk, "my car")
        await Indexer(desk.ledger, desk.ledger.finder, desk.ledger.recall.wake).catch_up()
        assert await texts(desk, "car") == ["my car"]
        server.status = 200
        await caught_up(desk)
        assert set(await texts(desk, "car")) == {"my car", "my automobile"}


async def test_one_text_that_the_server_refuses_does_not_keep_the_others_waiting(new_desk, server):
    server.refuses = "poison"
    async with new_desk(embeddings_url=server.url) as desk:
        for text in ("my automobile", "a poison", "a feline"):
            await note(desk, text)
        await caught_up(desk)
        assert await texts(desk, "car") == ["my automobile"]
        assert await texts(desk, "poison") == ["a poison"]


async def test_s8_no_redirect_is_followed(new_desk, server):
    server.status = 302
    with serving() as elsewhere:
        server.elsewhere = elsewhere.url
        async with new_desk(embeddings_url=server.url) as desk:
            await note(desk, "my automobile")
            await caught_up(desk)
            assert await texts(desk, "automobile") == ["my automobile"]
        assert elsewhere.asked == []


async def test_s16_what_is_deleted_or_temporary_has_no_vector(new_desk, server):
    async with new_desk(embeddings_url=server.url) as desk:
        accepted = await desk.send("my automobile")
        await desk.send("my vehicle", temporary=True)
        await caught_up(desk)
        assert len(await desk.rows("SELECT seq FROM embeddings")) == 1
        await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
        await caught_up(desk)
        assert await desk.rows("SELECT seq FROM embeddings") == []
        assert await texts(desk, "car") == []


async def test_with_another_model_every_vector_is_made_anew(new_desk, server):
    async with new_desk(embeddings_url=server.url) as desk:
        await note(desk, "my automobile")
        await desk.send("my vehicle")
        await caught_up(desk)
    async with new_desk(embeddings_url=server.url, embeddings_dimensions=32) as desk:
        await caught_up(desk)
        assert {size for (size,) in await desk.rows("SELECT length(vector) FROM embeddings")} == {32 * 4}
        assert set(await texts(desk, "car")) == {"my automobile", "my vehicle"}


async def test_on_postgresql_the_nearest_of_one_are_found_among_many_of_others(new_desk, server, settings):
    if settings.database_url.startswith("sqlite"):
        pytest.skip("pgvector is PostgreSQL's")
    async with new_desk(embeddings_url=server.url) as desk:
        for number in range(300):
            await note(desk, f"an automobile of number {number}", user="bob")
        await note(desk, "my automobile")
        await caught_up(desk)
        counts = "SELECT (SELECT count(*) FROM embedding_vectors), (SELECT count(*) FROM embeddings)"
        assert await desk.rows(counts) == [(301, 301)]
        assert await texts(desk, "vehicle") == ["my automobile"]
        assert len(desk.ledger.recall._held) == 0  # nobody had to look at all of them

"""Questions and answers over a real nats-server."""

import asyncio
import json
import random
import zlib

import pytest
from opentelemetry import trace

from shared.answering import MAX_HELD
from shared.bus import Answer
from shared.contract.base import Message
from shared.contract.inference import StopNow
from shared.contract.memory import DELETE_CONVERSATION, DeleteConversation, Deleted
from shared.contract.subjects import stop_signal
from shared.contract.topics import Call
from shared.errors import Busy, Fault, Invalid, Refused, Stale, TooLarge, TooMany, Unavailable, UnknownConversation
from shared.headers import block, line
from shared.packing import ENCODING


class Echo(Message):
    text: str


class BadNews(Refused):
    """An error that only one side knows."""

    code, status = "bad_news", 418


# Under the name of a call that the gateway may make.
ECHO = Call("memory", "create_conversation", Echo, Echo)


@pytest.fixture
async def memory(new_bus):
    return await new_bus("memory")


@pytest.fixture
async def gateway(new_bus):
    return await new_bus("gateway")


def raising(error: BaseException):
    async def handler(_question):
        raise error

    return Answer(ECHO, handler)


async def echo(question: Echo) -> Echo:
    return question


async def test_an_answer_comes_back_as_the_type_it_was(gateway, memory):
    async def delete(question: DeleteConversation) -> Deleted:
        return Deleted(conversation_ids=[question.conversation_id])

    async with memory.answer("memory", "1", [Answer(DELETE_CONVERSATION, delete)]):
        question = DeleteConversation(user="ana", conversation_id="c_1")
        assert await gateway.ask(DELETE_CONVERSATION, question) == Deleted(conversation_ids=["c_1"])


@pytest.mark.parametrize("text", ["", "ä €  \u2028 👩‍👩‍👧", "\0\x01", "a\r\nNats-Service-Error: x", "x" * 700_000])
async def test_F35_text_comes_back_exactly(gateway, memory, text):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        assert (await gateway.ask(ECHO, Echo(text=text))).text == text


async def test_F35_a_lone_surrogate_is_refused_and_nothing_breaks(gateway, memory):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        with pytest.raises(Invalid):
            await gateway.ask(ECHO, Echo.model_construct(text="\ud800"))
        assert (await gateway.ask(ECHO, Echo(text="fine"))).text == "fine"


@pytest.mark.parametrize("size", [256 * 1024, 700_000, 1_200_000])
async def test_long_text_travels_compressed_and_comes_back_exactly(gateway, memory, size):
    text = "".join(random.Random(size).choices("etaoin shrdlu äö\n", k=size))
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        assert (await gateway.ask(ECHO, Echo(text=text))).text == text


async def test_F34_a_question_and_an_answer_that_are_too_large_are_refused(gateway, memory):
    def noise(size: int) -> str:
        return random.Random(size).randbytes(size).hex()

    async def grow(question: Echo) -> Echo:
        return Echo(text=question.text + noise(800_000))

    async with memory.answer("memory", "1", [Answer(ECHO, grow)]):
        with pytest.raises(TooLarge):
            await gateway.ask(ECHO, Echo(text=noise(900_000)))
        with pytest.raises(TooLarge):
            await gateway.ask(ECHO, Echo(text=noise(600_000)))


@pytest.mark.parametrize("data", [b"no deflate", zlib.compress(b"0" * 100_000_000)[:50_000], zlib.compress(b"0" * 9_000_000)])
async def test_F36_a_question_that_can_not_be_unpacked_or_is_a_bomb_is_invalid(gateway, memory, data):
    header = block(line(ENCODING, "deflate"))
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        reply = await gateway._asker.ask(ECHO.subject.encode(), data, header=header, timeout=5)
    assert json.loads(reply.data)["code"] == "invalid_request"


async def test_a_refusal_arrives_as_its_class_with_its_details(gateway, memory):
    async with memory.answer("memory", "1", [raising(Stale("Old.", messages=[{"text": "hi\ud800"}]))]):
        with pytest.raises(Stale, match="Old") as caught:
            await gateway.ask(ECHO, Echo(text=""))
    assert caught.value.details == {"messages": [{"text": "hi\ud800"}]}


async def test_busy_says_when_to_come_back(gateway, memory):
    async with memory.answer("memory", "1", [raising(TooMany(retry_after=7.5))]):
        with pytest.raises(TooMany) as caught:
            await gateway.ask(ECHO, Echo(text=""))
    assert caught.value.retry_after == 7.5


async def test_details_that_are_too_large_are_left_out(gateway, memory):
    async with memory.answer("memory", "1", [raising(UnknownConversation(much=random.Random(1).randbytes(1_000_000).hex()))]):
        with pytest.raises(UnknownConversation) as caught:
            await gateway.ask(ECHO, Echo(text=""))
    assert caught.value.details == {}


async def test_a_bug_is_internal_and_says_nothing_of_itself(gateway, memory, capsys):
    async with memory.answer("memory", "1", [raising(ZeroDivisionError("secret"))]):
        with pytest.raises(Fault) as caught:
            await gateway.ask(ECHO, Echo(text=""))
    assert (caught.value.code, caught.value.status, caught.value.details) == ("internal", 500, {})
    assert "secret" not in str(caught.value)
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_validation_error_inside_a_handler_is_a_bug_not_a_refusal(gateway, memory):
    async def careless(_question: Echo) -> Echo:
        return Echo.decode(b"{}")

    async with memory.answer("memory", "1", [Answer(ECHO, careless)]):
        with pytest.raises(Fault) as caught:
            await gateway.ask(ECHO, Echo(text=""))
    assert caught.value.code == "internal"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"text":1}', b'{"text":"\xff"}', b'{"text":"\\ud800"}', b"[" * 5_000])
async def test_F35_an_unreadable_question_is_invalid(gateway, memory, data):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        reply = await gateway._asker.ask(ECHO.subject.encode(), data, timeout=2)
    assert json.loads(reply.data)["code"] == "invalid_request"


async def test_F44_a_field_from_the_future_is_ignored(gateway, memory):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        reply = await gateway._asker.ask(ECHO.subject.encode(), b'{"text":"a","new":1}', timeout=2)
    assert Echo.decode(reply.data) == Echo(text="a")


async def test_F44_an_unknown_code_is_a_refusal(gateway, memory, monkeypatch):
    async with memory.answer("memory", "1", [raising(BadNews())]):
        monkeypatch.delitem(Fault.__init_subclass__.__func__.__globals__["_BY_CODE"], "bad_news")
        with pytest.raises(Refused, match="only one side"):
            await gateway.ask(ECHO, Echo(text=""))


async def test_nobody_there_is_unavailable_when_the_time_is_over(gateway):
    with pytest.raises(Unavailable):
        await gateway.ask(ECHO, Echo(text=""), timeout=0.4)


async def test_a_service_that_starts_late_is_waited_for(gateway, memory):
    asking = asyncio.ensure_future(gateway.ask(ECHO, Echo(text="hi")))
    await asyncio.sleep(0)
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        assert (await asking).text == "hi"


async def test_questions_are_answered_concurrently(gateway, memory):
    together = asyncio.Barrier(50)

    async def meet(question: Echo) -> Echo:
        await together.wait()
        return question

    async with memory.answer("memory", "1", [Answer(ECHO, meet)]):
        await asyncio.gather(*(gateway.ask(ECHO, Echo(text="")) for _ in range(50)))


async def test_S22_more_than_it_can_hold_is_busy_at_once(gateway, memory):
    go_on = asyncio.Event()

    async def slow(question: Echo) -> Echo:
        await go_on.wait()
        return question

    async with memory.answer("memory", "1", [Answer(ECHO, slow)]):
        asking = [asyncio.ensure_future(gateway.ask(ECHO, Echo(text=""), timeout=60)) for _ in range(MAX_HELD + 5)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert isinstance(done.pop().exception(), Busy)
        go_on.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(outcome, Busy) for outcome in outcomes) == 5


async def test_members_of_a_service_share_the_questions(gateway, new_bus):
    asked = [0, 0]

    def member(number: int) -> Answer[Echo, Echo]:
        async def count(question: Echo) -> Echo:
            asked[number] += 1
            return question

        return Answer(ECHO, count)

    one, two = await new_bus("memory"), await new_bus("memory")
    async with one.answer("memory", "1", [member(0)]), two.answer("memory", "1", [member(1)]):
        await asyncio.gather(*(gateway.ask(ECHO, Echo(text="")) for _ in range(100)))
    assert sum(asked) == 100
    assert min(asked) > 0


async def test_F30_leaving_finishes_what_is_held(gateway, memory):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(question: Echo) -> Echo:
        begun.set()
        await go_on.wait()
        return question

    async with asyncio.TaskGroup() as tasks, memory.answer("memory", "1", [Answer(ECHO, slow)]):
        asking = tasks.create_task(gateway.ask(ECHO, Echo(text="held")))
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    assert asking.result().text == "held"


async def test_no_question_is_lost_while_one_member_leaves(gateway, new_bus):
    one, two = await new_bus("memory"), await new_bus("memory")
    async with two.answer("memory", "1", [Answer(ECHO, echo)]):
        async with one.answer("memory", "1", [Answer(ECHO, echo)]):
            asking = asyncio.gather(*(gateway.ask(ECHO, Echo(text=""), timeout=3) for _ in range(2_000)))
            await asyncio.sleep(0)
        assert len(await asking) == 2_000


async def test_F9_an_answer_that_was_under_way_when_nats_died_still_arrives(gateway, memory, nats_server):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(question: Echo) -> Echo:
        begun.set()
        await go_on.wait()
        return question

    async with memory.answer("memory", "1", [Answer(ECHO, slow)]):
        asking = asyncio.ensure_future(gateway.ask(ECHO, Echo(text="kept"), timeout=20))
        await begun.wait()
        await nats_server.kill()
        go_on.set()
        await nats_server.start()
        assert (await asking).text == "kept"


async def test_F9_a_question_asked_while_nats_is_away_is_answered(gateway, memory, nats_server):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        await nats_server.kill()
        while gateway.wire.live:
            await asyncio.sleep(0.01)
        asking = asyncio.ensure_future(gateway.ask(ECHO, Echo(text="hi"), timeout=20))
        await nats_server.start()
        assert (await asking).text == "hi"


async def test_F10_a_frozen_nats_is_unavailable_in_time(gateway, memory, nats_server):
    async with memory.answer("memory", "1", [Answer(ECHO, echo)]):
        nats_server.freeze()
        with pytest.raises(Unavailable):
            await gateway.ask(ECHO, Echo(text=""), timeout=0.5)
        nats_server.thaw()
        assert (await gateway.ask(ECHO, Echo(text="back"))).text == "back"


@pytest.mark.parametrize("verb", ["PING", "INFO", "STATS"])
@pytest.mark.parametrize("suffix", ["", ".memory", ".memory.{id}"])
async def test_the_service_answers_questions_about_itself(bus, memory, verb, suffix):
    async with memory.answer("memory", "1.2.3", [Answer(ECHO, echo), raising(UnknownConversation())]):
        one = json.loads((await bus._asker.ask(b"$SRV.PING", b"", timeout=2)).data)
        subject = f"$SRV.{verb}{suffix}".format(id=one["id"])
        said = json.loads((await bus._asker.ask(subject.encode(), b"", timeout=2)).data)
    assert said["type"] == f"io.nats.micro.v1.{verb.lower()}_response"
    assert (said["name"], said["version"], said["id"]) == ("memory", "1.2.3", one["id"])


async def test_statistics_count_questions_and_errors(bus, memory):
    async with memory.answer("memory", "1", [raising(UnknownConversation())]):
        for _ in range(3):
            with pytest.raises(UnknownConversation):
                await bus.ask(ECHO, Echo(text=""))
        said = json.loads((await bus._asker.ask(b"$SRV.STATS.memory", b"", timeout=2)).data)
    (endpoint,) = said["endpoints"]
    assert (endpoint["num_requests"], endpoint["num_errors"], endpoint["last_error"]) == (3, 3, "unknown_conversation")


async def test_the_trace_goes_on_where_the_question_is_answered(gateway, memory):
    seen = []

    async def look(question: Echo) -> Echo:
        seen.append(trace.get_current_span().get_span_context())
        return question

    asked_in = trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
    async with memory.answer("memory", "1", [Answer(ECHO, look)]):
        with trace.use_span(trace.NonRecordingSpan(asked_in)):
            await gateway.ask(ECHO, Echo(text=""))
        await gateway.ask(ECHO, Echo(text=""))
    assert [context.trace_id for context in seen] == [0xABC, 0]


async def test_what_is_told_is_heard_by_who_listens(bus, new_bus):
    worker, memory = await new_bus("inference"), await new_bus("memory")
    heard: asyncio.Queue[StopNow] = asyncio.Queue()
    async with worker.listen(stop_signal("g_1"), StopNow, heard.put_nowait):
        await worker._connection.settle()
        bus.wire.publish(b"control.stop.g_1", b"not json")
        await bus._connection.settle()
        await memory.tell(stop_signal("g_1"), StopNow(generation_id="g_1"))
        assert await heard.get() == StopNow(generation_id="g_1")

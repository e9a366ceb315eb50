"""N12: titles and summaries, made by a rule or by a model, and given up quietly."""

import asyncio
from typing import Any

import fake_upstream as fake
import pytest
from fake_memory import FakeMemory
from turns import Turn, Work

from inference import extract
from inference.prompt import prompt_of
from shared.bus import Bus
from shared.contract.inference import DIGEST, Digest
from shared.contract.knowledge import DigestMaterial
from shared.contract.memory import Claim
from shared.contract.objects import PromptMessage

ASKED = PromptMessage(
    role="user", text="Could you please tell me how the tides in the Bay of Fundy come to be so high? Thanks."
)
ANSWERED = PromptMessage(role="assistant", text="It resonates. The bay is as long as the wave needs.")


async def ordered(bus: Bus, memory: FakeMemory, kind: Any, **material: Any) -> Any:
    memory.material = DigestMaterial(decision="run", messages=[ASKED, ANSWERED], **material)
    await bus.store(DIGEST.subject("ana"), Digest(user="ana", conversation_id="c_1", kind=kind).encode())
    async with asyncio.timeout(30):
        return await memory.digests.get()


async def test_n12_without_a_model_a_title_is_made_of_the_topic_words(bus: Bus, memory: FakeMemory, work: Work):
    await work()
    stored = await ordered(bus, memory, "title")
    assert (stored.text, stored.model, stored.kind) == ("Tides Bay Fundy come so high", "colloquy-demo", "title")


async def test_n12_without_a_model_a_summary_is_an_extract_that_says_so(bus: Bus, memory: FakeMemory, work: Work):
    await work()
    stored = await ordered(bus, memory, "summary", summary="user: Hello.", until="m_9")
    first, *lines = stored.text.splitlines()
    assert "without a model" in first
    assert lines == ["user: Hello.", f"user: {ASKED.text.removesuffix(' Thanks.')}", "assistant: It resonates."]
    assert stored.until == "m_9"


@pytest.mark.parametrize("kind", ["title", "summary"])
async def test_n12_a_model_is_given_the_conversation_as_data(kind: str, bus: Bus, memory: FakeMemory, work: Work):
    async with fake.upstream(fake.well) as server:
        await work(base_url=server.url, model="m")
        stored = await ordered(bus, memory, kind)
        assert (stored.text, stored.model) == ("Héllo 🙂", "m")
        body = server.requests[0].body
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert ASKED.text in body["messages"][1]["content"]
        assert body["max_tokens"] == (64 if kind == "title" else 700)


async def test_a_digest_that_a_model_can_not_make_is_given_up_and_answers_go_on(
    bus: Bus, memory: FakeMemory, work: Work, turn: Turn
):
    async with fake.upstream(fake.refuses("400 Bad"), fake.well, fake.well) as server:
        await work(base_url=server.url, model="m", digest_slots=1)
        memory.material = DigestMaterial(decision="run", messages=[ASKED])
        await bus.store(DIGEST.subject("ana"), Digest(user="ana", conversation_id="c_1", kind="title").encode())
        while not server.requests:
            await asyncio.sleep(0.01)
        assert (await turn.answer("hi")).text == "Héllo 🙂"
        assert (await ordered(bus, memory, "summary")).kind == "summary"
        assert memory.digests.empty()


async def test_what_needs_no_digest_any_more_is_not_made(bus: Bus, memory: FakeMemory, work: Work):
    await work(digest_slots=1)
    await bus.store(DIGEST.subject("ana"), Digest(user="ana", conversation_id="c_1", kind="title").encode())
    async with asyncio.timeout(30):
        await memory.prepared.acquire()
    assert (await ordered(bus, memory, "summary")).kind == "summary"
    assert memory.digests.empty()


@pytest.mark.parametrize("text", ["", " \n ", "/count to 20", "….", "x" * 5_000, "天気はどうですか。ありがとう", "a b " * 900])
def test_a_rule_makes_a_short_line_of_any_text(text: str):
    title = extract.title([PromptMessage(role="user", text=text)])
    assert len(title) <= 60
    assert "\n" not in title


def test_a_summary_by_rule_never_grows_over_its_length():
    before = None
    for _ in range(200):
        before = extract.summary([ASKED, ANSWERED], before)
    assert len(before or "") <= extract.SUMMARY + len(extract.HEAD) + 1


def claim(**more: Any) -> Claim:
    messages = more.pop("messages", [PromptMessage(role="user", text="hi")])
    return Claim(decision="run", instructions="Be the persona.", context="Data.", messages=messages, **more)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (claim(), "Be the operator's.\n\nData."),
        (claim(persona="kaladin"), "Be the persona.\n\nData."),
        (
            claim(messages=[PromptMessage(role="system", text="Be the client's."), PromptMessage(role="user", text="hi")]),
            "Be the client's.\n\nData.",
        ),
    ],
)
def test_m053_what_goes_before_a_conversation_is_one_message_and_says_who_answers(given: Claim, told: str):
    prompt = prompt_of(given, "Be the operator's.")
    assert [(message.role, message.text) for message in prompt.messages] == [("system", told), ("user", "hi")]
    assert prompt.question == "hi"

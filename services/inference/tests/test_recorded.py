"""N19: recorded conversations replay as a deterministic model, from an export or from a stream, with their timing."""

import json
from pathlib import Path
from typing import Any

import pytest
from turns import Turn as Ordered
from turns import Work, folded

from inference.adapters.recorded import Recorded, recorded
from inference.catalogue import Entry
from inference.delta import Delta, End, Spent, Text, Thought, ToolCall
from inference.prompt import Prompt
from inference.recording import LONGEST_PAUSE, turns_of
from shared.contract import inference
from shared.contract.objects import PromptMessage, Sampling, Usage
from shared.contract.tools import ToolSpec
from shared.errors import Invalid

USAGE = {"promptTokens": 3, "completionTokens": 2, "totalTokens": 5}
CARD = inference.Model(id="again", description="again", kind="recorded")


def at(seconds: float) -> str:
    return f"2026-11-28T17:00:{seconds:06.3f}Z"


def created(message: str, text: str) -> dict[str, Any]:
    return {"message": {"id": message, "role": "user", "text": text, "status": "completed"}}


def event(generation: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return {"generationId": generation, "at": at(seconds), "attempt": 1, **fields}


def completed(generation: str, parent: str, text: str, **fields: Any) -> dict[str, Any]:
    message = {"id": f"a_{generation}", "role": "assistant", "text": text, "status": "completed", "parentId": parent}
    return {"generationId": generation, "message": message | {"generationId": generation, **fields}}


def answer(number: int, question: str, *said: str, seconds: float = 0.25) -> list[dict[str, Any]]:
    generation, parent = f"g_{number}", f"m_{number}"
    tokens = [event(generation, (n + 1) * seconds, type="token", token=text) for n, text in enumerate(said)]
    started = event(generation, 0, model="m")
    return [created(parent, question), started, *tokens, completed(generation, parent, "".join(said), usage=USAGE)]


def lines(*told: dict[str, Any]) -> list[str]:
    """As a stream comes over SSE."""
    return [text for each in told for text in ("id: x", "event: y", "data: " + json.dumps(each), "")]


STREAM = lines(*answer(1, "Hi there", "Hel", "lo"), *answer(2, "How much?", "Ten"), *answer(3, "hi  THERE", "Again!"))


async def said(deltas: list[Delta], model: Recorded, *texts: str, **fields: Any) -> str:
    messages = tuple(PromptMessage(role="user" if n % 2 == 0 else "assistant", text=text) for n, text in enumerate(texts))
    deltas += [delta async for delta in model.stream(Prompt(messages, fields.pop("sampling", Sampling()), **fields))]
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["hi there"], "Hello"),
        (["  HI   THERE "], "Hello"),
        (["how much?"], "Ten"),
        (["Hi there", "Hello", "Hi there"], "Again!"),
        (["Hi there", "Hello", "Hi there", "Again!", "Hi there"], "Hello"),
        (["something else"], "Hello"),
        (["something else", "Hello", "and more"], "Ten"),
        (["a", "", "b", "", "c", "", "d"], "Hello"),
    ],
)
async def test_n19_the_same_question_gets_the_same_answer_and_others_the_next_one(texts: list[str], expected: str):
    model = Recorded(turns_of(STREAM), 0, CARD)
    for _ in range(2):
        deltas: list[Delta] = []
        assert await said(deltas, model, *texts) == expected
        assert deltas[-2:] == [Spent(Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)), End("stop")]


def test_n19_pauses_are_as_they_were_and_never_endless():
    [turn] = turns_of(lines(*answer(1, "q", "a", "b", seconds=0.25)))
    assert [step.after for step in turn.rounds[0]] == [0.25, 0.25]
    [turn] = turns_of(lines(*answer(1, "q", "a", "b", seconds=25)))
    assert [step.after for step in turn.rounds[0]] == [LONGEST_PAUSE, LONGEST_PAUSE]


def test_n19_what_an_attempt_said_that_was_begun_again_is_void_and_what_failed_is_left_out():
    first, rest = answer(1, "q", "half")[:3], answer(1, "q", "whole")
    failed = completed("g_9", "m_1", "half", status="failed")
    [turn] = turns_of(lines(*first, *rest[1:], failed))
    assert [step.said for step in turn.rounds[0]] == [Text("whole")]


async def test_n19_an_export_is_a_recording_too_with_texts_in_parts():
    times = {"createdAt": at(0), "endedAt": at(3)}
    question = {"type": "message", "id": "m_1", "role": "user", "text": "q", "status": "completed", "generationId": None}
    reply = completed("g_1", "m_1", "")["message"] | {"type": "message", "usage": None, "toolCalls": None, "text": ""}
    part = {"type": "part", "of": "message", "id": "a_g_1", "field": "text"}
    export = [
        {"type": "export", "version": 1}, question, reply, part | {"number": 1, "text": "one "},
        part | {"number": 2, "text": "two"}, {"type": "generation", "id": "g_1", **times}, {"type": "end"},
    ]  # fmt: skip
    [turn] = turns_of(json.dumps(each) for each in export)
    assert (turn.question, [step.said.text for step in turn.rounds[0]]) == ("q", ["one ", "two"])
    assert [round(step.after, 3) for step in turn.rounds[0]] == [1.0, 1.0]


async def test_n19_tools_are_called_again_in_their_rounds_where_they_are_offered():
    call = event("g_1", 0.5, toolCallId="call_1", name="list_tasks", arguments={"open": True})
    done = event("g_1", 0.6, toolCallId="call_1", name="list_tasks", status="completed", result=[])
    parts = [event("g_1", 0.3, type="reasoning", token="hm"), event("g_1", 0.4, type="token", token="Let me see. ")]
    told = [created("m_1", "q"), event("g_1", 0, model="m"), *parts, call, done]
    told += [event("g_1", 0.9, type="token", token="Nothing."), completed("g_1", "m_1", "Let me see. Nothing.")]
    model = Recorded(turns_of(lines(*told)), 0, CARD)
    tools = (ToolSpec(name="list_tasks", description="", parameters={}),)
    first: list[Delta] = []
    await said(first, model, "q", tools=tools)
    calls = [Thought("hm"), Text("Let me see. "), ToolCall("call_1", "list_tasks", '{"open": true}'), End("tool_calls")]
    assert first == calls
    second: list[Delta] = []
    assert await said(second, model, "q", "Let me see. ", tools=tools) == "Nothing."
    without: list[Delta] = []
    await said(without, model, "q")
    assert without[-1] == End("stop")


async def test_a_recording_keeps_to_a_number_of_tokens():
    deltas: list[Delta] = []
    assert await said(deltas, Recorded(turns_of(STREAM), 0, CARD), "hi there", sampling=Sampling(max_tokens=1)) == "Hel"
    assert deltas[-1] == End("length")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "FileNotFoundError"),
        ("", "no completed answer"),
        ("data: {oops\n", "line 1 is not JSON"),
        ('{"type": "part", "of": "message", "field": "text"}\n', "no recording: KeyError"),
        ('{"message": {"role": "user"}}\n', "no recording: KeyError"),
    ],
)
def test_what_is_no_recording_is_said_at_the_start(content: str | None, why: str, tmp_path: Path):
    path = tmp_path / "talk.ndjson"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=rf"INFERENCE_MODELS: models\.again\.path: .*{why}"):
        recorded(Entry(id="again", provider="recorded", path=str(path)))


async def test_n19_a_turn_that_was_recorded_from_the_feed_is_the_same_again(turn: Ordered, work: Work, tmp_path: Path):
    worker = await work(demo_tokens_per_second=0)
    first = await turn.answer("count to 9")
    told = [one.event for one in await turn.log()]
    path = tmp_path / "talk.ndjson"
    path.write_text("\n".join(lines(created("m_1", "count to 9"), *told, completed("g_1", "m_1", first.text))))
    toml = f'[models.again]\nprovider = "recorded"\npath = "{path}"\nspeed = 0\n'
    await worker.aclose()
    await work(models=toml)
    again = await turn.answer("Count to 9", "g_2", model="again")
    assert (again.text, again.model, again.outcome) == (first.text, "again", "completed")
    assert folded(await turn.log("g_2")) == first.text

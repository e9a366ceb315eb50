"""Reasoning and tool calls that a server leaves in the text, wherever the network cut it."""

from itertools import pairwise

import fake_upstream as fake
import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import Turn, Work

from inference.delta import Delta, End, Text, Thought, ToolCall, Working
from inference.tags import Tags

CALL = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
CASES: dict[str, tuple[str, list[Delta]]] = {
    "text alone": ("a < b, <b>bold</b>", [Text("a < b, <b>bold</b>"), End("stop")]),
    "thinking first": ("<think>\nhm\n</think>\n\nYes.", [Thought("hm\n"), Text("Yes."), End("stop")]),
    "a call": (CALL, [ToolCall("call_0", "f", '{"x": 1}'), End("tool_calls")]),
    "text, and two calls": (
        f"Let me see.\n{CALL}\n{CALL}",
        [Text("Let me see.\n"), ToolCall("call_0", "f", '{"x": 1}'), ToolCall("call_1", "f", '{"x": 1}'), End("tool_calls")],
    ),
    "a call that is never closed": (
        CALL.removesuffix("</tool_call>"), [ToolCall("call_0", "f", '{"x": 1}'), End("tool_calls")]
    ),
    "parameters instead of arguments": (
        '<tool_call>{"name": "f", "parameters": {}}</tool_call>', [ToolCall("call_0", "f", "{}"), End("tool_calls")]
    ),
    "a call that is none": (
        "<tool_call>oops</tool_call> sorry", [Text("<tool_call>oops</tool_call> sorry"), End("stop")]
    ),
    "a call without a name": (
        '<tool_call>{"arguments": {}}</tool_call>', [Text('<tool_call>{"arguments": {}}</tool_call>'), End("stop")]
    ),
    "half a character": (
        '<tool_call>{"name": "f", "arguments": {"x": "\\ud83d"}}</tool_call>',
        [Text('<tool_call>{"name": "f", "arguments": {"x": "\\ud83d"}}</tool_call>'), End("stop")],
    ),
    "thinking that never ends": ("<think>hm", [Thought("hm"), End("stop")]),
    "the beginning of a tag at the end": ("a <thi", [Text("a <thi"), End("stop")]),
    "a tag inside another": ("<think>a <tool_call> b</think>c", [Thought("a <tool_call> b"), Text("c"), End("stop")]),
}  # fmt: skip


def read(body: str, cuts: list[int]) -> list[Delta]:
    tags, out = Tags(["think", "tool_call"]), list[Delta]()
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(body)}), len(body)]
    for start, end in pairwise(places):
        out += tags.through([Text(body[start:end])])
    return joined([*out, *tags.through([End("stop")])])


def joined(deltas: list[Delta]) -> list[Delta]:
    out: list[Delta] = []
    for delta in deltas:
        if isinstance(delta, Text | Thought) and out and type(out[-1]) is type(delta):
            out[-1] = type(delta)(out[-1].text + delta.text)
        elif not isinstance(delta, Working):
            out.append(delta)
    return out


@pytest.mark.parametrize("name", CASES)
def test_what_is_in_the_text_is_read(name: str):
    body, deltas = CASES[name]
    assert read(body, []) == deltas
    assert read(body, list(range(len(body)))) == deltas


@given(st.sampled_from(sorted(CASES)), st.lists(st.integers(1, 120)))
def test_cut_anywhere_it_means_the_same(name: str, cuts: list[int]):
    body, deltas = CASES[name]
    assert read(body, cuts) == deltas


@given(st.text(alphabet='<>/thinkool_ca{}\n"x', max_size=80), st.lists(st.integers(1, 80)))
def test_no_text_crashes_it_and_cuts_change_nothing(body: str, cuts: list[int]):
    assert read(body, cuts) == read(body, [])


def test_a_call_without_end_is_text():
    tags = Tags(["tool_call"])
    out = [delta for _ in range(40) for delta in tags.through([Text("<tool_call>" + "x" * 10_000)])]
    assert sum(len(delta.text) for delta in out if isinstance(delta, Text)) > 200_000


async def test_only_where_it_is_configured(turn: Turn, work: Work):
    async def leaves_it(x: fake.Exchange) -> None:
        await x.begin()
        await x.say("<think>hm</thi")
        await x.say("nk>Yes.")
        await x.end()

    async with fake.upstream(leaves_it) as server:
        entry = f'[models.{{}}]\nbase_url = "{server.url}"\n'
        await work(models=entry.format("plain") + entry.format("tagged") + 'tags = ["think"]\n')
        assert (await turn.answer("hi", "g_1", model="plain")).text == "<think>hm</think>Yes."
        assert (await turn.answer("hi", "g_2", model="tagged")).text == "Yes."

"""What a token log holds is exactly what the contract says, though it is not written by the contract's models."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from inference.delta import Text, Thought, ToolCall
from inference.lines import Clock, Lines
from shared.contract.events import EVENTS, GenerationRestarted, GenerationStarted, Reasoning, Token, ToolStarted
from shared.contract.memory import Claim

AT = datetime(2026, 11, 20, 16, 35, 7, 123_000, UTC)
CLAIM = Claim(decision="run", epoch=2, user="ana", conversation_id='c_"1', answer_id="m_2")


def lines(claim: Claim = CLAIM) -> Lines:
    return Lines("g_abc", claim, Clock(lambda: AT))


def expected(kind: type[Token], text: str, index: int) -> Token:
    return kind(
        id=f"e_abc-2-{index}",
        at=AT,
        conversation_id='c_"1',
        token=text,
        message_id="m_2",
        generation_id="g_abc",
        attempt=2,
        index=index,
    )


@given(st.text())
def test_a_token_written_by_hand_is_the_token_of_the_contract(text: str):
    name, data = lines().spoken(Text, text)
    assert EVENTS[name].decode(data) == expected(Token, text, 0)
    assert json.loads(data) == expected(Token, text, 0).wire()
    assert b"\n" not in data


def test_reasoning_and_text_share_one_numbering():
    written = lines()
    written.spoken(Thought, "hm")
    _, second = written.spoken(Text, "so")
    name, third = written.spoken(Thought, "🤔")
    assert Token.decode(second) == expected(Token, "so", 1)
    assert (name, Reasoning.decode(third)) == ("llm.reasoning", expected(Reasoning, "🤔", 2))


def test_the_first_attempt_starts_and_later_ones_restart():
    name, data = lines(CLAIM.model_copy(update={"epoch": 1})).started("demo")
    assert (name, GenerationStarted.decode(data).attempt) == ("generation.started", 1)
    name, data = lines().started("demo")
    assert (name, GenerationRestarted.decode(data).model) == ("generation.restarted", "demo")


def test_a_tool_call_is_logged_with_its_arguments_as_an_object():
    _, data = lines().tool_started(ToolCall("call_1", "weather", '{"city": "Oslo"}'))
    assert ToolStarted.decode(data).arguments == {"city": "Oslo"}


def test_what_an_earlier_attempt_wrote_is_told_from_our_own():
    _, first = lines(CLAIM.model_copy(update={"epoch": 1})).spoken(Text, "a")
    _, own = lines().spoken(Text, "a")
    assert lines().precede(first)
    assert not lines().precede(own)


def test_a_stamp_is_read_again_when_its_moment_is_over():
    ticks, times = iter((0.0, 0.001, 0.003)), iter((AT, AT.replace(second=8)))
    clock = Clock(lambda: next(times), lambda: next(ticks))
    assert [clock.stamp()[-9:-3] for _ in range(3)] == ["07.123", "07.123", "08.123"]

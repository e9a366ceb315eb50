"""A turn from the order to the end, with the built-in commands, over a real nats-server."""

from turns import Turn, Work, folded


async def test_an_order_becomes_an_answer(turn: Turn, work: Work):
    await work()
    end = await turn.answer("count to 5")
    assert (end.outcome, end.text, end.finish_reason, end.model) == ("completed", "1, 2, 3, 4, 5", "stop", "colloquy-demo")
    assert end.usage.completion_tokens == 5


async def test_the_log_folds_to_the_text_that_memory_got(turn: Turn, work: Work):
    await work(demo_tokens_per_second=500)
    end = await turn.answer("count to 40")
    log = await turn.log()
    assert log[0].type == "generation.started"
    assert folded(log) == end.text
    assert [one.event["index"] for one in log[1:]] == list(range(len(log) - 1))

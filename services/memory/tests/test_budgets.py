"""Budgets of a day: reserved before, settled after, and never overspent, however many ask at once (S13)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from memory.settings import Budget, MemorySettings
from shared.contract.acting import KEEP_ROUND, KeepRound, PlannedCall
from shared.contract.budget import CHARGE, GET_USAGE, KEEP_RATES, Charge, GetUsage, KeepRates, Rate
from shared.contract.memory import EDIT_MESSAGE, REGENERATE, STOP_GENERATION, EditMessage, Regenerate, StopGeneration
from shared.contract.objects import Problem, Sampling, Usage
from shared.errors import BudgetExhausted, IdempotencyMismatch

RATES = [Rate(model="m", prompt_price=1.0, completion_price=2.0, default=True), Rate(model="cheap", prompt_price=0.1)]


def spent(prompt, completion):
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


async def usage(desk, user="ana"):
    return await desk.ask(GET_USAGE, GetUsage(user=user))


async def priced(desk):
    await desk.ask(KEEP_RATES, KeepRates(rates=RATES))


async def answered(desk, prompt=100, completion=50, **more):
    accepted = await desk.send(**more)
    await desk.claim(accepted.generation_id)
    await desk.finish(accepted.generation_id, usage=spent(prompt, completion), model="m")
    return accepted


async def test_without_a_budget_nothing_is_reserved_and_what_was_used_is_known(desk):
    await priced(desk)
    await answered(desk)
    await answered(desk)
    open_one = await desk.send()
    assert (await desk.claim(open_one.generation_id)).sampling.max_tokens is None
    today = await usage(desk)
    assert (today.tokens.used, today.tokens.reserved, today.tokens.limit, today.tokens.left) == (300, 0, None, None)
    assert (today.cost.used, today.cost.currency) == (pytest.approx(0.0004), "USD")
    assert [(one.model, one.answers, one.prompt_tokens, one.completion_tokens) for one in today.models] == [("m", 2, 200, 100)]
    assert (await usage(desk, "ben")).models == []


async def test_what_an_answer_can_cost_is_reserved_until_it_has_ended_and_then_what_it_did_cost_is_used(new_desk):
    async with new_desk(budget_tokens=100_000) as desk:
        accepted = await desk.send()
        before = await usage(desk)
        assert before.tokens.reserved == 24_000 + 512 + 4_096
        assert before.tokens.left == 100_000 - before.tokens.reserved
        claim = await desk.claim(accepted.generation_id)
        assert claim.sampling.max_tokens == 4_096
        assert 4_096 + 512 < (await usage(desk)).tokens.reserved < 6_000
        await desk.finish(accepted.generation_id, usage=spent(100, 50), model="m")
        after = await usage(desk)
        assert (after.tokens.used, after.tokens.reserved, after.tokens.left) == (150, 0, 99_850)


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
async def test_what_failed_without_a_word_costs_nothing(new_desk, outcome):
    async with new_desk(budget_tokens=100_000) as desk:
        accepted = await desk.send()
        await desk.claim(accepted.generation_id)
        await desk.finish(accepted.generation_id, outcome=outcome, text="", error=Problem(code="x", message="y"))
        stopped = await desk.send()
        await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=stopped.conversation_id))
        today = await usage(desk)
        assert (today.tokens.used, today.tokens.reserved) == (0, 0)


async def test_an_answer_whose_model_does_not_count_is_estimated(new_desk):
    async with new_desk(budget_tokens=100_000) as desk:
        accepted = await desk.send("x" * 400)
        await desk.claim(accepted.generation_id)
        await desk.finish(accepted.generation_id, text="y" * 400)
        (one,) = (await usage(desk)).models
        assert (one.model, one.completion_tokens) == ("default", 100)
        assert one.prompt_tokens >= 100


async def test_s13_of_64_that_want_the_last_of_the_budget_at_once_one_gets_it(new_desk):
    async with new_desk(budget_tokens=20_000, open_generations=100) as desk:
        sent = await asyncio.gather(*(desk.send(f"{number}") for number in range(64)), return_exceptions=True)
        refused = [one for one in sent if isinstance(one, BudgetExhausted)]
        assert len(refused) == 63
        today = await usage(desk)
        assert (today.tokens.reserved, today.tokens.left) == (20_000, 0)


@pytest.mark.parametrize(
    "limits", [{"budget_tokens": 60_000}, {"budget_cost": 0.05}, {"budget_tokens": 60_000, "budget_cost": 0.04}]
)
async def test_s13_64_at_once_never_spend_more_than_there_is(new_desk, limits):
    async with new_desk(**limits, open_generations=100, user_concurrency=100) as desk:
        await priced(desk)

        async def turn(number):
            accepted = await desk.send(f"{number}")
            claim = await desk.claim(accepted.generation_id)
            words = claim.sampling.max_tokens
            await desk.finish(accepted.generation_id, usage=spent(500, words), model="m")

        for _ in range(3):
            await asyncio.gather(*(turn(number) for number in range(64)), return_exceptions=True)
        today = await usage(desk)
        assert today.models[0].answers >= 3
        for measure in (today.tokens, today.cost):
            assert measure.reserved == 0
            if measure.limit:
                assert 0 < measure.used <= measure.limit


async def test_s13_what_is_refused_says_when_to_come_back_and_leaves_nothing_behind(new_desk):
    async with new_desk(budget_tokens=1_000) as desk:
        await answered(desk, 900, 50)
        with pytest.raises(BudgetExhausted) as refused:
            await desk.send(client_message_id="k")
        resets = datetime(2026, 1, 13, tzinfo=UTC)
        assert refused.value.details == {"resetsAt": "2026-01-13T00:00:00Z"}
        assert refused.value.retry_after == (resets - desk.clock.now()).total_seconds()
        assert (await usage(desk)).resets_at == resets
        assert await desk.rows("SELECT count(*) FROM generations") == [(1,)]
        desk.clock.pass_by(refused.value.retry_after)
        assert await desk.send(client_message_id="k")
        assert (await usage(desk)).tokens.used == 0


async def test_s13_answering_again_and_editing_reserve_too(new_desk):
    async with new_desk(budget_tokens=1_000) as desk:
        accepted = await answered(desk, 900, 50)
        with pytest.raises(BudgetExhausted):
            await desk.ask(
                REGENERATE,
                Regenerate(user="ana", conversation_id=accepted.conversation_id, message_id=accepted.answer_id),
            )
        with pytest.raises(BudgetExhausted):
            await desk.ask(EDIT_MESSAGE, EditMessage(user="ana", message_id=accepted.message_id, text="again"))


async def test_an_answer_may_say_what_is_left_and_its_prompt_is_cut_to_it(new_desk):
    async with new_desk(budget_tokens=3_000) as desk:
        first = await desk.send("x" * 8_000, attachments=[{"name": "a", "text": "y" * 100_000}])
        claim = await desk.claim(first.generation_id)
        prompt = sum(len(message.text) for message in claim.messages) // 4
        assert claim.sampling.max_tokens >= 64
        assert prompt + 512 + claim.sampling.max_tokens <= 3_000
        asked = await desk.send("z", user="ben", sampling=Sampling(max_tokens=7))
        assert (await desk.claim(asked.generation_id)).sampling.max_tokens == 7


async def test_each_round_of_tools_reserves_again_and_is_counted_once(new_desk):
    async with new_desk(budget_tokens=40_000) as desk:
        accepted = await desk.send()
        await desk.claim(accepted.generation_id)

        async def keep(number, used):
            call = PlannedCall(id=f"c{number}", name="x", arguments={})
            about = {"generation_id": accepted.generation_id, "user": "ana", "epoch": 1, "model": "m", "number": number}
            return await desk.ask(KEEP_ROUND, KeepRound(**about, text="a", usage=used, calls=[call]))

        await keep(0, spent(1_000, 100))
        await keep(0, spent(1_000, 100))
        today = await usage(desk)
        assert (today.tokens.used, today.tokens.reserved) == (1_100, 1_100 + 4_096 + 512 + 4_096)
        with pytest.raises(BudgetExhausted):
            await keep(1, spent(30_000, 9_000))
        await desk.finish(accepted.generation_id, text="aab", usage=spent(3_000, 300), model="m")
        today = await usage(desk)
        assert (today.tokens.used, today.tokens.reserved, today.models[0].answers) == (3_300, 0, 1)


async def test_work_in_the_background_is_charged_once(desk):
    await priced(desk)
    question = Charge(user="ana", operation_id="o", model="cheap", usage=spent(1_000_000, 10))
    await desk.ask(CHARGE, question)
    await desk.ask(CHARGE, question)
    today = await usage(desk)
    assert (today.tokens.used, today.cost.used) == (1_000_010, pytest.approx(0.1))
    with pytest.raises(IdempotencyMismatch):
        await desk.ask(CHARGE, question.model_copy(update={"model": "m"}))


async def test_models_that_are_no_longer_named_have_no_price(desk):
    await priced(desk)
    await desk.ask(KEEP_RATES, KeepRates(rates=[RATES[1]]))
    assert await desk.rows("SELECT model, by_default FROM rates") in ([("cheap", 0)], [("cheap", False)])


async def test_f33_a_clock_that_is_set_back_over_midnight_goes_on_with_the_day_before(new_desk):
    async with new_desk(budget_tokens=100_000) as desk:
        now = desk.clock.now()
        desk.clock.jump = (now.replace(hour=0, minute=10, second=0) + timedelta(days=1) - now).total_seconds()
        await answered(desk, 10, 1)
        desk.clock.jump -= 3600
        await answered(desk, 20, 2)
        assert (await usage(desk)).tokens.used == 22
        desk.clock.jump += 3600
        assert (await usage(desk)).tokens.used == 11


async def test_one_user_may_have_more_than_everybody_another_less_and_a_third_no_limit(new_desk):
    own = {"ben": Budget(tokens=100_000, cost=0.5), "eve": Budget(tokens=0), "mallory": Budget(tokens=10)}
    async with new_desk(budget_tokens=1_000, budgets=own) as desk:
        limits = [((await usage(desk, user)).tokens.limit, (await usage(desk, user)).cost.limit) for user in ("ana", *own)]
        assert limits == [(1_000, None), (100_000, 0.5), (None, None), (10, None)]
        await answered(desk, 900, 90, user="ana")
        for user in ("ana", "mallory"):
            with pytest.raises(BudgetExhausted):
                await desk.send(user=user)
        await answered(desk, 900, 90, user="ben")
        await desk.send(user="ben")
        claim = await desk.claim((await desk.send(user="eve")).generation_id)
        assert claim.sampling.max_tokens is None


def test_other_budgets_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("MEMORY_BUDGETS", '{"ana": {"tokens": 1000000, "cost": 5}}')
    assert MemorySettings().budgets == {"ana": Budget(tokens=1_000_000, cost=5.0)}
    monkeypatch.setenv("MEMORY_BUDGETS", '{"ana": {"token": 1}}')
    with pytest.raises(ValueError, match="token"):
        MemorySettings()

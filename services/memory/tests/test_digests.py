"""N12: titles and summaries are ordered after an answer, once, and kept only if they are still wanted."""

import pytest

from memory.digest import clean_title
from shared.contract.knowledge import PREPARE_DIGEST, STORE_DIGEST, PrepareDigest, StoreDigest
from shared.contract.memory import GET_CONVERSATION, UPDATE_CONVERSATION, GetConversation, UpdateConversation


async def turn(desk, text="How do tides work?", answer="They follow the moon.", **more):
    accepted = await desk.send(text, **more)
    await desk.answer(accepted.generation_id, answer)
    await desk.until_sent()
    return accepted.conversation_id


async def prepared(desk, conversation, kind="title", user="ana"):
    question = PrepareDigest(user=user, conversation_id=conversation, kind=kind, worker="w")
    return await desk.ask(PREPARE_DIGEST, question)


async def stored(desk, conversation, text, kind="title", user="ana", until=None):
    question = StoreDigest(user=user, conversation_id=conversation, kind=kind, text=text, until=until)
    await desk.ask(STORE_DIGEST, question)
    await desk.until_sent()


async def title(desk, conversation):
    return (await desk.ask(GET_CONVERSATION, GetConversation(user="ana", conversation_id=conversation))).title


def kinds(desk):
    return [order.kind for order in desk.post.digests()]


async def test_n12_a_title_is_ordered_after_the_first_answer_made_of_it_and_told(desk):
    conversation = await turn(desk)
    assert kinds(desk) == ["title"]
    material = await prepared(desk, conversation)
    assert [message.text for message in material.messages] == ["How do tides work?", "They follow the moon."]
    await stored(desk, conversation, ' "Tides and the moon."\n')
    assert await title(desk, conversation) == "Tides and the moon"
    assert [event.type_name for event in desk.post.events()][-2:] == ["conversation.updated", "state.updated"]
    await turn(desk, conversation_id=conversation)
    assert kinds(desk) == ["title"]
    assert (await prepared(desk, conversation)).decision == "done"


async def test_n12_a_title_the_user_gave_stays_whenever_it_was_given(desk):
    early, late = await turn(desk), await turn(desk)
    given = UpdateConversation(user="ana", conversation_id=early, title="Mine")
    await desk.ask(UPDATE_CONVERSATION, given)
    assert (await prepared(desk, early)).decision == "done"
    assert (await prepared(desk, late)).decision == "run"
    await desk.ask(UPDATE_CONVERSATION, given.model_copy(update={"conversation_id": late}))
    for conversation in (early, late):
        await stored(desk, conversation, "The model's")
        assert await title(desk, conversation) == "Mine"


async def test_a_title_that_got_lost_is_ordered_again_by_a_later_answer_and_not_before(desk):
    conversation = await turn(desk)
    await turn(desk, conversation_id=conversation)
    assert kinds(desk) == ["title"]
    desk.clock.pass_by(601)
    await turn(desk, conversation_id=conversation)
    assert kinds(desk) == ["title", "title"]


async def test_a_temporary_conversation_and_a_failed_answer_order_nothing(desk):
    await turn(desk, temporary=True)
    accepted = await desk.send()
    await desk.claim(accepted.generation_id)
    await desk.finish(accepted.generation_id, outcome="failed")
    await desk.until_sent()
    assert kinds(desk) == []


async def test_n12_a_summary_is_ordered_when_a_conversation_grows_and_takes_the_place_of_what_it_covers(new_desk):
    async with new_desk(prompt_tokens=1_000, actions=False) as desk:
        conversation = await turn(desk, "word " * 100, "word " * 100)
        while "summary" not in kinds(desk):
            conversation = await turn(desk, "word " * 100, "word " * 100, conversation_id=conversation)
        assert kinds(desk).count("summary") == 1
        await turn(desk, "word " * 100, "word " * 100, conversation_id=conversation)
        assert kinds(desk).count("summary") == 1
        for _ in range(4):
            await turn(desk, "word " * 100, "word " * 100, conversation_id=conversation)
        material = await prepared(desk, conversation, "summary")
        assert material.decision == "run"
        assert material.messages
        await stored(desk, conversation, "IN SHORT", "summary", until=material.until)
        again = await prepared(desk, conversation, "summary")
        assert again.until != material.until
        accepted = await desk.send("and?", conversation_id=conversation)
        assert "IN SHORT" in (await desk.claim(accepted.generation_id)).context


@pytest.mark.parametrize("kind", ["title", "summary"])
async def test_s4_nobody_makes_a_digest_of_what_is_others(desk, kind):
    conversation = await turn(desk)
    assert (await prepared(desk, conversation, kind, user="ben")).decision == "done"
    await stored(desk, conversation, "Stolen", kind, user="ben", until="m_1")
    assert await desk.rows("SELECT summary FROM conversations") == [(None,)]
    assert await title(desk, conversation) == "How do tides work?"


async def test_a_digest_of_a_conversation_that_is_gone_is_dropped(desk):
    assert (await prepared(desk, "c_gone")).decision == "done"
    await stored(desk, "c_gone", "Late")


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        ("“Tides”", "Tides"),
        ("**Tides**\n\nand more", "Tides** and more"),
        ('"""', None),
        ("", None),
        ("x" * 500, "x" * 59 + "…"),
        ("a\0b", "ab"),
    ],
)
def test_n12_a_title_is_one_short_line(made, kept):
    assert clean_title(made) == kept

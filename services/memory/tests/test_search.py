"""What was said and noted is found again, by whole words, parts of them, and in every script; and only by who said it."""

from memory.indexer import Indexer, begin_anew, forget
from shared.contract.knowledge import SEARCH, Search
from shared.contract.memory import (
    CREATE_CONVERSATION,
    DELETE_CONVERSATION,
    UPDATE_CONVERSATION,
    CreateConversation,
    DeleteConversation,
    UpdateConversation,
)
from shared.contract.state import CREATE_NOTE, DELETE_NOTE, UPDATE_NOTE, CreateNote, DeleteNote, UpdateNote


async def indexed(desk):
    await Indexer(desk.ledger, desk.ledger.finder).catch_up()


async def found(desk, query, user="ana", **more):
    await indexed(desk)
    return (await desk.ask(SEARCH, Search(user=user, query=query, **more))).hits


async def texts(desk, query, user="ana", **more):
    return [hit.snippet for hit in await found(desk, query, user, **more)]


async def note(desk, text, user="ana", **more):
    return await desk.ask(CREATE_NOTE, CreateNote(user=user, text=text, **more))


async def test_n11_a_word_from_a_message_an_answer_and_a_note_is_found(desk):
    accepted = await desk.send("where is the lighthouse?")
    await desk.answer(accepted.generation_id, "The Lighthouse stands on the cliff.")
    await note(desk, "oil for the lighthouse", title="Shopping")
    hits = await found(desk, "LIGHTHOUSE")
    assert {(hit.type, hit.role) for hit in hits} == {("message", "user"), ("message", "assistant"), ("note", None)}
    assert {hit.title for hit in hits} == {"Shopping", "where is the lighthouse?"}


async def test_m043_highlights_are_where_the_words_are(desk):
    await desk.send("x" * 50 + " " + "lorem ipsum " * 40 + "the naïve Straße is here " + "dolor " * 60)
    (hit,) = await found(desk, "strasse naive")
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["naïve", "Straße"]
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")


IN_EVERY_SCRIPT = [
    ("cafe", "Un CAFÉ, s'il vous plaît"),
    ("ÉLAN", "elan vital"),
    ("東京", "明日は東京に行きます"),
    ("都", "三日目は京都へ"),
    ("食べます", "寿司を食べます"),
    ("한국", "저는 한국어를 배웁니다"),
    ("हिन्दी", "मैं हिन्दी बोलता हूँ"),
    ("ภาษา", "ผมเรียนภาษาไทย"),
    ("ёлка", "Новогодняя Ёлка"),
    ("foo_bar", "call foo_bar(1)"),
    ("tabas", "the Database is locked"),
    ("offl", "gone offline"),
    ("ze", "a zebra"),
    ('"has begun"', "it has begun"),
    ("c++", "we like C++ and Go"),
]


async def test_every_script_is_found_and_parts_of_words_too(desk):
    for _, text in IN_EVERY_SCRIPT:
        await note(desk, text)
    for query, text in IN_EVERY_SCRIPT:
        assert await texts(desk, query) == [text]


async def test_all_words_have_to_be_there_and_quoted_ones_in_their_order(desk):
    for text in ("red wine and white bread", "white wine and red bread", "only wine"):
        await desk.send(text)
    assert set(await texts(desk, "wine red")) == {"red wine and white bread", "white wine and red bread"}
    assert await texts(desk, '"red wine"') == ["red wine and white bread"]
    assert await texts(desk, '"wine red"') == []


HOSTILE = [
    '"',
    '""',
    'a"b AND',
    "NEAR(a b)",
    "body : x",
    "place:c",
    "* OR *",
    "-a ^b",
    "'; DROP TABLE messages; --",
    "a AND NOT b",
    "(((",
    "{x y}",
    "\0",
    "a\0b",
    "\ud7ff\uffff",
    "%_%",
    "a & b | !c <-> d:*",
    "\\",
    "🙂",
    "x" * 5000,
    "é" * 999,
    "\u0301",
    "word " * 200,
]


async def test_f35_no_text_breaks_the_syntax_and_each_finds_itself_if_it_has_words(desk):
    for text in HOSTILE:
        accepted = await desk.send(text)
        await desk.answer(accepted.generation_id, "…")
        await note(desk, text)
    for query in HOSTILE:
        hits = await found(desk, query, limit=100)
        words = any(character.isalnum() for character in query)
        assert {hit.type for hit in hits} == ({"message", "note"} if words else set()), query


async def test_s18_nobody_finds_what_others_have_said(desk):
    for user in ("ana", "bob", "an"):
        await desk.send(f"the secret of {user}", user=user)
        await note(desk, f"a secret note of {user}", user=user)
    for user in ("ana", "bob", "an"):
        assert {text.split()[-1] for text in await texts(desk, "secret", user)} == {user}
    assert await texts(desk, "secret", "eve") == []


async def test_temporary_conversations_are_never_found_until_they_last(desk):
    accepted = await desk.send("a fleeting thought", temporary=True)
    await desk.answer(accepted.generation_id, "fleeting indeed")
    assert await texts(desk, "fleeting") == []
    update = UpdateConversation(user="ana", conversation_id=accepted.conversation_id, temporary=False)
    await desk.ask(UPDATE_CONVERSATION, update)
    assert set(await texts(desk, "fleeting")) == {"a fleeting thought", "fleeting indeed"}
    await desk.ask(UPDATE_CONVERSATION, update.model_copy(update={"temporary": True}))
    assert await texts(desk, "fleeting") == []


async def test_a_search_in_a_conversation_finds_nothing_of_others(desk):
    first = await desk.send("apples in the first")
    await desk.answer(first.generation_id)
    await desk.send("apples in the second")
    await note(desk, "apples in a note")
    assert await texts(desk, "apples", conversation_id=first.conversation_id) == ["apples in the first"]
    assert await texts(desk, "pples", conversation_id=first.conversation_id) == ["apples in the first"]
    assert await texts(desk, "apples", "bob", conversation_id=first.conversation_id) == []
    empty = await desk.ask(CREATE_CONVERSATION, CreateConversation(user="ana"))
    assert await texts(desk, "apples", conversation_id=empty.id) == []


async def test_what_is_deleted_or_changed_is_found_no_more(desk):
    accepted = await desk.send("an albatross")
    kept = await note(desk, "a pelican")
    assert len(await texts(desk, "albatross")) == 1
    await desk.ask(UPDATE_NOTE, UpdateNote(user="ana", note_id=kept.id, text="a heron"))
    await desk.ask(UPDATE_NOTE, UpdateNote(user="ana", note_id=kept.id, text="a stork"))
    assert [await texts(desk, word) for word in ("pelican", "heron", "stork")] == [[], [], ["a stork"]]
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
    await desk.ask(DELETE_NOTE, DeleteNote(user="ana", note_id=kept.id))
    assert [await texts(desk, word) for word in ("albatross", "stork")] == [[], []]


async def test_what_comes_and_goes_before_it_is_indexed_leaves_nothing(desk):
    accepted = await desk.send("a mayfly")
    kept = await note(desk, "a mayfly too")
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
    await desk.ask(DELETE_NOTE, DeleteNote(user="ana", note_id=kept.id))
    assert await texts(desk, "mayfly") == []


async def test_what_says_it_more_in_fewer_words_comes_first_and_the_newer_of_equals(desk):
    await desk.send("tea")
    desk.clock.pass_by(1)
    await desk.send("tea")
    desk.clock.pass_by(1)
    await desk.send("tea " + "and something else entirely " * 20)
    hits = await found(desk, "tea")
    assert [len(hit.snippet) for hit in hits][:2] == [3, 3]
    assert hits[0].created_at > hits[1].created_at
    assert hits[0].score >= hits[-1].score


async def test_s16_after_forgetting_a_user_no_word_of_theirs_is_in_the_index(desk, settings):
    canary = "quetzalcoatlus"
    accepted = await desk.send(f"the {canary} flew")
    await note(desk, f"{canary}s fly")
    await desk.send("a swallow flew", user="bob")
    await indexed(desk)
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=accepted.conversation_id))
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM notes"))
    await desk.until_sent()
    await forget(desk.store, desk.ledger.finder, "ana")
    on_sqlite = settings.database_url.startswith("sqlite")
    own = ("search_words_data", "search_parts_data") if on_sqlite else ("search_documents",)
    for table in (*own, "search_queue", "search_users", "embed_queue"):
        everything = str(await desk.rows(f"SELECT * FROM {table}"))
        assert not any(part in everything for part in (canary, "quet", "zal", "ana")), table
    assert await texts(desk, "flew", "bob") == ["a swallow flew"]


async def test_search_is_behind_by_no_more_than_what_waits_and_catches_up_after_a_start(new_desk, settings):
    async with new_desk() as desk:
        await desk.send("said before the fall")
    async with new_desk() as desk:
        assert await texts(desk, "fall") == ["said before the fall"]


async def test_notes_that_share_rare_words_with_the_question_are_part_of_the_prompt(desk):
    for number in range(60):
        await note(desk, f"the meeting number {number} of the club")
    await note(desk, "Grandma's apple cake: butter, flour, four apples")
    await note(desk, "apple cake of bob", user="bob")
    await indexed(desk)
    accepted = await desk.send("How does the club make apple cake?")
    claim = await desk.claim(accepted.generation_id)
    assert "butter, flour" in claim.context
    assert "of bob" not in claim.context
    assert "the meeting" not in claim.context
    fleeting = await desk.send("How do I make apple cake?", temporary=True)
    assert "butter" not in ((await desk.claim(fleeting.generation_id)).context or "")


async def test_an_index_that_is_begun_anew_finds_everything_again(desk):
    await desk.send("a walnut")
    await note(desk, "a hazelnut")
    await indexed(desk)
    await desk.store.write(lambda connection: begin_anew(connection, desk.ledger.finder))
    assert (await texts(desk, "walnut"), await texts(desk, "hazelnut")) == (["a walnut"], ["a hazelnut"])
    assert await texts(desk, "azelnu") == ["a hazelnut"]


async def test_what_the_index_alone_remembers_of_an_erased_user_goes_too(desk):
    await note(desk, "an obscure acorn")
    await indexed(desk)
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM notes"))
    await desk.store.write(lambda connection: connection.exec_driver_sql("DELETE FROM search_queue"))
    await note(desk, "an acorn of bob", user="bob")
    await forget(desk.store, desk.ledger.finder, "ana")
    assert await texts(desk, "acorn", "bob") == ["an acorn of bob"]
    assert await desk.rows("SELECT user_id FROM search_users WHERE user_id = 'ana'") == []

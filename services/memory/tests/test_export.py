"""An export has everything that is kept of a user, once, in pages that fit one message, and nothing of others."""

import json
import random

import pytest
from sqlalchemy import insert
from support.rows import DERIVED, fill, of_users

from memory import tables
from memory.records.exporting import KINDS, LEFT_OUT
from shared.bus import Answer
from shared.contract.account import EXPORT, Export
from shared.errors import BadCursor
from shared.packing import pack


async def exported(desk, user="ana"):
    """Every record of all pages, and the pages."""
    pages = [await desk.ask(EXPORT, Export(user=user))]
    while pages[-1].next is not None:
        pages.append(await desk.ask(EXPORT, Export(user=user, cursor=pages[-1].next)))
    return [record for page in pages for record in page.records], pages


def test_s16_every_table_with_a_users_rows_is_exported_or_left_out_for_a_reason():
    known = {kind.table.name for kind in KINDS} | set(LEFT_OUT)
    assert {table.name for table in of_users()} | DERIVED == known


async def test_n17_an_export_has_every_row_of_the_user_and_nothing_of_others(desk):
    await desk.store.write(lambda connection: fill(connection, "ana", "apple"))
    await desk.store.write(lambda connection: fill(connection, "bob", "pear"))
    records, pages = await exported(desk)
    counts = {kind.type: sum(record["type"] == kind.type for record in records) for kind in KINDS}
    assert counts == {kind.type: 1 if kind.type in ("account", "preferences") else 3 for kind in KINDS}
    assert pages[-1].done == pages[-1].total == len(records)
    assert next(record for record in records if record["type"] == "pinnedMemory")["pinnedMemoryType"] == "apple type 1"
    assert "pear" not in json.dumps(records)
    assert "bob" not in json.dumps(records)


async def test_n17_a_record_has_every_column_in_the_form_that_people_read(desk):
    await desk.store.write(lambda connection: fill(connection, "ana", "apple"))
    records, _ = await exported(desk)
    task = next(record for record in records if record["type"] == "task" and record["id"] == "tasks-ana-2")
    assert task == {
        "type": "task",
        "id": "tasks-ana-2",
        "title": "apple title 2",
        "status": "completed",
        "due": "apple due 2",
        "tags": ["apple"],
        "assignee": "apple assignee 2",
        "generationId": "apple generation_id 2",
        "changed": 2,
        "createdAt": "2023-11-14T22:13:20.000002Z",
        "updatedAt": "2023-11-14T22:13:20.000002Z",
        "completedAt": "2023-11-14T22:13:20.000002Z",
    }


async def test_n17_what_was_said_is_exported_in_the_order_it_was_said(desk):
    accepted = await desk.send("one", attachments=[{"name": "a.txt", "text": "x" * 50_000}])
    await desk.answer(accepted.generation_id, "two")
    records, _ = await exported(desk)
    messages = [record for record in records if record["type"] == "message"]
    assert [(message["role"], message["text"]) for message in messages] == [("user", "one"), ("assistant", "two")]
    assert messages[1]["parentId"] == messages[0]["id"]
    assert [record["status"] for record in records if record["type"] == "generation"] == ["completed"]
    attachment = "".join(record["text"] for record in records if record["type"] == "part" and record["field"] == "attachments")
    assert json.loads(attachment)[0]["text"] == "x" * 50_000


@pytest.mark.parametrize("alphabet", ["é𝄞漢字🎉𐍈", "\x01\x02\x03", "".join(map(chr, range(0x4E00, 0x9FFF)))])
async def test_n17_a_note_of_a_mib_that_can_not_be_packed_comes_in_parts_that_fit_a_message(desk, alphabet):
    chance = random.Random(1)
    text = "".join(chance.choices(alphabet, k=1024 * 1024 // 3))
    values = {"text": text, "size": len(text), "id": "n1", "kind": "note", "tags": "[]", "user_id": "ana", "changed": 1}
    note = values | {"created_at": 1, "updated_at": 1}
    await desk.store.write(lambda connection: connection.execute(insert(tables.notes), note))
    records, pages = await exported(desk)
    for page in pages:
        pack(b"", page.encode())
    whole = next(record for record in records if record["type"] == "note")
    parts = [record for record in records if record["type"] == "part"]
    assert whole["text"] is None
    assert whole["inParts"] == {"text": len(parts)}
    assert [part["number"] for part in parts] == list(range(1, len(parts) + 1))
    assert "".join(part["text"] for part in parts) == text


async def test_n17_many_messages_come_in_pages_and_each_once(desk):
    accepted = await desk.send("0")
    for number in range(1, 12):
        await desk.answer(accepted.generation_id, f"{number} " + "x" * 30_000)
        accepted = await desk.send(str(number), conversation_id=accepted.conversation_id)
    records, pages = await exported(desk)
    assert len(pages) > 1
    ids = [record["id"] for record in records if record["type"] == "message"]
    assert len(ids) == len(set(ids)) == 24
    assert [page.done for page in pages] == sorted(page.done for page in pages)
    assert all(len(page.encode()) < 300 * 1024 for page in pages)


async def test_n17_an_export_of_nobody_is_empty(desk):
    records, pages = await exported(desk, "nobody")
    assert (records, pages[0].total) == ([], 0)


@pytest.mark.parametrize("cursor", ["x", "W10=", "é", "WzEsMiwzLDQsNV0", "Wzk5LG51bGwsMCwwLDBd", "Wy0xLG51bGwsMCwwLDBd"])
async def test_s4_a_cursor_that_is_none_is_refused(desk, cursor):
    with pytest.raises(BadCursor):
        await desk.ask(EXPORT, Export(user="ana", cursor=cursor))


async def test_s4_a_cursor_of_somebody_else_shows_ones_own_rows_only(desk):
    await desk.store.write(lambda connection: fill(connection, "ana", "apple", count=60))
    await desk.store.write(lambda connection: fill(connection, "bob", "pear", count=60))
    _, pages = await exported(desk, "ana")
    for page in pages:
        if page.next:
            stolen = await desk.ask(EXPORT, Export(user="bob", cursor=page.next))
            assert "apple" not in json.dumps(stolen.records)


async def test_n17_an_export_goes_over_the_bus(desk, new_bus):
    await desk.store.write(lambda connection: fill(connection, "ana", "apple", count=60))
    memory, gateway = await new_bus("memory"), await new_bus("gateway")
    handler = desk._handlers["export"]
    async with memory.answer("memory", "1", [Answer(EXPORT, handler)]):
        page = await gateway.ask(EXPORT, Export(user="ana"), timeout=30)
    assert page.records[0]["type"] == "account"

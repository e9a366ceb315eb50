"""S17, N17: every tampering with the audit is found, the lawful erasure is none, and the ends of chains are kept elsewhere."""

import json
import os
import random

import pytest
from pydantic import SecretStr

from memory.adapters.anchor_file import AnchorFile
from memory.anchoring import Anchoring
from memory.audit import Act, Tombstone, hash_of, sealed, who
from memory.handlers import auditing
from memory.records import audit
from memory.tools.audit import Check, said, verify

KEY = b"a key of the test"
USERS = ("ana", "ben", "cleo")
TAMPERS = int(os.environ.get("AUDIT_TAMPERS", "1000"))
TEXTS = ("action", "asked_by", "conversation_id", "generation_id", "message_id", "model", "prompt_hash", "output_hash", "made")


class Undo(Exception):
    """Ends a transaction without a trace."""


@pytest.fixture
async def audited(new_desk, tmp_path):
    """Three chains of ten rows, anchored after seven; the file of anchors."""
    anchors = tmp_path / "anchors"
    async with new_desk(audit_key=SecretStr(KEY.decode()), audit_anchor=str(anchors)) as desk:
        await grow(desk, 7)
        await anchoring(desk, anchors).anchor()
        await grow(desk, 3)
        yield desk, anchors


def anchoring(desk, path):
    return Anchoring(desk.store, AnchorFile(path), desk.ledger.limits, desk.clock.clock)


async def grow(desk, rows):
    for _ in range(rows):
        for user in USERS:
            act = Act("answer.completed", user, "c_1", "g_1", "m_1", "m", hash_of("p"), hash_of("o"), ("t_1",))
            await desk.ledger.write(lambda tx, given: auditing.keep(tx, *given), (user, act))


def key_of(desk):
    return desk.ledger.limits.audit_key.get_secret_value().encode()


def lines(path):
    return path.read_bytes().splitlines()


async def checked(desk, path, tamper=None):
    """The verdict after a tampering that leaves no trace."""
    verdicts = []

    def work(connection):
        if tamper is not None:
            unguard(connection)
            tamper(connection)
        check = Check(key_of(desk), lines(path), lambda _done, _total: None)
        verdicts.append(check.run(connection))
        check.missing_anchors(lines(path))
        raise Undo

    with pytest.raises(Undo):
        await desk.store.write(work)
    return verdicts[0]


def unguard(connection):
    """What a thief with the database's password does first."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER audit_keeps")
        connection.exec_driver_sql("DROP TRIGGER audit_stays")
    else:
        connection.exec_driver_sql("DROP TRIGGER audit_stays ON audit")


# --- tampering -------------------------------------------------------------------------------------------------------


def sql(connection, statement):
    assert connection.exec_driver_sql(statement).rowcount >= 1


def edit(connection, chance, user, row):
    column = chance.choice(TEXTS)
    old = connection.exec_driver_sql(f"SELECT {column} FROM audit WHERE user_id = '{user}' AND number = {row}").scalar()
    place = chance.randrange(len(old) + 1)
    sql(connection, f"UPDATE audit SET {column} = '{old[:place]}x{old[place:]}' WHERE user_id = '{user}' AND number = {row}")


def edit_time(connection, chance, user, row):
    sql(connection, f"UPDATE audit SET at = at + {chance.randrange(1, 10**9)} WHERE user_id = '{user}' AND number = {row}")


def empty(connection, chance, user, row):
    column = chance.choice(["conversation_id", "model", "prompt_hash", "output_hash", "generation_id", "message_id"])
    sql(connection, f"UPDATE audit SET {column} = NULL WHERE user_id = '{user}' AND number = {row}")


def delete(connection, chance, user, row):
    sql(connection, f"DELETE FROM audit WHERE user_id = '{user}' AND number = {row}")


def delete_and_close_up(connection, chance, user, row):
    delete(connection, chance, user, row)
    for number in range(row + 1, 11):
        sql(connection, f"UPDATE audit SET number = {number - 1} WHERE user_id = '{user}' AND number = {number}")
    sql(connection, f"UPDATE users SET audit_count = 9 WHERE id = '{user}'")


def reorder(connection, chance, user, row):
    other = row % 10 + 1
    for old, new in ((row, 99), (other, row), (99, other)):
        sql(connection, f"UPDATE audit SET number = {new} WHERE user_id = '{user}' AND number = {old}")


def give_away(connection, chance, user, row):
    sql(connection, f"UPDATE audit SET user_id = 'dora' WHERE user_id = '{user}' AND number = {row}")


def insert(connection, chance, user, row):
    columns = "at, action, asked_by, conversation_id, generation_id, message_id, model, prompt_hash, output_hash, made"
    sql(
        connection,
        f"INSERT INTO audit (user_id, number, {columns}, previous, mac) SELECT user_id, 11, {columns}, mac, previous"
        f" FROM audit WHERE user_id = '{user}' AND number = {row}",
    )
    if chance.random() < 0.5:
        last = f"(SELECT mac FROM audit WHERE user_id = '{user}' AND number = 11)"
        sql(connection, f"UPDATE users SET audit_count = 11, audit_mac = {last} WHERE id = '{user}'")


def cut_off(connection, chance, user, row):
    sql(connection, f"DELETE FROM audit WHERE user_id = '{user}' AND number >= {row}")


def cut_off_and_move_the_head(connection, chance, user, row):
    """Consistent in itself: only the anchor knows better, from row 7 on."""
    row = chance.randrange(1, 8)
    cut_off(connection, chance, user, row)
    last = f"(SELECT mac FROM audit WHERE user_id = '{user}' AND number = {row - 1})"
    sql(connection, f"UPDATE users SET audit_count = {row - 1}, audit_mac = {last} WHERE id = '{user}'")


def take_the_chain_away(connection, chance, user, row):
    sql(connection, f"DELETE FROM audit WHERE user_id = '{user}'")
    sql(connection, f"DELETE FROM users WHERE id = '{user}'")


def forge_a_tombstone(connection, chance, user, row):
    take_the_chain_away(connection, chance, user, row)
    forged = sealed(b"another key", Tombstone(who(KEY, user), 0, 10, b"x" * 32, 1))
    audit.bury(connection, "nobody", forged)


def move_the_head(connection, chance, user, row):
    sql(connection, f"UPDATE users SET audit_count = {chance.choice([0, row + 10])} WHERE id = '{user}'")


def forge_a_link(connection, chance, user, row):
    other = f"(SELECT mac FROM audit WHERE user_id = '{user}' AND number = {row % 10 + 1})"
    sql(
        connection,
        f"UPDATE audit SET {chance.choice(['mac', 'previous'])} = {other} WHERE user_id = '{user}' AND number = {row}",
    )


WAYS = (
    edit,
    edit_time,
    empty,
    delete,
    delete_and_close_up,
    reorder,
    give_away,
    insert,
    cut_off,
    cut_off_and_move_the_head,
    take_the_chain_away,
    forge_a_tombstone,
    move_the_head,
    forge_a_link,
)


async def test_s17_a_thousand_random_tamperings_are_all_found(audited):
    desk, path = audited
    assert said_faults(await checked(desk, path)) == []
    chance, missed = random.Random(17), []
    for number in range(TAMPERS):
        way, user, row = WAYS[number % len(WAYS)], chance.choice(USERS), chance.randrange(1, 11)
        verdict = await checked(desk, path, lambda c, w=way, u=user, r=row: w(c, chance, u, r))
        if not verdict.findings:
            missed.append((way.__name__, user, row))
    assert missed == []
    assert said_faults(await checked(desk, path)) == []


def said_faults(verdict):
    return [finding.what for finding in verdict.findings]


async def test_s17_the_database_itself_refuses_to_change_or_delete_a_row(audited):
    desk, _ = audited
    for statement in ("UPDATE audit SET model = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only grows"):
            await desk.store.write(lambda c, s=statement: c.exec_driver_sql(s))
    assert (await desk.rows("SELECT count(*) FROM audit"))[0][0] == 30


async def test_s17_lines_that_are_taken_out_of_the_anchors_are_missed(audited):
    desk, path = audited
    for _ in range(2):
        await grow(desk, 1)
        await anchoring(desk, path).anchor()
    whole = lines(path)
    assert len(whole) == 3
    for kept in (
        whole[1:],
        [whole[0], whole[2]],
        whole[:2],
        [],
        [whole[1], whole[0], whole[2]],
        [*whole[:2], whole[2] + b" x"],
    ):
        path.write_bytes(b"".join(line + b"\n" for line in kept))
        assert (await checked(desk, path)).findings
    changed = json.loads(whole[1])
    changed["heads"][0][2] += 1
    path.write_bytes(b"\n".join([whole[0], json.dumps(changed).encode(), whole[2]]))
    assert (await checked(desk, path)).findings


async def test_a_line_that_a_crash_left_half_written_is_noted_and_the_next_one_is_whole(audited):
    desk, path = audited
    with path.open("ab") as file:
        file.write(b'{"at":"2026')
    await grow(desk, 1)
    await anchoring(desk, path).anchor()
    verdict = await checked(desk, path)
    assert (said_faults(verdict), verdict.anchors, len(verdict.notes)) == ([], 2, 1)


async def test_n17_an_erased_chain_is_lawful_and_the_same_user_may_come_back(audited):
    desk, path = audited

    def erase(tx, user):
        tx.connection.exec_driver_sql(
            f"INSERT INTO departures (user_id, step, conversations, asked_at, due) VALUES ('{user}', 'rows', '[]', 1, 1)"
        )
        rows = auditing.erase(tx, user)
        tx.connection.exec_driver_sql(f"DELETE FROM events WHERE user_id = '{user}'")
        tx.connection.exec_driver_sql(f"DELETE FROM users WHERE id = '{user}'")
        tx.connection.exec_driver_sql(f"DELETE FROM departures WHERE user_id = '{user}'")
        return rows

    assert await desk.ledger.write(erase, "ana") == 10
    assert said_faults(await checked(desk, path)) == []
    await grow(desk, 4)
    await anchoring(desk, path).anchor()
    assert await desk.ledger.write(erase, "ana") == 4
    await grow(desk, 2)
    await anchoring(desk, path).anchor()
    verdict = await checked(desk, path)
    assert (said_faults(verdict), verdict.users) == ([], 3)
    assert b"ana" not in path.read_bytes()
    for way in (cut_off_and_move_the_head, take_the_chain_away):
        assert (await checked(desk, path, lambda c, w=way: w(c, random.Random(2), "ben", 3))).findings
    assert (await checked(desk, path, lambda c: sql(c, "DELETE FROM tombstones WHERE life = 0"))).findings


async def test_m095_every_way_an_answer_ends_is_in_the_audit_without_a_word_of_it(desk):
    first = await desk.send("a secret question")
    await desk.claim(first.generation_id)
    await desk.finish(first.generation_id, text="a secret answer", model="m", prompt_hash="p", output_hash="of another text")
    second = await desk.send("again")
    await desk.claim(second.generation_id)
    await desk.finish(second.generation_id, outcome="failed", text="half")
    rows = await desk.rows("SELECT action, asked_by, generation_id, model, prompt_hash, output_hash FROM audit ORDER BY number")
    assert rows == [
        ("answer.completed", "ana", first.generation_id, "m", "p", hash_of("a secret answer")),
        ("answer.failed", "ana", second.generation_id, None, None, hash_of("half")),
    ]
    assert "secret" not in str(await desk.rows("SELECT * FROM audit"))


async def test_s17_the_tool_checks_a_database_whether_memory_runs_or_not(new_desk, tmp_path):
    changed = {"audit_anchor": str(tmp_path / "anchors")}
    async with new_desk(**changed) as desk:
        accepted = await desk.send()
        await desk.answer(accepted.generation_id)
        await anchoring(desk, tmp_path / "anchors").anchor()
        settings = desk.settings
        verdict = await verify(settings, lambda _done, _total: None)
        assert (verdict.users, verdict.rows, verdict.anchors, verdict.findings) == (1, 1, 1, [])
    verdict = await verify(settings, lambda _done, _total: None)
    assert list(said(verdict)) == ["1 chains, 1 rows, 1 anchors: 0 faults."]
    (tmp_path / "anchors").unlink()
    assert (await verify(settings, lambda _done, _total: None)).findings

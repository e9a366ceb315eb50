"""Tools of an answer: rounds that outlive their worker, calls made once, approvals bound to what was shown (S9)."""

import asyncio
import json

import pytest

from shared.contract.account import EXPORT, Export
from shared.contract.acting import (
    BEGIN_CALL,
    CARRY_OUT,
    DECIDE_APPROVAL,
    KEEP_RESULT,
    KEEP_ROUND,
    LIST_APPROVALS,
    SUSPEND_GENERATION,
    BeginCall,
    CarryOut,
    DecideApproval,
    KeepResult,
    KeepRound,
    ListApprovals,
    PlannedCall,
    SuspendGeneration,
)
from shared.contract.memory import (
    ABANDON_GENERATION,
    DELETE_CONVERSATION,
    LIST_MESSAGES,
    RELEASE_GENERATION,
    STOP_GENERATION,
    AbandonGeneration,
    DeleteConversation,
    ListMessages,
    ReleaseGeneration,
    StopGeneration,
)
from shared.contract.objects import Problem, Usage
from shared.contract.person import Action
from shared.contract.state import GET_STATE, LIST_TASKS, GetState, ListTasks
from shared.contract.streams import MAX_MESSAGE_BYTES
from shared.errors import (
    ApprovalDecided,
    ArgumentsChanged,
    IdempotencyMismatch,
    Invalid,
    LostLease,
    UnknownApproval,
)

DAY = 24 * 3600


class Working:
    """A worker that has claimed an answer."""

    def __init__(self, desk, accepted, claim):
        self.desk, self.accepted, self.claim = desk, accepted, claim
        self.generation, self.epoch = accepted.generation_id, claim.epoch

    def about(self, **more):
        return {"generation_id": self.generation, "user": "ana", "epoch": self.epoch, **more}

    async def keep(self, *calls, number=0, text="Let me see. ", **more):
        return await self.desk.ask(KEEP_ROUND, KeepRound(**self.about(number=number, text=text, calls=calls, **more)))

    async def begin(self, call_id="c1"):
        return await self.desk.ask(BEGIN_CALL, BeginCall(**self.about(call_id=call_id)))

    async def result(self, call_id="c1", status="completed", **more):
        return await self.desk.ask(KEEP_RESULT, KeepResult(**self.about(call_id=call_id, status=status, **more)))

    async def carry_out(self, call_id="c1", event="create_task", **payload):
        action = Action(event=event, payload=payload)
        return await self.desk.ask(CARRY_OUT, CarryOut(**self.about(call_id=call_id, action=action)))

    async def suspend(self):
        return await self.desk.ask(SUSPEND_GENERATION, SuspendGeneration(**self.about()))

    async def again(self):
        """The next worker's."""
        return Working(self.desk, self.accepted, await self.desk.claim(self.generation, "w2"))

    async def finish(self, **more):
        await self.desk.finish(self.generation, self.epoch, **more)
        return await self.message()

    async def message(self):
        page = await self.desk.ask(LIST_MESSAGES, ListMessages(user="ana", conversation_id=self.accepted.conversation_id))
        return next(message for message in page.messages if message.id == self.accepted.answer_id)


def call(call_id="c1", policy="auto", **more):
    return PlannedCall(id=call_id, name="mail__send", arguments={"to": "ben", "text": "hi"}, policy=policy, **more)


async def working(desk, **more):
    accepted = await desk.send(**more)
    return Working(desk, accepted, await desk.claim(accepted.generation_id))


async def waiting(desk, *calls):
    """An answer that waits for somebody, and the approvals it waits for."""
    worker = await working(desk)
    await worker.keep(*(calls or (call(policy="ask"),)))
    await worker.suspend()
    return worker, await approvals(desk)


async def approvals(desk, user="ana"):
    return (await desk.ask(LIST_APPROVALS, ListApprovals(user=user))).approvals


async def decide(desk, approval, decision="approve", user="ana", **more):
    about = {"approval_id": approval.id, "arguments_hash": approval.arguments_hash} | more
    return await desk.ask(DECIDE_APPROVAL, DecideApproval(user=user, decision=decision, **about))


async def status(desk):
    return [row[0] for row in await desk.rows("SELECT status FROM generations ORDER BY seq")]


async def told(desk, kind="tool.approval"):
    await desk.until_sent()
    return [event for event in desk.post.events() if event.type_name == kind]


async def orders(desk):
    await desk.until_sent()
    return len(desk.post.orders())


# --- rounds and calls --------------------------------------------------------------------------------------------------


async def test_m055_a_round_is_kept_with_its_calls_before_any_is_made_and_the_next_worker_goes_on_after_it(desk):
    worker = await working(desk)
    kept = await worker.keep(call(), call("c2", idempotent=True), usage=Usage(total_tokens=3))
    assert [(one.id, one.status) for one in kept.calls] == [("c1", "planned"), ("c2", "planned")]
    assert await worker.keep(call(), call("c2", idempotent=True)) == kept
    assert (await worker.begin()).status == "running"
    await worker.result(result={"sent": True})
    desk.clock.pass_by(7)
    found = (await worker.again()).claim
    assert (found.epoch, found.rounds[0].text, found.rounds[0].usage) == (2, "Let me see. ", Usage(total_tokens=3))
    assert [(one.status, one.result, one.idempotent) for one in found.rounds[0].calls] == [
        ("completed", {"sent": True}, False),
        ("planned", None, True),
    ]


async def test_f1_a_call_that_a_dead_worker_had_begun_is_made_again_only_when_that_does_no_harm(desk):
    worker = await working(desk)
    await worker.keep(call(), call("c2", idempotent=True))
    await worker.begin()
    await worker.begin("c2")
    assert (await worker.begin()).status == "running"  # its answer was lost: the same worker knows whether it was made
    desk.clock.pass_by(7)
    second = await worker.again()
    assert [one.status for one in second.claim.rounds[0].calls] == ["running", "running"]
    assert (await second.begin()).status == "unknown"
    assert (await second.begin("c2")).status == "running"


async def test_f28_a_worker_that_has_lost_its_lease_keeps_and_does_nothing(desk):
    worker = await working(desk)
    await worker.keep(call())
    desk.clock.pass_by(7)
    await worker.again()
    for late in (
        worker.keep(call("c2"), number=1),
        worker.begin(),
        worker.result(),
        worker.carry_out(title="x"),
        worker.suspend(),
    ):
        with pytest.raises(LostLease):
            await late
    assert await desk.rows("SELECT status FROM tool_calls") == [("planned",)]


async def test_a_result_is_kept_once_and_another_one_is_refused(desk):
    worker = await working(desk)
    await worker.keep(call())
    await worker.begin()
    await worker.result(result="done")
    await worker.result(result="done")
    with pytest.raises(IdempotencyMismatch):
        await worker.result(status="failed", error=Problem(code="x", message="y"))
    assert (await worker.begin()).result == "done"


async def test_rounds_follow_each_other_and_ids_of_calls_are_unique(desk):
    worker = await working(desk)
    with pytest.raises(Invalid):
        await worker.keep(call(), number=1)
    with pytest.raises(Invalid):
        await worker.keep(call(), call())
    await worker.keep(call())
    with pytest.raises(IdempotencyMismatch):
        await worker.keep(call("other"))
    with pytest.raises(Invalid):
        await worker.keep(call(), number=1)
    with pytest.raises(Invalid):
        await worker.begin("nothing")


async def test_s9_a_call_that_may_never_be_made_is_rejected_and_the_model_is_told_so(desk):
    worker = await working(desk)
    kept = await worker.keep(call(policy="never"))
    assert (kept.calls[0].status, kept.calls[0].error.code) == ("rejected", "tool_refused")
    assert (await worker.begin()).status == "rejected"
    assert (await worker.carry_out(title="x")).status == "rejected"


async def test_m054_a_message_shows_its_calls_with_what_came_of_them(desk):
    worker = await working(desk)
    await worker.keep(call(), call("c2"), call("c3"), call("c4", policy="ask"), call("c5"))
    await worker.begin()
    await worker.result(result={"sent": True})
    await worker.begin("c2")
    await worker.result("c2", "failed", error=Problem(code="broken", message="It broke."))
    await worker.begin("c3")
    message = await worker.finish(text="Let me see. Sent.")
    shown = [(one["id"], one["status"], one.get("result"), one.get("error", {}).get("code")) for one in message.tool_calls]
    assert shown == [
        ("c1", "completed", {"sent": True}, None),
        ("c2", "failed", None, "broken"),
        ("c3", "unknown", None, "unknown"),
        ("c4", "rejected", None, "withdrawn"),
        ("c5", "rejected", None, "withdrawn"),
    ]
    assert message.tool_calls[3]["approvalId"]
    assert [event.status for event in await told(desk)] == ["waiting", "withdrawn"]


async def test_f36_the_end_of_an_answer_with_long_results_fits_into_a_message(desk):
    worker = await working(desk)
    await worker.keep(*(call(f"c{number}") for number in range(40)))
    for number in range(40):
        await worker.begin(f"c{number}")
        await worker.result(f"c{number}", result={"text": "\x01" * 20_000})
    claimed = await claimed_again(worker)
    assert len(claimed.encode()) < MAX_MESSAGE_BYTES
    assert claimed.rounds[0].calls[-1].result == {"text": "\x01" * 20_000}
    message = await (await worker.again()).finish(text="\x01" * 100_000)
    assert len((await told(desk, "message.completed"))[0].encode()) < MAX_MESSAGE_BYTES
    assert len(message.tool_calls) == 40


async def claimed_again(worker):
    worker.desk.clock.pass_by(7)
    claim = (await worker.again()).claim
    worker.desk.clock.pass_by(7)
    return claim


async def test_m061_a_later_prompt_is_reminded_of_what_was_called_and_marked_as_data(desk):
    worker = await working(desk)
    await worker.keep(call())
    await worker.begin()
    await worker.result(result={"sent": "x" * 5_000})
    await worker.finish(text="Sent.")
    again = await desk.send("and?", conversation_id=worker.accepted.conversation_id)
    claim = await desk.claim(again.generation_id)
    assert 'mail__send {"to": "ben", "text": "hi"} completed {"sent": "xxx' in claim.context
    assert "tools that earlier answers called" in claim.context
    assert len(claim.context) < 3_000


# --- actions -----------------------------------------------------------------------------------------------------------


async def test_m019_an_action_is_done_told_and_kept_at_once_and_done_once(desk):
    worker = await working(desk)
    await worker.keep(PlannedCall(id="c1", name="create_task", arguments={"title": "Buy milk"}))
    done = await worker.carry_out(title="Buy milk")
    assert (done.status, done.result["title"]) == ("completed", "Buy milk")
    assert await worker.carry_out(title="Buy milk") == done
    assert len((await desk.ask(LIST_TASKS, ListTasks(user="ana"))).tasks) == 1
    (event,) = await told(desk, "action.created")
    assert (event.object_id, event.message_id) == (done.result["id"], worker.accepted.answer_id)
    message = await worker.finish(text="Done.")
    assert [(action.event, action.object_id) for action in message.actions] == [("create_task", done.result["id"])]
    acts = await desk.rows("SELECT action, made FROM audit ORDER BY number")
    assert acts[0] == ("action.carried_out", json.dumps([done.result["id"]]))


async def test_an_action_that_is_refused_is_a_failed_call_that_says_why(new_desk):
    async with new_desk(open_tasks=1) as desk:
        worker = await working(desk)
        await worker.keep(*(PlannedCall(id=f"c{number}", name="create_task", arguments={}) for number in range(3)))
        await worker.carry_out("c0", title="one")
        assert (await worker.carry_out("c1", title="two")).error.code == "limit_reached"
        assert (await worker.carry_out("c2", title="")).error.code == "invalid_arguments"
        assert [action.payload for action in (await worker.finish()).actions] == [{"title": "one"}]


async def test_a_temporary_conversation_changes_nothing_of_the_person(desk):
    worker = await working(desk, temporary=True)
    assert (worker.claim.temporary, worker.claim.preferences) == (True, {})
    await worker.keep(PlannedCall(id="c1", name="create_task", arguments={}))
    assert (await worker.carry_out(title="x")).status == "failed"
    assert (await desk.ask(LIST_TASKS, ListTasks(user="ana"))).tasks == []


# --- approvals ---------------------------------------------------------------------------------------------------------


async def test_s9_an_answer_waits_for_somebody_without_a_worker_and_goes_on_after_the_decision(desk):
    worker, (approval,) = await waiting(desk)
    assert (approval.status, approval.name, approval.arguments) == ("waiting", "mail__send", {"to": "ben", "text": "hi"})
    assert (await status(desk), (await worker.message()).status) == (["waiting"], "streaming")
    assert (await desk.claim(worker.generation)).decision == "done"
    assert (await decide(desk, approval)).status == "approved"
    assert (await status(desk), await orders(desk)) == (["queued"], 2)
    second = await worker.again()
    assert (second.claim.decision, second.claim.epoch) == ("run", 2)
    assert second.claim.rounds[0].calls[0].status == "approved"
    assert (await second.begin()).status == "running"
    await second.result(result="sent")
    assert (await second.finish(text="Let me see. Sent.")).tool_calls[0]["status"] == "completed"
    assert [event.status for event in await told(desk)] == ["waiting", "approved"]
    assert ("approval.approved", "ana") in await desk.rows("SELECT action, asked_by FROM audit")


async def test_s9_a_rejected_call_is_never_made_and_the_answer_goes_on(desk):
    worker, (approval,) = await waiting(desk)
    await decide(desk, approval, "reject")
    second = await worker.again()
    assert (second.claim.rounds[0].calls[0].status, second.claim.rounds[0].calls[0].error.code) == ("rejected", "rejected")
    assert (await second.begin()).status == "rejected"


async def test_s9_a_decision_is_bound_to_the_arguments_that_were_shown(desk):
    _, (approval,) = await waiting(desk)
    with pytest.raises(ArgumentsChanged):
        await decide(desk, approval, arguments_hash="0" * 64)
    assert (await approvals(desk))[0].status == "waiting"


async def test_s9_a_decision_is_made_once_and_the_same_again_is_answered_the_same(desk):
    _, (approval,) = await waiting(desk)
    first = await decide(desk, approval)
    assert await decide(desk, approval) == first
    with pytest.raises(ApprovalDecided):
        await decide(desk, approval, "reject")
    assert (await orders(desk), await approvals(desk)) == (2, [])
    assert len(await told(desk)) == 2


async def test_s4_approvals_of_others_do_not_exist(desk):
    _, (approval,) = await waiting(desk)
    with pytest.raises(UnknownApproval):
        await decide(desk, approval, user="ben")
    assert await approvals(desk, "ben") == []


async def test_an_answer_goes_on_when_the_last_of_its_approvals_is_decided(desk):
    _, asked = await waiting(desk, call(policy="ask"), call("c2", "ask"))
    await decide(desk, asked[0])
    assert (await status(desk), await orders(desk)) == (["waiting"], 1)
    await decide(desk, asked[1], "reject")
    assert (await status(desk), await orders(desk)) == (["queued"], 2)


async def test_a_decision_that_comes_before_the_answer_waits_is_not_missed(desk):
    worker = await working(desk)
    await worker.keep(call(policy="ask"))
    (approval,) = await approvals(desk)
    await decide(desk, approval)
    assert (await status(desk), await orders(desk)) == (["running"], 1)
    await worker.suspend()
    await worker.suspend()
    assert (await status(desk), await orders(desk)) == (["queued"], 2)


async def test_two_devices_that_decide_at_once_agree_on_what_was_decided(desk):
    _, (approval,) = await waiting(desk)
    outcomes = await asyncio.gather(
        *(decide(desk, approval, ("approve", "reject")[number % 2]) for number in range(16)), return_exceptions=True
    )
    decided = {outcome.status for outcome in outcomes if not isinstance(outcome, ApprovalDecided)}
    assert len(decided) == 1
    assert await orders(desk) == 2
    assert len(await told(desk)) == 2


async def test_an_approval_that_nobody_decides_expires_and_the_answer_goes_on_without_the_call(desk):
    worker, (approval,) = await waiting(desk)
    desk.clock.pass_by(7 * DAY - 10)
    await desk.sweep()
    assert await status(desk) == ["waiting"]
    desk.clock.pass_by(11)
    with pytest.raises(ApprovalDecided):
        await decide(desk, approval)
    await desk.sweep()
    assert (await status(desk), await orders(desk)) == (["queued"], 2)
    assert (await worker.again()).claim.rounds[0].calls[0].error.code == "approval_expired"
    assert [event.status for event in await told(desk)] == ["waiting", "expired"]


async def test_f21_stopping_an_answer_that_waits_ends_it_at_once_with_what_it_said(desk):
    worker, (approval,) = await waiting(desk)
    behind = await desk.send("next", conversation_id=worker.accepted.conversation_id)
    question = StopGeneration(user="ana", conversation_id=worker.accepted.conversation_id, generation_id=worker.generation)
    assert (await desk.ask(STOP_GENERATION, question)).generation_ids == [worker.generation]
    assert (await desk.ask(STOP_GENERATION, question)).generation_ids == []
    message = await worker.message()
    assert (message.status, message.text, message.tool_calls[0]["status"]) == ("cancelled", "Let me see. ", "rejected")
    with pytest.raises(ApprovalDecided):
        await decide(desk, approval)
    assert [event.status for event in await told(desk)] == ["waiting", "withdrawn"]
    assert len(await told(desk, "message.cancelled")) == 1
    assert desk.post.orders()[-1] == behind.generation_id


async def test_f21_an_answer_that_is_stopped_while_it_waits_keeps_its_rounds_as_they_were_shown(desk):
    worker = await working(desk)
    await worker.keep(call(), text="Let me see.")
    await worker.result()
    await worker.keep(call("c2"), number=1, text="")
    await worker.result("c2")
    await worker.keep(call("c3", policy="ask"), number=2, text="May I?")
    await worker.suspend()
    await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=worker.accepted.conversation_id))
    assert (await worker.message()).text == "Let me see.\n\nMay I?"


async def test_f21_an_answer_that_was_to_stop_ends_instead_of_waiting(desk):
    worker = await working(desk)
    await worker.keep(call(policy="ask"))
    await desk.ask(STOP_GENERATION, StopGeneration(user="ana", conversation_id=worker.accepted.conversation_id))
    await worker.suspend()
    assert (await worker.message()).status == "cancelled"
    assert await approvals(desk) == []


async def test_f20_an_answer_that_waits_keeps_its_conversation_and_interrupting_it_ends_it(desk):
    worker, _ = await waiting(desk)
    queued = await desk.send("queued", conversation_id=worker.accepted.conversation_id)
    assert (queued.queue_position, await orders(desk)) == (1, 1)
    assert (await desk.claim(queued.generation_id)).decision == "done"
    now = await desk.send("now", conversation_id=worker.accepted.conversation_id, if_busy="interrupt")
    assert (now.queue_position, await status(desk)) == (0, ["cancelled", "cancelled", "queued"])
    assert (await desk.claim(now.generation_id)).decision == "run"


async def test_a_doubled_order_and_a_sweep_leave_an_answer_that_waits_alone(desk):
    worker = await working(desk)
    await worker.keep(call(policy="ask"))
    gone = AbandonGeneration(generation_id=worker.generation, error=Problem(code="x", message="y"))
    await desk.ask(ABANDON_GENERATION, gone)
    await worker.suspend()
    assert (await desk.ask(ABANDON_GENERATION, gone)).status == "waiting"
    desk.clock.pass_by(DAY)
    await desk.sweep()
    assert (await status(desk), await orders(desk)) == (["waiting"], 1)


async def test_f30_a_released_answer_keeps_its_rounds(desk):
    worker = await working(desk)
    await worker.keep(call())
    await desk.ask(RELEASE_GENERATION, ReleaseGeneration(generation_id=worker.generation, epoch=1))
    assert [one.text for one in (await worker.again()).claim.rounds] == ["Let me see. "]


async def test_a_deleted_conversation_takes_everything_of_its_tools_along(desk):
    worker, _ = await waiting(desk)
    await desk.ask(DELETE_CONVERSATION, DeleteConversation(user="ana", conversation_id=worker.accepted.conversation_id))
    for table in ("rounds", "tool_calls", "approvals", "generations"):
        assert await desk.rows(f"SELECT * FROM {table}") == []
    assert [event.status for event in await told(desk)] == ["waiting", "withdrawn"]


async def test_the_state_shows_what_waits_for_a_decision(desk):
    _, asked = await waiting(desk)
    before = await desk.ask(GET_STATE, GetState(user="ana"))
    assert before.approvals == asked
    await decide(desk, asked[0])
    assert (await desk.ask(GET_STATE, GetState(user="ana", since=str(before.version)))).approvals == []
    assert "approvals" in (await told(desk, "state.updated"))[-1].changed


async def test_a_waiting_answer_outlives_a_restart_of_memory(new_desk):
    async with new_desk() as desk:
        worker, (approval,) = await waiting(desk)
    async with new_desk() as desk:
        assert await approvals(desk) == [approval]
        await decide(desk, approval)
        assert (await desk.claim(worker.generation)).rounds[0].calls[0].status == "approved"


async def test_how_an_answer_came_about_is_forgotten_after_a_while_and_what_it_shows_stays(desk):
    worker, (approval,) = await waiting(desk)
    await decide(desk, approval)
    message = await (await worker.again()).finish(text="Let me see.")
    await waiting(desk)
    desk.clock.pass_by(31 * DAY)
    await desk.sweep()
    assert await desk.rows("SELECT count(*) FROM rounds") == [(1,)]
    assert (await desk.rows("SELECT count(*) FROM approvals"))[0] == (1,)
    assert await worker.message() == message


async def test_n17_an_export_has_rounds_calls_and_approvals(desk):
    await waiting(desk)
    records = (await desk.ask(EXPORT, Export(user="ana"))).records
    kinds = {record["type"]: record for record in records}
    assert kinds["round"]["text"] == "Let me see. "
    assert kinds["toolCall"]["arguments"] == kinds["approval"]["arguments"] == {"to": "ben", "text": "hi"}

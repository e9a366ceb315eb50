import { describe, expect, it } from "vitest";
import type { ChatMessage, Conversation } from "../src/contract";
import { fold, foldAll } from "../src/state/fold";
import { EMPTY, type FeedEvent, type State } from "../src/state/model";
import { fromSnapshot, withPage } from "../src/state/snapshot";

const AT = "2026-01-01T00:00:00Z";
let number = 0;
const stamp = () => ({ id: `e_${++number}`, at: AT, conversationId: "c_1" });
const place = (attempt = 1) => ({ ...stamp(), generationId: "g_1", messageId: "m_2", attempt });
const conversation: Conversation = { id: "c_1", temporary: false, createdAt: AT, updatedAt: AT };
const message = (change: Partial<ChatMessage> = {}): ChatMessage => ({
  id: "m_2",
  conversationId: "c_1",
  parentId: "m_1",
  role: "assistant",
  text: "",
  status: "pending",
  generationId: "g_1",
  createdAt: AT,
  ...change,
});
const event = (name: string, data: object) => ({ name, data }) as FeedEvent;
const token = (index: number, text: string, attempt = 1) => event("llm.token", { ...place(attempt), type: "token", token: text, role: "assistant", index });
const started = (attempt = 1) => event(attempt > 1 ? "generation.restarted" : "generation.started", { ...place(attempt), model: "m" });
const ended = (text: string, name = "message.completed", status: ChatMessage["status"] = "completed") =>
  event(name, { ...place(), message: message({ text, status }) });

const BEGUN = [
  event("conversation.created", { ...stamp(), conversation }),
  event("message.created", { ...stamp(), message: message({ id: "m_1", role: "user", text: "hi", status: "completed", parentId: null }) }),
  event("message.created", { ...stamp(), message: message() }),
  started(),
];
const text = (state: State) => state.live.m_2?.text;

describe("the head of a conversation", () => {
  const said = (id: string, parentId: string | null, createdAt = AT) => message({ id, parentId, createdAt, role: "user", status: "completed" });
  const created = (one: ChatMessage) => event("message.created", { ...stamp(), message: one });
  const old = [said("m_1", null), said("m_2", "m_1"), said("m_3", "m_2"), said("m_4", "m_3")];
  const opened = (headId: string) => ({ ...EMPTY, conversations: { c_1: { ...conversation, headId } } });

  it("stays when events of older messages come after a page of the newest", () => {
    const state = foldAll(withPage(opened("m_4"), "c_1", old.slice(2)), old.map(created));
    expect(state.conversations.c_1?.headId).toBe("m_4");
  });

  it("is the newest when the page comes amid such events", () => {
    const begun = foldAll(opened("m_4"), old.slice(0, 2).map(created));
    const state = foldAll(withPage(begun, "c_1", old.slice(2)), old.slice(2).map(created));
    expect(state.conversations.c_1?.headId).toBe("m_4");
  });

  it("is a message written anew in the place of an older one", () => {
    const state = fold(withPage(opened("m_4"), "c_1", old), created(said("m_5", "m_1", "2026-01-01T00:00:01Z")));
    expect(state.conversations.c_1?.headId).toBe("m_5");
  });
});

describe("an answer", () => {
  it("grows token by token, whatever pieces the events come in", () => {
    const events = [...BEGUN, token(0, "a"), token(1, "b"), token(2, "c")];
    expect(text(foldAll(EMPTY, events))).toBe("abc");
    expect(foldAll(foldAll(EMPTY, events.slice(0, 5)), events.slice(5))).toEqual(foldAll(EMPTY, events));
  });

  it("takes no token twice", () => {
    const once = foldAll(EMPTY, [...BEGUN, token(0, "a"), token(1, "b")]);
    expect(text(foldAll(once, [token(0, "a"), token(1, "b"), token(2, "c")]))).toBe("abc");
  });

  it("forgets what an attempt said that another worker began again", () => {
    const state = foldAll(EMPTY, [...BEGUN, token(0, "old"), started(2), token(0, "new", 2), token(1, "old", 1)]);
    expect(text(state)).toBe("new");
    expect(state.live.m_2?.attempt).toBe(2);
  });

  it("is what was stored once it has ended, and stays so", () => {
    const state = foldAll(EMPTY, [...BEGUN, token(0, "a"), ended("abc"), token(1, "late"), started(2)]);
    expect(state.live).toEqual({});
    expect(state.messages.c_1?.m_2?.text).toBe("abc");
    expect(state.conversations.c_1?.runningGenerationId).toBeNull();
  });

  it("goes on where a snapshot was", () => {
    const snapshot = { ...SNAPSHOT, messages: [{ ...message({ text: "ab", status: "streaming" }), attempt: 1, nextIndex: 2 }] };
    const state = fromSnapshot(snapshot as never);
    expect(text(foldAll(state, [token(1, "b"), token(2, "c")]))).toBe("abc");
  });

  it("keeps what went before its text in a snapshot", () => {
    const beside = {
      reasoning: "Hm. ",
      toolCalls: [{ id: "t_1", name: "find", arguments: { q: 1 }, status: "running" }],
      actionsAsked: [{ toolCallId: "t_2", event: "create_note", payload: { text: "x" } }],
    };
    const snapshot = { ...SNAPSHOT, messages: [{ ...message({ text: "ab", status: "streaming" }), attempt: 1, nextIndex: 2, ...beside }] };
    const call = { ...place(), toolCallId: "t_1", name: "find", status: "completed", result: "ok" };
    const live = foldAll(fromSnapshot(snapshot as never), [event("tool.finished", call)]).live.m_2;
    expect(live).toMatchObject({ text: "ab", reasoning: "Hm. ", asked: beside.actionsAsked });
    expect(live?.tools).toMatchObject([{ id: "t_1", arguments: { q: 1 }, status: "completed", result: "ok" }]);
  });

  it("does not begin again because an older page says it runs", () => {
    const state = foldAll(EMPTY, [...BEGUN, ended("abc")]);
    expect(withPage(state, "c_1", [message({ status: "streaming" })]).messages.c_1?.m_2?.text).toBe("abc");
  });

  it("that runs keeps its text when a page is loaded", () => {
    const state = foldAll(EMPTY, [...BEGUN, token(0, "a")]);
    expect(text(withPage(state, "c_1", [message({ status: "streaming" })]))).toBe("a");
    expect(withPage(state, "c_1", [message({ status: "completed", text: "abc" })]).live).toEqual({});
  });
});

describe("work beside the text", () => {
  it("shows tools as they run and end", () => {
    const call = { ...place(), toolCallId: "t_1", name: "find", arguments: { q: 1 } };
    const state = foldAll(EMPTY, [...BEGUN, event("tool.started", call), event("tool.finished", { ...call, status: "completed", result: "ok" })]);
    expect(state.live.m_2?.tools).toMatchObject([{ id: "t_1", status: "completed", result: "ok", arguments: { q: 1 } }]);
  });

  it("waits for an approval on every device until one of them decides", () => {
    const asked = { ...place(), approvalId: "a_1", toolCallId: "t_1", name: "book", arguments: {}, argumentsHash: "h", expiresAt: AT };
    const waiting = foldAll(EMPTY, [...BEGUN, event("tool.approval", { ...asked, status: "waiting" })]);
    expect(waiting.live.m_2?.tools[0]).toMatchObject({ status: "waiting", approvalId: "a_1" });
    const decided = fold(waiting, event("tool.approval", { ...asked, status: "rejected" }));
    expect(decided.approvals.a_1?.status).toBe("rejected");
    expect(decided.live.m_2?.tools[0]?.status).toBe("rejected");
  });

  it("shows an action once, however often it is told", () => {
    const action = event("llm.action", { ...place(), toolCallId: "t_1", event: "create_task", payload: { title: "x" } });
    const done = event("action.created", { ...stamp(), messageId: "m_2", event: "create_task", payload: {}, objectId: "t_9" });
    const state = foldAll(EMPTY, [...BEGUN, action, action, done, done]);
    expect(state.live.m_2?.asked).toHaveLength(1);
    expect(state.created.m_2).toHaveLength(1);
  });

  it("follows a workflow step by step", () => {
    const at = (status: string, step?: string, stepStatus?: string) =>
      event("workflow.updated", { id: "e", at: AT, workflowId: "w_1", type: "task", status, step, stepStatus });
    const state = foldAll(EMPTY, [at("running"), at("running", "plan", "running"), at("running", "plan", "completed"), at("completed")]);
    expect(state.workflows.w_1).toMatchObject({ status: "completed", steps: [{ name: "plan", status: "completed" }] });
  });
});

describe("a person's state", () => {
  it("has each object as its last event left it", () => {
    const task = { id: "t_1", title: "x", status: "open", tags: [], createdAt: AT, updatedAt: AT };
    const added = fold(EMPTY, event("task.created", { id: "e", at: AT, task }));
    expect(added.tasks.t_1?.title).toBe("x");
    expect(fold(added, event("task.deleted", { id: "e", at: AT, task })).tasks).toEqual({});
  });

  it("forgets a conversation with everything in it", () => {
    const state = foldAll(EMPTY, [...BEGUN, token(0, "a"), event("conversation.deleted", stamp())]);
    expect([state.conversations, state.messages, state.live]).toEqual([{}, {}, {}]);
  });

  it("is not troubled by an event it does not know", () => {
    expect(fold(EMPTY, event("weather.changed", {}))).toBe(EMPTY);
  });
});

const SNAPSHOT = {
  userId: "ana",
  version: 1,
  conversations: [conversation],
  messages: [],
  tasks: [],
  notes: [],
  pinnedMemories: [],
  calendar: [],
  plan: {},
  personas: [],
  trips: [],
  activeSessions: [],
  lastSnapshotTs: AT,
  cursor: "x-1",
};

// What is loaded rather than told: the snapshot that the stream goes on from, pages of messages, lists of workflows.

import type { ChatMessage, Plan, Snapshot, ToolApproval, Workflow, WorkflowState } from "../contract";
import { foldAll, keep } from "./fold";
import type { AskedAction, Live, State } from "./model";
import { EMPTY, ENDED, toolUse } from "./model";

/** A message of a snapshot: one that is being answered says how far it is. */
export type ShownMessage = ChatMessage & { attempt?: number; nextIndex?: number; reasoning?: string; actionsAsked?: AskedAction[] };

/** The state at the snapshot's cursor. Pages of conversations that were loaded before stay where they still exist. */
export function fromSnapshot(snapshot: Snapshot, before: State = EMPTY): State {
  const conversations = byId(snapshot.conversations);
  const same = before.userId === snapshot.userId;
  const messages = same ? Object.fromEntries(Object.entries(before.messages).filter(([id]) => keepable(before, conversations, id))) : {};
  const base: State = {
    ...EMPTY,
    userId: snapshot.userId,
    version: snapshot.version,
    conversations: { ...hidden(before, same), ...conversations },
    messages,
    created: same ? before.created : {},
    approvals: same ? before.approvals : {},
    workflows: same ? before.workflows : {},
    tasks: byId(snapshot.tasks),
    notes: byId(snapshot.notes),
    memories: byId(snapshot.pinnedMemories),
    calendar: byId(snapshot.calendar),
    personas: byId(snapshot.personas),
    plan: snapshot.plan as Record<string, Plan>,
    preferences: snapshot.preferences ?? {},
    trips: byId(snapshot.trips ?? []),
    sessions: snapshot.activeSessions,
  };
  return withMessages(base, snapshot.messages as ShownMessage[]);
}

/** Temporary conversations are in no list; the one that is open stays open. */
function hidden(before: State, same: boolean): State["conversations"] {
  return same ? Object.fromEntries(Object.entries(before.conversations).filter(([, one]) => one.temporary)) : {};
}

function keepable(before: State, listed: Record<string, unknown>, id: string): boolean {
  return id in listed || before.conversations[id]?.temporary === true;
}

/** Keeps messages that were loaded. What an answer that still runs has said so far comes with it where it is known. */
export function withMessages(state: State, messages: readonly ShownMessage[]): State {
  return messages.reduce(loaded, state);
}

function loaded(state: State, shown: ShownMessage): State {
  const { attempt, nextIndex, reasoning, actionsAsked, ...message } = shown;
  const kept = keep(state, attempt === undefined ? message : { ...message, text: "" });
  if (attempt === undefined || ENDED.has(message.status)) return kept;
  const known = kept.live[message.id];
  if (known && (known.attempt > attempt || (known.attempt === attempt && known.next >= (nextIndex ?? 0)))) return kept;
  const live: Live = {
    generationId: message.generationId ?? "",
    conversationId: message.conversationId,
    attempt,
    next: nextIndex ?? 0,
    text: message.text,
    reasoning: reasoning ?? "",
    tools: (message.toolCalls ?? []).map(toolUse),
    asked: actionsAsked ?? [],
  };
  return { ...kept, live: { ...kept.live, [message.id]: live } };
}

/** Many messages at once, without copying the map for each. */
export function withPage(state: State, conversationId: string, page: readonly ChatMessage[]): State {
  const known = state.messages[conversationId] ?? {};
  const merged: Record<string, ChatMessage> = { ...known };
  for (const message of page) {
    const old = known[message.id];
    if (!old || ENDED.has(message.status) || !ENDED.has(old.status)) merged[message.id] = old && !ENDED.has(message.status) ? old : message;
  }
  const ended = page.filter((message) => ENDED.has(message.status) && state.live[message.id]).map((message) => message.id);
  const live = Object.fromEntries(Object.entries(state.live).filter(([id]) => !ended.includes(id)));
  return { ...state, messages: { ...state.messages, [conversationId]: merged }, live };
}

export function withWorkflows(state: State, workflows: readonly Workflow[]): State {
  const merged = { ...state.workflows };
  for (const one of workflows) merged[one.id] = { steps: [], ...merged[one.id], ...one };
  return { ...state, workflows: merged };
}

export function withWorkflow(state: State, one: WorkflowState): State {
  return { ...state, workflows: { ...state.workflows, [one.id]: one } };
}

/** Leave that is asked for. What an event has told since is newer than the list. */
export function withApprovals(state: State, approvals: readonly ToolApproval[]): State {
  const news = approvals.filter((one) => (state.approvals[one.approvalId]?.status ?? "waiting") === "waiting");
  return foldAll(state, news.map((data) => ({ name: "tool.approval", data })));
}

function byId<T extends { id: string }>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((one) => [one.id, one]));
}

// events → state. Pure: the same events in any pieces give the same state, and what is known already changes nothing.

import type { ChatMessage, Conversation, GenerationStarted, MessageCompleted, Token } from "../contract";
import type { FeedEvent, Live, State, ToolUse } from "./model";
import { ENDED } from "./model";

export function foldAll(state: State, events: readonly FeedEvent[]): State {
  return events.reduce(fold, state);
}

export function fold(state: State, event: FeedEvent): State {
  switch (event.name) {
    case "message.created":
      return created(state, event.data.message, event.data.at);
    case "queue.position":
      return { ...state, queue: { ...state.queue, [event.data.generationId]: event.data.position } };
    case "generation.started":
    case "generation.restarted":
      return begun(state, event.data);
    case "llm.token":
    case "llm.reasoning":
      return token(state, event.data, event.name === "llm.token" ? "text" : "reasoning");
    case "message.completed":
    case "message.failed":
    case "message.cancelled":
      return ended(state, event.data);
    case "conversation.created":
    case "conversation.updated":
      return conversation(state, event.data.conversation);
    case "conversation.deleted":
      return forgotten(state, event.data.conversationId);
    case "state.updated":
      return { ...state, version: event.data.version ?? state.version };
    default:
      return foldWork(state, event);
  }
}

function foldWork(state: State, event: FeedEvent): State {
  switch (event.name) {
    case "tool.started": {
      const { toolCallId: id, name, arguments: given } = event.data;
      return tool(state, event.data, { id, name, arguments: given, status: "running" });
    }
    case "tool.finished": {
      const { toolCallId: id, name, status, result, error, durationMs } = event.data;
      return tool(state, event.data, { id, name, status, result, error, durationMs: durationMs ?? undefined });
    }
    case "tool.approval":
      return approval(state, event.data);
    case "llm.action":
      return asked(state, event.data);
    case "action.created":
      return actionDone(state, event.data);
    case "workflow.updated":
      return workflow(state, event.data);
    default:
      return foldPerson(state, event);
  }
}

function foldPerson(state: State, event: FeedEvent): State {
  switch (event.name) {
    case "task.created":
    case "task.updated":
      return put(state, "tasks", event.data.task);
    case "task.deleted":
      return drop(state, "tasks", event.data.task.id);
    case "note.created":
    case "note.updated":
      return put(state, "notes", event.data.note);
    case "note.deleted":
      return drop(state, "notes", event.data.note.id);
    case "memory.created":
    case "memory.updated":
      return put(state, "memories", event.data.memory);
    case "memory.deleted":
      return drop(state, "memories", event.data.memory.id);
    case "calendar.created":
    case "calendar.updated":
      return put(state, "calendar", event.data.calendarEvent);
    case "calendar.deleted":
      return drop(state, "calendar", event.data.calendarEvent.id);
    default:
      return foldRest(state, event);
  }
}

function foldRest(state: State, event: FeedEvent): State {
  switch (event.name) {
    case "persona.created":
    case "persona.updated":
      return put(state, "personas", event.data.persona);
    case "persona.deleted":
      return drop(state, "personas", event.data.persona.id);
    case "plan.updated":
      return { ...state, plan: { ...state.plan, [event.data.plan.date]: event.data.plan } };
    case "preferences.updated":
      return { ...state, preferences: event.data.preferences };
    case "travel.updated":
      return put(state, "trips", event.data.trip);
    case "travel.deleted":
      return drop(state, "trips", event.data.trip.id);
    default:
      return state; // a name this version does not know
  }
}

type Listed = "tasks" | "notes" | "memories" | "calendar" | "personas" | "trips";

function put(state: State, list: Listed, one: { id: string }): State {
  return { ...state, [list]: { ...state[list], [one.id]: one } };
}

function drop(state: State, list: Listed, id: string): State {
  return { ...state, [list]: without<unknown>(state[list], id) };
}

export function without<T>(map: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  if (!(id in map)) return map;
  const { [id]: _, ...rest } = map;
  return rest;
}

/** Keeps a message, unless what is known of it is newer: an answer that has ended does not begin again. */
export function keep(state: State, message: ChatMessage): State {
  const known = state.messages[message.conversationId] ?? {};
  const old = known[message.id];
  if (old && ENDED.has(old.status) && !ENDED.has(message.status)) return state;
  const messages = { ...state.messages, [message.conversationId]: { ...known, [message.id]: message } };
  const live = ENDED.has(message.status) ? without(state.live, message.id) : state.live;
  return { ...state, messages, live };
}

function created(state: State, message: ChatMessage, at: string): State {
  const seen = message.id in (state.messages[message.conversationId] ?? {});
  const kept = keep(state, message);
  const place = kept.conversations[message.conversationId];
  if (!place || !leads(kept, place, message, seen)) return kept;
  return { ...kept, conversations: { ...kept.conversations, [place.id]: { ...place, headId: message.id, updatedAt: at } } };
}

/** Whether the conversation now ends in this message. Pages may be ahead of the events: then one comes of a message long before the head. */
function leads(state: State, place: Conversation, message: ChatMessage, seen: boolean): boolean {
  if (place.headId && message.parentId === place.headId) return true;
  const head = state.messages[place.id]?.[place.headId ?? ""];
  return !seen && (!head || message.createdAt > head.createdAt);
}

function begun(state: State, data: GenerationStarted): State {
  const stored = state.messages[data.conversationId]?.[data.messageId];
  const known = state.live[data.messageId];
  if ((stored && ENDED.has(stored.status)) || (known && known.attempt >= data.attempt)) return state;
  const live: Live = { ...fresh(data), model: data.model };
  const running = stored ? keep(state, { ...stored, status: "streaming" }) : state;
  return {
    ...runs(running, data.conversationId, data.generationId),
    live: { ...running.live, [data.messageId]: live },
    queue: without(running.queue, data.generationId),
  };
}

type Place = { messageId: string; generationId: string; conversationId: string; attempt: number };

function fresh(data: Place): Live {
  const { generationId, conversationId, attempt } = data;
  return { generationId, conversationId, attempt, next: 0, text: "", reasoning: "", tools: [], asked: [] };
}

/** The answer that an event of a token log belongs to; undefined when the event is void: of an old attempt, or after the end. */
function current(state: State, data: Place): Live | undefined {
  const stored = state.messages[data.conversationId]?.[data.messageId];
  if (stored && ENDED.has(stored.status)) return undefined;
  const known = state.live[data.messageId];
  if (!known || known.attempt < data.attempt) return fresh(data);
  return known.attempt === data.attempt ? known : undefined;
}

function token(state: State, data: Token, field: "text" | "reasoning"): State {
  const live = current(state, data);
  if (!live || data.index < live.next) return state;
  const partial = live.partial || data.index > live.next;
  const grown = { ...live, next: data.index + 1, [field]: live[field] + data.token, ...(partial && { partial }) };
  return { ...state, live: { ...state.live, [data.messageId]: grown } };
}

function tool(state: State, data: Place, use: Omit<ToolUse, "arguments"> & { arguments?: unknown }): State {
  const live = current(state, data);
  if (!live) return state;
  const known = live.tools.find((each) => each.id === use.id);
  const next: ToolUse = { arguments: {}, ...known, ...use };
  const tools = known ? live.tools.map((each) => (each === known ? next : each)) : [...live.tools, next];
  return { ...state, live: { ...state.live, [data.messageId]: { ...live, tools } } };
}

function approval(state: State, data: Extract<FeedEvent, { name: "tool.approval" }>["data"]): State {
  const kept = { ...state, approvals: { ...state.approvals, [data.approvalId]: data } };
  const live = kept.live[data.messageId];
  if (!live) return kept;
  const waiting = data.status === "waiting";
  const status = waiting ? "waiting" : data.status === "approved" ? "running" : "rejected";
  const use = { id: data.toolCallId, name: data.name, arguments: data.arguments, approvalId: data.approvalId, status } as const;
  return tool(kept, { ...data, attempt: live.attempt }, use);
}

function asked(state: State, data: Extract<FeedEvent, { name: "llm.action" }>["data"]): State {
  const live = current(state, data);
  if (!live || live.asked.some((each) => each.toolCallId === data.toolCallId)) return state;
  return { ...state, live: { ...state.live, [data.messageId]: { ...live, asked: [...live.asked, data] } } };
}

function actionDone(state: State, data: Extract<FeedEvent, { name: "action.created" }>["data"]): State {
  const known = state.created[data.messageId] ?? [];
  if (known.some((each) => each.id === data.id)) return state;
  return { ...state, created: { ...state.created, [data.messageId]: [...known, data] } };
}

function ended(state: State, data: Pick<MessageCompleted, "message" | "conversationId" | "generationId">): State {
  const kept = keep(state, data.message);
  const place = kept.conversations[data.conversationId];
  const queue = without(kept.queue, data.generationId);
  if (place?.runningGenerationId !== data.generationId) return { ...kept, queue };
  return { ...runs(kept, data.conversationId, null), queue };
}

function runs(state: State, id: string, generation: string | null): State {
  const place = state.conversations[id];
  if (!place) return state;
  return { ...state, conversations: { ...state.conversations, [id]: { ...place, runningGenerationId: generation } } };
}

function conversation(state: State, one: Conversation): State {
  return { ...state, conversations: { ...state.conversations, [one.id]: one } };
}

/** Everything of a conversation is gone. */
export function forgotten(state: State, id: string): State {
  const ids = Object.keys(state.messages[id] ?? {});
  const live = ids.reduce(without, state.live);
  return { ...state, live, conversations: without(state.conversations, id), messages: without(state.messages, id) };
}

function workflow(state: State, data: Extract<FeedEvent, { name: "workflow.updated" }>["data"]): State {
  const known = state.workflows[data.workflowId];
  const base = known ?? { id: data.workflowId, type: data.type, createdAt: data.at, steps: [] };
  let steps = base.steps;
  if (data.step && data.stepStatus) {
    const old = steps.find((step) => step.name === data.step);
    const step = { attempts: 1, startedAt: data.at, ...old, name: data.step, status: data.stepStatus };
    steps = old ? steps.map((each) => (each === old ? step : each)) : [...steps, step];
  }
  const seen = { ...base, type: data.type, status: data.status, updatedAt: data.at, steps };
  return { ...state, workflows: { ...state.workflows, [data.workflowId]: seen } };
}

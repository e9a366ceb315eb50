// What the page knows. Everything in it came from a snapshot, a page of messages, or an event; nothing is made up here.

import type {
  ActionAsked,
  ActionCreated,
  CalendarEvent,
  ChatMessage,
  Conversation,
  Events,
  Note,
  Persona,
  PinnedMemory,
  Plan,
  Session,
  Step,
  Task,
  ToolApproval,
  Trip,
  WorkflowUpdated,
} from "../contract";

export type EventName = keyof Events;
export type FeedEvent = { [Name in EventName]: { name: Name; data: Events[Name] } }[EventName];

export interface ToolUse {
  id: string;
  name: string;
  arguments: unknown;
  status: "running" | "waiting" | "completed" | "failed" | "rejected" | "unknown";
  result?: unknown;
  error?: unknown;
  durationMs?: number | undefined;
  approvalId?: string | undefined;
}

/** What the model asked for, before it is done. */
export type AskedAction = Pick<ActionAsked, "toolCallId" | "event" | "payload">;

/** An answer while it is written: what the newest attempt has said, and the index of the event that continues it. */
export interface Live {
  generationId: string;
  conversationId: string;
  attempt: number;
  next: number;
  text: string;
  reasoning: string;
  model?: string | undefined;
  tools: ToolUse[];
  asked: AskedAction[];
  /** The beginning is not known here; the text comes whole with its end. */
  partial?: boolean;
}

export interface WorkflowSeen {
  id: string;
  type: string;
  status: WorkflowUpdated["status"];
  updatedAt: string;
  createdAt?: string | undefined;
  steps: Step[];
  output?: unknown;
  error?: { code: string; message: string } | null | undefined;
  params?: unknown;
}

/** A call as a message keeps it. */
export function toolUse(call: Record<string, unknown>): ToolUse {
  return {
    id: String(call.id ?? ""),
    name: String(call.name ?? ""),
    arguments: typeof call.arguments === "string" ? parsed(call.arguments) : call.arguments,
    status: (call.status as ToolUse["status"] | undefined) ?? "completed",
    result: call.result,
    error: call.error,
    durationMs: call.durationMs as number | undefined,
    approvalId: call.approvalId as string | undefined,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type ById<T> = Readonly<Record<string, T>>;

export interface State {
  userId: string;
  version: number;
  conversations: ById<Conversation>;
  messages: ById<ById<ChatMessage>>;
  live: ById<Live>;
  queue: ById<number>;
  created: ById<readonly ActionCreated[]>;
  approvals: ById<ToolApproval>;
  tasks: ById<Task>;
  notes: ById<Note>;
  memories: ById<PinnedMemory>;
  calendar: ById<CalendarEvent>;
  personas: ById<Persona>;
  plan: ById<Plan>;
  preferences: Readonly<Record<string, unknown>>;
  trips: ById<Trip>;
  workflows: ById<WorkflowSeen>;
  sessions: readonly Session[];
}

export const EMPTY: State = {
  userId: "",
  version: 0,
  conversations: {},
  messages: {},
  live: {},
  queue: {},
  created: {},
  approvals: {},
  tasks: {},
  notes: {},
  memories: {},
  calendar: {},
  personas: {},
  plan: {},
  preferences: {},
  trips: {},
  workflows: {},
  sessions: [],
};

export const ENDED = new Set(["completed", "failed", "cancelled"]);

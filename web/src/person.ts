// What a person does beside talking: tasks, notes, plans, … Each change is shown at once and confirmed by its event.

import type { Chat } from "./chat";
import { ApiError, newKey } from "./api";
import type { CalendarEvent, ListedModel, ModelList, Note, Persona, PinnedMemory, Plan, Task, ToolApproval, Trip, Workflows, WorkflowState } from "./contract";
import { fold, without } from "./state/fold";
import type { FeedEvent } from "./state/model";
import { withApprovals, withWorkflow, withWorkflows } from "./state/snapshot";

const now = () => new Date().toISOString();

function told(chat: Chat, name: string, data: object): void {
  chat.feed.set(fold(chat.feed.get(), { name, data } as FeedEvent));
}

// --- tasks ----------------------------------------------------------------------------------------------------------

export async function addTask(chat: Chat, title: string, due?: string): Promise<void> {
  const key = newKey();
  const draft: Task = { id: `new-${key}`, title, status: "open", tags: [], createdAt: now(), updatedAt: now(), ...(due && { due }) };
  await added(chat, "tasks", draft, "task", () =>
    chat.api.surely<Task>("POST", "/api/v1/tasks", { action: "create", task: { title, ...(due && { due }) } }, key),
  );
}

export function toggleTask(chat: Chat, task: Task): Promise<unknown> {
  const status = task.status === "open" ? "completed" : "open";
  const changed: Task = { ...task, status, completedAt: status === "completed" ? now() : null };
  const body = status === "completed" ? { action: "complete", task: { id: task.id } } : { action: "update", task: { id: task.id, status } };
  return chat.optimistically({ tasks: { ...chat.feed.get().tasks, [task.id]: changed } }, () => chat.api.surely("POST", "/api/v1/tasks", body));
}

export function renameTask(chat: Chat, task: Task, title: string): Promise<unknown> {
  const tasks = { ...chat.feed.get().tasks, [task.id]: { ...task, title } };
  return chat.optimistically({ tasks }, () => chat.api.surely("POST", "/api/v1/tasks", { action: "update", task: { id: task.id, title } }));
}

export function removeTask(chat: Chat, id: string): Promise<unknown> {
  const tasks = without(chat.feed.get().tasks, id);
  return chat.optimistically({ tasks }, () => chat.api.surely("POST", "/api/v1/tasks", { action: "delete", task: { id } }));
}

// --- notes, memories, calendar --------------------------------------------------------------------------------------

export async function addNote(chat: Chat, text: string): Promise<void> {
  const key = newKey();
  const draft: Note = { id: `new-${key}`, text, kind: "note", tags: [], size: text.length, truncated: false, createdAt: now(), updatedAt: now() };
  await added(chat, "notes", draft, "note", () => chat.api.surely<Note>("POST", "/api/v1/notes", { text }, key));
}

export function removeNote(chat: Chat, id: string): Promise<unknown> {
  return chat.optimistically({ notes: without(chat.feed.get().notes, id) }, () => chat.api.surely("DELETE", `/api/v1/notes/${id}`, undefined));
}

export async function pin(chat: Chat, type: string, name: string, value: string): Promise<void> {
  const key = newKey();
  const draft: PinnedMemory = { id: `new-${key}`, type, key: name, value, createdAt: now(), updatedAt: now() };
  await added(chat, "memories", draft, "memory", () => chat.api.surely<PinnedMemory>("POST", "/api/v1/memory/pin", { type, key: name, value }, key));
}

export function unpin(chat: Chat, id: string): Promise<unknown> {
  return chat.optimistically({ memories: without(chat.feed.get().memories, id) }, () => chat.api.surely("DELETE", `/api/v1/memory/${id}`, undefined));
}

export async function addEvent(chat: Chat, title: string, start: Date, end: Date): Promise<void> {
  const key = newKey();
  const when = { start: start.toISOString(), end: end.toISOString() };
  const draft: CalendarEvent = { id: `new-${key}`, title, ...when, kind: "event", warmOnly: false, createdAt: now(), updatedAt: now() };
  await added(chat, "calendar", draft, "calendarEvent", () => chat.api.surely<CalendarEvent>("POST", "/api/v1/calendar/event", { title, ...when }, key));
}

export function removeEvent(chat: Chat, id: string): Promise<unknown> {
  const calendar = without(chat.feed.get().calendar, id);
  return chat.optimistically({ calendar }, () => chat.api.surely("DELETE", `/api/v1/calendar/event/${id}`, undefined));
}

type List = "tasks" | "notes" | "memories" | "calendar";
const CREATED: Record<List, string> = { tasks: "task.created", notes: "note.created", memories: "memory.created", calendar: "calendar.created" };

/** Shows a draft until the real one is there: by the answer, or by the event when that is quicker. */
async function added<T extends { id: string }>(chat: Chat, list: List, draft: T, field: string, deed: () => Promise<T>): Promise<void> {
  const before = chat.feed.get();
  const real = await chat.optimistically({ [list]: { ...before[list], [draft.id]: draft } }, deed);
  const { travelEvent: _, ...one } = (real ?? draft) as T & { travelEvent?: unknown };
  const after = chat.feed.get();
  chat.feed.set({ ...after, [list]: without<unknown>(after[list], draft.id) });
  if (real) told(chat, CREATED[list], { [field]: one });
}

// --- plan, preferences, personas ------------------------------------------------------------------------------------

export function putPlan(chat: Chat, plan: Plan): Promise<unknown> {
  const { date, priorities, todos, notes } = plan;
  return chat.optimistically({ plan: { ...chat.feed.get().plan, [date]: plan } }, () =>
    chat.api.surely("PUT", `/api/v1/plan/${date}`, { priorities, todos, notes }),
  );
}

export function prefer(chat: Chat, changes: Record<string, unknown>): Promise<unknown> {
  const preferences = { ...chat.feed.get().preferences, ...changes };
  for (const [name, value] of Object.entries(changes)) if (value === null) delete preferences[name];
  return chat.optimistically({ preferences }, () => chat.api.surely("PUT", "/api/v1/preferences", changes));
}

export type Draft = Pick<Persona, "name" | "description" | "systemPrompt"> & Partial<Pick<Persona, "greeting" | "model" | "temperature">>;

export async function keepPersona(chat: Chat, draft: Draft, id?: string): Promise<Persona | undefined> {
  const body = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const path = id ? `/api/v1/personas/${id}` : "/api/v1/personas";
  const persona = await chat.attempt(chat.api.surely<Persona>(id ? "PUT" : "POST", path, body));
  if (persona) told(chat, "persona.updated", { persona });
  return persona;
}

export function removePersona(chat: Chat, id: string): Promise<unknown> {
  const personas = without(chat.feed.get().personas, id);
  return chat.optimistically({ personas }, () => chat.api.surely("DELETE", `/api/v1/personas/${id}`, undefined));
}

export async function personas(chat: Chat): Promise<void> {
  const { personas: all } = await chat.api.get<{ personas: Persona[] }>("/api/v1/personas");
  const known = chat.feed.get();
  chat.feed.set({ ...known, personas: { ...known.personas, ...Object.fromEntries(all.map((one) => [one.id, one])) } });
}

export async function models(chat: Chat): Promise<ListedModel[]> {
  const { data } = await chat.api.get<ModelList>("/v1/models");
  return data;
}

// --- approvals, flights, workflows ----------------------------------------------------------------------------------

export async function approvals(chat: Chat): Promise<void> {
  type Waiting = Omit<ToolApproval, "approvalId" | "at"> & { createdAt: string };
  const { approvals: all } = await chat.api.get<{ approvals: Waiting[] }>("/api/v1/approvals");
  const waiting = all.map((one) => ({ ...one, approvalId: one.id, at: one.createdAt }) as ToolApproval);
  chat.feed.set(withApprovals(chat.feed.get(), waiting));
}

export async function decide(chat: Chat, approval: ToolApproval, decision: "approve" | "reject"): Promise<void> {
  const { approvalId, argumentsHash } = approval;
  const status = decision === "approve" ? "approved" : "rejected";
  await chat.optimistically({ approvals: { ...chat.feed.get().approvals, [approvalId]: { ...approval, status } } }, () =>
    chat.api.surely("POST", `/api/v1/approvals/${approvalId}`, { decision, argumentsHash }),
  );
}

export function selectFlight(chat: Chat, trip: Trip, flightId: string): Promise<unknown> {
  const trips = { ...chat.feed.get().trips, [trip.id]: { ...trip, selectedFlightId: flightId, status: "selected" as const } };
  return chat.optimistically({ trips }, () => chat.api.surely("POST", `/api/v1/travel/${trip.workflowId}/select/${flightId}`, undefined));
}

export async function workflows(chat: Chat): Promise<void> {
  const page = await chat.api.get<Workflows>("/api/v1/workflows?limit=30");
  chat.feed.set(withWorkflows(chat.feed.get(), page.workflows));
}

export async function workflow(chat: Chat, id: string): Promise<void> {
  const one = await chat.api.get<WorkflowState>(`/api/v1/workflows/${id}`);
  chat.feed.set(withWorkflow(chat.feed.get(), one));
}

export function steer(chat: Chat, id: string, deed: "pause" | "resume" | "terminate" | "restart"): Promise<unknown> {
  return chat.attempt(chat.api.surely("POST", `/api/v1/workflows/${id}/${deed}`, undefined));
}

export async function errand(chat: Chat, goal: string): Promise<string | undefined> {
  const begun = await chat.attempt(chat.api.surely<{ id: string }>("POST", "/api/task", { goal }));
  return begun?.id;
}

/** What is not in the snapshot; what this server does not have is not missed. */
export function loadRest(chat: Chat): void {
  for (const load of [personas, workflows, approvals]) {
    load(chat).catch((error: unknown) => {
      if (!(error instanceof ApiError)) console.debug("not loaded", load.name);
    });
  }
}

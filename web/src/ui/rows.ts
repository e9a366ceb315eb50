// What a thread shows, row by row: stored messages, answers as they grow, and what is still on its way.

import type { ChatMessage } from "../contract";
import type { Pending } from "../outbox";
import type { Live } from "../state/model";
import { ENDED } from "../state/model";

export interface Row {
  id: string;
  message: ChatMessage;
  live?: Live | undefined;
  pending?: Pending | undefined;
  /** How many answers come first; for one that has not begun. */
  queue?: number | undefined;
}

const cache = new WeakMap<ChatMessage, Row>();
const waiting = new WeakMap<Pending, Row>();

/** The same row again as long as nothing of it has changed. */
export function rowOf(message: ChatMessage, live: Live | undefined, queue: number | undefined): Row {
  const known = cache.get(message);
  if (known && known.live === live && known.queue === queue) return known;
  const row: Row = { id: message.id, message, live: ENDED.has(message.status) ? undefined : live, queue };
  cache.set(message, { ...row, live, queue });
  return cache.get(message) as Row;
}

export function pendingRow(pending: Pending): Row {
  const known = waiting.get(pending);
  if (known) return known;
  const message: ChatMessage = {
    id: `pending-${pending.key}`,
    conversationId: pending.conversationId ?? "",
    role: "user",
    text: pending.text,
    status: "pending",
    attachments: pending.attachments,
    createdAt: pending.at,
  };
  const row: Row = { id: message.id, message, pending };
  waiting.set(pending, row);
  return row;
}

/** The text as far as there is one. */
export function textOf(row: Row): string {
  return row.live ? row.live.text : row.message.text;
}

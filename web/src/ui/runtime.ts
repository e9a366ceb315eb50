// assistant-ui's runtime over our store: it is given the rows that are in view, and hands back what a person does.

import { useExternalStoreRuntime, type AppendMessage, type AttachmentAdapter, type ThreadMessageLike } from "@assistant-ui/react";
import type { Chat } from "../chat";
import type { Attachment } from "../contract";
import { textOf, type Row } from "./rows";
import { TextAttachments } from "./attachments";
import { toolsOf } from "./tools";

type Parts = Exclude<ThreadMessageLike["content"], string>;
type Status = NonNullable<ThreadMessageLike["status"]>;

const converted = new WeakMap<Row, ThreadMessageLike>();

export function messageLike(row: Row): ThreadMessageLike {
  const known = converted.get(row);
  if (known) return known;
  const made = row.message.role === "user" ? asked(row) : answered(row);
  converted.set(row, made);
  return made;
}

function asked(row: Row): ThreadMessageLike {
  return {
    id: row.id,
    role: "user",
    content: [{ type: "text", text: row.message.text }],
    createdAt: new Date(row.message.createdAt),
    metadata: { custom: { row } },
  };
}

function answered(row: Row): ThreadMessageLike {
  const content: Parts[number][] = [];
  if (row.live?.reasoning) content.push({ type: "reasoning", text: row.live.reasoning });
  for (const use of toolsOf(row)) {
    const args = (use.arguments ?? {}) as Record<string, never>;
    content.push({ type: "tool-call", toolCallId: use.id, toolName: use.name, args, argsText: "", artifact: use, result: use.result });
  }
  const text = textOf(row);
  if (text) content.push({ type: "text", text });
  return {
    id: row.id,
    role: "assistant",
    content,
    status: statusOf(row),
    createdAt: new Date(row.message.createdAt),
    metadata: { custom: { row } },
  };
}

function statusOf(row: Row): Status {
  switch (row.message.status) {
    case "completed":
      return { type: "complete", reason: "stop" };
    case "cancelled":
      return { type: "incomplete", reason: "cancelled" };
    case "failed":
      return { type: "incomplete", reason: "error", error: row.message.error?.message ?? "" };
    default:
      return { type: "running" };
  }
}

const attachments: AttachmentAdapter = new TextAttachments();

export function useRuntime(chat: Chat, rows: readonly Row[], send: (text: string, attachments: Attachment[]) => void) {
  return useExternalStoreRuntime<Row>({
    messages: rows,
    convertMessage: messageLike,
    // One may always write: what is sent while an answer runs waits its turn at the server.
    isRunning: false,
    onNew: async (message) => send(plain(message), filesOf(message)),
    onEdit: async (message) => {
      if (message.sourceId) await chat.edit(message.sourceId, plain(message));
    },
    adapters: { attachments },
  });
}

function plain(message: AppendMessage): string {
  return message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

function filesOf(message: AppendMessage): Attachment[] {
  return (message.attachments ?? []).map((file) => ({
    name: file.name,
    mediaType: file.contentType || "text/plain",
    text: file.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""),
  }));
}

// The tools an answer used: as they are told of, or as they are stored with it.

import type { ToolUse } from "../state/model";
import type { Row } from "./rows";

export function toolsOf(row: Row): readonly ToolUse[] {
  if (row.live) return row.live.tools;
  return (row.message.toolCalls ?? []).map(stored);
}

function stored(call: Record<string, unknown>): ToolUse {
  return {
    id: String(call.id ?? ""),
    name: String(call.name ?? ""),
    arguments: typeof call.arguments === "string" ? parsed(call.arguments) : call.arguments,
    status: (call.status as ToolUse["status"] | undefined) ?? "completed",
    result: call.result,
    error: call.error,
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

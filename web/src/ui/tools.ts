// The tools an answer used: as they are told of, or as they are stored with it.

import { toolUse, type ToolUse } from "../state/model";
import type { Row } from "./rows";

export function toolsOf(row: Row): readonly ToolUse[] {
  return row.live ? row.live.tools : (row.message.toolCalls ?? []).map(toolUse);
}

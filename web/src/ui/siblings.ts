// The versions of a message: what was said at the same place of the conversation.

import { createContext, use } from "react";
import type { ChatMessage } from "../contract";

export const SiblingsContext = createContext<Map<string, ChatMessage[]>>(new Map());

export function useSiblings(message: ChatMessage): { place: number; all: readonly ChatMessage[] } {
  const all = use(SiblingsContext).get(message.parentId ?? "") ?? [message];
  return { place: all.findIndex((each) => each.id === message.id), all };
}

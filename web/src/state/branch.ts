// A conversation is a tree. These are the ways through it.

import type { ChatMessage } from "../contract";

type Tree = Readonly<Record<string, ChatMessage>>;

/** The branch that ends in `head`, oldest first; it begins where the first message that isn't loaded would be. */
export function branchOf(tree: Tree, head: string | null | undefined): ChatMessage[] {
  const branch: ChatMessage[] = [];
  let id = head;
  while (id) {
    const message = tree[id];
    if (!message) break;
    branch.push(message);
    id = message.parentId;
  }
  return branch.reverse();
}

/** Whether the branch goes on before what is loaded of it. */
export function hasEarlier(branch: readonly ChatMessage[]): boolean {
  return branch[0]?.parentId != null;
}

/** The children of each message, in the order they were written. */
export function childrenOf(tree: Tree): Map<string, ChatMessage[]> {
  const children = new Map<string, ChatMessage[]>();
  for (const message of Object.values(tree)) {
    const key = message.parentId ?? "";
    const list = children.get(key);
    if (list) list.push(message);
    else children.set(key, [message]);
  }
  for (const list of children.values()) list.sort(byAge);
  return children;
}

export function byAge(a: ChatMessage, b: ChatMessage): number {
  return a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.id < b.id ? -1 : 1;
}

/** The newest message below this one: what a conversation's head becomes when this branch is shown. */
export function newestBelow(children: Map<string, ChatMessage[]>, id: string): string {
  let place = id;
  for (;;) {
    const next = children.get(place)?.at(-1);
    if (!next) return place;
    place = next.id;
  }
}

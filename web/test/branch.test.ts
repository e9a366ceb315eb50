import { expect, it } from "vitest";
import type { ChatMessage } from "../src/contract";
import { branchOf, childrenOf, hasEarlier, newestBelow } from "../src/state/branch";

const say = (id: string, parentId: string | null, minute: number) =>
  ({ id, parentId, conversationId: "c", role: "user", text: id, status: "completed", createdAt: `2026-01-01T00:0${minute}:00Z` }) as ChatMessage;
const TREE = Object.fromEntries([say("a", null, 0), say("b", "a", 1), say("c", "b", 2), say("b2", "a", 3), say("c2", "b2", 4)].map((m) => [m.id, m]));

it("a branch is the way from its end to the beginning", () => {
  expect(branchOf(TREE, "c").map((m) => m.id)).toEqual(["a", "b", "c"]);
  expect(branchOf(TREE, "c2").map((m) => m.id)).toEqual(["a", "b2", "c2"]);
  expect(branchOf(TREE, undefined)).toEqual([]);
});

it("a branch whose beginning is not loaded says so", () => {
  const { a: _, ...rest } = TREE;
  expect(hasEarlier(branchOf(rest, "c"))).toBe(true);
  expect(hasEarlier(branchOf(TREE, "c"))).toBe(false);
});

it("versions stand in the order they were written, and a branch is shown to its newest end", () => {
  const children = childrenOf(TREE);
  expect(children.get("a")?.map((m) => m.id)).toEqual(["b", "b2"]);
  expect(newestBelow(children, "b")).toBe("c");
  expect(newestBelow(children, "a")).toBe("c2");
});

import { describe, expect, it } from "vitest";
import { SseParser } from "../src/stream/sse";

const STREAM = 'retry: 1500\n\n: ping\n\nid: a-1\nevent: llm.token\ndata: {"token":"é"}\n\nevent: reconnect\ndata: {}\n\n';

describe("server-sent events", () => {
  it("are the same in whatever pieces they come", () => {
    for (let size = 1; size < STREAM.length; size++) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
      expect(events).toEqual([
        { id: "a-1", name: "llm.token", data: '{"token":"é"}' },
        { id: "", name: "reconnect", data: "{}" },
      ]);
      expect(parser.retry).toBe(1500);
    }
  });

  it("that are cut off do not count", () => {
    expect(new SseParser().push("id: a-1\nevent: x\ndata: {}\n")).toEqual([]);
  });
});

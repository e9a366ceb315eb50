import { afterEach, describe, expect, it, vi } from "vitest";
import { Api, Unreachable } from "../src/api";

const answers = (...responses: (() => Response)[]) => vi.stubGlobal("fetch", async () => responses.shift()?.());
const broken = () => new Response(new ReadableStream({ start: (controller) => controller.error(new TypeError("cut")) }));

afterEach(() => vi.unstubAllGlobals());

describe("an answer that breaks off", () => {
  it("is no answer", async () => {
    answers(broken);
    await expect(new Api("http://here").get("/api/v1/state")).rejects.toBeInstanceOf(Unreachable);
  });

  it("is asked for again with the same key", async () => {
    vi.stubGlobal("addEventListener", () => {});
    vi.stubGlobal("removeEventListener", () => {});
    answers(broken, () => Response.json({ id: "m_1" }));
    await expect(new Api("http://here").surely("POST", "/api/v1/message", {}, "key")).resolves.toEqual({ id: "m_1" });
  });
});

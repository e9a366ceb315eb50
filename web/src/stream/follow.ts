// Follows the user's stream over any number of connections: by cursor, with patience that is drawn by chance, awake when the page is.

import type { Api } from "../api";
import { SseParser, type ServerEvent } from "./sse";

export type Connection = "connecting" | "live" | "waiting" | "offline" | "signed-out";

export interface Follower {
  /** The cursor to go on after, or undefined when a snapshot is needed first. */
  cursor(): string | undefined;
  /** Loads the snapshot; afterwards there is a cursor. */
  begin(signal: AbortSignal): Promise<void>;
  take(events: ServerEvent[]): void;
  reset(reason: string): void;
  show(connection: Connection): void;
}

const HEARTBEAT = 10_000;
/** Longer silence than two heartbeats: the line is dead, whatever the network says. */
export const SILENCE = 2 * HEARTBEAT + 2_000;
const ASLEEP = HEARTBEAT + 2_000;

class Refused extends Error {
  constructor(
    readonly status: number,
    readonly after: number | undefined,
  ) {
    super(String(status));
  }
}

export async function follow(api: Api, follower: Follower, signal: AbortSignal): Promise<void> {
  const line = new Line(api, follower);
  const wake = new Wake(line);
  try {
    while (!signal.aborted) {
      const pause = await line.once(signal);
      if (signal.aborted) return;
      if (pause > 0) await wake.after(pause);
    }
  } finally {
    wake.close();
  }
}

/** One connection at a time. */
class Line {
  private retry = 1_000;
  private failures = 0;
  private current: AbortController | undefined;
  heard = Date.now();

  constructor(
    private readonly api: Api,
    private readonly follower: Follower,
  ) {}

  drop(): void {
    this.current?.abort();
  }

  /** Opens it and reads until it ends; answers how long to wait before the next one. */
  async once(signal: AbortSignal): Promise<number> {
    const current = new AbortController();
    const leave = () => current.abort();
    signal.addEventListener("abort", leave);
    this.current = current;
    this.follower.show("connecting");
    try {
      if (!this.follower.cursor()) await this.follower.begin(current.signal);
      await this.read(current);
      return 50 + Math.random() * 250; // it ended in order: the server asked us to come back
    } catch (error) {
      return this.after(error, current.signal.aborted);
    } finally {
      signal.removeEventListener("abort", leave);
      current.abort();
    }
  }

  private async read(current: AbortController): Promise<void> {
    const cursor = this.follower.cursor();
    const address = this.api.address("/api/v1/stream", { after: cursor });
    const response = await this.api.answered(address, { signal: current.signal, cache: "no-store" });
    if (!response.ok || !response.body) throw new Refused(response.status, Number(response.headers.get("retry-after")) || undefined);
    this.failures = 0;
    this.heard = Date.now();
    this.follower.show("live");
    const watch = setInterval(() => Date.now() - this.heard > SILENCE && current.abort(), 1_000);
    try {
      await this.events(response.body.getReader());
    } finally {
      clearInterval(watch);
    }
  }

  private async events(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const parser = new SseParser();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.heard = Date.now();
      const events = parser.push(decoder.decode(value, { stream: true }));
      this.retry = parser.retry ?? this.retry;
      const reset = events.findIndex((event) => event.name === "reset");
      this.follower.take(reset < 0 ? events : events.slice(0, reset));
      if (reset >= 0) return this.follower.reset(events[reset]?.data ?? "");
      if (events.some((event) => event.name === "reconnect")) return;
    }
  }

  private after(error: unknown, dropped: boolean): number {
    if (error instanceof Refused && error.status === 400) {
      this.follower.reset("bad_cursor");
      return 100;
    }
    const status = (error as { status?: number }).status;
    if (status === 401) {
      this.follower.show("signed-out");
      return Number.MAX_SAFE_INTEGER;
    }
    this.follower.show(navigator.onLine ? "waiting" : "offline");
    if (dropped && this.failures === 0) return 100 + Math.random() * 200;
    this.failures += 1;
    const asked = error instanceof Refused && error.after ? error.after * 1_000 : this.retry;
    // Full jitter: those who lost the same server don't come back as one.
    return Math.min(200 + Math.random() * asked * Math.min(this.failures, 4), 15_000);
  }
}

/** Ends waiting early when there is a reason to believe in the network again, and drops a line that slept too long. */
class Wake {
  private go: (() => void) | undefined;
  private readonly hear = new AbortController();

  constructor(private readonly line: Line) {
    const { signal } = this.hear;
    addEventListener("online", () => this.wake(true), { signal });
    addEventListener("offline", () => this.line.drop(), { signal });
    // Every page is shown once when it is loaded; only one that comes back from the browser's cache has slept.
    addEventListener("pageshow", ({ persisted }) => persisted && this.wake(false), { signal });
    addEventListener("colloquy:signed-in", () => this.wake(true), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake(false), { signal });
  }

  after(milliseconds: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1));
      this.go = () => {
        clearTimeout(timer);
        resolve();
      };
    }).then(() => {
      this.go = undefined;
    });
  }

  close(): void {
    this.hear.abort();
  }

  private wake(doubt: boolean): void {
    if (this.go) this.go();
    else if (doubt || Date.now() - this.line.heard > ASLEEP) this.line.drop();
  }
}

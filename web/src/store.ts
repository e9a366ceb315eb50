// Where the state lives. Events that come within a frame are folded together; readers see one change.

import { useSyncExternalStore } from "react";
import { foldAll } from "./state/fold";
import type { EventName, FeedEvent, State } from "./state/model";
import { EMPTY } from "./state/model";
import type { Connection } from "./stream/follow";
import type { ServerEvent } from "./stream/sse";

export interface Seen {
  id: string;
  name: string;
  data: string;
  at: number;
}

export class Store<T extends object> {
  private listeners = new Set<() => void>();
  constructor(private value: T) {}

  get = (): T => this.value;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(value: T): void {
    if (value === this.value) return;
    this.value = value;
    for (const listener of this.listeners) listener();
  }

  update(change: Partial<T>): void {
    this.set({ ...this.value, ...change });
  }
}

/** Reads a part of a store. `select` must give the same value for the same state. */
export function useStore<T extends object, S>(store: Store<T>, select: (value: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

export const DEBUG_EVENTS = 500;

/** The state, and the place in the feed it is at. */
export class Feed extends Store<State> {
  cursor: string | undefined;
  readonly line = new Store<{ connection: Connection; loaded: boolean; resets: number }>({ connection: "connecting", loaded: false, resets: 0 });
  readonly seen = new Store<{ events: readonly Seen[]; count: number }>({ events: [], count: 0 });
  private waiting: FeedEvent[] = [];
  private raw: Seen[] = [];
  private due = false;
  onEvents: (events: readonly FeedEvent[]) => void = () => {};

  constructor() {
    super(EMPTY);
  }

  /** Events in the order they came; the cursor moves with them. */
  take(events: readonly ServerEvent[]): void {
    for (const event of events) {
      if (event.id) this.cursor = event.id;
      this.raw.push({ ...event, at: Date.now() });
      if (event.data) this.waiting.push({ name: event.name as EventName, data: JSON.parse(event.data) } as FeedEvent);
    }
    if (this.waiting.length && !this.due) {
      this.due = true;
      // Twenty-five times a second is as smooth as text gets. A hidden page gets no frames.
      if (document.visibilityState === "visible") setTimeout(() => requestAnimationFrame(this.flush), 30);
      else setTimeout(this.flush, 100);
      // A frame that never comes must not hold text back.
      setTimeout(this.flush, 250);
    }
  }

  flush = (): void => {
    if (!this.due) return;
    this.due = false;
    const events = this.waiting;
    this.waiting = [];
    this.set(foldAll(this.get(), events));
    const { events: old, count } = this.seen.get();
    this.seen.set({ events: [...old, ...this.raw].slice(-DEBUG_EVENTS), count: count + this.raw.length });
    this.raw = [];
    this.onEvents(events);
  };

  /** Forgets the place; what is shown stays until the snapshot comes. */
  reset(): void {
    this.flush();
    this.cursor = undefined;
    this.line.update({ resets: this.line.get().resets + 1 });
  }
}

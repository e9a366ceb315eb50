// Answers read aloud, piece by piece: the next piece is fetched while one is heard, and more may be added until the end is known.

import type { Api } from "../api";
import { Store } from "../store";
import { Mouth, type Piece } from "./mouth";
import { sentences } from "./sentences";

/** What is being read: the id of a message. */
export const reading = new Store<{ id: string | null }>({ id: null });

/** Characters of several sentences that are fetched together. */
const TOGETHER = 240;

export class Speaker {
  private readonly mouth: Mouth;
  private current: Reading | undefined;

  constructor(api: Api) {
    this.mouth = new Mouth(api);
  }

  get sounds(): boolean {
    return this.mouth.sounds;
  }

  /** The languages that the server understands, if it can't understand all. Asks early who can speak, too. */
  hears(): Promise<readonly string[]> {
    return this.mouth.hears();
  }

  /** Reads a message from its beginning; whatever was read before ends. */
  begin(id: string): Reading {
    this.stop();
    const next = new Reading(this.mouth);
    this.current = next;
    reading.set({ id });
    void this.hears();
    void next.run().finally(() => this.current === next && this.stop());
    return next;
  }

  read(id: string, markdown: string): void {
    const next = this.begin(id);
    this.goOn();
    next.add(sentences(markdown));
    next.close();
  }

  stop(): void {
    this.current?.abort();
    this.current = undefined;
    reading.set({ id: null });
  }

  hush(): void {
    this.mouth.hush();
  }

  goOn(): void {
    this.mouth.goOn();
  }
}

/** One message on its way to being heard. */
export class Reading {
  private readonly aborting = new AbortController();
  private waiting: string[] = [];
  private closed = false;
  private first = true;
  private wake: () => void = () => {};

  constructor(private readonly mouth: Mouth) {}

  get over(): boolean {
    return this.aborting.signal.aborted;
  }

  add(found: readonly string[]): void {
    this.waiting.push(...found);
    if (found.length) this.wake();
  }

  /** Nothing comes after what has been added. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  abort(): void {
    this.aborting.abort();
    this.wake();
  }

  async run(): Promise<void> {
    let next = this.next();
    for (let piece = await next; piece && !this.over; piece = await next) {
      next = this.next();
      await this.mouth.say(piece, this.aborting.signal);
    }
  }

  /** What there is by now; undefined at the end. */
  private async next(): Promise<Piece | undefined> {
    while (!this.waiting.length && !this.closed && !this.over) await new Promise<void>((resolve) => (this.wake = resolve));
    if (!this.waiting.length || this.over) return undefined;
    return this.mouth.prepare(this.taken(), this.aborting.signal);
  }

  /** The first sentence alone, so that it is heard soon. */
  private taken(): string {
    let text = this.waiting.shift() ?? "";
    while (!this.first && this.waiting[0] && text.length + this.waiting[0].length < TOGETHER) text += ` ${this.waiting.shift()}`;
    this.first = false;
    return text;
  }
}

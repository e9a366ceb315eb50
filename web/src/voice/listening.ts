// Listens without a button: what is said between two pauses is a recording of its own. Nothing leaves this machine while nobody speaks.

import { END_MS, hear, QUIET_EAR } from "./level";
import { Loudness } from "./loudness";
import { release, type Recording } from "./recorder";

export const TICK_MS = 50;
/** A recording without a word in it gets a successor after so long. */
const EMPTY_MS = 2_500;
/** Both go on for so long: the beginning of a word is always in one of them. */
const OVERLAP_MS = 1_000;

export interface Listener {
  record: (stream: MediaStream) => Recording;
  /** Whether the page itself is to be heard now. */
  aloud: () => boolean;
  level: (level: number) => void;
  begins: () => void;
  /** `last`: when its last word was. */
  ends: (said: Recording, last: number) => void;
  lost: () => void;
}

export class Listening {
  private readonly loudness: Loudness;
  private readonly timer: ReturnType<typeof setInterval>;
  private ear = QUIET_EAR;
  private current: Recording;
  private successor: Recording | undefined;

  constructor(
    private readonly stream: MediaStream,
    private readonly listener: Listener,
  ) {
    this.current = listener.record(stream);
    this.loudness = new Loudness(stream);
    for (const track of stream.getTracks()) track.onended = () => listener.lost();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** What is being said right now, if anything is. */
  close(): Recording | undefined {
    clearInterval(this.timer);
    this.successor?.discard();
    this.loudness.close();
    if (this.ear.speaking) return this.current;
    this.current.discard();
    release(this.stream);
    return undefined;
  }

  /** For what `close` gave, once it has been understood. */
  release(): void {
    release(this.stream);
  }

  private tick(): void {
    const level = this.loudness.now();
    const { ear, event } = hear(this.ear, level, performance.now(), this.listener.aloud());
    this.ear = ear;
    this.listener.level(level);
    if (event === "begins") this.begin();
    else if (event === "ends") this.end();
    else if (!ear.speaking && ear.evidence === 0) this.renew();
  }

  private begin(): void {
    this.successor?.discard();
    this.successor = undefined;
    this.current.open();
    this.listener.begins();
  }

  private end(): void {
    const said = this.current;
    this.current = this.listener.record(this.stream);
    this.listener.ends(said, Date.now() - END_MS);
  }

  private renew(): void {
    const now = Date.now();
    if (!this.successor && now - this.current.begun > EMPTY_MS) this.successor = this.listener.record(this.stream);
    if (!this.successor || now - this.successor.begun < OVERLAP_MS) return;
    this.current.discard();
    this.current = this.successor;
    this.successor = undefined;
  }
}

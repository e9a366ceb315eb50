// Talking instead of typing: while a button is pressed, or hands-free. It outlives whatever part of the page shows it.

import type { Chat } from "../chat";
import { spoken, type Word } from "../i18n";
import { Store } from "../store";
import { Aloud } from "./aloud";
import { Listening, TICK_MS } from "./listening";
import { Loudness } from "./loudness";
import { isOf } from "./mouth";
import { microphone, Recording, release, VoiceTrouble } from "./recorder";
import { voice } from "./settings";
import { reading, Speaker } from "./speaker";

export interface TalkState {
  mode: "off" | "talk" | "handsFree";
  /** Whether somebody speaks right now. */
  hearing: boolean;
  /** Recordings that are being understood. */
  understanding: number;
  partial: string;
  /** The only languages that are understood, when the page's is not among them. */
  only: readonly string[];
  /** What was understood and waits to be reviewed. */
  heard: string;
  trouble: Word | null;
  /** Recordings that could not be understood are kept, and can be tried again. */
  kept: number;
}

/** A recording while the button is pressed. */
interface Held {
  recording: Recording;
  release: () => void;
}

const QUIET: TalkState = { mode: "off", hearing: false, understanding: 0, partial: "", only: [], heard: "", trouble: null, kept: 0 };
/** One page of a browser is hands-free: two would send everything twice. */
const LOCK = "colloquy.hands-free";

export class Talk {
  readonly state = new Store<TalkState>(QUIET);
  readonly level = new Store<{ level: number }>({ level: 0 });
  readonly speaker: Speaker;
  private held: Held | undefined;
  private listening: Listening | undefined;
  private kept: Recording[] = [];
  /** What is begun while the microphone is still being asked for; another press makes it void. */
  private wish = 0;
  /** Whether words of the message that is being written were spoken. */
  private talked = false;
  private turn: Promise<unknown> = Promise.resolve();
  private awake: WakeLockSentinel | undefined;
  private giveWay: () => void = () => {};

  constructor(private readonly chat: Chat) {
    this.speaker = new Speaker(chat.api);
    new Aloud(chat, this.speaker, () => this.readsAnswers());
    document.addEventListener("visibilitychange", () => this.looked());
    // Who leaves the page is not heard any more.
    addEventListener("pagehide", () => this.speaker.stop());
  }

  private readsAnswers(): boolean {
    const { mode } = this.state.get();
    if (mode === "handsFree") return true;
    return mode === "off" && voice.get().speakReplies && document.visibilityState === "visible" && document.hasFocus();
  }

  // --- while a button is pressed ------------------------------------------------------------------------------------

  press(): void {
    const { mode } = this.state.get();
    if (mode === "talk") void this.finish();
    else if (mode === "off") void this.begin();
  }

  private async begin(): Promise<void> {
    this.speaker.stop();
    const wish = ++this.wish;
    this.state.update({ mode: "talk", partial: "", trouble: null });
    void this.warn();
    await this.withMicrophone(wish, (stream) => {
      const recording = this.record(stream);
      recording.open();
      const loudness = new Loudness(stream);
      const timer = setInterval(() => this.level.set({ level: loudness.now() }), TICK_MS);
      for (const track of stream.getTracks()) track.onended = () => void this.finish();
      this.held = { recording, release: () => (clearInterval(timer), loudness.close(), release(stream), this.level.set({ level: 0 })) };
    });
  }

  private async finish(): Promise<void> {
    const { held } = this;
    this.held = undefined;
    this.wish++;
    this.state.update({ mode: "off" });
    if (!held) return;
    this.review(held.recording);
    await held.recording.stop();
    held.release();
  }

  /** Understood, and put where it can be looked at before it is sent. */
  private review(said: Recording): void {
    this.inTurn(this.understood(said), (text) => {
      if (text) this.state.update({ heard: `${this.state.get().heard} ${text}`.trim() });
      else if (text === "") this.state.update({ trouble: "voiceNothing" });
    });
  }

  /** What was said first is told first, whenever it has been understood. */
  private inTurn(words: Promise<string | undefined>, tell: (text: string | undefined) => void): void {
    this.turn = this.turn.then(async () => {
      tell(await words);
      if (!this.state.get().hearing && this.state.get().mode !== "talk") this.state.update({ partial: "" });
    });
  }

  /** The words have been put into the message. */
  taken(): void {
    this.talked = true;
    this.state.update({ heard: "" });
  }

  /** How the message that is sent now was written. */
  channel(): "chat" | "voice" {
    const { talked } = this;
    this.talked = false;
    return talked ? "voice" : "chat";
  }

  private discard(): void {
    this.wish++;
    this.held?.recording.discard();
    this.held?.release();
    this.held = undefined;
    this.state.update({ mode: "off", partial: "" });
  }

  // --- hands-free ---------------------------------------------------------------------------------------------------

  handsFree(on: boolean): void {
    if (on) void this.listen();
    else this.endHandsFree();
  }

  private async listen(): Promise<void> {
    if (this.state.get().mode === "talk") this.discard();
    this.speaker.stop();
    this.state.update({ mode: "handsFree", trouble: null, partial: "" });
    this.alone();
    await this.open();
  }

  /** The page that was made hands-free last is the one that is. */
  private alone(): void {
    const held = new Promise<void>((resolve) => (this.giveWay = resolve));
    navigator.locks?.request(LOCK, { steal: true }, () => held).catch(() => {
      this.endHandsFree();
      this.state.update({ trouble: "elsewhere" });
    });
  }

  private async open(): Promise<void> {
    void this.warn();
    void this.stayAwake();
    await this.withMicrophone(++this.wish, (stream) => {
      let where: string | null = null;
      this.listening = new Listening(stream, {
        record: (of) => this.record(of),
        aloud: () => this.speaker.sounds,
        level: (level) => this.level.set({ level }),
        begins: () => {
          where = this.chat.view.get().conversationId;
          this.speaker.hush();
          this.state.update({ hearing: true, trouble: null });
        },
        ends: (said, last) => {
          this.state.update({ hearing: false });
          const there = where;
          this.inTurn(this.understood(said, last), (text) => this.answer(text, there));
        },
        lost: () => this.fail(new VoiceTrouble("micMissing")),
      });
    });
  }

  /** Says to the conversation it was said in. A noise without a word changes nothing: what was read goes on. */
  private answer(text: string | undefined, where: string | null): void {
    if (text) {
      this.speaker.stop();
      void this.chat.send(text, [], "voice", { conversationId: where ?? this.chat.view.get().conversationId, ifBusy: "interrupt" });
    }
    if (!this.state.get().hearing) this.speaker.goOn();
  }

  /** The screen stays on while one talks to it. */
  private async stayAwake(): Promise<void> {
    await this.awake?.release();
    const lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (this.state.get().mode === "handsFree") this.awake = lock;
    else void lock?.release();
  }

  private endHandsFree(): void {
    if (this.state.get().mode !== "handsFree") return;
    this.state.update({ mode: "off" });
    this.giveWay();
    void this.awake?.release();
    this.deafen();
    this.speaker.stop();
    this.speaker.goOn();
  }

  /** The microphone is closed. Half a sentence is not sent, and not lost: it is put into the message. */
  private deafen(): void {
    this.wish++;
    const { listening } = this;
    this.listening = undefined;
    const said = listening?.close();
    this.state.update({ hearing: false });
    this.level.set({ level: 0 });
    if (!said) return;
    this.review(said);
    void said.stop().then(() => listening?.release());
  }

  /** A page that nobody looks at does not listen. */
  private looked(): void {
    if (this.state.get().mode !== "handsFree") return;
    if (document.visibilityState === "hidden") {
      this.deafen();
      this.speaker.goOn();
    } else if (!this.listening) void this.open();
  }

  // --- what both need -----------------------------------------------------------------------------------------------

  private async withMicrophone(wish: number, use: (stream: MediaStream) => void): Promise<void> {
    let stream: MediaStream | undefined;
    try {
      stream = await microphone();
      if (wish === this.wish) use(stream);
      else release(stream);
    } catch (error) {
      if (stream) release(stream);
      if (wish === this.wish) this.fail(error);
    }
  }

  private async warn(): Promise<void> {
    const hears = await this.speaker.hears();
    this.state.update({ only: hears.some(isOf) ? [] : hears });
  }

  private record(stream: MediaStream): Recording {
    return new Recording(this.chat.api, stream, spoken(), (partial) => this.state.update({ partial }));
  }

  /** What was said; undefined when that can't be known now: then it is kept. */
  private async understood(said: Recording, last?: number): Promise<string | undefined> {
    this.state.update({ understanding: this.state.get().understanding + 1 });
    try {
      return await said.finish(last);
    } catch (error) {
      // What has no words in it has none the next time either.
      if (error instanceof VoiceTrouble && error.word === "voiceFailed") this.state.update({ trouble: error.word, partial: "" });
      else this.keep(said, error);
      return undefined;
    } finally {
      this.state.update({ understanding: this.state.get().understanding - 1 });
    }
  }

  private keep(said: Recording, error: unknown): void {
    this.kept.push(said);
    this.endHandsFree();
    this.state.update({ trouble: wordOf(error), kept: this.kept.length });
  }

  again(): void {
    const { kept } = this;
    this.forget();
    for (const said of kept) this.review(said);
  }

  forget(): void {
    this.kept = [];
    this.state.update({ kept: 0, trouble: null });
  }

  /** There is no microphone, or none any more. */
  private fail(error: unknown): void {
    this.endHandsFree();
    this.state.update({ mode: "off", partial: "", trouble: wordOf(error) });
  }

  /** Ends the nearest thing that listens or can be heard, and says what that was. */
  escape(): "recording" | "reading" | null {
    if (this.state.get().mode === "talk") {
      this.discard();
      return "recording";
    }
    if (!reading.get().id) return null;
    this.speaker.stop();
    return "reading";
  }
}

function wordOf(error: unknown): Word {
  return error instanceof VoiceTrouble ? error.word : "voiceUnavailable";
}

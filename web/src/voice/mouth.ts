// Sentences as sound: by the server's voice, or by the browser's where the server has none, or none of this language.

import { ApiError, type Api } from "../api";
import { spoken } from "../i18n";

/** A server that is starting again is waited for so long before the browser speaks itself. */
const PATIENCE_MS = 8_000;
/** A browser without a voice says nothing about it. */
const BEGIN_MS = 4_000;

/** Languages that the server speaks, and those that it understands; none of these: it finds out which one it is. */
interface Served {
  speaks: readonly string[];
  hears: readonly string[];
}

/** One piece of speech that can be heard; without `audio` the browser says it. */
export interface Piece {
  text: string;
  audio?: Blob;
}

export class Mouth {
  private readonly element = new Audio();
  private hushed = false;
  private wake: () => void = () => {};
  private served: Promise<Served> | undefined;

  constructor(private readonly api: Api) {}

  /** Whether anything is to be heard right now. */
  get sounds(): boolean {
    return !this.hushed && ((!this.element.paused && !this.element.ended) || window.speechSynthesis?.speaking === true);
  }

  /** The sound of a text. Never fails: what can't be had the browser says. */
  async prepare(text: string, signal: AbortSignal): Promise<Piece> {
    try {
      if (!(await this.server())) return { text };
      const opus = this.element.canPlayType('audio/ogg; codecs="opus"') !== "";
      const body = JSON.stringify({ text, language: spoken(), format: opus ? "opus" : "wav" });
      const init = { body, signal, headers: { "content-type": "application/json" } };
      const response = await this.api.patiently(() => this.api.raw("POST", "/api/v1/speech", init), PATIENCE_MS);
      return { text, audio: await response.blob() };
    } catch (error) {
      if (error instanceof ApiError && error.status === 501) this.served = Promise.resolve({ speaks: [], hears: await this.hears() });
      return { text };
    }
  }

  /** Until it has been heard, or the signal says that it is not wanted any more. */
  async say(piece: Piece, signal: AbortSignal): Promise<void> {
    if (this.hushed) await new Promise<void>((resolve) => this.wakes(resolve, signal));
    if (signal.aborted) return;
    if (!piece.audio || !(await this.play(piece.audio, signal))) await this.byBrowser(piece.text, signal);
  }

  /** Silent at once; `goOn` continues in the middle of the word. */
  hush(): void {
    this.hushed = true;
    this.element.pause();
    window.speechSynthesis?.pause();
  }

  goOn(): void {
    if (!this.hushed) return;
    this.hushed = false;
    if (this.element.src && !this.element.ended) void this.element.play().catch(() => {});
    window.speechSynthesis?.resume();
    this.wake();
  }

  private wakes(resolve: () => void, signal: AbortSignal): void {
    this.wake = resolve;
    signal.addEventListener("abort", () => resolve());
  }

  /** The languages that the server understands, if it can't understand all. */
  async hears(): Promise<readonly string[]> {
    return (await this.can())?.hears ?? [];
  }

  private can(): Promise<Served | undefined> {
    this.served ??= this.api
      .get<{ voices: { language: string }[]; hearing: { languages: string[] } }>("/api/v1/speech/voices")
      .then(({ voices, hearing }) => ({ speaks: voices.map((voice) => voice.language), hears: hearing.languages }));
    return this.served.catch(() => ((this.served = undefined), undefined));
  }

  /** Whether the server shall speak: its own language, or one that this browser can't. */
  private async server(): Promise<boolean> {
    const known = await this.can();
    if (!known) return true;
    const own = window.speechSynthesis?.getVoices().some((voice) => isOf(voice.lang)) ?? false;
    return known.speaks.length > 0 && (known.speaks.some(isOf) || !own);
  }

  /** False when this browser can't play it. */
  private play(audio: Blob, signal: AbortSignal): Promise<boolean> {
    const address = URL.createObjectURL(audio);
    const { element } = this;
    return new Promise<boolean>((resolve) => {
      element.onended = () => resolve(true);
      element.onerror = () => resolve(false);
      signal.addEventListener("abort", () => {
        element.pause();
        resolve(true);
      });
      element.src = address;
      // A pause meanwhile refuses `play` too: then it goes on later.
      if (!this.hushed) element.play().catch((error: DOMException) => error.name === "AbortError" || resolve(false));
    }).finally(() => {
      element.onended = element.onerror = null;
      element.pause();
      element.removeAttribute("src");
      URL.revokeObjectURL(address);
    });
  }

  private byBrowser(text: string, signal: AbortSignal): Promise<void> {
    const synthesis = window.speechSynthesis;
    if (!synthesis) return Promise.resolve();
    return new Promise((resolve) => {
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.lang = spoken();
      const silent = setTimeout(() => (synthesis.cancel(), resolve()), BEGIN_MS);
      utterance.onstart = () => clearTimeout(silent);
      utterance.onend = utterance.onerror = () => (clearTimeout(silent), resolve());
      signal.addEventListener("abort", () => (clearTimeout(silent), synthesis.cancel(), synthesis.resume(), resolve()));
      synthesis.speak(utterance);
    });
  }
}

/** Whether a language is the page's. */
export function isOf(language: string): boolean {
  return language.toLowerCase().split(/[-_]/)[0] === spoken();
}

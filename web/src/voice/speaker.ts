// Answers read aloud, sentence by sentence: by the server's voice, or by the browser's where there is none.

import type { Api } from "../api";
import { spoken } from "../i18n";
import { Store } from "../store";

/** What is being read: the id of a message. */
export const reading = new Store<{ id: string | null }>({ id: null });

const PIECE = 280;

/** Sentences, joined to pieces that are worth a request; the first one short, so that the voice begins soon. Pure. */
export function sentences(markdown: string): string[] {
  const text = plain(markdown);
  const pieces: string[] = [];
  for (const sentence of text.match(/[^.!?…\n]+[.!?…]*\s*/g) ?? []) {
    const last = pieces.at(-1);
    if (last !== undefined && pieces.length > 1 && last.length + sentence.length < PIECE) pieces[pieces.length - 1] = last + sentence;
    else if (sentence.trim()) pieces.push(sentence);
  }
  return pieces.map((piece) => piece.trim());
}

function plain(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(```|$)/g, "\n")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s{0,3}(#{1,6}|[-*+]|\d+\.|>|\|)\s+/gm, "")
    .replace(/[*_`~|$]/g, "");
}

export class Speaker {
  private current: AbortController | undefined;

  constructor(private readonly api: Api) {}

  stop(): void {
    this.current?.abort();
    this.current = undefined;
    window.speechSynthesis?.cancel();
    reading.set({ id: null });
  }

  async read(id: string, markdown: string): Promise<void> {
    this.stop();
    const current = new AbortController();
    this.current = current;
    reading.set({ id });
    try {
      await this.pieces(sentences(markdown), current.signal);
    } finally {
      if (this.current === current) this.stop();
    }
  }

  private async pieces(pieces: string[], signal: AbortSignal): Promise<void> {
    let next = this.fetched(pieces[0], signal);
    for (let place = 0; place < pieces.length && !signal.aborted; place++) {
      const audio = await next;
      if (!audio) return this.byBrowser(pieces.slice(place).join(" "), signal);
      next = this.fetched(pieces[place + 1], signal);
      await played(audio, signal);
    }
  }

  private async fetched(text: string | undefined, signal: AbortSignal): Promise<Blob | undefined> {
    if (!text) return undefined;
    const opus = new Audio().canPlayType('audio/ogg; codecs="opus"') !== "";
    const body = JSON.stringify({ text, language: spoken(), format: opus ? "opus" : "wav" });
    try {
      const response = await this.api.raw("POST", "/api/v1/speech", { body, signal, headers: { "content-type": "application/json" } });
      return await response.blob();
    } catch {
      return undefined;
    }
  }

  private byBrowser(text: string, signal: AbortSignal): Promise<void> {
    const voice = window.speechSynthesis;
    if (!voice || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.lang = spoken();
      utterance.onend = utterance.onerror = () => resolve();
      signal.addEventListener("abort", () => {
        voice.cancel();
        resolve();
      });
      voice.speak(utterance);
    });
  }
}

function played(blob: Blob, signal: AbortSignal): Promise<void> {
  const address = URL.createObjectURL(blob);
  const audio = new Audio(address);
  return new Promise<void>((resolve) => {
    audio.onended = audio.onerror = () => resolve();
    signal.addEventListener("abort", () => {
      audio.pause();
      resolve();
    });
    audio.play().catch(() => resolve());
  }).finally(() => URL.revokeObjectURL(address));
}

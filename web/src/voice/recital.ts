// The sentences of one answer, each once, while it is being written: what another attempt or a reconnect tells again is not said again.

import { Sentences, sentences } from "./sentences";

export class Recital {
  private cutting = new Sentences();
  private text = "";
  private seen = 0;
  private given = 0;

  /** The sentences that are whole now, and new. `text` is all of the answer so far. */
  take(text: string): string[] {
    if (!text.startsWith(this.text)) {
      this.cutting = new Sentences();
      [this.text, this.seen] = ["", 0];
    }
    const more = text.slice(this.text.length);
    this.text = text;
    return more ? this.fresh(this.cutting.feed(more)) : [];
  }

  /** What is left of the whole text. */
  close(text: string): string[] {
    if (!text.startsWith(this.text)) return sentences(text).slice(this.given);
    return [...this.take(text), ...this.fresh(this.cutting.close())];
  }

  private fresh(found: string[]): string[] {
    const known = Math.max(0, Math.min(found.length, this.given - this.seen));
    this.seen += found.length;
    this.given = Math.max(this.given, this.seen);
    return found.slice(known);
  }
}

// The line to the server that is spoken into: chunks go there as they are made, partial words come back meanwhile.

/** The server says something every second while it works. */
const PATIENCE_MS = 10_000;

/** How much earlier than the last word the server's end of it may lie. */
const SLACK_MS = 350;

interface Told {
  type?: string;
  text?: string;
  /** Seconds from the beginning of the audio. */
  end?: number;
}

export class Line {
  private readonly socket: WebSocket;
  private unsent: (Blob | string)[];
  private ended = false;
  private parts: string[] = [];
  /** Up to where in the audio it is understood for good; undefined while a part is still being understood. */
  private through: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private settle: (text: string | undefined) => void = () => {};
  private readonly words = new Promise<string | undefined>((resolve) => {
    this.settle = resolve;
  });

  /** `chunks`: what was said before the line was there. */
  constructor(
    address: string,
    chunks: readonly Blob[],
    private readonly onPartial: (text: string) => void,
  ) {
    this.unsent = [...chunks];
    this.socket = new WebSocket(address);
    this.socket.onopen = () => {
      for (const one of this.unsent.splice(0)) this.socket.send(one);
    };
    this.socket.onmessage = ({ data }) => typeof data === "string" && this.told(JSON.parse(data) as Told);
    this.socket.onclose = this.socket.onerror = () => this.over(undefined);
  }

  send(one: Blob | string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(one);
    else this.unsent.push(one);
  }

  /** All that was said; undefined when the line was lost on the way. `last`: when the last word was, in milliseconds, if that is known. */
  finish(last = Number.POSITIVE_INFINITY): Promise<string | undefined> {
    this.ended = true;
    this.send(JSON.stringify({ type: "end" }));
    this.wait();
    // All of it has been understood already: the end would say the same.
    if (this.through !== undefined && this.through >= last - SLACK_MS) this.settle(this.parts.join(" "));
    return this.words;
  }

  close(): void {
    this.over(undefined);
  }

  private told(message: Told): void {
    if (this.ended) this.wait();
    if (message.type === "transcript.partial") {
      this.through = undefined;
      this.onPartial(message.text ?? "");
    } else if (message.type === "transcript.utterance") {
      this.through = 1_000 * (message.end ?? 0);
      if (message.text) this.parts.push(message.text);
    } else if (message.type === "transcript.completed") this.over(this.ended ? (message.text ?? "") : undefined);
    else if (message.type === "transcript.failed" || message.type === "error") this.over(undefined);
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.over(undefined), PATIENCE_MS);
  }

  private over(text: string | undefined): void {
    clearTimeout(this.timer);
    this.settle(text);
    this.socket.close();
  }
}

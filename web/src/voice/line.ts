// The line to the server that is spoken into: chunks go there as they are made, partial words come back meanwhile.

/** The server says something every second while it works. */
const PATIENCE_MS = 10_000;

interface Told {
  type?: string;
  text?: string;
}

export class Line {
  private readonly socket: WebSocket;
  private unsent: (Blob | string)[];
  private ended = false;
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

  /** All that was said; undefined when the line was lost on the way. */
  finish(): Promise<string | undefined> {
    this.ended = true;
    this.send(JSON.stringify({ type: "end" }));
    this.wait();
    return this.words;
  }

  close(): void {
    this.over(undefined);
  }

  private told(message: Told): void {
    if (this.ended) this.wait();
    if (message.type === "transcript.partial") this.onPartial(message.text ?? "");
    else if (message.type === "transcript.completed") this.over(this.ended ? (message.text ?? "") : undefined);
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

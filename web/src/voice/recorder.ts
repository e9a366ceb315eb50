// From the microphone to words: chunks go to the server as they are made, partial words come back meanwhile. Where that line can't be
// had, the whole recording is uploaded.

import { ApiError, type Api } from "../api";
import type { Word } from "../i18n";

/** Why there are no words; `word` names the sentence that says so. */
export class VoiceTrouble extends Error {
  constructor(readonly word: Word) {
    super(word);
  }
}

const FORMATS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const CHUNK_MS = 250;
const ANSWER_MS = 30_000;

export async function microphone(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") throw new VoiceTrouble("micUnsupported");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
  } catch (error) {
    const name = (error as DOMException).name;
    if (name === "NotAllowedError" || name === "SecurityError") throw new VoiceTrouble("micRefused");
    if (name === "NotFoundError" || name === "OverconstrainedError") throw new VoiceTrouble("micMissing");
    throw new VoiceTrouble("micBusy");
  }
}

export class Recording {
  private readonly chunks: Blob[] = [];
  private readonly recorder: MediaRecorder;
  private socket: WebSocket | undefined;
  private heard: ((text: string) => void) | undefined;
  private lost: (() => void) | undefined;
  private unsent: Blob[] = [];

  constructor(
    private readonly api: Api,
    stream: MediaStream,
    private readonly language: string,
    private readonly onPartial: (text: string) => void,
  ) {
    const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    if (!mimeType) throw new VoiceTrouble("formatUnsupported");
    this.recorder = new MediaRecorder(stream, { mimeType });
    this.recorder.ondataavailable = ({ data }) => data.size > 0 && this.take(data);
    // A socket shows no header: a token that is only in memory takes the other way.
    if (!api.bearer) this.connect();
    this.recorder.start(CHUNK_MS);
  }

  /** What was said. Raises VoiceTrouble. */
  async finish(): Promise<string> {
    await this.stopped();
    const text = (await this.live()) ?? (await this.uploaded());
    return text.trim();
  }

  discard(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.socket?.close();
  }

  private take(chunk: Blob): void {
    this.chunks.push(chunk);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(chunk);
    else this.unsent.push(chunk);
  }

  private connect(): void {
    const socket = new WebSocket(this.api.socket(`/api/v1/audio?language=${encodeURIComponent(this.language)}`));
    this.socket = socket;
    socket.onopen = () => {
      for (const chunk of this.unsent.splice(0)) socket.send(chunk);
    };
    socket.onmessage = ({ data }) => this.told(JSON.parse(String(data)) as { type?: string; event?: string; text?: string });
    socket.onclose = socket.onerror = () => {
      this.socket = undefined;
      this.lost?.();
    };
  }

  private told(message: { type?: string; event?: string; text?: string }): void {
    const name = message.type ?? message.event;
    if (name === "transcript.partial") this.onPartial(message.text ?? "");
    else if (name === "transcript.completed") this.heard?.(message.text ?? "");
    else if (name === "transcript.failed" || name === "error") this.lost?.();
  }

  private stopped(): Promise<void> {
    return new Promise((resolve) => {
      if (this.recorder.state === "inactive") return resolve();
      this.recorder.onstop = () => resolve();
      this.recorder.stop();
    });
  }

  private live(): Promise<string | undefined> {
    const { socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) {
      socket?.close();
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      const end = (text: string | undefined) => {
        clearTimeout(timer);
        this.lost = undefined;
        socket.close();
        resolve(text);
      };
      this.heard = end;
      this.lost = () => end(undefined);
      socket.send(JSON.stringify({ type: "end" }));
    });
  }

  private async uploaded(): Promise<string> {
    const type = this.recorder.mimeType.split(";")[0] ?? "audio/webm";
    const form = new FormData();
    form.set("file", new Blob(this.chunks, { type }), `speech.${type.split("/")[1] ?? "webm"}`);
    form.set("language", this.language);
    try {
      const begun = await this.api.raw("POST", "/api/v1/voice-upload", { body: form });
      const { transcriptJobId } = (await begun.json()) as { transcriptJobId: string };
      return await this.transcribed(transcriptJobId);
    } catch (error) {
      if (error instanceof VoiceTrouble) throw error;
      if (error instanceof ApiError && error.status === 415) throw new VoiceTrouble("formatUnsupported");
      throw new VoiceTrouble("voiceUnavailable");
    }
  }

  private async transcribed(id: string): Promise<string> {
    for (let wait = 150; ; wait = Math.min(wait * 1.5, 2_000)) {
      const job = await this.api.get<{ status: string; text?: string }>(`/api/v1/voice-upload/${id}`);
      if (job.status === "completed") return job.text ?? "";
      if (job.status === "failed") throw new VoiceTrouble("voiceFailed");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

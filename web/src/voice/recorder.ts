// From the microphone to words: while they are spoken by a line to the server; where that can't be had, the whole recording is uploaded.

import { ApiError, newKey, type Api } from "../api";
import type { Word } from "../i18n";
import { Line } from "./line";

/** Why there are no words; `word` names the sentence that says so. */
export class VoiceTrouble extends Error {
  constructor(readonly word: Word) {
    super(word);
  }
}

const FORMATS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const CHUNK_MS = 100;
/** Plenty for speech; a browser would take four times as much. */
const BITS = 32_000;
/** A job that nobody takes for so long. */
const QUEUED_MS = 10_000;
const UPLOAD_MS = 60_000;

export async function microphone(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") throw new VoiceTrouble("micUnsupported");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } });
  } catch (error) {
    const name = (error as DOMException).name;
    if (name === "NotAllowedError" || name === "SecurityError") throw new VoiceTrouble("micRefused");
    if (name === "NotFoundError" || name === "OverconstrainedError") throw new VoiceTrouble("micMissing");
    throw new VoiceTrouble("micBusy");
  }
}

export function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

export class Recording {
  readonly begun = Date.now();
  private readonly chunks: Blob[] = [];
  private readonly recorder: MediaRecorder;
  private readonly key = newKey();
  private line: Line | undefined;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly api: Api,
    stream: MediaStream,
    private readonly language: string,
    private readonly onPartial: (text: string) => void,
  ) {
    const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    if (!mimeType) throw new VoiceTrouble("formatUnsupported");
    this.recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS });
    this.recorder.ondataavailable = ({ data }) => {
      if (!data.size) return;
      this.chunks.push(data);
      this.line?.send(data);
    };
    this.recorder.start(CHUNK_MS);
  }

  /** Words come from now on. Until then nothing leaves this machine. */
  open(): void {
    // A socket shows no header: a token that is only in memory takes the other way.
    if (this.api.bearer || this.line) return;
    this.line = new Line(this.api.socket(`/api/v1/audio?language=${encodeURIComponent(this.language)}`), this.chunks, this.onPartial);
  }

  /** What was said; may be asked again when it failed. `last`: when the last word was, if that is known. Raises VoiceTrouble. */
  async finish(last?: number): Promise<string> {
    await this.stop();
    const { line } = this;
    this.line = undefined;
    const text = (await line?.finish(last && last - this.begun)) ?? (await this.uploaded());
    return text.trim();
  }

  discard(): void {
    this.recorder.ondataavailable = null;
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.line?.close();
  }

  /** Nothing more is recorded; after it all of it is here. */
  stop(): Promise<void> {
    this.stopped ??= new Promise((resolve) => {
      if (this.recorder.state === "inactive") return resolve();
      this.recorder.onstop = () => resolve();
      this.recorder.stop();
    });
    return this.stopped;
  }

  private async uploaded(): Promise<string> {
    const type = this.recorder.mimeType.split(";")[0] ?? "audio/webm";
    const form = new FormData();
    form.set("language", this.language);
    form.set("file", new Blob(this.chunks, { type }), `speech.${type.split("/")[1] ?? "webm"}`);
    const init = { body: form, headers: { "idempotency-key": this.key } };
    try {
      const begun = await this.api.patiently(() => this.api.raw("POST", "/api/v1/voice-upload", init), UPLOAD_MS);
      const { transcriptJobId } = (await begun.json()) as { transcriptJobId: string };
      return await this.transcribed(transcriptJobId);
    } catch (error) {
      if (error instanceof VoiceTrouble) throw error;
      if (error instanceof ApiError && error.status === 415) throw new VoiceTrouble("formatUnsupported");
      throw new VoiceTrouble("voiceUnavailable");
    }
  }

  private async transcribed(id: string): Promise<string> {
    const asked = Date.now();
    for (let wait = 150; ; wait = Math.min(wait * 1.5, 2_000)) {
      const job = await this.api.patiently(() => this.api.get<{ status: string; text?: string }>(`/api/v1/voice-upload/${id}`), UPLOAD_MS);
      if (job.status === "completed") return job.text ?? "";
      if (job.status === "failed") throw new VoiceTrouble("voiceFailed");
      if (job.status === "queued" && Date.now() - asked > QUEUED_MS) throw new VoiceTrouble("voiceUnavailable");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

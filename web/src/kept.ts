// What a tab keeps over a refresh, in the browser's session storage: what is being written, and messages that are not stored yet.

import type { Pending } from "./outbox";

const OWNER = "colloquy.user";
const DRAFT = "colloquy.draft.";
const PENDING = "colloquy.pending";

export class Kept {
  constructor(private readonly storage: Storage) {}

  /** Whose it is from now on. What somebody else has left in this tab is forgotten. */
  claim(user: string): void {
    const owner = this.storage.getItem(OWNER);
    const theirs = (key: string) => key === PENDING || key.startsWith(DRAFT);
    if (owner !== null && owner !== user) for (const key of Object.keys(this.storage).filter(theirs)) this.storage.removeItem(key);
    this.put(OWNER, user);
  }

  draft(conversationId: string | null): string {
    return this.storage.getItem(DRAFT + (conversationId ?? "")) ?? "";
  }

  keepDraft(conversationId: string | null, text: string): void {
    const key = DRAFT + (conversationId ?? "");
    if (text) this.put(key, text);
    else this.storage.removeItem(key);
  }

  /** What was being written while a new conversation got its id goes on there. */
  moveDraft(conversationId: string): void {
    this.keepDraft(conversationId, this.draft(null));
    this.keepDraft(null, "");
  }

  keepPending(pending: readonly Pending[]): void {
    if (pending.length) this.put(PENDING, JSON.stringify(pending));
    else this.storage.removeItem(PENDING);
  }

  pending(): Pending[] {
    return JSON.parse(this.storage.getItem(PENDING) ?? "[]") as Pending[];
  }

  private put(key: string, value: string): void {
    try {
      this.storage.setItem(key, value);
    } catch (error) {
      // It is full: a refresh will lose this, as it would without us.
      if (!(error instanceof DOMException)) throw error;
      this.storage.removeItem(key);
    }
  }
}

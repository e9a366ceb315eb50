// What a tab keeps over a refresh, in the browser's session storage: what is being written, and messages that are not stored yet.

import type { Pending } from "./outbox";

const DRAFT = "colloquy.draft.";
const PENDING = "colloquy.pending";

export class Kept {
  constructor(
    private readonly storage: Storage,
    /** In `dev` one tab may be several people, one after the other. */
    private readonly who: string,
  ) {}

  draft(conversationId: string | null): string {
    return this.storage.getItem(this.key(conversationId)) ?? "";
  }

  keepDraft(conversationId: string | null, text: string): void {
    if (text) this.put(this.key(conversationId), text);
    else this.storage.removeItem(this.key(conversationId));
  }

  /** What was being written while a new conversation got its id goes on there. */
  moveDraft(conversationId: string): void {
    this.keepDraft(conversationId, this.draft(null));
    this.keepDraft(null, "");
  }

  keepPending(user: string, pending: readonly Pending[]): void {
    if (pending.length) this.put(PENDING, JSON.stringify({ user, pending }));
    else this.storage.removeItem(PENDING);
  }

  /** What this user had on its way; what somebody else left here is forgotten. */
  pending(user: string): Pending[] {
    const kept = JSON.parse(this.storage.getItem(PENDING) ?? "{}") as { user?: string; pending?: Pending[] };
    if (kept.user === undefined || kept.user === user) return kept.pending ?? [];
    this.storage.removeItem(PENDING);
    return [];
  }

  private key(conversationId: string | null): string {
    return `${DRAFT}${this.who}.${conversationId ?? ""}`;
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

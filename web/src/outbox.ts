// Messages on their way: shown at once, sent until they are answered, confirmed by their event. A refresh does not lose them.

import { ApiError, newKey, Unreachable } from "./api";
import type { Chat } from "./chat";
import type { Attachment, ChatMessage, Conversation, Receipt } from "./contract";
import { byAge } from "./state/branch";
import { fold } from "./state/fold";
import type { FeedEvent } from "./state/model";
import { withMessages, type ShownMessage } from "./state/snapshot";
import { Store } from "./store";

/** A message that has been typed and is not stored yet. */
export interface Pending {
  key: string;
  conversationId: string | null;
  text: string;
  attachments: Attachment[];
  channel: "chat" | "voice";
  /** What becomes of an answer that still runs; by default it is waited for. */
  ifBusy?: "interrupt";
  at: string;
  status: "sending" | "failed" | "stale";
  error?: string;
  /** How many messages this device had not seen. */
  missed?: number;
}

/** Where a message goes when not into the conversation that is open, and what it does there. */
export type Where = Partial<Pick<Pending, "conversationId" | "ifBusy">>;

export class Outbox extends Store<readonly Pending[]> {
  /** The newest message of each conversation that this device has caused; the stream may tell of it later. */
  private readonly newest = new Map<string, string>();
  private delivering: Promise<unknown> = Promise.resolve();
  private owner: string | undefined;
  private timezoneTold = false;

  constructor(private readonly chat: Chat) {
    super([]);
    this.subscribe(() => this.owner !== undefined && chat.kept.keepPending(this.get()));
  }

  async send(text: string, attachments: Attachment[], channel: "chat" | "voice", where: Where): Promise<void> {
    const { conversationId } = this.chat.view.get();
    const at = new Date().toISOString();
    const pending: Pending = { key: newKey(), conversationId, text, attachments, channel, at, status: "sending", ...where };
    this.set([...this.get(), pending]);
    await this.inTurn(() => this.deliver(pending, true));
  }

  /** Sends what failed, or what was written without knowing what another device had said. */
  async again(key: string): Promise<void> {
    const pending = this.find(key);
    if (!pending) return;
    const next: Pending = { ...pending, key: newKey(), status: "sending" };
    this.set(this.get().map((each) => (each === pending ? next : each)));
    await this.inTurn(() => this.deliver(next, pending.status !== "stale"));
  }

  discard(key: string): void {
    this.set(this.get().filter((each) => each.key !== key));
  }

  /** What a refresh has caught on its way is sent again: by its key it is the same message. */
  resume(user: string): void {
    if (this.owner === user) return;
    this.owner = user;
    const interrupted = this.chat.kept.pending();
    if (interrupted.length) this.set([...interrupted, ...this.get()]);
    for (const pending of interrupted) if (pending.status === "sending") void this.inTurn(() => this.deliverAgain(pending));
  }

  /** Takes out what the stream tells is stored; its receipt may be lost. */
  confirm(events: readonly FeedEvent[]): void {
    for (const event of this.get().length ? events : []) {
      const pending = event.name === "message.created" && this.find(event.data.clientMessageId ?? "");
      if (!pending) continue;
      this.place(pending, event.data.conversationId);
      this.discard(pending.key);
    }
  }

  caused(receipt: Receipt): void {
    this.newest.set(receipt.conversationId, receipt.answerId);
  }

  private find(key: string): Pending | undefined {
    return this.get().find((each) => each.key === key);
  }

  /** One after the other: what is sent second was written after the first. */
  private inTurn(deed: () => Promise<void>): Promise<void> {
    const turn = this.delivering.then(deed);
    this.delivering = turn.catch(() => {});
    return turn;
  }

  private async deliver(pending: Pending, careful: boolean): Promise<void> {
    const { model, persona } = this.chat.view.get();
    try {
      await this.tellTimezone();
      // The second message of a new conversation may have been typed before the first was stored.
      const conversationId = this.find(pending.key)?.conversationId ?? (await this.begun(pending));
      const body = {
        text: pending.text,
        channel: pending.channel,
        ...(pending.ifBusy && { ifBusy: pending.ifBusy }),
        ...(conversationId && { conversationId }),
        ...(pending.attachments.length > 0 && { attachments: pending.attachments }),
        ...(model && { model }),
        ...(!conversationId && persona && { persona }),
        ...(careful && conversationId && this.lastSeen(conversationId)),
      };
      this.accepted(pending, await this.chat.api.surely<Receipt>("POST", "/api/v1/message", body, pending.key));
    } catch (error) {
      this.undelivered(pending, error);
    }
  }

  /** "Tomorrow at nine" is meant where the person is. Told once, with the first message; what they have chosen stays. */
  private async tellTimezone(): Promise<void> {
    if (this.timezoneTold || this.chat.feed.get().preferences.timezone) return;
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    try {
      await this.chat.api.call("PUT", "/api/v1/preferences", { timezone });
      this.timezoneTold = true;
    } catch (error) {
      // The message itself is worth more than the hour it is read by.
      if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
      this.timezoneTold = error instanceof ApiError;
    }
  }

  /** Its events may have come before this page was there: what became of it is looked up. */
  private async deliverAgain(pending: Pending): Promise<void> {
    await this.deliver(pending, true);
    const sent = this.find(pending.key);
    if (sent?.status !== "sending" || !sent.conversationId) return;
    await this.chat.fetchPage(sent.conversationId);
    this.discard(pending.key);
  }

  /** Conversations that must have a property from the start exist before their first message. */
  private async begun(pending: Pending): Promise<string | undefined> {
    const { temporary, persona } = this.chat.view.get();
    if (!temporary) return undefined;
    const body = { temporary, ...(persona && { persona }) };
    const conversation = await this.chat.api.surely<Conversation>("POST", "/api/v1/conversations", body, `${pending.key}-c`);
    const event = { name: "conversation.created", data: { conversation } } as FeedEvent;
    this.chat.feed.set(fold(this.chat.feed.get(), event));
    return conversation.id;
  }

  private lastSeen(id: string): { lastSeen: string } | undefined {
    const known = this.chat.feed.get().messages[id] ?? {};
    const caused = this.newest.get(id);
    if (caused && !known[caused]) return { lastSeen: caused };
    const newest = Object.values(known).reduce<ChatMessage | undefined>((best, one) => (best && byAge(best, one) > 0 ? best : one), undefined);
    return newest && { lastSeen: newest.id };
  }

  private accepted(pending: Pending, receipt: Receipt): void {
    const { feed } = this.chat;
    this.caused(receipt);
    this.place(pending, receipt.conversationId);
    if (feed.get().messages[receipt.conversationId]?.[receipt.messageId]) this.discard(pending.key);
    if (receipt.queuePosition > 0) {
      const queue = { ...feed.get().queue, [receipt.generationId]: receipt.queuePosition };
      feed.set({ ...feed.get(), queue });
    }
  }

  /** It has begun a new conversation, to which belongs what was typed after it; who still looks at it sees that one now. */
  private place(pending: Pending, conversationId: string): void {
    if (this.find(pending.key)?.conversationId !== null) return;
    const first = this.get().findIndex((each) => each.key === pending.key);
    this.set(this.get().map((each, at) => (each.conversationId === null && at >= first ? { ...each, conversationId } : each)));
    if (this.chat.view.get().conversationId === null) this.chat.begin(conversationId);
  }

  private undelivered(pending: Pending, error: unknown): void {
    const message = error instanceof Error && error.message ? error.message : "";
    let change: Partial<Pending> = { status: "failed", error: message };
    if (error instanceof ApiError && error.code === "stale" && pending.conversationId) {
      const missed = (error.details.messages ?? []) as ShownMessage[];
      this.missed(pending.conversationId, missed);
      change = { status: "stale", missed: missed.length };
    }
    this.set(this.get().map((each) => (each.key === pending.key ? { ...each, ...change } : each)));
  }

  /** Shows what another device has written, up to its newest message. */
  private missed(id: string, messages: readonly ShownMessage[]): void {
    const known = withMessages(this.chat.feed.get(), messages);
    const place = known.conversations[id];
    const newest = messages.at(-1);
    if (!place || !newest) return this.chat.feed.set(known);
    this.chat.feed.set({ ...known, conversations: { ...known.conversations, [id]: { ...place, headId: newest.id } } });
  }
}

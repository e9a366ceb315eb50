// What a person does with conversations: each deed is shown at once, sent until it is answered, and confirmed by its event.

import { Api, ApiError } from "./api";
import type { Attachment, BeingStopped, ChatMessage, Conversation, Conversations, Messages, Receipt, Snapshot } from "./contract";
import { t } from "./i18n";
import { branchOf, childrenOf, newestBelow } from "./state/branch";
import { fold, forgotten } from "./state/fold";
import type { FeedEvent, State } from "./state/model";
import { fromSnapshot, withMessages, withPage, type ShownMessage } from "./state/snapshot";
import { Kept } from "./kept";
import { Outbox, type Where } from "./outbox";
import { Feed, Store } from "./store";
import { follow, type Follower } from "./stream/follow";
import type { Talk } from "./voice/talk";

export interface View {
  conversationId: string | null;
  /** For the next conversation. */
  persona: string | null;
  model: string | null;
  temporary: boolean;
  pages: Readonly<Record<string, { next: string | null; loading: boolean }>>;
  moreConversations: string | null | undefined;
  notice: string | null;
  /** A message to bring into view. */
  target: string | null;
}

const START: View = {
  conversationId: null,
  persona: null,
  model: null,
  temporary: false,
  pages: {},
  moreConversations: undefined,
  notice: null,
  target: null,
};
const PAGE = 100;
type Answering = Extract<FeedEvent, { name: "generation.started" | "llm.token" | "message.completed" }>;
const ANSWERS: ReadonlySet<string> = new Set(["generation.started", "generation.restarted", "llm.token", "message.completed"]);

export class Chat {
  readonly feed = new Feed();
  readonly view = new Store<View>(START);
  readonly kept: Kept;
  readonly outbox: Outbox;
  talk: Talk | undefined;
  /** Told of answers that are being written, or have been, in the conversation that is open; of each more than once. */
  onAnswer: (conversationId: string, messageId: string) => void = () => {};
  onLoaded: () => void = () => {};
  private running: AbortController | undefined;

  constructor(readonly api: Api) {
    this.feed.onEvents = (events) => this.heard(events);
    this.view.update({ conversationId: conversationOf(location.hash), model: localStorage.getItem("colloquy.model") });
    addEventListener("hashchange", () => this.show(conversationOf(location.hash)));
    this.kept = new Kept(sessionStorage);
    this.outbox = new Outbox(this);
  }

  start(): void {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const { feed } = this;
    const follower: Follower = {
      cursor: () => feed.cursor,
      begin: (signal) => this.load(signal),
      take: (events) => feed.take(events),
      reset: () => feed.reset(),
      show: (connection) => feed.line.update({ connection }),
    };
    void follow(this.api, follower, running.signal);
  }

  /** The snapshot, and the messages of the conversation that is open. */
  private async load(signal: AbortSignal): Promise<void> {
    // Both at once: the sooner a person can read.
    const { conversationId } = this.view.get();
    const page = conversationId ? this.firstPage(conversationId) : undefined;
    page?.catch(() => {});
    const snapshot = await this.api.get<Snapshot>("/api/v1/state?limit=50", signal);
    this.feed.set(fromSnapshot(snapshot, this.feed.get()));
    this.feed.cursor = snapshot.cursor;
    this.view.update({ pages: {}, moreConversations: undefined });
    this.kept.claim(snapshot.userId);
    this.feed.line.update({ loaded: true });
    this.outbox.resume(snapshot.userId);
    this.onLoaded();
    if (conversationId) void this.fetchPage(conversationId, page).catch(() => {});
  }

  // --- which conversation -------------------------------------------------------------------------------------------

  open(id: string | null, target: string | null = null): void {
    const hash = id ? `#/c/${id}` : "#/";
    if (location.hash !== hash) history.pushState(null, "", hash);
    this.show(id, target);
  }

  private show(id: string | null, target: string | null = null): void {
    const known = id ? this.feed.get().conversations[id] : undefined;
    this.view.update({ conversationId: id, target, persona: null, temporary: known?.temporary ?? false });
    if (id && this.feed.cursor && !this.view.get().pages[id]) void this.fetchPage(id).catch(() => {});
  }

  temporary(on: boolean): void {
    this.view.update({ temporary: on });
  }

  private firstPage(id: string): Promise<Messages> {
    return this.api.get<Messages>(`/api/v1/conversations/${id}/messages?branch=false&limit=${PAGE}`);
  }

  /** A conversation that this device has begun. Everything of it comes by the stream: there is nothing to fetch. */
  begin(id: string): void {
    this.setPage(id, { next: null, loading: false });
    this.kept.moveDraft(id);
    history.replaceState(null, "", `#/c/${id}`);
    this.view.update({ conversationId: id });
  }

  async fetchPage(id: string, early?: Promise<Messages>): Promise<void> {
    this.setPage(id, { next: null, loading: true });
    try {
      if (!this.feed.get().conversations[id]) await this.fetchConversation(id);
      const page = await (early ?? this.firstPage(id));
      this.feed.set(withPage(this.feed.get(), id, page.messages));
      this.setPage(id, { next: page.next ?? null, loading: false });
      if (page.messages.some((message) => this.unknown(message))) await this.fetchRunning();
      const { target } = this.view.get();
      if (target) await this.reach(id, target);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.gone(id);
      else this.dropPage(id);
    }
  }

  /** An answer that runs and that no event or snapshot has told of yet. */
  private unknown(message: ChatMessage): boolean {
    return message.status === "streaming" && !this.feed.get().live[message.id];
  }

  private async fetchRunning(): Promise<void> {
    const snapshot = await this.api.get<Snapshot>("/api/v1/state?limit=200");
    const running = (snapshot.messages as ShownMessage[]).filter((message) => message.attempt !== undefined);
    this.feed.set(withMessages(this.feed.get(), running));
  }

  private async fetchConversation(id: string): Promise<void> {
    const conversation = await this.api.get<Conversation>(`/api/v1/conversations/${id}`);
    this.feed.set(fold(this.feed.get(), { name: "conversation.updated", data: { conversation } } as FeedEvent));
    if (this.view.get().conversationId === id) this.view.update({ temporary: conversation.temporary });
  }

  async earlier(id: string): Promise<void> {
    const page = this.view.get().pages[id];
    if (!page?.next || page.loading) return;
    this.setPage(id, { ...page, loading: true });
    try {
      const path = `/api/v1/conversations/${id}/messages?branch=false&limit=200&before=${page.next}`;
      const older = await this.api.get<Messages>(path);
      this.feed.set(withPage(this.feed.get(), id, older.messages));
      this.setPage(id, { next: older.next ?? null, loading: false });
    } catch {
      this.setPage(id, { ...page, loading: false });
    }
  }

  /** Loads older pages until this message is there, and shows the branch that it is on. */
  private async reach(id: string, target: string): Promise<void> {
    const has = () => target in (this.feed.get().messages[id] ?? {});
    while (!has() && this.view.get().pages[id]?.next && this.view.get().target === target) await this.earlier(id);
    const tree = this.feed.get().messages[id] ?? {};
    const head = this.feed.get().conversations[id]?.headId;
    if (has() && !branchOf(tree, head).some((message) => message.id === target)) await this.branch(id, target);
  }

  private setPage(id: string, page: { next: string | null; loading: boolean }): void {
    this.view.update({ pages: { ...this.view.get().pages, [id]: page } });
  }

  private dropPage(id: string): void {
    const { [id]: _, ...pages } = this.view.get().pages;
    this.view.update({ pages });
  }

  private gone(id: string): void {
    this.dropPage(id);
    this.feed.set(forgotten(this.feed.get(), id));
    if (this.view.get().conversationId !== id) return;
    this.open(null);
    this.view.update({ notice: t("conversationGone") });
  }

  async moreConversations(): Promise<void> {
    const { moreConversations: cursor } = this.view.get();
    if (cursor === null) return;
    const page = await this.api.get<Conversations>(`/api/v1/conversations?limit=100${cursor ? `&cursor=${cursor}` : ""}`);
    const known = this.feed.get();
    const conversations = { ...Object.fromEntries(page.conversations.map((one) => [one.id, one])), ...known.conversations };
    this.feed.set({ ...known, conversations });
    this.view.update({ moreConversations: page.next ?? null });
  }

  send(text: string, attachments: Attachment[] = [], channel: "chat" | "voice" = "chat", where: Where = {}): Promise<void> {
    return this.outbox.send(text, attachments, channel, where);
  }

  private heard(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (event.name === "conversation.deleted") this.gone(event.data.conversationId);
      if (ANSWERS.has(event.name)) this.answers(event as Answering);
    }
    this.outbox.confirm(events);
  }

  private answers({ data }: Answering): void {
    if (data.conversationId === this.view.get().conversationId) this.onAnswer(data.conversationId, data.messageId);
  }

  // --- answers ------------------------------------------------------------------------------------------------------

  stop(conversationId: string, generationId?: string): Promise<BeingStopped> {
    const body = generationId ? { generationId } : {};
    return this.api.surely<BeingStopped>("POST", `/api/v1/conversations/${conversationId}/stop`, body);
  }

  async edit(messageId: string, text: string): Promise<void> {
    const id = this.view.get().conversationId;
    const running = id && this.feed.get().conversations[id]?.runningGenerationId;
    // What is being answered is no longer what is asked.
    if (running) await this.attempt(this.stop(id, running));
    const receipt = await this.attempt(this.api.surely<Receipt>("PUT", `/api/v1/messages/${messageId}`, { text }));
    if (receipt) this.outbox.caused(receipt);
  }

  async regenerate(conversationId: string, messageId: string): Promise<void> {
    const path = `/api/v1/conversations/${conversationId}/regenerate`;
    const receipt = await this.attempt(this.api.surely<Receipt>("POST", path, { messageId }));
    if (receipt) this.outbox.caused(receipt);
  }

  /** Shows the newest messages below this one, on every device. */
  async branch(conversationId: string, messageId: string): Promise<void> {
    const tree = this.feed.get().messages[conversationId] ?? {};
    const headId = newestBelow(childrenOf(tree), messageId);
    const known = this.feed.get();
    const place = known.conversations[conversationId];
    if (place) this.feed.set({ ...known, conversations: { ...known.conversations, [conversationId]: { ...place, headId } } });
    await this.attempt(this.change(conversationId, { headId }));
  }

  // --- conversations ------------------------------------------------------------------------------------------------

  change(id: string, change: { title?: string; persona?: string; temporary?: boolean; headId?: string }): Promise<Conversation> {
    return this.api.surely<Conversation>("PATCH", `/api/v1/conversations/${id}`, change);
  }

  async rename(id: string, title: string): Promise<void> {
    const place = this.feed.get().conversations[id];
    if (!place || !title.trim() || title === place.title) return;
    await this.optimistically({ conversations: { ...this.feed.get().conversations, [id]: { ...place, title } } }, () => this.change(id, { title }));
  }

  async remove(id: string): Promise<void> {
    if (this.view.get().conversationId === id) this.open(null);
    const { [id]: _, ...conversations } = this.feed.get().conversations;
    await this.optimistically({ conversations }, () => this.api.surely("DELETE", `/api/v1/conversations/${id}`, undefined));
  }

  /** Shows a change before the server has it. The event confirms it; a refusal takes it back and says why. */
  async optimistically<T>(change: Partial<State>, deed: () => Promise<T>): Promise<T | undefined> {
    const before = this.feed.get();
    this.feed.set({ ...before, ...change });
    try {
      return await deed();
    } catch (error) {
      const names = Object.keys(change) as (keyof State)[];
      const back = Object.fromEntries(names.map((name) => [name, before[name]])) as Partial<State>;
      this.feed.set({ ...this.feed.get(), ...back });
      this.say(error);
      return undefined;
    }
  }

  async attempt<T>(deed: Promise<T>): Promise<T | undefined> {
    try {
      return await deed;
    } catch (error) {
      this.say(error);
      return undefined;
    }
  }

  say(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.view.update({ notice: message || "offline" });
  }
}

export function conversationOf(hash: string): string | null {
  return /^#\/c\/([A-Za-z0-9_-]{1,64})$/.exec(hash)?.[1] ?? null;
}

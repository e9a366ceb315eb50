// Reads answers aloud while they are still being written.

import type { Chat } from "../chat";
import { ENDED } from "../state/model";
import { Recital } from "./recital";
import type { Reading, Speaker } from "./speaker";

interface Followed {
  conversationId: string;
  messageId: string;
  recital: Recital;
  reading: Reading;
  /** All of it is known, and being read to its end. */
  whole: boolean;
}

export class Aloud {
  /** Answers that have begun to be read, or shall not be. */
  private readonly met = new Set<string>();
  private followed: Followed | undefined;

  constructor(
    private readonly chat: Chat,
    private readonly speaker: Speaker,
    private readonly wanted: () => boolean,
  ) {
    chat.onAnswer = (conversationId, messageId) => this.begin(conversationId, messageId);
    chat.feed.subscribe(() => this.look());
    chat.view.subscribe(() => this.stay());
  }

  private begin(conversationId: string, messageId: string): void {
    if (this.met.has(messageId)) return;
    this.met.add(messageId);
    if (!this.wanted()) return;
    this.followed = { conversationId, messageId, recital: new Recital(), reading: this.speaker.begin(messageId), whole: false };
    this.look();
  }

  /** Says what is new of the answer. */
  private look(): void {
    const { followed } = this;
    if (!followed || followed.whole || followed.reading.over) return;
    const { conversationId, messageId, recital, reading } = followed;
    const state = this.chat.feed.get();
    const message = state.messages[conversationId]?.[messageId];
    const live = state.live[messageId];
    if (message?.status === "cancelled") this.speaker.stop();
    else if (message && ENDED.has(message.status)) {
      reading.add(recital.close(message.text));
      reading.close();
      followed.whole = true;
    } else if (live && !live.partial) reading.add(recital.take(live.text));
  }

  /** Who opens another conversation does not want to hear the rest of this one. */
  private stay(): void {
    const { followed } = this;
    if (!followed || this.chat.view.get().conversationId === followed.conversationId) return;
    this.followed = undefined;
    if (!followed.reading.over) this.speaker.stop();
  }
}

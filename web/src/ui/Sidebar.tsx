// The conversations, newest first, by the day they were last used.

import { useMemo, useState, type KeyboardEvent } from "react";
import type { Conversation } from "../contract";
import { t, type Word } from "../i18n";
import { useChat, useFeed, useView } from "./context";
import { Dialog, IconButton } from "./controls";
import { Icon } from "./icons";

interface SidebarProps {
  onSearch: () => void;
  onChosen: () => void;
  onFront: (front: "debug" | "shortcuts") => void;
  onSettings: () => void;
  shown: boolean;
}

export function Sidebar({ onSearch, onChosen, onFront, onSettings, shown }: SidebarProps) {
  const chat = useChat();
  const [doomed, setDoomed] = useState<Conversation | null>(null);
  const groups = useGroups();
  const cursor = useView((view) => view.moreConversations);
  const count = useFeed((state) => Object.keys(state.conversations).length);
  // The snapshot has the newest ones; only who has that many may have more.
  const more = cursor === undefined ? count >= 40 : cursor !== null;
  const begin = (temporary: boolean) => {
    chat.open(null);
    chat.temporary(temporary);
    onChosen();
    document.getElementById("composer")?.focus();
  };
  return (
    <nav className="sidebar" aria-label={t("conversations")} inert={!shown}>
      <div className="sidebar-top">
        <button type="button" className="button new-chat" onClick={() => begin(false)}>
          <Icon name="plus" size={18} /> {t("newChat")}
        </button>
        <IconButton icon="ghost" label={t("temporaryChat")} onClick={() => begin(true)} />
        <IconButton icon="search" label={t("search")} onClick={onSearch} />
      </div>
      <div className="conversations">
        {groups.map(({ name, list }) => (
          <section key={name}>
            <h2>{t(name)}</h2>
            <ul>
              {list.map((one) => (
                <Item key={one.id} one={one} onChosen={onChosen} onDelete={() => setDoomed(one)} />
              ))}
            </ul>
          </section>
        ))}
        {more && (
          <button type="button" className="button quiet" onClick={() => void chat.attempt(chat.moreConversations())}>
            {t("more")}
          </button>
        )}
      </div>
      <div className="sidebar-foot">
        <Icon name="user" size={18} />
        <Who />
        <IconButton icon="keyboard" size={18} label={t("shortcuts")} onClick={() => onFront("shortcuts")} />
        <IconButton icon="bug" size={18} label={t("debug")} onClick={() => onFront("debug")} />
        <IconButton icon="settings" size={18} label={t("preferences")} onClick={onSettings} />
      </div>
      {doomed && <Doom one={doomed} onClose={() => setDoomed(null)} />}
    </nav>
  );
}

function Who() {
  const user = useFeed((state) => state.userId);
  return <span className="who">{user.startsWith("guest-") ? t("guest") : user}</span>;
}

function Item({ one, onChosen, onDelete }: { one: Conversation; onChosen: () => void; onDelete: () => void }) {
  const chat = useChat();
  const current = useView((view) => view.conversationId === one.id);
  const [renaming, setRenaming] = useState(false);
  const title = one.title || t("untitled");
  if (renaming) return <Rename one={one} onDone={() => setRenaming(false)} />;
  return (
    <li className={current ? "item current" : "item"}>
      <button
        type="button"
        className="item-open"
        aria-current={current ? "page" : undefined}
        onClick={() => {
          chat.open(one.id);
          onChosen();
        }}
      >
        <span>{title}</span>
        {one.runningGenerationId && <i className="pulse" aria-hidden="true" />}
      </button>
      <IconButton icon="edit" size={15} label={`${t("rename")}: ${title}`} onClick={() => setRenaming(true)} />
      <IconButton icon="trash" size={15} label={`${t("delete")}: ${title}`} onClick={onDelete} />
    </li>
  );
}

function Rename({ one, onDone }: { one: Conversation; onDone: () => void }) {
  const chat = useChat();
  const [title, setTitle] = useState(one.title ?? "");
  const done = (keep: boolean) => {
    if (keep) void chat.rename(one.id, title.trim().slice(0, 255));
    onDone();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") done(true);
    if (event.key === "Escape") done(false);
  };
  return (
    <li className="item">
      <input
        className="field"
        aria-label={t("rename")}
        value={title}
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTitle(event.target.value)}
        onKeyDown={onKey}
        onBlur={() => done(true)}
      />
    </li>
  );
}

function Doom({ one, onClose }: { one: Conversation; onClose: () => void }) {
  const chat = useChat();
  return (
    <Dialog title={t("delete")} onClose={onClose}>
      <p>{t("deleteQuestion", { title: one.title || t("untitled") })}</p>
      <footer>
        <button type="button" className="button" onClick={onClose}>
          {t("cancel")}
        </button>
        <button
          type="button"
          className="button danger"
          onClick={() => {
            void chat.remove(one.id);
            onClose();
          }}
        >
          {t("delete")}
        </button>
      </footer>
    </Dialog>
  );
}

const DAY = 86_400_000;

function useGroups(): { name: Word; list: Conversation[] }[] {
  const conversations = useFeed((state) => state.conversations);
  return useMemo(() => {
    const midnight = new Date().setHours(0, 0, 0, 0);
    const edges: [Word, number][] = [
      ["today", midnight],
      ["yesterday", midnight - DAY],
      ["week", midnight - 6 * DAY],
      ["older", Number.NEGATIVE_INFINITY],
    ];
    const list = Object.values(conversations)
      .filter((one) => !one.temporary)
      .sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1));
    const groups = edges.map(([name, from], place) => {
      const until = place === 0 ? Number.POSITIVE_INFINITY : (edges[place - 1]?.[1] ?? 0);
      return { name, list: list.filter((one) => Date.parse(one.updatedAt) >= from && Date.parse(one.updatedAt) < until) };
    });
    return groups.filter((group) => group.list.length > 0);
  }, [conversations]);
}

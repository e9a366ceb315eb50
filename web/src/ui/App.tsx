// The page as a whole: conversations, the one that is open, and what lies beside it.

import { useEffect, useState } from "react";
import { t, useLanguage } from "../i18n";
import { useStore } from "../store";
import { useChat, useFeed, useView } from "./context";
import { IconButton } from "./controls";
import { Sidebar } from "./Sidebar";
import { Thread } from "./Thread";

const WIDE = "(min-width: 60rem)";

export function App() {
  useLanguage();
  const [sidebar, setSidebar] = useState(() => matchMedia(WIDE).matches);
  const closeOnPhone = () => !matchMedia(WIDE).matches && setSidebar(false);
  return (
    <div className="app" data-sidebar={sidebar || undefined}>
      <Sidebar onSearch={() => {}} onChosen={closeOnPhone} />
      {sidebar && <div className="shade" onClick={() => setSidebar(false)} aria-hidden="true" />}
      <main className="main">
        <header className="top">
          <IconButton icon="sidebar" label={sidebar ? t("hideSidebar") : t("showSidebar")} aria-expanded={sidebar} onClick={() => setSidebar(!sidebar)} />
          <Title />
        </header>
        <Line />
        <Thread />
        <Notice />
      </main>
    </div>
  );
}

function Title() {
  const id = useView((view) => view.conversationId);
  const title = useFeed((state) => (id ? state.conversations[id]?.title : null));
  useEffect(() => {
    document.title = title ? `${title} · Colloquy` : "Colloquy";
  }, [title]);
  return <h1>{title || (id ? t("untitled") : "Colloquy")}</h1>;
}

/** Says when the line is not as it should be; a moment's loss is not worth a word. */
function Line() {
  const chat = useChat();
  const connection = useStore(chat.feed.line, (line) => line.connection);
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (connection === "live") return undefined;
    const timer = setTimeout(() => setLate(true), connection === "offline" ? 0 : 1_500);
    return () => clearTimeout(timer);
  }, [connection]);
  const word = connection === "live" || !late ? null : connection === "signed-out" ? "signedOut" : connection;
  return (
    <p className="line" role="status" data-connection={connection}>
      {word && t(word)}
    </p>
  );
}

function Notice() {
  const chat = useChat();
  const notice = useView((view) => view.notice);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => chat.view.update({ notice: null }), 6_000);
    return () => clearTimeout(timer);
  }, [chat, notice]);
  if (!notice) return null;
  return (
    <div className="notice" role="alert">
      {notice === "offline" ? t("unreachable") : notice}
      <IconButton icon="close" size={16} label={t("close")} onClick={() => chat.view.update({ notice: null })} />
    </div>
  );
}

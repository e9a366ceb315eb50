// The page as a whole: conversations, the one that is open, and what lies beside it.

import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { t, useLanguage } from "../i18n";
import { loadRest } from "../person";
import { useStore } from "../store";
import { useTalk } from "../voice/Voice";
import { useChat, useFeed, useView } from "./context";
import { IconButton } from "./controls";
import type { Tab } from "./Panel";
import { ModelPicker, PersonaPicker } from "./Pickers";
import { Sidebar } from "./Sidebar";
import { useShortcuts, type Deed } from "./keys";
import { Thread } from "./Thread";

const Panel = lazy(() => import("./Panel"));
const Search = lazy(() => import("./Search"));
const Personas = lazy(() => import("./Personas"));
const Debug = lazy(() => import("./Debug"));
const Shortcuts = lazy(() => import("./Shortcuts"));
const SignIn = lazy(() => import("./SignIn"));

const WIDE = "(min-width: 60rem)";
const wide = () => matchMedia(WIDE).matches;
type Front = "search" | "personas" | "debug" | "shortcuts";

export function App() {
  useLanguage();
  const chat = useChat();
  const talk = useTalk();
  const [sidebar, setSidebar] = useState(wide);
  const [panel, setPanel] = useState<Tab | null>(null);
  const [last, setLast] = useState<Tab>("tasks");
  const [front, setFront] = useState<Front | null>(null);
  const signedOut = useStore(chat.feed.line, (line) => line.connection === "signed-out");
  const loaded = useStore(chat.feed.line, (line) => line.loaded);
  const show = useCallback((tab: Tab | null) => {
    setPanel(tab);
    if (tab) setLast(tab);
    if (tab && !wide()) setSidebar(false);
  }, []);
  useLoading();
  useShortcuts(useCallback((deed: Deed) => act(deed), [chat, panel, last, sidebar]));
  // A dialog tells late that it has closed: by then another may be in front.
  const closes = (which: Front) => () => setFront((now) => (now === which ? null : now));
  const shade = sidebar || panel !== null;
  return (
    <div className="app" data-sidebar={sidebar || undefined} data-panel={panel ?? undefined}>
      <Sidebar onSearch={() => setFront("search")} onChosen={() => !wide() && setSidebar(false)} onFront={setFront} onSettings={() => show("preferences")} shown={sidebar} />
      {shade && <div className="shade" onClick={() => (setSidebar(false), show(null))} aria-hidden="true" />}
      <main className="main">
        <header className="top">
          <IconButton icon="sidebar" label={sidebar ? t("hideSidebar") : t("showSidebar")} aria-expanded={sidebar} onClick={() => setSidebar(!sidebar)} />
          <Title />
          {!signedOut && <PersonaPicker onEdit={() => setFront("personas")} />}
          {!signedOut && <ModelPicker />}
          <Waiting onOpen={() => show("work")} />
          <IconButton icon="panel" label={panel ? t("hidePanel") : t("showPanel")} aria-expanded={panel !== null} onClick={() => show(panel ? null : last)} />
        </header>
        <Line />
        {signedOut && (
          <Suspense>
            <SignIn ended={loaded} />
          </Suspense>
        )}
        {(loaded || !signedOut) && <Thread />}
        <Notice />
      </main>
      <Suspense>
        {panel && <Panel tab={panel} onTab={show} onClose={() => show(null)} />}
        {front === "search" && <Search onClose={closes("search")} onNote={() => show("notes")} />}
        {front === "personas" && <Personas onClose={closes("personas")} />}
        {front === "debug" && <Debug onClose={closes("debug")} />}
        {front === "shortcuts" && <Shortcuts onClose={closes("shortcuts")} />}
      </Suspense>
    </div>
  );

  function act(deed: Deed): void {
    const id = chat.view.get().conversationId;
    if (deed === "search" || deed === "debug" || deed === "shortcuts") setFront(deed);
    else if (deed === "newChat") chat.open(null);
    else if (deed === "toggleSidebar") setSidebar(!sidebar);
    else if (deed === "togglePanel") show(panel ? null : last);
    else if (deed === "talk") talk.press();
    else if (deed === "stop") stop(id);
    if (deed === "focusComposer" || deed === "newChat") document.getElementById("composer")?.focus();
  }

  function stop(id: string | null): void {
    const ended = talk.escape();
    if (ended === "recording") return;
    if (id && isRunning()) void chat.attempt(chat.stop(id));
    else if (!ended) talk.handsFree(false);
  }

  function isRunning(): boolean {
    const id = chat.view.get().conversationId;
    return id !== null && chat.feed.get().conversations[id]?.runningGenerationId != null;
  }
}

/** What is not in the snapshot. */
function useLoading(): void {
  const chat = useChat();
  useEffect(() => {
    chat.onLoaded = () => loadRest(chat);
    if (chat.feed.line.get().loaded) loadRest(chat);
  }, [chat]);
}

function Title() {
  const id = useView((view) => view.conversationId);
  const temporary = useView((view) => view.temporary);
  const title = useFeed((state) => (id ? state.conversations[id]?.title : null));
  useEffect(() => {
    document.title = title ? `${title} · Colloquy` : "Colloquy";
  }, [title]);
  return <h1>{temporary ? t("temporaryChat") : title || (id ? t("untitled") : "Colloquy")}</h1>;
}

/** Something waits for a decision, perhaps in another conversation. */
function Waiting({ onOpen }: { onOpen: () => void }) {
  const count = useFeed((state) => Object.values(state.approvals).filter((one) => one.status === "waiting").length);
  if (count === 0) return null;
  return (
    <button type="button" className="button small primary" onClick={onOpen}>
      {t("approval_waiting")} ({count})
    </button>
  );
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
  const word = connection === "live" || !late || connection === "signed-out" ? null : connection;
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

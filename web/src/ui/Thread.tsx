// The conversation that is open: its rows near the screen, and the place to write.

import { AssistantRuntimeProvider, ComposerPrimitive, ThreadPrimitive, useAuiState } from "@assistant-ui/react";
import { createContext, use, useCallback, useEffect, useLayoutEffect, useMemo, useRef, type ReactNode, type RefObject } from "react";
import type { Attachment } from "../contract";
import { branchOf, childrenOf } from "../state/branch";
import { t } from "../i18n";
import { Composer } from "./Composer";
import { useChat, useFeed, useView } from "./context";
import { IconButton } from "./controls";
import { AssistantMessage, UserMessage } from "./Message";
import { pendingRow, rowOf, type Row } from "./rows";
import { useRuntime } from "./runtime";
import { useStore } from "../store";
import { SiblingsContext } from "./siblings";
import { useWindowed, type Windowed } from "./virtual";
import { Welcome } from "./Welcome";

export function Thread() {
  const chat = useChat();
  const id = useView((view) => view.conversationId);
  const rows = useRows(id);
  const ids = useMemo(() => rows.map((row) => row.id), [rows]);
  const scroller = useRef<HTMLDivElement>(null);
  const windowed = useWindowed(ids, scroller, id ?? "");
  const { start, end } = windowed.range;
  const slice = useSlice(rows, start, end);
  const send = useCallback(
    (text: string, attachments: Attachment[]) => {
      windowed.toEnd();
      void chat.send(text, attachments, chat.talk?.channel());
    },
    [chat, windowed.toEnd],
  );
  const runtime = useRuntime(chat, slice, send);
  const tree = useFeed((state) => (id ? state.messages[id] : undefined));
  const siblings = useMemo(() => childrenOf(tree ?? {}), [tree]);
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <SiblingsContext value={siblings}>
        <ComposerPrimitive.AttachmentDropzone asChild>
          <ThreadPrimitive.Root className="thread">
            <Scroller windowed={windowed} rows={rows} id={id} scroller={scroller} />
            <div className="thread-foot">
              {!windowed.atEnd && <IconButton icon="down" label={t("jumpToLatest")} className="to-end" onClick={() => windowed.toEnd()} />}
              <Composer />
            </div>
          </ThreadPrimitive.Root>
        </ComposerPrimitive.AttachmentDropzone>
      </SiblingsContext>
    </AssistantRuntimeProvider>
  );
}

interface ScrollerProps {
  windowed: Windowed;
  rows: readonly Row[];
  id: string | null;
  scroller: RefObject<HTMLDivElement | null>;
}

function Scroller({ windowed, rows, id, scroller }: ScrollerProps) {
  const chat = useChat();
  const page = useView((view) => (id ? view.pages[id] : undefined));
  const target = useView((view) => view.target);
  const loaded = useView((view) => !view.conversationId || view.pages[view.conversationId]?.loading === false);
  const { offsets, onScroll, settle } = windowed;
  // The runtime is a moment behind: the space around its messages is that of those it shows, not of those it was given.
  const shown = useAuiState((state) => state.thread.messages);
  const known = shown[0] ? rows.findIndex((row) => row.id === shown[0]?.id) : 0;
  const first = Math.max(0, known);
  useLayoutEffect(settle);
  // The place to write grows, a keyboard comes: the end stays in view.
  useEffect(() => {
    const watching = new ResizeObserver(settle);
    if (scroller.current) watching.observe(scroller.current);
    return () => watching.disconnect();
  }, [scroller, settle]);
  const above = offsets[first] ?? 0;
  const below = (offsets[rows.length] ?? 0) - (offsets[Math.min(first + shown.length, rows.length)] ?? 0);
  useEffect(() => {
    const view = scroller.current;
    if (!view || !id || !page?.next || page.loading) return;
    if (first <= 5) void chat.earlier(id);
  }, [chat, id, page, first, scroller]);
  useEffect(() => {
    if (!target || !rows.some((row) => row.id === target)) return;
    windowed.toItem(target);
    chat.view.update({ target: null });
  }, [chat, target, rows, windowed]);
  return (
    <div ref={scroller} className="scroller" onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={t("conversations")}>
      {rows.length === 0 && loaded && <Welcome />}
      <div style={{ height: above }} aria-hidden="true" className="spacer">
        {page?.loading && first === 0 && rows.length > 0 && <p>{t("loadingEarlier")}</p>}
      </div>
      <WindowContext value={windowed}>
        <ThreadPrimitive.Messages>{renderMessage}</ThreadPrimitive.Messages>
      </WindowContext>
      <div style={{ height: below }} aria-hidden="true" />
    </div>
  );
}

const WindowContext = createContext<Windowed | null>(null);

function renderMessage({ message }: { message: { role: string; metadata: { custom: Record<string, unknown> } } }): ReactNode {
  const row = message.metadata.custom.row as Row | undefined;
  // While it reads attachments the runtime shows a message of its own.
  if (!row) return null;
  return <Measured row={row}>{message.role === "user" ? <UserMessage row={row} /> : <AssistantMessage row={row} />}</Measured>;
}

/** Tells the window how high a row is. */
function Measured({ row, children }: { row: Row; children: ReactNode }) {
  const windowed = use(WindowContext);
  const element = useRef<HTMLDivElement>(null);
  const measure = windowed?.measure;
  useLayoutEffect(() => measure?.(row.id)(element.current), [measure, row.id]);
  return (
    <div ref={element} className="row">
      {children}
    </div>
  );
}

const NONE: readonly Row[] = [];

function useRows(id: string | null): readonly Row[] {
  const messages = useFeed((state) => (id ? state.messages[id] : undefined));
  const head = useFeed((state) => (id ? state.conversations[id]?.headId : undefined));
  const live = useFeed((state) => state.live);
  const queue = useFeed((state) => state.queue);
  const pending = useStore(useChat().outbox, (all) => all);
  const branch = useMemo(() => branchOf(messages ?? {}, head), [messages, head]);
  const stored = useMemo(
    () => branch.filter((message) => message.role !== "system").map((message) => rowOf(message, live[message.id], queue[message.generationId ?? ""])),
    [branch, live, queue],
  );
  return useMemo(() => {
    const mine = pending.filter((each) => each.conversationId === id);
    if (mine.length === 0) return stored.length ? stored : NONE;
    const known = new Set(stored.map((row) => row.message.clientMessageId));
    return [...stored, ...mine.filter((each) => !known.has(each.key)).map(pendingRow)];
  }, [stored, pending, id]);
}

/** The same slice as long as its rows are the same: what grows outside of it is none of its business. */
function useSlice(rows: readonly Row[], start: number, end: number): readonly Row[] {
  const before = useRef<readonly Row[]>(NONE);
  const slice = rows.slice(start, end);
  const same = slice.length === before.current.length && slice.every((row, place) => row === before.current[place]);
  if (!same) before.current = slice;
  return before.current;
}

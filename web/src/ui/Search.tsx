// Search in everything that was said and noted.

import { useEffect, useState, type ReactNode } from "react";
import type { Hit, Hits } from "../contract";
import { t } from "../i18n";
import { useChat, useFeed } from "./context";
import { Dialog } from "./controls";
import { when } from "./time";

export default function Search({ onClose, onNote }: { onClose: () => void; onNote: () => void }) {
  const chat = useChat();
  const [question, setQuestion] = useState("");
  const [hits, setHits] = useState<Hit[] | null>(null);
  useEffect(() => {
    const wanted = question.trim();
    if (!wanted) return setHits(null);
    const leave = new AbortController();
    const timer = setTimeout(() => {
      const path = `/api/v1/search?limit=30&q=${encodeURIComponent(wanted.slice(0, 1_000))}`;
      void chat.api.get<Hits>(path, leave.signal).then(
        (found) => setHits(found.hits),
        () => {},
      );
    }, 180);
    return () => {
      clearTimeout(timer);
      leave.abort();
    };
  }, [chat, question]);
  const go = (hit: Hit) => {
    if (hit.conversationId) chat.open(hit.conversationId, hit.id);
    else onNote();
    onClose();
  };
  return (
    <Dialog title={t("search")} onClose={onClose} wide>
      <input
        className="field"
        type="search"
        autoFocus
        value={question}
        placeholder={t("searchPlaceholder")}
        aria-label={t("searchPlaceholder")}
        onChange={(event) => setQuestion(event.target.value)}
      />
      <ul className="hits" aria-live="polite">
        {hits?.map((hit) => (
          <li key={hit.type + hit.id}>
            <button type="button" className="hit" onClick={() => go(hit)}>
              <Place hit={hit} />
              <span>{marked(hit)}</span>
            </button>
          </li>
        ))}
        {hits?.length === 0 && <li className="hint">{t("noHits")}</li>}
      </ul>
    </Dialog>
  );
}

function Place({ hit }: { hit: Hit }) {
  const title = useFeed((state) => (hit.conversationId ? state.conversations[hit.conversationId]?.title : hit.title));
  return (
    <small className="soft">
      {title || t(hit.type === "note" ? "notes" : "untitled")} · {when(hit.createdAt)}
    </small>
  );
}

/** The snippet with what matched made visible; places count characters as Python does. */
function marked(hit: Hit): ReactNode {
  const letters = [...hit.snippet];
  const parts: ReactNode[] = [];
  let place = 0;
  for (const [from = 0, to = 0] of hit.highlights) {
    parts.push(letters.slice(place, from).join(""), <mark key={from}>{letters.slice(from, to).join("")}</mark>);
    place = to;
  }
  return [...parts, letters.slice(place).join("")];
}

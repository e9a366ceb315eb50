// What happens underneath: the line, the cursor, every event as it came.

import { useEffect, useState } from "react";
import type { Session, Snapshot } from "../contract";
import { t } from "../i18n";
import { useStore } from "../store";
import { CopyButton } from "../markdown/CodeBlock";
import { useChat, useFeed, useView } from "./context";
import { Dialog } from "./controls";
import { Usage } from "./Preferences";

export default function Debug({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const line = useStore(chat.feed.line, (value) => value);
  const seen = useStore(chat.feed.seen, (value) => value);
  const version = useFeed((state) => state.version);
  const user = useFeed((state) => state.userId);
  const sessions = useSessions();
  const conversation = useView((view) => view.conversationId);
  const [filter, setFilter] = useState("");
  const events = seen.events.filter((event) => !filter || `${event.name} ${event.data}`.includes(filter)).slice(-200).reverse();
  const facts: [string, string][] = [
    [t("connection"), line.connection],
    [t("cursor"), chat.feed.cursor ?? "—"],
    [t("version"), String(version)],
    [t("eventsSeen"), String(seen.count)],
    [t("resets"), String(line.resets)],
    [t("userId"), user || "—"],
    [t("conversationId"), conversation ?? "—"],
    [t("devices"), String(sessions.filter((one) => one.active).length)],
  ];
  return (
    <Dialog title={t("debug")} onClose={onClose} wide>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Usage />
      <div className="debug-bar">
        <input className="field" value={filter} placeholder={t("filter")} aria-label={t("filter")} onChange={(event) => setFilter(event.target.value)} />
        <button type="button" className="button" onClick={() => chat.start()}>
          {t("reconnect")}
        </button>
        <CopyButton text={seen.events.map((event) => JSON.stringify(event)).join("\n")} label={t("copyEvents")} />
      </div>
      <ul className="events" tabIndex={0} aria-label={t("rawEvents")}>
        {events.map((event, place) => (
          <li key={`${event.id}${seen.count - place}`}>
            <details>
              <summary>
                <code>{event.id || "·"}</code> <strong>{event.name}</strong>
              </summary>
              <pre>{event.data}</pre>
            </details>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

/** The streams that are open now, on any device. */
function useSessions(): readonly Session[] {
  const chat = useChat();
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  useEffect(() => void chat.api.get<Snapshot>("/api/v1/state?limit=1").then((state) => setSessions(state.activeSessions), () => {}), [chat]);
  return sessions;
}

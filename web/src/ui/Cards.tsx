// What an answer does for a person, as cards: they appear while it still writes, and say so when it is done.

import { useMemo } from "react";
import type { Task } from "../contract";
import { t, type Word } from "../i18n";
import { toggleTask } from "../person";
import { useChat, useFeed } from "./context";
import { Icon, type IconName } from "./icons";
import type { Row } from "./rows";
import { when } from "./time";

interface Card {
  key: string;
  event: string;
  payload: Record<string, unknown>;
  objectId?: string | undefined;
}

const LOOKS: Record<string, [IconName, Word]> = {
  create_task: ["task", "cardTask"],
  complete_task: ["check", "cardTaskDone"],
  create_note: ["note", "cardNote"],
  pin_memory: ["pin", "cardMemory"],
  create_event: ["calendar", "cardEvent"],
};

const NONE: readonly never[] = [];

export function Cards({ row }: { row: Row }) {
  const created = useFeed((state) => state.created[row.message.id] ?? NONE);
  const cards = useMemo(() => cardsOf(row, created), [row, created]);
  if (cards.length === 0) return null;
  return (
    <ul className="cards" aria-label={t("cards")}>
      {cards.map((card) => (
        <OneCard key={card.key} card={card} />
      ))}
    </ul>
  );
}

/** What was asked for, with what came of it where that is known. */
function cardsOf(row: Row, created: readonly { id: string; event: string; payload: Record<string, unknown>; objectId: string }[]): Card[] {
  const stored = row.message.actions ?? [];
  const done = stored.length ? stored.map((one) => ({ ...one, id: one.objectId })) : created;
  const cards: Card[] = done.map((one) => ({ key: one.objectId + one.event, event: one.event, payload: one.payload, objectId: one.objectId }));
  for (const asked of row.live?.asked ?? []) {
    const twin = cards.some((card) => card.event === asked.event && titleOf(card) === titleOf(asked));
    if (!twin) cards.push({ key: asked.toolCallId, event: asked.event, payload: asked.payload });
  }
  return cards;
}

function titleOf(card: { payload: Record<string, unknown> }): string {
  const { title, text, key, value, task_id: task, taskId } = card.payload as Record<string, unknown>;
  const first = title ?? (key === undefined ? (text ?? task ?? taskId) : `${String(key)}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return String(first ?? "").slice(0, 200);
}

function OneCard({ card }: { card: Card }) {
  const task = useFeed((state) => (card.objectId ? state.tasks[card.objectId] : undefined));
  const [icon, word] = LOOKS[card.event] ?? ["tool", "cards"];
  const time = card.payload.due ?? card.payload.start;
  return (
    <li className={card.objectId ? "card done" : "card"}>
      <span className="card-icon">
        <Icon name={icon} size={18} />
      </span>
      <span className="card-text">
        <small>{card.objectId ? t(word) : t("cardComing")}</small>
        <strong>{task?.title ?? titleOf(card)}</strong>
        {typeof time === "string" && <small>{when(time)}</small>}
      </span>
      {task && <Tick task={task} />}
    </li>
  );
}

function Tick({ task }: { task: Task }) {
  const chat = useChat();
  return (
    <input
      type="checkbox"
      className="tick"
      checked={task.status === "completed"}
      aria-label={t("completeTask", { title: task.title })}
      onChange={() => void toggleTask(chat, task)}
    />
  );
}

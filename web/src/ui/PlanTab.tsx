// The plan of a day: three priorities, five things to do, one note.

import { useEffect, useState } from "react";
import type { Plan } from "../contract";
import { t, type Word } from "../i18n";
import { putPlan } from "../person";
import { useChat, useFeed } from "./context";
import { IconButton } from "./controls";
import { today, when } from "./time";

type Part = "priorities" | "todos" | "notes";
const PARTS: [Part, number, Word][] = [
  ["priorities", 3, "priorities"],
  ["todos", 5, "todos"],
  ["notes", 1, "planNote"],
];

export function PlanTab() {
  const chat = useChat();
  const [date, setDate] = useState(today);
  const plan = useFeed((state) => state.plan[date]);
  const move = (days: number) => setDate(new Date(Date.parse(`${date}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10));
  useEffect(() => {
    if (plan) return;
    void chat.api.get<Plan>(`/api/v1/plan/${date}`).then(
      (found) => chat.feed.set({ ...chat.feed.get(), plan: { [date]: found, ...chat.feed.get().plan } }),
      () => {},
    );
  }, [chat, date, plan]);
  return (
    <>
      <div className="day">
        <IconButton icon="left" label={t("dayBefore")} onClick={() => move(-1)} />
        <strong>{date === today() ? t("today") : when(date)}</strong>
        <IconButton icon="right" label={t("dayAfter")} onClick={() => move(1)} />
      </div>
      {PARTS.map(([part, count, word]) => (
        <fieldset key={part} className="plan">
          <legend>{t(word)}</legend>
          {Array.from({ length: count }, (_, place) => (
            <Line key={`${date}${place}`} label={`${t(word)} ${place + 1}`} value={plan?.[part][place] ?? ""} onDone={(text) => void keep(part, place, text)} />
          ))}
        </fieldset>
      ))}
    </>
  );

  function keep(part: Part, place: number, text: string) {
    const base: Plan = plan ?? { date, priorities: [], todos: [], notes: [] };
    const lines = [...base[part]];
    lines[place] = text;
    const next = { ...base, date, [part]: Array.from(lines, (line) => line ?? "").filter((line) => line.trim() !== "") };
    return putPlan(chat, next);
  }
}

function Line({ label, value, onDone }: { label: string; value: string; onDone: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <input
      className="field bare"
      value={text}
      maxLength={500}
      aria-label={label}
      placeholder="—"
      onChange={(event) => setText(event.target.value)}
      onBlur={() => text !== value && onDone(text)}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
}

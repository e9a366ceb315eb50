// What is known of a person, beside the conversation: each edit is seen at once, here and on every other device.

import { useState, type FormEvent, type ReactNode } from "react";
import type { Task } from "../contract";
import { t, type Word } from "../i18n";
import * as person from "../person";
import { useChat, useFeed } from "./context";
import { IconButton } from "./controls";
import { TripCard } from "./Flights";
import { Icon, type IconName } from "./icons";
import { PlanTab } from "./PlanTab";
import { PreferencesTab } from "./Preferences";
import { Approval } from "./Tool";
import { today, when } from "./time";
import { goalOf, WorkflowCard } from "./WorkflowCard";

export type Tab = "tasks" | "plan" | "calendar" | "notes" | "memories" | "work" | "preferences";

const TABS: [Tab, IconName, Word][] = [
  ["tasks", "task", "tasks"],
  ["plan", "chart", "plan"],
  ["calendar", "calendar", "calendar"],
  ["notes", "note", "notes"],
  ["memories", "pin", "memories"],
  ["work", "flow", "work"],
  ["preferences", "settings", "preferences"],
];
const CONTENT: Record<Tab, () => ReactNode> = {
  tasks: Tasks,
  plan: PlanTab,
  calendar: Calendar,
  notes: Notes,
  memories: Memories,
  work: Work,
  preferences: PreferencesTab,
};

export default function Panel({ tab, onTab, onClose }: { tab: Tab; onTab: (tab: Tab) => void; onClose: () => void }) {
  const Content = CONTENT[tab];
  const name = TABS.find(([id]) => id === tab)?.[2] ?? "tasks";
  return (
    <aside className="panel" aria-label={t("panel")}>
      <div className="tabs">
        <div role="tablist" aria-label={t("panel")}>
          {TABS.map(([id, icon, word]) => (
            <button key={id} type="button" role="tab" id={`tab-${id}`} aria-selected={tab === id} aria-label={t(word)} title={t(word)} onClick={() => onTab(id)}>
              <Icon name={icon} size={18} />
            </button>
          ))}
        </div>
        <IconButton icon="close" label={t("hidePanel")} onClick={onClose} />
      </div>
      <div className="panel-body" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        <h2>{t(name)}</h2>
        <Content />
      </div>
    </aside>
  );
}

/** One line to add something with. */
export function Adder({ label, onAdd, children }: { label: string; onAdd: (text: string) => void; children?: ReactNode }) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    onAdd(text.trim());
    setText("");
  };
  return (
    <form className="adder" onSubmit={submit}>
      <input className="field" value={text} maxLength={500} placeholder={label} aria-label={label} onChange={(event) => setText(event.target.value)} />
      {children}
      <IconButton icon="plus" label={label} type="submit" disabled={!text.trim()} />
    </form>
  );
}

function Tasks() {
  const chat = useChat();
  const tasks = useFeed((state) => state.tasks);
  const [due, setDue] = useState("");
  const all = Object.values(tasks).sort((a, b) => (a.due ?? "9").localeCompare(b.due ?? "9") || b.createdAt.localeCompare(a.createdAt));
  const open = all.filter((task) => task.status === "open");
  const done = all.filter((task) => task.status === "completed").slice(0, 30);
  return (
    <>
      <Adder label={t("addTask")} onAdd={(title) => void person.addTask(chat, title, due || undefined).then(() => setDue(""))}>
        <input type="date" className="field due" value={due} aria-label={t("due")} onChange={(event) => setDue(event.target.value)} />
      </Adder>
      {open.length === 0 && <p className="hint">{t("noTasks")}</p>}
      <ul className="things">{open.map((task) => <TaskLine key={task.id} task={task} />)}</ul>
      {done.length > 0 && (
        <details>
          <summary className="soft">{t("doneTasks", { count: done.length })}</summary>
          <ul className="things">{done.map((task) => <TaskLine key={task.id} task={task} />)}</ul>
        </details>
      )}
    </>
  );
}

function TaskLine({ task }: { task: Task }) {
  const chat = useChat();
  const late = task.due && task.status === "open" && task.due.slice(0, 10) < today();
  return (
    <li className={`thing ${task.status}`}>
      <input
        type="checkbox"
        className="tick"
        checked={task.status === "completed"}
        aria-label={t("completeTask", { title: task.title })}
        onChange={() => void person.toggleTask(chat, task)}
      />
      <span className="thing-text">
        <span>{task.title}</span>
        {task.due && <small className={late ? "late" : ""}>{when(task.due)}</small>}
      </span>
      <IconButton icon="trash" size={15} label={`${t("delete")}: ${task.title}`} onClick={() => void person.removeTask(chat, task.id)} />
    </li>
  );
}

function Notes() {
  const chat = useChat();
  const notes = useFeed((state) => state.notes);
  const [text, setText] = useState("");
  const all = Object.values(notes).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return (
    <>
      <form
        className="note-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) void person.addNote(chat, text.trim());
          setText("");
        }}
      >
        <textarea className="field" rows={3} value={text} placeholder={t("addNote")} aria-label={t("addNote")} onChange={(event) => setText(event.target.value)} />
        <button type="submit" className="button small" disabled={!text.trim()}>
          {t("save")}
        </button>
      </form>
      <ul className="things">
        {all.map((note) => (
          <li key={note.id} className="thing note">
            <span className="thing-text">
              {note.title && <strong>{note.title}</strong>}
              <span>{note.text}</span>
              <small>{when(note.createdAt)}</small>
            </span>
            <IconButton icon="trash" size={15} label={t("delete")} onClick={() => void person.removeNote(chat, note.id)} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Memories() {
  const chat = useChat();
  const memories = useFeed((state) => state.memories);
  const [key, setKey] = useState("");
  const all = Object.values(memories).sort((a, b) => a.type.localeCompare(b.type) || a.key.localeCompare(b.key));
  return (
    <>
      <p className="hint">{t("memoriesNote")}</p>
      <Adder label={t("memoryValue")} onAdd={(value) => void person.pin(chat, "fact", key.trim() || value.slice(0, 40), value).then(() => setKey(""))}>
        <input className="field due" value={key} maxLength={100} placeholder={t("memoryKey")} aria-label={t("memoryKey")} onChange={(event) => setKey(event.target.value)} />
      </Adder>
      <ul className="things">
        {all.map((one) => (
          <li key={one.id} className="thing">
            <span className="thing-text">
              <small>{one.key}</small>
              <span>{typeof one.value === "string" ? one.value : JSON.stringify(one.value)}</span>
            </span>
            <IconButton icon="trash" size={15} label={`${t("delete")}: ${one.key}`} onClick={() => void person.unpin(chat, one.id)} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Calendar() {
  const chat = useChat();
  const calendar = useFeed((state) => state.calendar);
  const [start, setStart] = useState("");
  const all = Object.values(calendar)
    .filter((one) => one.kind === "event" && one.end >= new Date(Date.now() - 86_400_000).toISOString())
    .sort((a, b) => a.start.localeCompare(b.start));
  const add = (title: string) => {
    const from = start ? new Date(start) : new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000);
    void person.addEvent(chat, title, from, new Date(from.getTime() + 3_600_000));
    setStart("");
  };
  return (
    <>
      <Adder label={t("addEvent")} onAdd={add}>
        <input type="datetime-local" className="field due" value={start} aria-label={t("start")} onChange={(event) => setStart(event.target.value)} />
      </Adder>
      {all.length === 0 && <p className="hint">{t("noEvents")}</p>}
      <ul className="things">
        {all.map((one) => (
          <li key={one.id} className="thing">
            <span className="thing-text">
              <span>{one.title}</span>
              <small>
                {when(one.start)}
                {one.location && ` · ${one.location}`}
              </small>
            </span>
            <IconButton icon="trash" size={15} label={`${t("delete")}: ${one.title}`} onClick={() => void person.removeEvent(chat, one.id)} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Work() {
  const chat = useChat();
  const workflows = useFeed((state) => state.workflows);
  const approvals = useFeed((state) => state.approvals);
  const trips = useFeed((state) => state.trips);
  const [open, setOpen] = useState<string | null>(null);
  const all = Object.values(workflows).sort((a, b) => b.updatedAt.localeCompare(a.updatedAt)).slice(0, 40);
  const waiting = Object.values(approvals).filter((one) => one.status === "waiting");
  return (
    <>
      <Adder label={t("addErrand")} onAdd={(goal) => void person.errand(chat, goal).then((id) => id && setOpen(id))} />
      {waiting.map((one) => <Approval key={one.approvalId} approval={one} />)}
      {Object.values(trips).map((trip) => <TripCard key={trip.id} trip={trip} />)}
      {all.length === 0 && waiting.length === 0 && <p className="hint">{t("noWork")}</p>}
      <ul className="works">
        {all.map((work) => (
          <li key={work.id}>
            <button type="button" className="fold" aria-expanded={open === work.id} aria-label={goalOf(work)} onClick={() => setOpen(open === work.id ? null : work.id)}>
              <Icon name="chevron" size={16} />
            </button>
            <WorkflowCard id={work.id} folded={open !== work.id} />
          </li>
        ))}
      </ul>
    </>
  );
}

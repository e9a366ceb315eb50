// Personas of one's own: who answers, in which words.

import { useState, type FormEvent } from "react";
import type { Persona } from "../contract";
import { t } from "../i18n";
import { keepPersona, removePersona, type Draft } from "../person";
import { useChat, useFeed } from "./context";
import { Dialog, IconButton } from "./controls";

const EMPTY: Draft = { name: "", description: "", systemPrompt: "", greeting: "" };

export default function Personas({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const personas = useFeed((state) => state.personas);
  const [editing, setEditing] = useState<Persona | null>(null);
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const edit = (persona: Persona | null) => {
    setEditing(persona);
    setDraft(persona ? { name: persona.name, description: persona.description, systemPrompt: persona.systemPrompt, greeting: persona.greeting ?? "" } : EMPTY);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await keepPersona(chat, draft, editing?.id)) edit(null);
  };
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  return (
    <Dialog title={t("personas")} onClose={onClose} wide>
      <ul className="things">
        {Object.values(personas).map((persona) => (
          <li key={persona.id} className="thing">
            <span className="thing-text">
              <span>{persona.name}</span>
              <small>{persona.description}</small>
            </span>
            {!persona.builtIn && (
              <>
                <IconButton icon="edit" size={16} label={`${t("edit")}: ${persona.name}`} onClick={() => edit(persona)} />
                <IconButton icon="trash" size={16} label={`${t("delete")}: ${persona.name}`} onClick={() => void removePersona(chat, persona.id)} />
              </>
            )}
          </li>
        ))}
      </ul>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <h3>{editing ? editing.name : t("newPersona")}</h3>
        <label>
          {t("name")}
          <input className="field" required maxLength={100} value={draft.name} onChange={(event) => set({ name: event.target.value })} />
        </label>
        <label>
          {t("description")}
          <input className="field" maxLength={1000} value={draft.description} onChange={(event) => set({ description: event.target.value })} />
        </label>
        <label>
          {t("systemPrompt")}
          <textarea className="field" required rows={5} value={draft.systemPrompt} onChange={(event) => set({ systemPrompt: event.target.value })} />
        </label>
        <label>
          {t("greeting")}
          <input className="field" maxLength={4000} value={draft.greeting ?? ""} onChange={(event) => set({ greeting: event.target.value })} />
        </label>
        <footer>
          {editing && (
            <button type="button" className="button" onClick={() => edit(null)}>
              {t("cancel")}
            </button>
          )}
          <button type="submit" className="button primary">
            {t("save")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

// Who answers, and by which model.

import { useEffect, useState, type ReactNode } from "react";
import type { ListedModel } from "../contract";
import { t } from "../i18n";
import { models } from "../person";
import { useChat, useFeed, useView } from "./context";
import { Icon } from "./icons";

interface PickerProps {
  label: string;
  value: string;
  onChoose: (value: string) => void;
  children: ReactNode;
}

function Picker({ label, value, onChoose, children }: PickerProps) {
  return (
    <span className="picker">
      <select aria-label={label} title={label} value={value} onChange={(event) => onChoose(event.target.value)}>
        {children}
      </select>
      <Icon name="chevron" size={16} />
    </span>
  );
}

export function PersonaPicker({ onEdit }: { onEdit: () => void }) {
  const chat = useChat();
  const personas = useFeed((state) => state.personas);
  const id = useView((view) => view.conversationId);
  const wanted = useView((view) => view.persona);
  const kept = useFeed((state) => (id ? state.conversations[id]?.persona : null));
  const all = Object.values(personas).sort((a, b) => Number(b.builtIn) - Number(a.builtIn) || a.name.localeCompare(b.name));
  const choose = (value: string) => {
    if (value === "…") return onEdit();
    if (id) void chat.attempt(chat.change(id, { persona: value }));
    else chat.view.update({ persona: value || null });
  };
  return (
    <Picker label={t("persona")} value={(id ? kept : wanted) ?? ""} onChoose={choose}>
      <option value="" disabled={id !== null}>
        {t("standardPersona")}
      </option>
      {all.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
      <option value="…">{t("editPersonas")}</option>
    </Picker>
  );
}

export function ModelPicker() {
  const chat = useChat();
  const [all, setAll] = useState<ListedModel[]>([]);
  const model = useView((view) => view.model);
  useEffect(() => void models(chat).then(setAll, () => {}), [chat]);
  if (all.length < 2) return null;
  const known = all.some((one) => one.id === model);
  const choose = (value: string) => {
    chat.view.update({ model: value || null });
    if (value) localStorage.setItem("colloquy.model", value);
    else localStorage.removeItem("colloquy.model");
  };
  return (
    <Picker label={t("model")} value={known ? (model ?? "") : ""} onChoose={choose}>
      <option value="">{t("standardModel")}</option>
      {all.map((one) => (
        <option key={one.id} value={one.id}>
          {one.id}
        </option>
      ))}
    </Picker>
  );
}

// What each key does.

import { useEffect } from "react";
import type { Word } from "../i18n";

export type Deed = "search" | "newChat" | "toggleSidebar" | "togglePanel" | "focusComposer" | "stop" | "shortcuts" | "debug" | "talk";

export const KEYS: [string, Deed, Word][] = [
  ["Ctrl+K", "search", "search"],
  ["Ctrl+Shift+O", "newChat", "newChat"],
  ["Ctrl+B", "toggleSidebar", "showSidebar"],
  ["Ctrl+.", "togglePanel", "showPanel"],
  ["/", "focusComposer", "message"],
  ["Escape", "stop", "stop"],
  ["Alt+V", "talk", "pushToTalk"],
  ["Ctrl+Shift+E", "debug", "debug"],
  ["?", "shortcuts", "shortcuts"],
];

export function useShortcuts(act: (deed: Deed) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const deed = KEYS.find(([keys]) => matches(event, keys))?.[1];
      if (!deed) return;
      event.preventDefault();
      act(deed);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [act]);
}

function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const plain = parts.length === 1;
  if (plain && key.length === 1 && writes(event.target)) return false;
  if (plain && document.querySelector("dialog[open]")) return false;
  const ctrl = event.ctrlKey || event.metaKey;
  return event.key.toLowerCase() === key.toLowerCase() && ctrl === parts.includes("Ctrl") && event.altKey === parts.includes("Alt") && (plain || event.shiftKey === parts.includes("Shift"));
}

function writes(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

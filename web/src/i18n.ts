// Words by language. English comes with the page, others when they are wanted; a language is one file in locales/.

import { useSyncExternalStore } from "react";
import { en } from "./locales/en";

export type Words = typeof en;
export type Word = keyof Words;

const OTHERS: Record<string, () => Promise<{ words: Words }>> = {
  de: () => import("./locales/de").then(({ de }) => ({ words: de })),
};
export const LANGUAGES: Record<string, string> = { en: "English", de: "Deutsch" };

let words: Words = en;
let language = "en";
const listeners = new Set<() => void>();

/** The words of a language tag such as `de-AT`; English where there are none. */
export async function speak(tag: string): Promise<void> {
  const wanted = tag.slice(0, 2).toLowerCase();
  const load = OTHERS[wanted];
  words = load ? (await load()).words : en;
  language = load ? wanted : "en";
  document.documentElement.lang = language;
  for (const listener of listeners) listener();
}

export function spoken(): string {
  return language;
}

/** How numbers and times are written: as the browser's person does in this language, in Vienna otherwise than in Berlin. */
export function written(): string {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language) ?? language;
}

/** A sentence with its blanks filled in. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return words[word].replace(/\{(\w+)\}/g, (blank, name: string) => String(values[name] ?? blank));
}

/** Renders again when the language changes. */
export function useLanguage(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => language,
  );
}

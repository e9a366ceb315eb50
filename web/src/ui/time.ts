// Times as people of this language write them.

import { written } from "../i18n";

/** A day or a moment: near ones without their year. */
export function when(text: string): string {
  const day = /^\d{4}-\d\d-\d\d$/.test(text);
  const date = new Date(day ? `${text}T12:00:00` : text);
  if (Number.isNaN(date.getTime())) return text;
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : ("numeric" as const);
  const base = { weekday: "short", day: "numeric", month: "short", ...(year && { year }) } as const;
  return new Intl.DateTimeFormat(written(), day ? base : { ...base, hour: "2-digit", minute: "2-digit" }).format(date);
}

/** The clock of the place that a time was written for, where it says which: flights leave by that. */
export function timeOf(text: string): string {
  const local = /T(\d\d:\d\d)(?::[\d.]+)?[+-]\d\d:?\d\d$/.exec(text)?.[1];
  if (local) return local;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : new Intl.DateTimeFormat(written(), { hour: "2-digit", minute: "2-digit" }).format(date);
}

/** Today as the calendar of this place has it. */
export function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export function money(amount: number, currency: string): string {
  try {
    return new Intl.NumberFormat(written(), { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
}

// How a person wants it: language, looks, time zone, spoken answers; what is left of today's budget; who is signed in.

import { useEffect, useState } from "react";
import { LANGUAGES, speak, spoken, t, written } from "../i18n";
import { prefer } from "../person";
import { config, signOut, type Config } from "../session";
import { voice } from "../voice/settings";
import { useStore } from "../store";
import { useChat, useFeed } from "./context";
import { setTheme, theme } from "./theme";

export function PreferencesTab() {
  const chat = useChat();
  const preferences = useFeed((state) => state.preferences);
  const [look, setLook] = useState(theme());
  const speaks = useStore(voice, (settings) => settings.speakReplies);
  const zone = typeof preferences.timezone === "string" ? preferences.timezone : "";
  const language = (tag: string) => {
    localStorage.setItem("colloquy.language", tag);
    void speak(tag);
    void prefer(chat, { language: tag });
  };
  return (
    <div className="form">
      <label>
        {t("language")}
        <select className="field" value={spoken()} onChange={(event) => language(event.target.value)}>
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option key={tag} value={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("theme")}
        <select
          className="field"
          value={look}
          onChange={(event) => {
            setTheme(event.target.value);
            setLook(event.target.value);
          }}
        >
          <option value="system">{t("themeSystem")}</option>
          <option value="light">{t("themeLight")}</option>
          <option value="dark">{t("themeDark")}</option>
        </select>
      </label>
      <label>
        {t("timezone")}
        <select className="field" value={zone} onChange={(event) => void prefer(chat, { timezone: event.target.value || null })}>
          <option value="">—</option>
          {zones(zone).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className="check">
        <input type="checkbox" className="tick" checked={speaks} onChange={(event) => voice.update({ speakReplies: event.target.checked })} />
        {t("speakReplies")}
      </label>
      <Usage />
      <Account />
    </div>
  );
}

/** Only where people sign in: a guest has nothing to leave. */
function Account() {
  const chat = useChat();
  const user = useFeed((state) => state.userId);
  const [ways, setWays] = useState<Config | null>(null);
  useEffect(() => void config(chat.api).then(setWays, () => {}), [chat]);
  if (ways?.auth !== "jwt") return null;
  return (
    <section className="account" aria-label={t("account")}>
      <p>{t("signedInAs", { user })}</p>
      <button type="button" className="button" onClick={() => void chat.attempt(signOut(chat.api, Boolean(ways.oidc)))}>
        {t("signOut")}
      </button>
    </section>
  );
}

function zones(current: string): string[] {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set([here, current, ...Intl.supportedValuesOf("timeZone")])].filter(Boolean);
}

interface Part {
  used: number;
  reserved: number;
  limit: number | null;
  left: number | null;
}

interface UsageToday {
  tokens: Part;
  cost: Part & { currency: string };
  models: { model: string; answers: number; cost: number }[];
}

export function Usage() {
  const chat = useChat();
  const [usage, setUsage] = useState<UsageToday | null>(null);
  useEffect(() => void chat.api.get<UsageToday>("/api/v1/usage").then(setUsage, () => {}), [chat]);
  if (!usage) return null;
  return (
    <section className="usage" aria-label={t("usage")}>
      <h3>{t("usage")}</h3>
      <Meter label={t("tokens")} part={usage.tokens} />
      <Meter label={t("cost")} part={usage.cost} unit={usage.cost.currency} />
    </section>
  );
}

function Meter({ label, part, unit = "" }: { label: string; part: Part; unit?: string }) {
  const used = `${part.used.toLocaleString(written())} ${unit}`.trim();
  return (
    <p>
      {label}: {used}
      {part.limit !== null && (
        <>
          {" / "}
          {part.limit.toLocaleString(written())}
          <progress max={part.limit} value={part.used + part.reserved} aria-label={label} />
        </>
      )}
    </p>
  );
}

// What is seen of talking: two buttons, and above them a strip that says who speaks, and what was understood so far.

import { useAui } from "@assistant-ui/react";
import { useEffect, useRef } from "react";
import { spoken, t, type Word } from "../i18n";
import { useStore } from "../store";
import { useChat } from "../ui/context";
import { IconButton } from "../ui/controls";
import { reading } from "./speaker";
import { Talk, type TalkState } from "./talk";

export function useTalk(): Talk {
  const chat = useChat();
  chat.talk ??= new Talk(chat);
  return chat.talk;
}

export function VoiceBar() {
  const aui = useAui();
  const talk = useTalk();
  const { mode, heard } = useStore(talk.state, (state) => state);
  useEffect(() => {
    if (!heard) return;
    const composer = aui.composer();
    const before = composer.getState().text;
    composer.setText(before ? `${before} ${heard}` : heard);
    talk.taken();
    document.getElementById("composer")?.focus();
  }, [aui, talk, heard]);
  const pressed = mode === "talk";
  return (
    <>
      <IconButton
        icon="mic"
        label={pressed ? t("stopTalking") : t("pushToTalk")}
        aria-pressed={pressed}
        disabled={mode === "handsFree"}
        className={pressed ? "recording" : ""}
        onClick={() => talk.press()}
      />
      <IconButton
        icon="wave"
        label={mode === "handsFree" ? t("endHandsFree") : t("handsFree")}
        aria-pressed={mode === "handsFree"}
        onClick={() => talk.handsFree(mode !== "handsFree")}
      />
    </>
  );
}

type Phase = "trouble" | "listening" | "understanding" | "thinking" | "speaking";
const WORDS: Record<Exclude<Phase, "trouble">, Word> = {
  listening: "listening",
  understanding: "understanding",
  thinking: "voiceThinking",
  speaking: "voiceSpeaking",
};

/** What goes on right now; null when nothing does. */
function phaseOf(state: TalkState, read: boolean, running: boolean): Phase | null {
  if (state.hearing || state.mode === "talk") return "listening";
  if (state.understanding > 0) return "understanding";
  if (state.trouble || state.kept) return "trouble";
  if (read) return "speaking";
  if (state.mode === "off") return null;
  return running ? "thinking" : "listening";
}

function named(languages: readonly string[]): string {
  const names = new Intl.DisplayNames([spoken()], { type: "language" });
  return languages.map((language) => names.of(language)).join(", ");
}

export function VoiceStrip({ running }: { running: boolean }) {
  const talk = useTalk();
  const state = useStore(talk.state, (now) => now);
  const read = useStore(reading, (now) => now.id !== null);
  const phase = phaseOf(state, read, running);
  if (!phase) return null;
  const said = phase === "listening" || phase === "understanding" ? state.partial : "";
  return (
    <div className={`voice ${phase}`}>
      {phase === "trouble" ? null : <Bars live={phase === "listening"} />}
      <p className="voice-line">
        <span role="status" className={said ? "visually-hidden" : undefined}>
          {phase === "trouble" ? t(state.trouble ?? "voiceUnavailable") : t(WORDS[phase])}
          {phase === "listening" && state.only.length > 0 && ` ${t("onlyHears", { languages: named(state.only) })}`}
        </span>
        {said && <span className="voice-said">{said}</span>}
      </p>
      {phase === "trouble" && state.kept > 0 && (
        <button type="button" className="button small" onClick={() => talk.again()}>
          {t("retry")}
        </button>
      )}
      {phase === "trouble" && <IconButton icon="close" size={16} label={t("close")} onClick={() => talk.forget()} />}
      {state.mode === "talk" && <IconButton icon="trash" size={16} label={t("discardTalk")} onClick={() => talk.escape()} />}
      {phase === "speaking" && <IconButton icon="stop" size={16} label={t("stopSpeaking")} onClick={() => talk.speaker.stop()} />}
    </div>
  );
}

const SHARES = [0.45, 0.75, 1, 0.7, 0.4];
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** As high as it is loud; they move by themselves while the page speaks or thinks. */
function Bars({ live }: { live: boolean }) {
  const talk = useTalk();
  const bars = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!live || still()) return undefined;
    let shown = 0;
    const draw = () => {
      // Loudness is heard by its logarithm: a whisper is a third of a shout.
      const level = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(0.002, talk.level.get().level) / 0.25) / 2.1));
      shown = Math.max(level, shown * 0.8);
      [...(bars.current?.children ?? [])].forEach((bar, place) => {
        (bar as HTMLElement).style.transform = `scaleY(${0.18 + 0.82 * shown * (SHARES[place] ?? 1)})`;
      });
    };
    const leave = talk.level.subscribe(draw);
    return () => {
      leave();
      for (const bar of bars.current?.children ?? []) (bar as HTMLElement).style.transform = "";
    };
  }, [talk, live]);
  return (
    <span ref={bars} className="bars" aria-hidden="true">
      {SHARES.map((_, place) => (
        <i key={place} />
      ))}
    </span>
  );
}

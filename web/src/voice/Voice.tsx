// Talking instead of typing: while a button is held, or hands-free. What was understood is reviewed before it is sent, unless hands are busy.

import { useAui } from "@assistant-ui/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { spoken, t, type Word } from "../i18n";
import { useStore } from "../store";
import { useChat } from "../ui/context";
import { IconButton } from "../ui/controls";
import { hear, QUIET_EAR } from "./level";
import { microphone, Recording, VoiceTrouble } from "./recorder";
import { voice } from "./settings";
import { Speaker } from "./speaker";

type Phase = "idle" | "listening" | "understanding";

/** A recording without a word in it is begun anew after so long. */
const EMPTY_MS = 8_000;

export function useSpeaker(): Speaker {
  const chat = useChat();
  chat.speaker ??= new Speaker(chat.api);
  return chat.speaker;
}

export function VoiceBar() {
  const aui = useAui();
  const speaker = useSpeaker();
  const chat = useChat();
  const handsFree = useStore(voice, (settings) => settings.handsFree);
  const [phase, setPhase] = useState<Phase>("idle");
  const [partial, setPartial] = useState("");
  const [trouble, setTrouble] = useState<Word | null>(null);
  const held = useRef<{ stream: MediaStream; recording: Recording } | null>(null);

  const fail = useCallback((error: unknown) => {
    setPhase("idle");
    setTrouble(error instanceof VoiceTrouble ? error.word : "voiceUnavailable");
    voice.update({ handsFree: false });
  }, []);

  const begin = useCallback(async () => {
    if (held.current) return;
    setTrouble(null);
    setPartial("");
    speaker.stop();
    try {
      const stream = await microphone();
      held.current = { stream, recording: new Recording(chat.api, stream, spoken(), setPartial) };
      setPhase("listening");
    } catch (error) {
      fail(error);
    }
  }, [chat, speaker, fail]);

  const end = useCallback(async () => {
    const now = held.current;
    held.current = null;
    if (!now) return;
    setPhase("understanding");
    try {
      const text = await now.recording.finish();
      const composer = aui.composer;
      const before = composer().getState().text;
      if (text) composer().setText(before ? `${before} ${text}` : text);
      else setTrouble("voiceNothing");
      document.getElementById("composer")?.focus();
      setPhase("idle");
      setPartial("");
    } catch (error) {
      fail(error);
    } finally {
      for (const track of now.stream.getTracks()) track.stop();
    }
  }, [aui, fail]);

  const toggle = useCallback(() => void (held.current ? end() : begin()), [begin, end]);
  useEffect(() => {
    const onTalk = () => toggle();
    addEventListener("colloquy:talk", onTalk);
    return () => removeEventListener("colloquy:talk", onTalk);
  }, [toggle]);

  useHandsFree(handsFree, setPhase, setPartial, fail);
  const pressed = phase === "listening" && !handsFree;
  return (
    <>
      <IconButton
        icon="mic"
        label={pressed ? t("stopTalking") : t("pushToTalk")}
        aria-pressed={pressed}
        disabled={phase === "understanding" || handsFree}
        className={pressed ? "recording" : ""}
        onClick={toggle}
      />
      <IconButton icon="wave" label={t("handsFree")} aria-pressed={handsFree} onClick={() => voice.update({ handsFree: !handsFree })} />
      <span className="voice-line" role="status">
        {trouble ? t(trouble) : phase === "understanding" ? t("understanding") : phase === "listening" ? partial || t("listening") : ""}
      </span>
    </>
  );
}

/** Listens until it is turned off: sends what was said, hears the answer read, and falls silent when it is interrupted. */
function useHandsFree(on: boolean, setPhase: (phase: Phase) => void, setPartial: (text: string) => void, fail: (error: unknown) => void): void {
  const chat = useChat();
  const speaker = useSpeaker();
  useEffect(() => {
    if (!on) return undefined;
    let gone = false;
    let close = () => {};
    const listen = async () => {
      const stream = await microphone();
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(stream).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let ear = QUIET_EAR;
      let begun = Date.now();
      let recording = new Recording(chat.api, stream, spoken(), setPartial);
      const anew = () => {
        recording = new Recording(chat.api, stream, spoken(), setPartial);
        begun = Date.now();
      };
      const understood = async (said: Recording) => {
        setPhase("understanding");
        const text = await said.finish();
        setPartial("");
        if (text && !gone) await chat.send(text, [], "voice");
        if (!gone) setPhase("listening");
      };
      const timer = setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        const level = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
        const heard = hear(ear, level, Date.now());
        ear = heard.ear;
        if (heard.event === "begins") speaker.stop();
        else if (heard.event === "ends") {
          const said = recording;
          anew();
          void understood(said).catch(fail);
        } else if (!ear.speaking && Date.now() - begun > EMPTY_MS) {
          recording.discard();
          anew();
        }
      }, 50);
      close = () => {
        clearInterval(timer);
        recording.discard();
        for (const track of stream.getTracks()) track.stop();
        void context.close();
      };
      setPhase("listening");
      if (gone) close();
    };
    void listen().catch(fail);
    return () => {
      gone = true;
      close();
      setPhase("idle");
    };
  }, [on, chat, speaker, setPhase, setPartial, fail]);
}

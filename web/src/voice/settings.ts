// How a person of this browser wants to be spoken to.

import { Store } from "../store";

export interface VoiceSettings {
  speakReplies: boolean;
}

const KEY = "colloquy.voice";

function kept(): VoiceSettings {
  try {
    const { speakReplies = false } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<VoiceSettings>;
    return { speakReplies };
  } catch {
    return { speakReplies: false };
  }
}

export const voice = new Store<VoiceSettings>(kept());
voice.subscribe(() => localStorage.setItem(KEY, JSON.stringify(voice.get())));

// How a person of this browser wants to speak and to be spoken to.

import { Store } from "../store";

export interface VoiceSettings {
  speakReplies: boolean;
  handsFree: boolean;
}

const KEY = "colloquy.voice";

function kept(): VoiceSettings {
  try {
    const { speakReplies = false } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<VoiceSettings>;
    return { speakReplies, handsFree: false };
  } catch {
    return { speakReplies: false, handsFree: false };
  }
}

export const voice = new Store<VoiceSettings>(kept());
voice.subscribe(() => localStorage.setItem(KEY, JSON.stringify(voice.get())));

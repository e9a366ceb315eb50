// When somebody begins and ends to speak, told from how loud it is. Pure: levels and moments in, events out.

export interface Ear {
  speaking: boolean;
  /** Since when, for whom it was told. */
  began: number;
  /** Milliseconds that speak for the other state than `speaking` says. */
  evidence: number;
  /** How loud it is when nobody speaks. */
  floor: number;
  /** How loud the page's own voice comes back from the loudspeakers, in spite of the browser's echo cancellation. */
  echo: number;
  /** How long that voice has been heard now. */
  aloud: number;
  at: number | undefined;
}

export const QUIET_EAR: Ear = { speaking: false, began: 0, evidence: 0, floor: 0.006, echo: 0, aloud: 0, at: undefined };

const BEGIN_MS = 120;
/** Quiet for so long is the end of what was to be said. */
export const END_MS = 800;
/** Over its own voice the page must be surer: a cough or a chair is shorter. */
const BARGE_IN_MS = 220;
/** At the beginning of its voice the page learns how loud it is heard, and nobody has a reason to interrupt yet. */
const LEARN_MS = 300;
/** Nobody speaks for so long without a pause; a machine beside them does. */
const MOST_MS = 60_000;
const [LEAST, LEAST_ALOUD] = [0.02, 0.04];
const [MOST_FLOOR, MOST_ECHO] = [0.03, 0.1];

/** The ear after this level, and whether speech has begun or ended with it. `aloud`: the page itself speaks. */
export function hear(ear: Ear, level: number, now: number, aloud = false): { ear: Ear; event?: "begins" | "ends" } {
  const passed = Math.min(200, now - (ear.at ?? now));
  const next: Ear = { ...ear, at: now, floor: floorAfter(ear.floor, level, passed), aloud: aloud ? ear.aloud + passed : 0 };
  const learning = aloud && next.aloud < LEARN_MS;
  const loud = level > threshold(ear, aloud);
  if (aloud && (learning || !loud)) next.echo = echoAfter(ear.echo, level, passed, learning);
  if (ear.speaking) return stillSpeaking(next, loud, passed, now);
  next.evidence = learning ? 0 : Math.max(0, ear.evidence + (loud ? passed : -passed * 0.7));
  if (next.evidence < (aloud ? BARGE_IN_MS : BEGIN_MS)) return { ear: next };
  return { ear: { ...next, speaking: true, began: now, evidence: 0 }, event: "begins" };
}

function stillSpeaking(next: Ear, loud: boolean, passed: number, now: number): { ear: Ear; event?: "ends" } {
  next.evidence = Math.max(0, next.evidence + (loud ? -passed * 2 : passed));
  if (next.evidence < END_MS && now - next.began < MOST_MS) return { ear: next };
  return { ear: { ...next, speaking: false, evidence: 0 }, event: "ends" };
}

/** Louder than this is speech. Who speaks already may be quieter. */
function threshold(ear: Ear, aloud: boolean): number {
  const usual = Math.max(LEAST, ear.floor * 3);
  if (ear.speaking) return usual * 0.6;
  return aloud ? Math.max(LEAST_ALOUD, ear.floor * 4, ear.echo * 2) : usual;
}

/** It falls at once when it gets quiet, between words too, and rises slowly: what goes on for ever is not speech. */
function floorAfter(floor: number, level: number, passed: number): number {
  return Math.min(MOST_FLOOR, toward(floor, level, passed, level < floor ? 150 : 6_000));
}

function echoAfter(echo: number, level: number, passed: number, learning: boolean): number {
  const pace = level > echo ? (learning ? 80 : 800) : 5_000;
  return Math.min(MOST_ECHO, toward(echo, level, passed, pace));
}

function toward(from: number, to: number, passed: number, pace: number): number {
  return from + (to - from) * (1 - Math.exp(-passed / pace));
}

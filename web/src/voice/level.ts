// When somebody begins and ends to speak, told from how loud it is. Pure: levels and moments in, events out.

export interface Ear {
  speaking: boolean;
  /** Since when it has been loud, or quiet, the other way round than `speaking` says. */
  since: number | undefined;
  /** How loud it is when nobody speaks. */
  floor: number;
}

export const QUIET_EAR: Ear = { speaking: false, since: undefined, floor: 0.01 };
const BEGIN_MS = 150;
const END_MS = 900;

/** The ear after this level, and whether speech has begun or ended with it. */
export function hear(ear: Ear, level: number, now: number): { ear: Ear; event?: "begins" | "ends" } {
  const floor = ear.speaking ? ear.floor : Math.min(0.05, ear.floor * 0.97 + level * 0.03);
  const loud = level > Math.max(0.02, ear.floor * 3);
  if (loud === ear.speaking) return { ear: { ...ear, floor, since: undefined } };
  const since = ear.since ?? now;
  if (now - since < (ear.speaking ? END_MS : BEGIN_MS)) return { ear: { ...ear, floor, since } };
  return { ear: { speaking: loud, floor, since: undefined }, event: loud ? "begins" : "ends" };
}

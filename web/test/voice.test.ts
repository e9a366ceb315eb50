import { describe, expect, it } from "vitest";
import { hear, QUIET_EAR, type Ear } from "../src/voice/level";
import { Recital } from "../src/voice/recital";
import { Sentences, sentences, speakable } from "../src/voice/sentences";

const TEXT = "Hello there, friend. It is 3.5 degrees, says Dr. Cold! Really?\n\n# A head\n\n1. First thing\n2. Second thing\n\nThe end";

describe("what is read aloud", () => {
  it("is the same sentences in whatever pieces the text comes", () => {
    const whole = sentences(TEXT);
    expect(whole).toEqual(["Hello there, friend.", "It is 3.5 degrees, says Dr. Cold!", "Really?", "A head", "First thing", "Second thing", "The end"]);
    for (let size = 1; size < TEXT.length; size++) {
      const cutting = new Sentences();
      const found = [];
      for (let at = 0; at < TEXT.length; at += size) found.push(...cutting.feed(TEXT.slice(at, at + size)));
      expect([...found, ...cutting.close()]).toEqual(whole);
    }
  });

  it("begins with the first sentence, not with the end", () => {
    expect(new Sentences().feed("Hello there, friend. And")).toEqual(["Hello there, friend."]);
  });

  it("has no code, no addresses, no rules and no marks", () => {
    const markdown = "See **this** [page](https://x.org/a) or `run`:\n\n```js\nsecret(); // Do. Not. Say.\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nDone 🎉 at https://y.org.";
    const found = sentences(markdown);
    expect(found).toEqual(["See this page or run:", "a, b", "1, 2", "Done at"]);
  });

  it("has no code while the block is still being written", () => {
    expect(new Sentences().feed("Look:\n``")).toEqual(["Look:"]);
    expect(new Sentences().feed("Look:\n```py\nprint('one. two. three. ')\nmore. And more. ")).toEqual(["Look:"]);
  });

  it("is cut where it has no full stop, and first early", () => {
    const numbers = Array.from({ length: 200 }, (_, place) => place + 1).join(", ");
    const found = new Sentences().feed(numbers);
    expect(found[0]?.length).toBeLessThanOrEqual(90);
    expect(Math.max(...found.map((one) => one.length))).toBeLessThanOrEqual(240);
    expect(sentences(numbers).join(", ")).toBe(numbers);
  });

  it("has the words of a line, without what is for the eye", () => {
    expect(speakable("> *very* snake_case $x$")).toBe("very snake case x");
  });
});

describe("an answer that is followed", () => {
  it("is said sentence by sentence, each once", () => {
    const recital = new Recital();
    expect(recital.take("One is here now. Two")).toEqual(["One is here now."]);
    expect(recital.take("One is here now. Two")).toEqual([]);
    expect(recital.take("One is here now. Two is here. ")).toEqual(["Two is here."]);
    expect(recital.close("One is here now. Two is here. Three")).toEqual(["Three"]);
  });

  it("does not say again what another attempt says again", () => {
    const recital = new Recital();
    recital.take("One is here now. Two is here. Thr");
    expect(recital.take("")).toEqual([]);
    expect(recital.take("One is here now. ")).toEqual([]);
    expect(recital.take("One is here now. Two is here. Three is here. ")).toEqual(["Three is here."]);
  });

  it("is said to its end when a part of it was missed", () => {
    const recital = new Recital();
    recital.take("One is here now. ");
    expect(recital.close("One is here now, though other. Two is here.")).toEqual(["Two is here."]);
  });
});

/** Levels of 50 ms each, and what the ear makes of them. */
function heard(levels: readonly number[], aloud = false, ear: Ear = QUIET_EAR, at = 0) {
  const events: [string, number][] = [];
  for (const level of levels) {
    at += 50;
    const step = hear(ear, level, at, aloud);
    ear = step.ear;
    if (step.event) events.push([step.event, at]);
  }
  return { events, ear, at };
}
const quiet = (count: number) => Array.from({ length: count }, (_, place) => 0.003 + 0.001 * (place % 3));
const speech = (count: number, loud = 0.12) => Array.from({ length: count }, (_, place) => (place % 6 === 5 ? 0.004 : loud * (0.6 + 0.1 * (place % 5))));

describe("an ear", () => {
  it("hears when somebody begins, soon, and when they have ended", () => {
    const { events } = heard([...quiet(40), ...speech(40), ...quiet(40)]);
    expect(events.map(([name]) => name)).toEqual(["begins", "ends"]);
    expect(events[0]?.[1]).toBeLessThanOrEqual(40 * 50 + 250);
    expect(events[1]?.[1]).toBeLessThanOrEqual(80 * 50 + 1_000);
  });

  it("takes a pause within a sentence for no end", () => {
    expect(heard([...quiet(20), ...speech(30), ...quiet(12), ...speech(30)]).events).toHaveLength(1);
  });

  it("takes a knock for no speech", () => {
    expect(heard([...quiet(20), 0.3, 0.2, ...quiet(20)]).events).toEqual([]);
  });

  it("gets used to a noise that does not end", () => {
    const { events } = heard([...quiet(20), ...Array<number>(200).fill(0.035)]);
    expect(events.map(([name]) => name)).toEqual(["begins", "ends"]);
  });

  it("does not take the page's own voice for somebody", () => {
    expect(heard(speech(400, 0.08), true).events).toEqual([]);
  });

  it("hears who speaks over the page's voice within a third of a second", () => {
    const { ear, at } = heard(speech(60, 0.02), true);
    const { events } = heard(speech(20, 0.15), true, ear, at);
    expect(events[0]?.[0]).toBe("begins");
    expect((events[0]?.[1] ?? 0) - at).toBeLessThanOrEqual(350);
  });

  it("hears who speaks over the page's voice from loudspeakers that echo", () => {
    const { ear, at } = heard(speech(100, 0.05), true);
    expect(heard(speech(20, 0.25), true, ear, at).events[0]?.[0]).toBe("begins");
  });

  it("lets nobody speak for ever", () => {
    expect(heard(speech(1_300)).events.map(([name]) => name).slice(0, 2)).toEqual(["begins", "ends"]);
  });
});

import { expect, it } from "vitest";
import { decoded, grow, parse, safeLink, type Parsed } from "../src/markdown/parse";

const LONG = "# Title\n\nSome *text* with `code`.\n\n- one\n- two\n\n```py\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end $x^2$.\n";

it("a text that grows is read as it would be read whole", () => {
  let parsed: Parsed | undefined;
  for (let length = 1; length <= LONG.length; length++) parsed = grow(parsed, LONG.slice(0, length));
  expect(parsed?.blocks.map((block) => block.raw)).toEqual(parse(LONG).map((block) => block.raw));
});

it("only what can still change is read again", () => {
  const first = grow(undefined, LONG);
  const second = grow(first, `${LONG}\nMore.`);
  expect(second.blocks[0]).toBe(first.blocks[0]);
});

it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x", "/local", "//host/x", "file:///etc/passwd", "blob:x", "java\nscript:x", ""])(
  "%s is no link",
  (href) => expect(safeLink(href)).toBeUndefined(),
);

it("links to pages and letters are links", () => {
  expect(safeLink("https://example.com/a?b=c")).toBe("https://example.com/a?b=c");
  expect(safeLink("mailto:a@example.com")).toBe("mailto:a@example.com");
});

it("entities are characters, and what is none stays", () => {
  expect(decoded("a &amp; b &lt;x&gt; &#39; &#x41; &unknown; &#99999999;")).toBe("a & b <x> ' A &unknown; &#99999999;");
});

it("dollars are money unless they hold a formula", () => {
  const kinds = (text: string) => JSON.stringify(parse(text)).match(/"type":"math"/g)?.length ?? 0;
  expect(kinds("It costs $5 and then $10.")).toBe(0);
  expect(kinds("The area is $\\pi r^2$.")).toBe(1);
  expect(kinds("$$\nx\n$$\n")).toBe(1);
  expect(kinds("\\[ x \\] ")).toBe(1);
});

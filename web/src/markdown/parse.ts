// Markdown → tokens, piece by piece: while an answer grows only its end is read again. Raw HTML is text like any other.

import { Marked, type Token, type TokenizerAndRendererExtension } from "marked";

export interface Block {
  token: Token;
  /** What it was made of: the same raw text is the same block. */
  raw: string;
}

const blockMath: TokenizerAndRendererExtension = {
  name: "math",
  level: "block",
  start: (source) => source.match(/^ {0,3}(\$\$|\\\[)/m)?.index,
  tokenizer(source) {
    const match = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/.exec(source);
    return match ? { type: "math", raw: match[0], text: (match[1] ?? match[2] ?? "").trim(), display: true } : undefined;
  },
};

const inlineMath: TokenizerAndRendererExtension = {
  name: "inlineMath",
  level: "inline",
  start: (source) => source.match(/\$|\\\(/)?.index,
  tokenizer(source) {
    // A dollar is money unless it hugs what follows, and the closing one is not followed by a digit.
    const match = /^(?:\$\$([^$\n]+)\$\$|\$(?!\s)([^$\n]*[^\s$\\])\$(?!\d)|\\\(([\s\S]+?)\\\))/.exec(source);
    if (!match) return undefined;
    return { type: "math", raw: match[0], text: (match[1] ?? match[2] ?? match[3] ?? "").trim(), display: match[1] !== undefined };
  },
};

const marked = new Marked({ gfm: true, breaks: false });
marked.use({ extensions: [blockMath, inlineMath] });

export function parse(text: string): Block[] {
  return marked.lexer(text).map((token) => ({ token, raw: token.raw }));
}

/** How many blocks at the end may still change when more text comes. */
const OPEN = 2;

export interface Parsed {
  text: string;
  blocks: Block[];
}

/** The blocks of a text, keeping those of an earlier state of it that can't change any more. */
export function grow(before: Parsed | undefined, text: string): Parsed {
  if (before?.text === text) return before;
  if (!before || !text.startsWith(before.text) || before.blocks.length <= OPEN) return { text, blocks: parse(text) };
  const kept = before.blocks.slice(0, -OPEN);
  const length = kept.reduce((sum, block) => sum + block.raw.length, 0);
  const prefix = kept.map((block) => block.raw).join("");
  // The lexer normalises some characters; where its text is not ours any more everything is read again.
  if (text.slice(0, length) !== prefix) return { text, blocks: parse(text) };
  return { text, blocks: [...kept, ...parse(text.slice(length))] };
}

const SAFE = /^(?:https?:\/\/|mailto:)/i;

/** An address that may be followed, or nothing: no scripts, no data, nothing of this page. */
export function safeLink(href: string | null | undefined): string | undefined {
  const trimmed = (href ?? "").trim();
  if (!SAFE.test(trimmed)) return undefined;
  try {
    const url = new URL(trimmed);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", hellip: "…", mdash: "—", ndash: "–", copy: "©", times: "×", rarr: "→", larr: "←" };

/** Text as it is meant: entities are characters. */
export function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[String(name).toLowerCase()] ?? whole;
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

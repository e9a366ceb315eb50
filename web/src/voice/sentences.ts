// Text as it is spoken: without the marks that are for the eye, cut into sentences while it is still being written. The server cuts
// the same way for those who listen at its socket.

const SHORTENED = new Set("mr mrs ms dr prof st no vs etc e.g i.e ca approx fig jr sr bzw z.b d.h usw".split(" "));
/** Characters that a sentence has at least: “Yes.” is said together with what follows it. */
const LEAST = 10;
/** Characters that one has at most; of the first one, which somebody waits for. */
const MOST = 240;
const FIRST = 90;

const END = /[.!?…]+["')\]”’]*\s|[。！？]/g;
const HEAD = /^\s{0,8}(?:#{1,6}\s+|>\s?|[-*+]\s+|\d{1,3}[.)]\s+)/;
const LINK = /!?\[([^\]\[]{0,500})\]\([^()\s]{0,2000}\)/g;
const PICTURES = /[\u2190-\u2bff\ufe0f\u200d]|[\u{1F000}-\u{1FAFF}]/gu;
const FORMULA = /\$\$[^$]*\$\$|\\\[.*?\\\]/g;

/** A line of Markdown as one would read it aloud. */
export function speakable(line: string): string {
  if (/^[\s|:*_=-]*$/.test(line)) return "";
  const bare = line.replace(HEAD, "").replace(FORMULA, " ").replace(LINK, "$1").replace(/(?:https?:\/\/|www\.)\S+/g, " ");
  const celled = bare.split("|").length > 2 ? bare.replaceAll("|", ", ") : bare;
  const words = celled.replace(PICTURES, " ").replace(/(?<=\w)_(?=\w)/g, " ").replace(/[*_~`#|<>$]+/g, "");
  return words.replace(/\s+(,)?/g, (_, comma: string | undefined) => comma ?? " ").replace(/^[ ,]+|[ ,]+$/g, "");
}

/** Takes text as it comes, and gives its sentences as soon as they are whole. */
export class Sentences {
  private rest = "";
  private code = false;
  private most = FIRST;

  feed(text: string): string[] {
    this.rest += text;
    const found: string[] = [];
    for (let end = this.rest.indexOf("\n"); end >= 0; end = this.rest.indexOf("\n")) {
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + 1);
      found.push(...this.line(line));
    }
    // What begins like code, a table or a formula is not known before its line is whole.
    if (this.code || /^\s*[`~|$]/.test(this.rest)) return found;
    const [whole, rest] = cut(this.rest);
    this.rest = rest;
    for (const one of whole) found.push(...this.said(one));
    while (this.rest.length > this.most) {
      const at = placeIn(this.rest, this.most);
      const part = this.rest.slice(0, at);
      this.rest = this.rest.slice(at);
      found.push(...this.said(part));
    }
    return found;
  }

  /** What is left. */
  close(): string[] {
    const line = this.rest;
    this.rest = "";
    return this.line(line);
  }

  private line(line: string): string[] {
    if (/^\s*(```|~~~)/.test(line)) {
      this.code = !this.code;
      return [];
    }
    if (this.code) return [];
    const [whole, rest] = cut(line);
    return [...whole, rest].flatMap((one) => this.said(one));
  }

  /** In parts that are short enough, cut where a comma is, else where a space is. */
  private said(sentence: string): string[] {
    const parts: string[] = [];
    let text = speakable(sentence);
    while (text.length > this.most) {
      const at = placeIn(text, this.most);
      parts.push(text.slice(0, at).trim());
      text = text.slice(at).trim();
      this.most = MOST;
    }
    const worded = [...parts, text].filter((part) => /[\p{L}\p{N}]/u.test(part));
    if (worded.length) this.most = MOST;
    return worded;
  }
}

export function sentences(markdown: string): string[] {
  const cutting = new Sentences();
  return [...cutting.feed(markdown), ...cutting.close()];
}

function placeIn(text: string, most: number): number {
  const comma = Math.max(text.lastIndexOf(", ", most - 2), text.lastIndexOf("; ", most - 2)) + 1;
  return comma || text.lastIndexOf(" ", most - 1) + 1 || most;
}

/** The whole sentences at the beginning, and the rest. */
function cut(text: string): [string[], string] {
  const found: string[] = [];
  let start = 0;
  for (const end of text.matchAll(END)) {
    const after = end.index + end[0].length;
    if (after - start < LEAST || isShortForm(text.slice(start, end.index))) continue;
    found.push(text.slice(start, after));
    start = after;
  }
  return [found, text.slice(start)];
}

/** Whether the full stop belongs to the word before it. */
function isShortForm(before: string): boolean {
  const word = /\S+$/.exec(before)?.[0].toLowerCase().replace(/^[("']+/, "") ?? "";
  return SHORTENED.has(word) || /^\p{L}$/u.test(word) || (/^\d+$/.test(word) && before.trim() === word);
}

import katex from "katex";
import "katex/dist/katex.min.css";

export function draw(text: string, display: boolean, place: HTMLElement): boolean {
  try {
    katex.render(text, place, { displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: 20, strict: "ignore", output: "htmlAndMathml" });
    return true;
  } catch {
    return false;
  }
}

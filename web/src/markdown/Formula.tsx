// Formulas. KaTeX is loaded when the first one comes; it draws with elements, never with text that is read as HTML.

import { memo, useEffect, useRef } from "react";

type Draw = (text: string, display: boolean, place: HTMLElement) => boolean;
let loading: Promise<Draw> | undefined;

export const Formula = memo(function Formula({ text, display, open }: { text: string; display: boolean; open: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let gone = false;
    if (open) return undefined;
    loading ??= import("./katex").then((module) => module.draw);
    void loading.then((draw) => {
      if (!gone && place.current && !draw(text, display, place.current)) place.current.textContent = text;
    });
    return () => {
      gone = true;
    };
  }, [text, display, open]);
  const Tag = display ? "div" : "span";
  return (
    <Tag className={display ? "formula display" : "formula"} {...(display && { tabIndex: 0 })}>
      <span ref={place}>{text}</span>
    </Tag>
  );
});

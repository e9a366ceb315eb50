// A long list of which only what is near the screen exists. Heights are measured where they are known, and guessed where not.

import { useCallback, useMemo, useReducer, useRef, type RefObject } from "react";

const GUESS = 120;
const OVERSCAN = 900;
const NEAR = 80;

export interface Range {
  start: number;
  end: number;
}

/** Heights by id, and where each item begins. Pure but for its memory. */
export class Heights {
  private readonly known = new Map<string, number>();
  private sum = 0;

  /** Whether it was news. */
  set(id: string, height: number): boolean {
    const old = this.known.get(id);
    if (old !== undefined && Math.abs(old - height) < 0.5) return false;
    this.sum += height - (old ?? 0);
    this.known.set(id, height);
    return true;
  }

  offsets(ids: readonly string[]): Float64Array {
    const guess = this.known.size ? this.sum / this.known.size : GUESS;
    const offsets = new Float64Array(ids.length + 1);
    for (let place = 0; place < ids.length; place++) offsets[place + 1] = (offsets[place] ?? 0) + (this.known.get(ids[place] ?? "") ?? guess);
    return offsets;
  }
}

/** What must exist so that everything between `top` and `bottom` is there. */
export function rangeOf(offsets: Float64Array, top: number, bottom: number): Range {
  const count = offsets.length - 1;
  const start = Math.max(0, firstAfter(offsets, top) - 1);
  const end = Math.min(count, Math.max(firstAfter(offsets, bottom), start + 1));
  return { start: Math.min(start, Math.max(0, count - 1)), end };
}

/** The first place whose offset is greater than `value`. */
function firstAfter(offsets: Float64Array, value: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

interface Anchor {
  id: string;
  delta: number;
}

export interface Windowed {
  range: Range;
  offsets: Float64Array;
  atEnd: boolean;
  measure: (id: string) => (element: HTMLElement | null) => (() => void) | undefined;
  onScroll: () => void;
  /** Puts the view where it belongs; after everything that changes what is above it. */
  settle: () => void;
  toEnd: (smooth?: boolean) => void;
  toItem: (id: string) => void;
}

export function useWindowed(ids: readonly string[], scroller: RefObject<HTMLElement | null>, key: string): Windowed {
  const [tick, render] = useReducer((count: number) => count + 1, 0);
  const heights = useRef(new Heights());
  const elements = useRef(new Map<string, HTMLElement>());
  const stuck = useRef(true);
  const anchor = useRef<Anchor | undefined>(undefined);
  const target = useRef<string | undefined>(undefined);
  const shown = useRef({ key, top: 0 });
  if (shown.current.key !== key) {
    shown.current = { key, top: 0 };
    stuck.current = true;
    target.current = undefined;
  }
  const offsets = useMemo(() => heights.current.offsets(ids), [ids, tick]);
  const range = useRef<Range>({ start: 0, end: 0 });
  const places = useMemo(() => new Map(ids.map((id, place) => [id, place])), [ids]);
  const topOf = useCallback(
    (view: HTMLElement | null): number => {
      const total = offsets[offsets.length - 1] ?? 0;
      const height = view?.clientHeight || 900;
      const aim = target.current === undefined ? undefined : places.get(target.current);
      if (aim !== undefined) return (offsets[aim] ?? 0) - height / 3;
      if (stuck.current || !view) return total - height;
      // Guesses have changed: where we are is told by what is seen, not by how far that is from a beginning nobody has measured.
      const held = anchor.current && places.get(anchor.current.id);
      return held === undefined || !anchor.current ? view.scrollTop : (offsets[held] ?? 0) - anchor.current.delta;
    },
    [offsets, places, target, stuck, anchor],
  );
  range.current = around(offsets, topOf(scroller.current), scroller.current);

  const settle = useCallback(() => {
    const view = scroller.current;
    if (!view) return;
    const aim = target.current === undefined ? undefined : elements.current.get(target.current);
    if (aim) view.scrollTop = aim.offsetTop - Math.max(40, (view.clientHeight - aim.offsetHeight) / 3);
    else if (stuck.current) view.scrollTop = view.scrollHeight;
    else if (anchor.current) {
      const element = elements.current.get(anchor.current.id);
      const change = element ? element.offsetTop - view.scrollTop - anchor.current.delta : 0;
      if (Math.abs(change) > 1) view.scrollTop += change;
    }
  }, [scroller]);

  const observer = useRef<ResizeObserver | undefined>(undefined);
  observer.current ??= new ResizeObserver((entries) => {
    let news = false;
    for (const entry of entries) {
      const id = (entry.target as HTMLElement).dataset.row ?? "";
      const height = entry.borderBoxSize[0]?.blockSize ?? 0;
      if (height > 0) news = heights.current.set(id, height) || news;
    }
    if (news) render();
  });

  const onScroll = useCallback(() => {
    const view = scroller.current;
    if (!view) return;
    const end = view.scrollHeight - view.clientHeight - view.scrollTop;
    const moved = Math.abs(view.scrollTop - shown.current.top) > 1;
    const was = stuck.current;
    // Only going up lets go of the end: growth below moves it away from us by itself.
    if (end < NEAR) stuck.current = true;
    else if (view.scrollTop < shown.current.top - 1) stuck.current = false;
    shown.current.top = view.scrollTop;
    anchor.current = firstVisible(view, elements.current);
    const next = around(offsets, topOf(view), view);
    if (moved && (was !== stuck.current || next.start < range.current.start || next.end > range.current.end || outgrown(next, range.current))) render();
  }, [offsets, scroller, topOf]);

  const measure = useCallback(
    (id: string) => (element: HTMLElement | null) => {
      if (!element) return undefined;
      element.dataset.row = id;
      elements.current.set(id, element);
      observer.current?.observe(element);
      return () => {
        observer.current?.unobserve(element);
        if (elements.current.get(id) === element) elements.current.delete(id);
      };
    },
    [],
  );

  const toEnd = useCallback(
    (smooth = false) => {
      target.current = undefined;
      stuck.current = true;
      render();
      const view = scroller.current;
      if (view && smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches) view.scrollTo({ top: view.scrollHeight, behavior: "smooth" });
    },
    [scroller],
  );

  const toItem = useCallback((id: string) => {
    target.current = id;
    stuck.current = false;
    render();
    // Two frames: it is made in the first, and everything around it has its height in the second.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      settle();
      target.current = undefined;
    }));
  }, [settle]);

  return { range: range.current, offsets, atEnd: stuck.current, measure, onScroll, settle, toEnd, toItem };
}


function outgrown(next: Range, now: Range): boolean {
  return next.start - now.start > 30 || now.end - next.end > 30;
}

function around(offsets: Float64Array, top: number, view: HTMLElement | null): Range {
  const height = view?.clientHeight || 900;
  return rangeOf(offsets, top - OVERSCAN, top + height + OVERSCAN);
}

function firstVisible(view: HTMLElement, elements: Map<string, HTMLElement>): Anchor | undefined {
  let best: Anchor | undefined;
  let place = Number.POSITIVE_INFINITY;
  for (const [id, element] of elements) {
    const top = element.offsetTop;
    if (top + element.offsetHeight > view.scrollTop && top < view.scrollTop + view.clientHeight && top < place) {
      place = top;
      best = { id, delta: top - view.scrollTop };
    }
  }
  return best;
}

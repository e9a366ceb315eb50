// The icons: strokes of one weight, drawn for this page. They are decoration; buttons have names of their own.

const PATHS = {
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16.5 16.5 20 20",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  refresh: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  chevron: "M7 10l5 5 5-5",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  sidebar: "M4 5h16v14H4zM10 5v14",
  panel: "M4 5h16v14H4zM14 5v14",
  mic: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4zM6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  speaker: "M5 10v4h3l4 3.5v-11L8 10zM15.5 9a4 4 0 0 1 0 6M17.5 6.5a7.5 7.5 0 0 1 0 11",
  clip: "M18 11.5l-6.5 6.5a4 4 0 0 1-5.6-5.6l7-7a2.7 2.7 0 0 1 3.8 3.8l-7 7a1.3 1.3 0 0 1-1.9-1.9l6-6",
  dots: "M6 12h.01M12 12h.01M18 12h.01",
  tool: "M14.5 6.5a3.5 3.5 0 0 0-4.6 4.4L5 15.8 8.2 19l4.9-4.9a3.5 3.5 0 0 0 4.4-4.6l-2.2 2.2-2.3-.7-.7-2.3z",
  task: "M5 5h14v14H5zM8.5 12l2.5 2.5 4.5-5",
  note: "M6 4h12v16H6zM9 9h6M9 13h6",
  calendar: "M5 6h14v13H5zM5 10h14M9 4v4M15 4v4",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  plane: "M4 13l16-8-5 15-3.5-6z",
  flow: "M5 5h5v5H5zM14 14h5v5h-5zM7.5 10v4.5a2 2 0 0 0 2 2H14",
  settings: "M12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
  bug: "M8 9a4 4 0 0 1 8 0v5a4 4 0 0 1-8 0zM4 9h4M16 9h4M4 15h4M16 15h4M9.5 5L8 3M14.5 5L16 3",
  keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  ghost: "M6 19V10a6 6 0 0 1 12 0v9l-3-2-3 2-3-2zM10 10h.01M14 10h.01",
  user: "M12 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM5 20a7 7 0 0 1 14 0",
  shield: "M12 4l7 2.5V12c0 4-3 7-7 8.5C8 19 5 16 5 12V6.5zM9 12l2 2 4-4",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  wave: "M4 10v4M8 7v10M12 4v16M16 7v10M20 10v4",
  chart: "M5 19V9M12 19V5M19 19v-7M3 19h18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

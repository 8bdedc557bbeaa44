import type { JSX } from "preact";

const PATHS = {
  microphone: "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  camera: "M3.5 7.5h11v9h-11zM14.5 11l6-3.5v9l-6-3.5",
  screen: "M3 5h18v11H3zM9 20h6M12 16v4",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.4a3.5 3.5 0 0 1 0 6.2M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  leave: "M3 14.5c5-5.3 13-5.3 18 0l-2.5 2.5-3.6-1.6v-2.6a12 12 0 0 0-5.8 0v2.6L5.5 17Z",
  answer:
    "M6.5 3.500c-1.600 0-3 1.300-3 3C3.500 14 10 20.500 17.500 20.500c1.700 0 3-1.400 3-3v-2l-4.500-1.800-2 2.300a12 12 0 0 1-6-6l2.300-2L8.500 3.500Z",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700l-1.2 1.200M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700l1.2-1.2",
  robot: "M6 9h12v9H6zM12 9V5M12 5h.01M9.5 13h.01M14.5 13h.01M3.5 12v3M20.5 12v3",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  close: "M6 6l12 12M18 6 6 18",
  more: "M6 12h.01M12 12h.01M18 12h.01",
} as const;

/** The name of one of the page's icons. */
export type IconName = keyof typeof PATHS;

/** A line icon in the colour of its text; `struck` draws a line through it. Decorative: the word beside it speaks. */
export function Icon({ name, struck = false }: { name: IconName; struck?: boolean }): JSX.Element {
  return (
    <svg
      viewBox="0 0 24 24"
      width="22"
      height="22"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
      {struck && <path d="M4 4l16 16" stroke-width="2.2" />}
    </svg>
  );
}

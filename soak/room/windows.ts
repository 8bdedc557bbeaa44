import type { SoakSource } from "./sample.ts";

/**
 * Every stretch of time in which word and probe may differ, by name, with its length and the reason for it. Each is tied
 * to something that was done to the room, never to what was seen afterwards, so that no lie can open its own window.
 * `lengthMs` runs from the begin and again from the end of what was done; `during`: also all the time in between.
 */
export const WINDOWS = {
  none: {
    lengthMs: 0,
    during: false,
    why: "Media flows on: nothing may differ, and nothing is left out.",
  },
  joining: {
    lengthMs: 5_000,
    during: true,
    why: "A person joins or a page is loaded anew: the page loads, then media is there within 3 s.",
  },
  intent: {
    lengthMs: 2_500,
    during: true,
    why: "What somebody sends was changed: the receipt window of 2 s, and half a second for word and device.",
  },
  outage: {
    lengthMs: 4_000,
    during: false,
    why: "Media was cut off or let through again: 2 s receipt window, 1 s between two readings of statistics, and the 3 s that a repair may take.",
  },
  unheard: {
    lengthMs: 3_000,
    during: true,
    why: "Messages cannot get through while a link is down or a server stands still; 3 s after it everybody agrees.",
  },
  moved: {
    lengthMs: 2_500,
    during: true,
    why: "A client has another port or address: sound is back within 1.5 s; the probe's seconds are not divided.",
  },
  lossy: {
    lengthMs: 2_000,
    during: true,
    why: "Datagrams are lost at random: a picture may wait for a key frame. Judged all the same, only gaps of up to 2 s (the receipt window, what the ledger tells apart) are left out.",
  },
  restart: {
    lengthMs: 6_000,
    during: true,
    why: "The server was killed: nobody keeps a ledger until it listens again, links are back within 3 s of that, media 3 s later.",
  },
  stall: {
    lengthMs: 1_000,
    during: true,
    why: "The probe's own timer, or the server's answer, was late by 400 ms or more: the machine was too busy for the probe to be believed.",
  },
} as const satisfies Record<string, { lengthMs: number; during: boolean; why: string }>;

/** Name of a window. */
export type WindowName = keyof typeof WINDOWS;

/** Which rows something touches; what is left out is any. */
export interface RowFilter {
  /** Rows to this person, and rows from this person. */
  readonly person?: string;
  readonly from?: string;
  readonly to?: string;
  readonly source?: SoakSource;
}

/** Something that was done to the room, and the window it opens. Wall clock, ms. */
export interface Incident {
  readonly kind: string;
  readonly window: WindowName;
  readonly rows: RowFilter;
  readonly beganMs: number;
  /** Set when it is over. */
  endedMs: number;
  /** Whether media should flow after it; else there is no repair whose time could be taken. */
  readonly flowsAfter: boolean;
}

/** One row: what `to` receives of one source of `from`. */
export interface RowName {
  readonly from: string;
  readonly to: string;
  readonly source: SoakSource;
}

/** Whether an incident touches a row. */
export function touches({ person, from, to, source }: RowFilter, row: RowName): boolean {
  if (person !== undefined && person !== row.from && person !== row.to) return false;
  if (from !== undefined && from !== row.from) return false;
  if (to !== undefined && to !== row.to) return false;
  return source === undefined || source === row.source;
}

/**
 * The window that covers a row in a stretch of time, or `undefined`. Any overlap counts: the probe's second is not
 * divided.
 *
 * @param untilMs - When the last word on the stretch was taken, which is a little after its second has ended.
 */
export function windowOf(
  incidents: readonly Incident[],
  row: RowName,
  fromMs: number,
  untilMs: number,
): WindowName | undefined {
  const covers = (incident: Incident) => {
    const { lengthMs, during } = WINDOWS[incident.window];
    if (lengthMs === 0) return false;
    const overlaps = (beganMs: number, endedMs: number) => beganMs < untilMs && endedMs > fromMs;
    if (during) return overlaps(incident.beganMs, incident.endedMs + lengthMs);
    return (
      overlaps(incident.beganMs, Math.min(incident.beganMs + lengthMs, incident.endedMs)) ||
      overlaps(incident.endedMs, incident.endedMs + lengthMs)
    );
  };
  return incidents.find((incident) => touches(incident.rows, row) && covers(incident))?.window;
}

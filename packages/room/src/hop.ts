import type { Hop } from "./ladder.ts";
import type { Row } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/** Where a row is broken, as far as the facts tell: the first hop, seen from the sender, that does not work. */
export function hopOf(turn: Turn, row: Row): Hop {
  return turn.config.topology === "mesh" ? meshHop(turn, row) : sfuHop(turn, row);
}

function sfuHop(turn: Turn, row: Row): Hop {
  const sender = turn.place(row.from);
  const receiver = turn.place(row.to);
  const published = turn.published(row.from, row.source);
  if (sender?.media.state !== "connected") return "sender-transport";
  if (receiver?.media.state !== "connected") return "receiver-transport";
  if (published?.arriving !== true) {
    if (!published?.saysSent) return "capture";
    // Only the media plane's own word makes it the uplink; before it has said anything, look further down.
    if (published.arriving === false) return swallows(turn, row.from) ? "sender-transport" : "uplink";
  }
  if (!row.attached) return sender.media.sends.some((one) => one.source === row.source) ? "slot" : "capture";
  if (!row.forwarded.value) return "forwarder";
  return swallows(turn, row.to) ? "receiver-transport" : "downlink";
}

/** sfu: whether a connection that should carry several tracks carries none, either way: then it is the path. */
function swallows(turn: Turn, participant: string): boolean {
  const place = turn.place(participant);
  if (!place || transportWorks(turn, participant)) return false;
  const down = Object.values(place.rows).filter(
    (row) => row.intended.value && row.forwarded.value && turn.published(row.from, row.source)?.held === undefined,
  ).length;
  const up = Object.values(place.published).filter((published) => published?.saysSent).length;
  return down + up > 1;
}

function meshHop(turn: Turn, row: Row): Hop {
  const pair = turn.pairOf(row.from, row.to);
  if (pair?.downAt !== undefined) return "pair-path";
  if (!pair || (pair.answeredAt ?? pair.upAt) === undefined) return "pair-setup";
  // Agreed, but no media yet, neither way: it may still be connecting.
  const settledAt = pair.establishedAt ?? pair.upAt ?? (pair.answeredAt ?? 0) + turn.config.settings.setupMs;
  if (turn.now < settledAt) return "pair-setup";
  if (!turn.published(row.from, row.source)?.saysSent) return "capture";
  return dropsAll(turn, row) ? "pair-path" : "pair";
}

/** Whether several tracks should come over a pair and none does: then it is the path, not the track. */
function dropsAll(turn: Turn, { from, to }: Row): boolean {
  const rows = rowsBetween(turn, from, to).filter((row) => row.intended.value && !row.unreadable);
  return rows.length > 1 && rows.every((row) => !row.received.value);
}

function rowsBetween(turn: Turn, a: string, b: string): Row[] {
  const rows = [...Object.values(turn.place(a)?.rows ?? {}), ...Object.values(turn.place(b)?.rows ?? {})];
  return rows.filter((row) => (row.from === a && row.to === b) || (row.from === b && row.to === a));
}

/**
 * Whether a participant's connection to the server demonstrably carries media, either way: then restarting it, or making
 * a new session, would disturb what works.
 */
export function transportWorks(turn: Turn, participant: string): boolean {
  const place = turn.place(participant);
  if (place?.media.state !== "connected") return false;
  if (Object.values(place.rows).some((row) => row.intended.value && row.received.value)) return true;
  return Object.values(place.published).some((published) => published?.arriving === true);
}

/** Whether the session of a pair demonstrably carries media, either way. */
export function pairWorks(turn: Turn, a: string, b: string): boolean {
  if (turn.pairOf(a, b)?.downAt !== undefined) return false;
  return rowsBetween(turn, a, b).some((row) => row.intended.value && row.received.value);
}

/** Whether anybody at all receives the publication: then making its sender publish again would disturb them. */
export function receivedByOthers(turn: Turn, row: Row): boolean {
  return Object.values(turn.places).some(
    (place) => place.participant !== row.to && place.rows[row.publication]?.standing === "received",
  );
}

/** sfu: whose connection a step at this hop is about. */
export function transportOf(row: Row, hop: Hop): string {
  return hop === "sender-transport" || hop === "uplink" || hop === "capture" ? row.from : row.to;
}

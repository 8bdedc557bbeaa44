import type { EndReason } from "@lodeline/protocol";
import type { TeardownReceipt as SessionReceipt } from "@lodeline/session";
import type { TeardownReceipt, TeardownStep } from "../api/receipt.ts";
import type { OwnMedia } from "../devices/own-media.ts";
import type { BrowserPeer } from "../peer/browser-peer.ts";

/** What a receipt is written from. */
export interface ReceiptParts {
  readonly reason: EndReason;
  readonly durationMs: number;
  readonly media: OwnMedia;
  /** Every session that was still there when the end began. */
  readonly peers: readonly BrowserPeer[];
  /** What those sessions said of their own teardown. */
  readonly sessions: readonly SessionReceipt[];
  /** Timers of the room or call that are still armed. */
  readonly timers: number;
}

/** Writes the account of an end from what the browser says now, not from what was asked of it. */
export function writeReceipt(parts: ReceiptParts): TeardownReceipt {
  const { reason, durationMs, media, peers, sessions, timers } = parts;
  const connections = peers.flatMap(({ spec, connection }) =>
    connection ? [{ session: spec.session, state: connection.connection.connectionState }] : [],
  );
  const channels = peers.flatMap(({ connection }) =>
    connection?.channel ? [{ label: connection.channel.label, readyState: connection.channel.readyState }] : [],
  );
  const tracks = [...media.records(), ...peers.flatMap(({ connection }) => connection?.tracks.records() ?? [])];
  const left = [
    ...sessions.flatMap((session) => session.left),
    ...tracks.filter(({ readyState }) => readyState !== "ended").map(({ source, id }) => `track:${source}:${id}`),
    ...channels.filter(({ readyState }) => readyState !== "closed").map(({ label }) => `channel:${label}`),
    ...connections.filter(({ state }) => state !== "closed").map(({ session }) => `connection:${session}`),
    ...(timers > 0 ? [`timers:${timers}`] : []),
  ];
  const steps = sessions.flatMap((session) => session.steps.map((step) => stepOf(session.session, step)));
  return { reason, durationMs, clean: left.length === 0, tracks, channels, connections, timers, steps, left };
}

function stepOf(session: string, step: SessionReceipt["steps"][number]): TeardownStep {
  return { session, step: step.step, outcome: step.outcome, durationMs: step.durationMs };
}

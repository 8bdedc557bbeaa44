import type { MonoMs } from "@lodeline/base";
import type { Source } from "@lodeline/protocol";
import { entriesOf, type StatsEntry, type StatsReport } from "./stats-report.ts";

/** What is known of the sending of one source. */
export interface SentFacts {
  readonly source: Source;
  readonly captured: boolean;
  readonly sent: boolean;
}

/**
 * A source that has given no frame or sent no packet for this long counts as not captured or not sent. Longer than the
 * second between two frames of a still screen, shorter than the receipt window.
 */
const STILL_MS = 1_500;

/** Two counters of one source and when each last moved. */
interface Moves {
  frames: number;
  framesAt: MonoMs;
  packets: number;
  packetsAt: MonoMs;
}

/**
 * Whether each own source is captured (its track is live and gives frames) and sent (packets leave), from readings of
 * `outbound-rtp` and `media-source`.
 */
export class SentEvidence {
  readonly #moves = new Map<Source, Moves>();

  /**
   * Reads one source on one connection.
   *
   * @param track - The track on the sender; `undefined` when none is there.
   * @param mid - Its section; every encoding of it counts.
   */
  read(source: Source, track: MediaStreamTrack | undefined, mid: string, report: StatsReport, now: MonoMs): SentFacts {
    const outbound = entriesOf(report, "outbound-rtp").filter((entry) => entry.mid === mid);
    const moves = this.#moves.get(source) ?? {
      frames: -1,
      framesAt: now - STILL_MS,
      packets: 0,
      packetsAt: now - STILL_MS,
    };
    this.#moves.set(source, moves);
    const packets = sum(outbound, (entry) => entry.packetsSent);
    if (packets > moves.packets) moves.packetsAt = now;
    moves.packets = packets;
    const frames = track && framesOf(track, report);
    if (frames === undefined || frames > moves.frames) moves.framesAt = now;
    moves.frames = frames ?? -1;
    const capturing = track !== undefined && track.readyState === "live" && !track.muted;
    return {
      source,
      captured: capturing && (track.kind === "audio" || now - moves.framesAt < STILL_MS),
      sent: now - moves.packetsAt < STILL_MS,
    };
  }
}

/** Frames the camera or screen gave; `undefined` where the browser does not count them. */
function framesOf(track: MediaStreamTrack, report: StatsReport): number | undefined {
  // By the track, not by `outbound-rtp.mediaSourceId`: Firefox 153 has no such field.
  return entriesOf(report, "media-source").find((entry) => entry.trackIdentifier === track.id)?.frames;
}

function sum(entries: readonly StatsEntry[], of: (entry: StatsEntry) => number | undefined): number {
  return entries.reduce((total, entry) => total + (of(entry) ?? 0), 0);
}

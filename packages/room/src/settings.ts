import { LIMITS, type ReplayStep, type Timers } from "@lodeline/protocol";
import { DEFAULT_REPLAY_WAIT_MS } from "./ladder.ts";

/** What can be configured of a room beside the {@link Timers} that it shares with its members. */
export interface RoomSettings {
  /** At most so many participants; `room/full`. */
  readonly maxParticipants: number;
  /** As in {@link Timers}, for this room. */
  readonly suspectMs: number;
  readonly leaseMs: number;
  readonly byeGraceMs: number;
  /** What each step of a replay is given before the next. */
  readonly replayWaitMs: Readonly<Record<ReplayStep, number>>;
  /** After the last step that can help: rest so long, then begin again. Doubles each round, up to eight times this. */
  readonly replayRestMs: number;
  /** A message this young may still be under way: a receipt that does not know it yet is no sign of a loss. */
  readonly tellGraceMs: number;
  /** How long a first connection may take before rows that wait for it are `missing`. */
  readonly setupMs: number;
  /** With so many participants or fewer a camera is sent in one encoding, with more in all: who is alone has no choice. */
  readonly oneEncodingUpTo: number;
  /** So many microphones are forwarded, those that spoke last; 0: all. Untouched while no more send. */
  readonly loudestSpeakers: number;
  /** Only few are here: so long others are given to come back, and a new connection to find out what its path carries. */
  readonly oneEncodingAfterMs: number;
  /** Events kept to tell again. A member that lags further is told the whole state. */
  readonly eventTail: number;
  /** Answers kept per participant, so that a command sent twice is answered twice and done once. */
  readonly commandMemory: number;
}

/** The settings of a room that whoever makes it may choose. */
export type RoomLeases = Pick<
  RoomSettings,
  "suspectMs" | "leaseMs" | "byeGraceMs" | "maxParticipants" | "loudestSpeakers"
>;

/** The settings that hold where nobody configured others. `setupMs` follows `negotiatingMs`, the session's own bound. */
export function defaultRoomSettings(timers: Timers): RoomSettings {
  const { suspectMs, leaseMs, byeGraceMs } = timers;
  return {
    maxParticipants: LIMITS.participantsPerRoom,
    suspectMs,
    leaseMs,
    byeGraceMs,
    replayWaitMs: DEFAULT_REPLAY_WAIT_MS,
    replayRestMs: 5_000,
    tellGraceMs: 250,
    setupMs: timers.negotiatingMs,
    loudestSpeakers: 3,
    oneEncodingUpTo: 2,
    oneEncodingAfterMs: 2_000,
    eventTail: 256,
    commandMemory: 32,
  };
}

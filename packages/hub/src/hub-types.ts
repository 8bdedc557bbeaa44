import type { Clock, ErrorCode, LodelineError, Random, Tick } from "@lodeline/base";
import type { LeaveReason, NumberedEvent, ReplayStep, Timers, Topology } from "@lodeline/protocol";
import type { RoomInput, RoomSettings, RoomState } from "@lodeline/room";
import type { PlanName, PlanStep, SessionInput, SessionState, StepOutcome } from "@lodeline/session";
import type { HubPorts } from "./ports.ts";
import type { HubImage, HubStore } from "./store.ts";

/** Told of every step of a session that the hub owns; `input` is `{ kind: "tick" }` when time caused it. */
export type SessionObserver = (
  session: string,
  previous: SessionState,
  input: SessionInput | Tick,
  next: SessionState,
) => void;

/** Told of every step of a room. */
export type RoomObserver = (room: string, previous: RoomState, input: RoomInput | Tick, next: RoomState) => void;

/** What a hub is handed. */
export interface HubOptions {
  readonly clock: Clock;
  /** Ids, tokens and secrets come from it; cryptographic outside tests. */
  readonly random: Random;
  /** Default: DEFAULT_TIMERS. */
  readonly timers?: Timers | undefined;
  readonly ports: HubPorts;
  /** Topology of a room whose first participant asks for none. Default `sfu` where a media port is given, else `mesh`. */
  readonly topology?: Topology | undefined;
  /** What differs from `defaultRoomSettings`, for every room. */
  readonly roomSettings?: Partial<RoomSettings> | undefined;
  /** Watches the machines, for the trace and for tests that know the legal edges. */
  readonly observe?: { readonly session?: SessionObserver; readonly room?: RoomObserver } | undefined;
  /** Messages a second per link, as in ServerLinkOptions.rate. */
  readonly rate?: { readonly perSecond: number; readonly burst: number } | null | undefined;
  /**
   * Where what must survive the process is kept: whatever the hub says on a socket waits until what it follows from is
   * saved. Absent: nothing is kept, nothing waits.
   */
  readonly store?: HubStore | undefined;
  /**
   * What an earlier hub has saved: its links may be resumed, with their whole resume window from now; its rooms, places
   * and calls go on; leases begin anew. What it cannot give back are media sessions of the sfu and calls with the server
   * peer: their clients are told that they are over, and make new ones.
   */
  readonly restore?: HubImage | undefined;
  /**
   * A one-way function of a secret, as text. Given, resume secrets and rejoin tokens are saved as digests alone. They are
   * random and long, so a plain cryptographic hash will do. Absent: they are saved as they are.
   */
  readonly digest?: ((secret: string) => string) | undefined;
}

/** What a hub tells whoever logs, counts or draws. Nothing is decided by it. */
export interface HubEvents {
  /** A link was made, came back, was interrupted, or is over. */
  readonly link: {
    readonly link: string;
    readonly identity: string;
    readonly what: "opened" | "resumed" | "interrupted" | "expired" | "closed";
    readonly reason?: string | undefined;
  };
  /** A hello, a frame or a message was refused: who (absent before the hello) and why. */
  readonly refused: {
    readonly link?: string | undefined;
    readonly identity?: string | undefined;
    readonly error: LodelineError;
  };
  /** A room came into being, or its last participant has left and it is gone. */
  readonly room: { readonly room: string; readonly what: "opened" | "closed" };
  /** Somebody took a place in a room: new, or an old one again. */
  readonly joined: {
    readonly room: string;
    readonly participant: string;
    readonly identity: string;
    readonly incarnation: number;
  };
  readonly left: { readonly room: string; readonly participant: string; readonly reason: LeaveReason };
  /** The room's log, event by event. */
  readonly event: { readonly room: string; readonly event: NumberedEvent };
  /** A step of a replay, and why. */
  readonly replay: {
    readonly room: string;
    readonly subscription: string;
    readonly step: ReplayStep;
    readonly attempt: number;
    readonly why: string;
  };
  /** An sfu or server-peer session changed its state. */
  readonly session: {
    readonly room?: string | undefined;
    readonly participant?: string | undefined;
    readonly session: string;
    readonly state: string;
    readonly previous: string;
    readonly reason?: string | undefined;
  };
  /** A step of the server's end of a session is over. */
  readonly step: StepTold;
  /** A call between two identities: ringing, answered, over. */
  readonly call: {
    readonly session: string;
    readonly from: string;
    readonly to: string;
    readonly what: "ringing" | "answered" | "ended";
    readonly reason?: string | undefined;
  };
  /** Draining began, and is done: every link has been told and closed. */
  readonly drained: { readonly links: number };
}

/** One step of a start plan, of a stop plan, or of taking a start back, at the server's end. */
export interface StepTold {
  readonly room?: string | undefined;
  readonly participant?: string | undefined;
  readonly session: string;
  readonly plan: PlanName;
  readonly step: PlanStep;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
  /** Set where it failed. */
  readonly code?: ErrorCode | undefined;
}

/** How many of each thing the hub holds: flat over joins and leaves. */
export interface HubStatus {
  readonly sockets: number;
  readonly links: number;
  readonly identities: number;
  readonly rooms: number;
  readonly participants: number;
  readonly sessions: number;
  readonly calls: number;
  readonly timers: number;
  readonly draining: boolean;
}

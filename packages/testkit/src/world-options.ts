import type { Timers, Topology } from "@lodeline/protocol";
import type { DurableStoreOptions } from "./durable-store.ts";
import type { DeviceMood } from "./fake-devices.ts";
import type { Mutation } from "./mutations.ts";

/** What a `World` is made with. */
export interface WorldOptions {
  readonly seed: number;
  readonly topology: Topology;
  /** Default: `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /** Whether to keep a trace. It costs more than the run itself. Default false. */
  readonly trace?: boolean | undefined;
  /** Something to break on purpose. */
  readonly mutation?: Mutation | undefined;
  /** At most so many in a room. Default: the server's own limit. */
  readonly maxParticipants?: number | undefined;
  /** Whether a killed server finds again what it knew, and how long a save takes at most. Default: it knows nothing. */
  readonly storage?: Pick<DurableStoreOptions, "commitMs" | "schedule"> | undefined;
}

/** How to make a person. */
export interface PersonOptions {
  /** Who it is, where that differs from the host: another tab of somebody. */
  readonly identity?: string | undefined;
  /** Whether the page sends what it wants, whatever the room says: a client that was tampered with. Default false. */
  readonly stubborn?: boolean | undefined;
  /** Whether this page is ever frozen. Default false: a clock of its own costs time. */
  readonly freezes?: boolean | undefined;
  readonly role?: "speaker" | "moderator" | "viewer" | undefined;
  readonly camera?: DeviceMood | undefined;
  readonly microphone?: DeviceMood | undefined;
  /** Receive slots of each kind in the first offer. Default 3. */
  readonly slots?: number | undefined;
  /** How often media is looked at, ms. Default 400. */
  readonly pollMs?: number | undefined;
  /** Whether sessions of a room run the capture steps of their plans. Default true, as the browser SDK has it. */
  readonly captures?: boolean | undefined;
  /** Probability that a step of a plan fails. Default 0. */
  readonly stepFailure?: number | undefined;
  /** What a call that comes in is answered with, and after how long. Default: nothing. */
  readonly answers?: { readonly with: "accept" | "reject" | "busy" | "nothing"; readonly afterMs: number } | undefined;
}

import type { Clock } from "@lodeline/base";
import type { ParticipantEvents, SocketPort } from "@lodeline/participant";
import type { Timers, Topology } from "@lodeline/protocol";
import type { PlanName, PlanStep, SessionInput } from "@lodeline/session";
import type { Chance } from "./chance.ts";
import type { FakeDevices } from "./fake-devices.ts";
import type { MediaPlane } from "./media-plane.ts";

/** What somebody wants others to have of a source. */
export type Intent = "unpublished" | "live" | "muted";

/** What `SimulatedPerson` needs. */
export interface SimulatedPersonOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly plane: MediaPlane;
  readonly devices: FakeDevices;
  readonly timers: Timers;
  /** Where the page runs; unique. */
  readonly host: string;
  /** Who it is: several hosts may be one person. */
  readonly identity: string;
  readonly token: string;
  /** Something of the world reaches the page: at once, unless the page is frozen. */
  readonly run: (fn: () => void) => void;
  readonly socket: SocketPort;
  /** Receive slots of each kind in the first offer. */
  readonly slots: number;
  /** How often media is looked at, ms. */
  readonly pollMs: number;
  /** Whether sessions of a room run the capture steps of their plans, as the browser SDK's do. */
  readonly captures: boolean;
  /** Whether the page sends what it wants, whatever the room says of it. */
  readonly stubborn: boolean;
  /** Told of everything the participant tells. */
  event<Name extends keyof ParticipantEvents>(name: Name, event: ParticipantEvents[Name]): void;
  violation(text: string): void;
  /** Makes a step of a plan fail. */
  readonly fails?: ((plan: PlanName, step: PlanStep) => boolean) | undefined;
  /** Stands between the driver and its session, for faults planted on purpose. */
  readonly tamper?: ((input: SessionInput, feed: (input: SessionInput) => void) => void) | undefined;
  /** Stands between what is seen of media and what is told of it. */
  readonly counts?: ((flows: boolean) => boolean) | undefined;
}

/** A room to be in. */
export interface WantedRoom {
  readonly room: string;
  /** What is asked for, if the room is new. */
  readonly topology: Topology | undefined;
}

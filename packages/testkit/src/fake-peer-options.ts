import type { Clock } from "@lodeline/base";
import type { ReceiveSection, SendSection, Source } from "@lodeline/protocol";
import type { PlanName, PlanStep, SessionInput } from "@lodeline/session";
import type { Chance } from "./chance.ts";
import type { SessionCapture } from "./fake-plan-steps.ts";
import type { MediaPlane } from "./media-plane.ts";

/** What a `FakePeer` needs. */
export interface FakePeerOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly plane: MediaPlane;
  /** The host it runs on. */
  readonly endpoint: string;
  readonly session: string;
  /** An ice-lite end: a server. */
  readonly lite: boolean;
  readonly feed: (input: SessionInput) => void;
  /** Sections on which this end sends its own sources. An answerer takes those of the offer with the same mid. */
  readonly sends: readonly SendSection[];
  /** Receive slots to offer at first; sfu clients only. */
  readonly receives: readonly ReceiveSection[];
  /** Whether this end puts own tracks on the sections of an offer it answers; a server does not. */
  readonly adopts: boolean;
  /** Devices that the session's own plan opens; undefined where they belong to someone else. */
  readonly capture: SessionCapture | undefined;
  /** Whether there is anything to send of a source. */
  live(source: Source): boolean;
  /** Makes a step fail: a fault of the engine. */
  readonly fails?: ((plan: PlanName, step: PlanStep) => boolean) | undefined;
  violation(text: string): void;
}

import type { Clock, Random } from "@lodeline/base";
import type { Timers } from "@lodeline/protocol";
import type { ParticipantPorts, SessionUse } from "./ports.ts";

/** What a participant is made of. */
export interface ParticipantOptions {
  readonly clock: Clock;
  /** Must be cryptographic outside tests: session ids and secrets come of it. */
  readonly random: Random;
  readonly ports: ParticipantPorts;
  /** Every wait, by name. What is not named is as in `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /** The name that others read. */
  readonly name: string;
  /** A JWT; not needed where the server is open. See `Participant.setToken`. */
  readonly token?: string | undefined;
  /** Whether sessions carry a data channel. Default: true. */
  readonly dataChannel?: boolean | undefined;
  /**
   * Which sessions open and release devices within their own plans. Default: calls do; in a room the devices belong to
   * the participant, outlive a session that is replaced, and steps 2 to 4 are skipped.
   */
  readonly captures?: Partial<Record<SessionUse, boolean>> | undefined;
}

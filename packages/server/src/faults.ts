import type { ServerMessage } from "@lodeline/protocol";

/** Which messages to lose. */
export interface MessageFault {
  /** The participant who will not be told. */
  readonly participant: string;
  /** The type of the message; for `room-event`, {@link MessageFault.event} may narrow it. */
  readonly type: ServerMessage["type"];
  /** Only `room-event` messages that hold an event of this kind. */
  readonly event?: string | undefined;
  /** How many. Default 1. */
  readonly count?: number | undefined;
}

/** Which packets to lose. */
export interface SilenceFault {
  /** `<publication>><receiver>`. */
  readonly subscription: string;
  /** For how long, from now. */
  readonly forMs: number;
}

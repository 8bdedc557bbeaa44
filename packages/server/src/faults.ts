import type { Recipient } from "@lodeline/hub";
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

/** The messages that are still to be lost. */
export class MessageFaults {
  readonly #pending: { readonly fault: MessageFault; left: number }[] = [];

  /** Loses the next messages that fit. Faults are tried in the order they were added. */
  add(fault: MessageFault): void {
    this.#pending.push({ fault, left: fault.count ?? 1 });
  }

  /** How many messages are still to be lost. */
  get left(): number {
    return this.#pending.reduce((sum, one) => sum + one.left, 0);
  }

  /** As `HubPorts.intercept`: `false` loses the message. */
  intercept(to: Recipient, message: ServerMessage): boolean {
    const index = this.#pending.findIndex(({ fault }) => fits(fault, to, message));
    const hit = this.#pending[index];
    if (!hit) return true;
    hit.left--;
    if (hit.left <= 0) this.#pending.splice(index, 1);
    return false;
  }
}

function fits(fault: MessageFault, to: Recipient, message: ServerMessage): boolean {
  if (fault.participant !== to.participant || fault.type !== message.type) return false;
  if (fault.event === undefined || message.type !== "room-event") return true;
  return message.events.some(({ event }) => event.kind === fault.event);
}

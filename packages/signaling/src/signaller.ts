import type { Listenable } from "@lodeline/base";
import type { ClientMessage, ServerMessage } from "@lodeline/protocol";

/** What a {@link Signaller} tells its owner. */
export interface SignallerEvents<In> {
  /** A message of the other end: each once, in the order in which it was sent. */
  readonly message: In;
  /** Whether messages travel now. While `false`, what is sent waits. */
  readonly connected: boolean;
  /** The other end has lost track of this one: what was on its way is gone, and both know it. Join again. */
  readonly renewed: { readonly lost: number };
}

/**
 * Moves messages, and does nothing else: it knows no call, no room and no media (requirements 1.1, rows 1 and 16). Any
 * transport that delivers in order, exactly once, or says openly that it could not, can stand behind it.
 */
export interface Signaller<Out = ClientMessage, In = ServerMessage> extends Listenable<SignallerEvents<In>> {
  /** Whether messages travel now. The only state a signaller has. */
  readonly connected: boolean;
  /** Hands a message over. It is delivered once, or `renewed` is told. */
  send(message: Out): void;
}

import { type Clock, type Logger, type MonoMs, toLodelineError } from "@lodeline/base";
import type { MediaKey, MediaPort } from "@lodeline/hub";
import type { MediaOp } from "@lodeline/room";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import type { SilenceFault } from "../faults.ts";
import type { EnginePart, ForwarderPart, PublicationPart, TransportPart } from "./engine-port.ts";
import { TransportSession } from "./transport-session.ts";

/** One publication in the engine. */
export interface LivePublication {
  readonly room: string;
  readonly participant: string;
  readonly kind: "audio" | "video";
  readonly transport: TransportPart;
  readonly mid: string;
  readonly publication: PublicationPart;
}

/** One subscription in the engine. */
export interface LiveSubscription {
  readonly room: string;
  readonly publication: string;
  readonly participant: string;
  readonly kind: "audio" | "video";
  readonly transport: TransportPart;
  readonly forwarder: ForwarderPart;
}

type Attach = Extract<MediaOp, { readonly op: "attach" }>;

/** What {@link SfuPort} needs of the server around it. */
export interface SfuPortOptions {
  readonly engine: EnginePart;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The hub's media port on the engine: one transport for each participant's session, one publication for each section
 * that somebody receives, one forwarder for each subscription. What the room says is done as it is said; what cannot be
 * done is logged and left undone, because the room's ledger sees that nothing is forwarded and repairs it.
 */
export class SfuPort implements MediaPort {
  /** By publication id. */
  readonly publications = new Map<string, LivePublication>();
  /** By subscription id. */
  readonly subscriptions = new Map<string, LiveSubscription>();
  readonly #options: SfuPortOptions;
  readonly #sessions = new Map<string, { readonly key: MediaKey; readonly session: TransportSession }>();
  /** The newest session of each participant: the one that the room's operations mean. */
  readonly #current = new Map<string, string>();
  readonly #silentUntil = new Map<string, MonoMs>();

  constructor(options: SfuPortOptions) {
    this.#options = options;
  }

  /** Sessions that hold a transport. */
  get transportCount(): number {
    let count = 0;
    for (const { session } of this.#sessions.values()) if (session.transport) count++;
    return count;
  }

  open(key: MediaKey, feed: (input: SessionInput) => void): void {
    const session = new TransportSession({
      id: key.session,
      engine: this.#options.engine,
      feed,
      answered: () => {},
      ending: () => this.#release(session.transport),
    });
    this.#sessions.set(key.session, { key, session });
    this.#current.set(participantKey(key.room, key.participant), key.session);
  }

  perform(key: MediaKey, effect: SessionEffect): void {
    this.#sessions.get(key.session)?.session.perform(effect);
  }

  close(key: MediaKey): void {
    void this.#end(key.session);
  }

  operate(room: string, op: MediaOp): void {
    try {
      this.#operate(room, op);
    } catch (thrown) {
      const error = toLodelineError(thrown);
      const subscriptionId = "subscription" in op ? op.subscription : undefined;
      this.#options.logger.warn("media operation failed", {
        roomId: room,
        op: op.op,
        subscriptionId,
        code: error.code,
        reason: error.detail,
      });
    }
  }

  /** Keeps a subscription's packets back, also when its forwarder is replaced meanwhile. */
  silence({ subscription, forMs }: SilenceFault): void {
    const untilMs = this.#options.clock.now() + forMs;
    this.#silentUntil.set(subscription, untilMs);
    this.subscriptions.get(subscription)?.forwarder.silence(untilMs);
  }

  /** Closes every session; ends when all their sockets are closed. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((id) => this.#end(id)));
  }

  #operate(room: string, op: MediaOp): void {
    switch (op.op) {
      case "attach":
        return this.#attach(room, op);
      case "detach":
        return this.#detach(op.subscription);
      case "view":
        return this.subscriptions.get(op.subscription)?.forwarder.setView(op.view);
      case "key-frame":
        return this.subscriptions.get(op.subscription)?.forwarder.requestKeyFrame();
      case "reset-forwarder":
        return this.subscriptions.get(op.subscription)?.forwarder.reset();
      case "close-session":
        // The hub's session runs its stop plan, whose last step closes the transport. What uses it goes now.
        return this.#release(this.#sessions.get(op.session)?.session.transport);
    }
  }

  #attach(room: string, op: Attach): void {
    const from = this.#transportOf(room, op.from);
    const to = this.#transportOf(room, op.to);
    if (!from || !to) throw new Error(`no transport of ${from ? op.to : op.from}`);
    this.#detach(op.subscription);
    const { publication } = this.#publish(room, op, from);
    const forwarder = this.#options.engine.forward({
      id: op.subscription,
      publication,
      transport: to,
      mid: op.toMid,
    });
    const { publication: name, to: participant, kind } = op;
    this.subscriptions.set(op.subscription, { room, publication: name, participant, kind, transport: to, forwarder });
    const silentUntilMs = this.#silentUntil.get(op.subscription) ?? 0;
    if (silentUntilMs > this.#options.clock.now()) forwarder.silence(silentUntilMs);
    else this.#silentUntil.delete(op.subscription);
    forwarder.requestKeyFrame();
  }

  /** The publication on the section it is on now: one on an earlier section is closed with whatever hangs on it. */
  #publish(room: string, op: Attach, transport: TransportPart): LivePublication {
    const known = this.publications.get(op.publication);
    if (known && known.transport === transport && known.mid === op.fromMid) return known;
    if (known) this.#unpublish(op.publication);
    const { publication: id, fromMid: mid, kind, from: participant } = op;
    const publication = this.#options.engine.publish({ id, transport, mid, kind });
    const made = { room, participant, kind, transport, mid, publication };
    this.publications.set(id, made);
    return made;
  }

  #unpublish(id: string): void {
    for (const [subscription, { publication }] of this.subscriptions) {
      if (publication === id) this.#detach(subscription);
    }
    this.publications.get(id)?.publication.close();
    this.publications.delete(id);
  }

  #detach(subscription: string): void {
    this.subscriptions.get(subscription)?.forwarder.close();
    this.subscriptions.delete(subscription);
  }

  /** Ends all that uses a transport, on both sides of it. */
  #release(transport: TransportPart | undefined): void {
    if (!transport) return;
    for (const [id, one] of this.subscriptions) if (one.transport === transport) this.#detach(id);
    for (const [id, one] of this.publications) if (one.transport === transport) this.#unpublish(id);
  }

  async #end(id: string): Promise<void> {
    const entry = this.#sessions.get(id);
    if (!entry) return;
    const { room, participant } = entry.key;
    const name = participantKey(room, participant);
    if (this.#current.get(name) === id) this.#current.delete(name);
    try {
      await entry.session.close();
    } finally {
      this.#sessions.delete(id);
    }
  }

  #transportOf(room: string, participant: string): TransportPart | undefined {
    const session = this.#current.get(participantKey(room, participant));
    return session === undefined ? undefined : this.#sessions.get(session)?.session.transport;
  }
}

function participantKey(room: string, participant: string): string {
  return JSON.stringify([room, participant]);
}

import { type Clock, LodelineError, type Logger, type MonoMs, toLodelineError } from "@lodeline/base";
import type { MediaKey, MediaPort } from "@lodeline/hub";
import type { MediaOp } from "@lodeline/room";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import type { Engine, EngineEvent, EngineRequest } from "@lodeline/workers";
import type { SilenceFault } from "../faults.ts";
import { TransportSession } from "./transport-session.ts";

/** One publication in the engine. */
export interface LivePublication {
  readonly room: string;
  /** The session whose transport it arrives on. */
  readonly session: string;
  readonly mid: string;
}

/** One subscription in the engine. */
export interface LiveSubscription {
  readonly room: string;
  readonly publication: string;
  /** The session whose transport it leaves by. */
  readonly session: string;
}

type Attach = Extract<MediaOp, { readonly op: "attach" }>;

/** What {@link SfuPort} needs of the server around it. */
export interface SfuPortOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The hub's media port on the engine: one transport for each participant's session, one publication for each section
 * that somebody receives, one forwarder for each subscription. What the room says is asked as it is said, without waiting:
 * the engine does what it is asked in order. What cannot be done is logged and left undone, because the room's ledger
 * sees that nothing is forwarded and repairs it.
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

  /** Sessions that hold a transport, or are closing one. */
  get transportCount(): number {
    return this.#sessions.size;
  }

  open(key: MediaKey, feed: (input: SessionInput) => void): void {
    const { room, session: id } = key;
    const session = new TransportSession({
      id,
      room,
      engine: this.#options.engine,
      feed,
      answered: () => {},
      ending: () => this.#release(id),
    });
    this.#sessions.set(id, { key, session });
    this.#current.set(participantKey(room, key.participant), id);
  }

  perform(key: MediaKey, effect: SessionEffect): void {
    this.#sessions.get(key.session)?.session.perform(effect);
  }

  close(key: MediaKey): void {
    // A transport that does not close in time has been named by its session's receipt.
    void this.#end(key.session).catch(() => {});
  }

  /** The engine tells something of a transport; those of others are ignored. */
  heard(event: Extract<EngineEvent, { kind: "transport-state" | "channel" }>): void {
    this.#sessions.get(event.transport)?.session.heard(event);
  }

  operate(room: string, op: MediaOp): void {
    switch (op.op) {
      case "attach":
        return this.#attach(room, op);
      case "detach":
        return this.#detach(op.subscription);
      case "view":
        return this.#askOf(op.subscription, { kind: "set-view", forwarder: op.subscription, view: op.view });
      case "encodings":
        return this.#preferOne(op.publication, op.one);
      case "key-frame":
        return this.#askOf(op.subscription, { kind: "request-key-frame", forwarder: op.subscription });
      case "reset-forwarder":
        return this.#askOf(op.subscription, { kind: "reset-forwarder", forwarder: op.subscription });
      case "close-session":
        // The hub's session runs its stop plan, whose last step closes the transport. What uses it goes now.
        return this.#release(op.session);
    }
  }

  /** Keeps a subscription's packets back, also when its forwarder is replaced meanwhile. */
  silence({ subscription, forMs }: SilenceFault): void {
    this.#silentUntil.set(subscription, this.#options.clock.now() + forMs);
    this.#silence(subscription, forMs);
  }

  /** Closes every session; ends when all their sockets are closed. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((id) => this.#end(id)));
  }

  #attach(room: string, op: Attach): void {
    const { subscription, publication, toMid: mid } = op;
    const from = this.#sessionOf(room, op.from);
    const to = this.#sessionOf(room, op.to);
    if (from === undefined || to === undefined) {
      const detail = `${from === undefined ? op.from : op.to} has no transport`;
      return this.#failed(room, "attach", subscription, new LodelineError("media/closed", { detail }));
    }
    this.#detach(subscription);
    this.#publish(room, op, from);
    const made: LiveSubscription = { room, publication, session: to };
    this.subscriptions.set(subscription, made);
    const undone = () => {
      if (this.subscriptions.get(subscription) === made) this.subscriptions.delete(subscription);
    };
    this.#ask(
      room,
      { kind: "forward", forwarder: subscription, publication, transport: to, mid },
      subscription,
      undone,
    );
    const silentForMs = (this.#silentUntil.get(subscription) ?? 0) - this.#options.clock.now();
    if (silentForMs > 0) this.#silence(subscription, silentForMs);
    else this.#silentUntil.delete(subscription);
    this.#askOf(subscription, { kind: "request-key-frame", forwarder: subscription });
  }

  /** The publication on the section it is on now: one on an earlier section is closed with whatever hangs on it. */
  #publish(room: string, op: Attach, session: string): void {
    const { publication: id, fromMid: mid, kind: media } = op;
    const loudest = op.loudest === undefined ? undefined : { group: room, most: op.loudest };
    const known = this.publications.get(id);
    if (known && known.session === session && known.mid === mid) return;
    if (known) this.#unpublish(id);
    const made: LivePublication = { room, session, mid };
    this.publications.set(id, made);
    this.#ask(room, { kind: "publish", publication: id, transport: session, mid, media, loudest }, undefined, () => {
      if (this.publications.get(id) === made) this.publications.delete(id);
    });
  }

  #preferOne(publication: string, one: boolean): void {
    const known = this.publications.get(publication);
    if (known) this.#ask(known.room, { kind: "prefer-one", publication, one });
  }

  #unpublish(id: string): void {
    for (const [subscription, { publication }] of this.subscriptions) {
      if (publication === id) this.#detach(subscription);
    }
    const known = this.publications.get(id);
    if (!known) return;
    this.publications.delete(id);
    this.#ask(known.room, { kind: "unpublish", publication: id });
  }

  #detach(subscription: string): void {
    const known = this.subscriptions.get(subscription);
    if (!known) return;
    this.subscriptions.delete(subscription);
    this.#ask(known.room, { kind: "unforward", forwarder: subscription }, subscription);
  }

  #silence(subscription: string, forMs: number): void {
    const finite = Number.isFinite(forMs) ? forMs : null;
    this.#askOf(subscription, { kind: "silence", forwarder: subscription, forMs: finite });
  }

  /** Ends all that uses a session's transport, on both sides of it. */
  #release(session: string): void {
    for (const [id, one] of this.subscriptions) if (one.session === session) this.#detach(id);
    for (const [id, one] of this.publications) if (one.session === session) this.#unpublish(id);
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
      if (this.#sessions.get(id) === entry) this.#sessions.delete(id);
    }
  }

  #sessionOf(room: string, participant: string): string | undefined {
    const session = this.#current.get(participantKey(room, participant));
    return session !== undefined && this.#sessions.get(session)?.session.isOpen ? session : undefined;
  }

  /** Asks something of a subscription's forwarder; nothing where there is none. */
  #askOf(subscription: string, request: EngineRequest): void {
    const known = this.subscriptions.get(subscription);
    if (known) this.#ask(known.room, request, subscription);
  }

  #ask(room: string, request: EngineRequest, subscription?: string, undone?: () => void): void {
    this.#options.engine.ask(request).catch((thrown: unknown) => {
      undone?.();
      this.#failed(room, request.kind, subscription, toLodelineError(thrown));
    });
  }

  #failed(room: string, op: string, subscriptionId: string | undefined, { code, detail }: LodelineError): void {
    // What else was asked of a forwarder that could not be made says nothing new.
    const level = op === "attach" || op === "publish" || op === "forward" ? "warn" : "debug";
    this.#options.logger[level]("media operation failed", { roomId: room, op, subscriptionId, code, reason: detail });
  }
}

function participantKey(room: string, participant: string): string {
  return JSON.stringify([room, participant]);
}

import type { Clock, Timer } from "@lodeline/base";
import type { MediaFacts, MediaKey, MediaPort } from "@lodeline/hub";
import { publicationId, type ReplayStep } from "@lodeline/protocol";
import type { MediaOp } from "@lodeline/room";
import type { SessionInput } from "@lodeline/session";
import type { Chance } from "./chance.ts";
import { FakePeer } from "./fake-peer.ts";
import type { MediaPlane } from "./media-plane.ts";

/** What {@link FakeMediaEngine} needs. */
export interface FakeMediaEngineOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly plane: MediaPlane;
  /** Takes what is seen of a room; the hub. */
  facts(room: string, facts: MediaFacts): void;
  violation(text: string): void;
  /** Told of every operation, for the trace. */
  readonly onOperation?: ((op: MediaOp) => void) | undefined;
  /** Says whether an operation is performed, for faults planted on purpose. Default: all are. */
  readonly admits?: ((op: MediaOp) => boolean) | undefined;
  /** How often publications and forwarders are looked at, ms. Default 250. */
  readonly pollMs?: number | undefined;
}

/** One sfu session at the server. */
interface Served {
  readonly key: MediaKey;
  readonly peer: FakePeer;
}

/** One publication that is moved into one receive slot. */
interface Forwarding {
  readonly room: string;
  readonly op: Extract<MediaOp, { op: "attach" }>;
  ailment: ReplayStep | undefined;
  told: boolean | undefined;
}

/** How often publications and forwarders are looked at. */
const POLL_MS = 250;

/** The host name of the server in the media plane. */
export const SERVER_ENDPOINT = "server";

/**
 * The media engine of an sfu in the simulation: performs the server's side of sessions on fake connections, and moves
 * publications into receive slots as the room says, without any packet.
 */
export class FakeMediaEngine implements MediaPort, Disposable {
  readonly #options: FakeMediaEngineOptions;
  readonly #served = new Map<string, Served>();
  /** By subscription. */
  readonly #forwardings = new Map<string, Forwarding>();
  /** What was said of each publication last. */
  readonly #told = new Map<string, { readonly room: string; readonly arriving: boolean }>();
  /** Steps of a replay that were performed, by name: what was reset shows here. */
  readonly performed = new Map<ReplayStep, number>();
  #timer: Timer | undefined;
  #disposed = false;

  constructor(options: FakeMediaEngineOptions) {
    this.#options = options;
  }

  open(key: MediaKey, feed: (input: SessionInput) => void): void {
    const { clock, chance, plane, violation } = this.#options;
    const peer = new FakePeer({
      clock,
      chance,
      plane,
      endpoint: SERVER_ENDPOINT,
      session: key.session,
      lite: true,
      feed,
      sends: [],
      receives: [],
      adopts: false,
      capture: undefined,
      live: () => false,
      violation,
    });
    if (this.#served.has(key.session)) violation(`media session ${key.session} opened twice`);
    this.#served.set(key.session, { key, peer });
    this.#arm();
  }

  perform(key: MediaKey, effect: Parameters<MediaPort["perform"]>[1]): void {
    const served = this.#served.get(key.session);
    if (!served) {
      this.#options.violation(`effect ${effect.kind} for media session ${key.session}, which is not open`);
    } else if (effect.kind !== "send" && effect.kind !== "emit") {
      served.peer.perform(effect);
    }
  }

  close(key: MediaKey): void {
    const served = this.#served.get(key.session);
    this.#served.delete(key.session);
    served?.peer.close();
  }

  operate(room: string, op: MediaOp): void {
    this.#options.onOperation?.(op);
    if (this.#options.admits && !this.#options.admits(op)) return;
    switch (op.op) {
      case "attach":
        this.#attach(room, op);
        break;
      case "detach":
        this.#detach(op.subscription);
        break;
      case "key-frame":
        this.#repair(op.subscription, "key-frame");
        break;
      case "reset-forwarder":
        this.#repair(op.subscription, "reset-forwarder");
        break;
      case "close-session":
        this.#closeSession(op.session);
        break;
      case "view":
        break;
      case "encodings":
        this.#encodings(room, op);
        break;
    }
  }

  /**
   * Makes a forwarding ill until this step was taken: a forwarder lets nothing pass, or (`renegotiate`) what leaves
   * cannot be used by the receiver.
   *
   * @returns Whether there is such a forwarding.
   */
  afflict(subscription: string, ailment: "key-frame" | "reset-forwarder" | "renegotiate"): boolean {
    const forwarding = this.#forwardings.get(subscription);
    if (!forwarding) return false;
    // Nothing but video needs a key frame, so no other forwarding can lack one.
    if (ailment === "key-frame" && forwarding.op.kind === "audio") return false;
    if (ailment !== "renegotiate") {
      forwarding.ailment = ailment;
      return true;
    }
    const track = this.peerOf(forwarding.op.to)?.connection?.tracks.get(forwarding.op.toMid);
    if (track) track.ailment = ailment;
    return track !== undefined;
  }

  /** Whether a forwarder is ill. */
  get ailing(): boolean {
    for (const { ailment } of this.#forwardings.values()) if (ailment !== undefined) return true;
    return false;
  }

  /** Every subscription that is attached. */
  get subscriptions(): readonly string[] {
    return [...this.#forwardings.keys()];
  }

  /** Sessions that are not closed. */
  get sessions(): number {
    return this.#served.size;
  }

  /** The server's end of a participant's session. */
  peerOf(participant: string): FakePeer | undefined {
    let found: FakePeer | undefined;
    for (const { key, peer } of this.#served.values()) {
      if (key.participant === participant && !peer.connection?.closed) found = peer;
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.cancel();
    for (const { peer } of this.#served.values()) peer.close();
    this.#served.clear();
    this.#forwardings.clear();
  }

  /** Nothing is encoded here: everybody has the one at once, and the room hears of it as of any fact, later. */
  #encodings(room: string, { publication, one }: Extract<MediaOp, { op: "encodings" }>): void {
    if (!one) return;
    const { clock, facts } = this.#options;
    clock.at(clock.now() + POLL_MS, () => {
      const arriving = this.#told.get(publication)?.arriving;
      if (this.#disposed || arriving === undefined) return;
      facts(room, { publications: [{ publication, arriving, one: "f" }], subscriptions: [] });
    });
  }

  #attach(room: string, op: Forwarding["op"]): void {
    for (const [subscription, other] of this.#forwardings) {
      if (subscription !== op.subscription && other.op.to === op.to && other.op.toMid === op.toMid) {
        this.#options.violation(`slot ${op.toMid} of ${op.to} holds ${subscription} and is given ${op.subscription}`);
      }
    }
    this.#detach(op.subscription);
    const forwarding: Forwarding = { room, op, ailment: undefined, told: undefined };
    this.#forwardings.set(op.subscription, forwarding);
    const peer = this.peerOf(op.to);
    const source = op.kind === "audio" ? "microphone" : "camera";
    peer?.connection?.tracks.set(op.toMid, {
      mid: op.toMid,
      source,
      enabled: true,
      live: () => this.#forwardings.get(op.subscription) === forwarding && this.#passes(forwarding),
      ailment: undefined,
    });
  }

  #detach(subscription: string): void {
    const forwarding = this.#forwardings.get(subscription);
    if (!forwarding) return;
    this.#forwardings.delete(subscription);
    this.peerOf(forwarding.op.to)?.connection?.tracks.delete(forwarding.op.toMid);
  }

  #repair(subscription: string, step: "key-frame" | "reset-forwarder"): void {
    this.performed.set(step, (this.performed.get(step) ?? 0) + 1);
    const forwarding = this.#forwardings.get(subscription);
    // Beginning anew begins with a key frame.
    if (forwarding?.ailment === step || step === "reset-forwarder") {
      if (forwarding) forwarding.ailment = undefined;
    }
  }

  #closeSession(session: string): void {
    const served = this.#served.get(session);
    served?.peer.connection?.close();
  }

  /** Whether the sender's media arrives at the server, on the section that the forwarder takes it from. */
  #passes({ op, ailment }: Forwarding): boolean {
    return ailment === undefined && (this.peerOf(op.from)?.arrives(op.fromMid) ?? false);
  }

  #arm(): void {
    if (this.#disposed) return;
    const { clock, pollMs = POLL_MS } = this.#options;
    this.#timer ??= clock.at(clock.now() + pollMs, () => {
      this.#timer = undefined;
      this.#look();
      if (this.#served.size > 0) this.#arm();
    });
  }

  /** Tells each room what changed since the last look. */
  #look(): void {
    const rooms = new Map<string, Mutable<MediaFacts>>();
    const of = (room: string) => {
      const facts = rooms.get(room) ?? { publications: [], subscriptions: [] };
      rooms.set(room, facts);
      return facts;
    };
    const seen = this.#publications();
    for (const [publication, { room, arriving }] of seen) {
      if (this.#told.get(publication)?.arriving === arriving) continue;
      this.#told.set(publication, { room, arriving });
      of(room).publications.push({ publication, arriving });
    }
    for (const [publication, { room, arriving }] of this.#told) {
      if (seen.has(publication)) continue;
      this.#told.delete(publication);
      if (arriving) of(room).publications.push({ publication, arriving: false });
    }
    for (const [subscription, forwarding] of this.#forwardings) {
      const { op } = forwarding;
      const connection = this.peerOf(op.to)?.connection;
      const forwarded = connection !== undefined && this.#options.plane.leaves(connection, op.toMid);
      if (forwarded === forwarding.told) continue;
      forwarding.told = forwarded;
      of(forwarding.room).subscriptions.push({ subscription, forwarded });
    }
    for (const [room, facts] of rooms) this.#options.facts(room, facts);
  }

  /** Every publication that is negotiated, and whether it arrives. */
  #publications(): Map<string, { readonly room: string; readonly arriving: boolean }> {
    const seen = new Map<string, { room: string; arriving: boolean }>();
    for (const { key, peer } of this.#served.values()) {
      const remote = peer.connection && this.#options.plane.remoteOf(peer.connection);
      for (const { mid, source } of remote?.tracks.values() ?? []) {
        seen.set(publicationId(key.participant, source), { room: key.room, arriving: peer.arrives(mid) });
      }
    }
    return seen;
  }
}

type Mutable<Facts> = { -readonly [Key in keyof Facts]: Facts[Key] extends readonly (infer Row)[] ? Row[] : never };

import assert from "node:assert/strict";
import { LodelineError, seededRandom } from "@lodeline/base";
import {
  Participant,
  type ParticipantEvents,
  type ParticipantOptions,
  type PeerEffect,
  type PeerSpec,
  type SocketHandlers,
} from "@lodeline/participant";
import { type ClientMessage, type Offer, type RoomSnapshot, type ServerMessage, SOURCES } from "@lodeline/protocol";
import { NO_SOURCES } from "@lodeline/room";
import type { SessionInput } from "@lodeline/session";
import { VirtualClock } from "@lodeline/testkit";

/** A driver as the bench keeps it. */
export interface Driven {
  readonly spec: PeerSpec;
  readonly effects: PeerEffect[];
  readonly republished: string[];
  grown: { audio: number; video: number } | undefined;
  closed: boolean;
  feed(input: SessionInput): void;
}

/** The offer every driver of the bench makes: own sections 0 to 3, one slot of each kind. */
export const OFFER: Offer = {
  sdp: "v=0 offer",
  sends: SOURCES.map((source, index) => ({ mid: String(index), source })),
  receives: [
    { mid: "4", kind: "audio" },
    { mid: "5", kind: "video" },
  ],
};

/**
 * One participant against a server that the test speaks for, word by word, and drivers that do every step at once
 * unless they are told to wait.
 */
export class Bench {
  readonly clock = new VirtualClock();
  readonly participant: Participant;
  readonly told: { readonly name: string; readonly event: unknown }[] = [];
  readonly sent: ClientMessage[] = [];
  readonly drivers: Driven[] = [];
  readonly sockets: SocketHandlers[] = [];
  /** Steps that are not answered. */
  readonly stalled = new Set<string>();
  /** Steps that fail for good. */
  readonly failing = new Set<string>();
  #link = 0;
  #seq = 0;

  constructor(options: Partial<ParticipantOptions> = {}) {
    this.participant = new Participant({
      clock: this.clock,
      random: seededRandom(7),
      name: "Ann",
      ports: {
        socket: { open: (handlers) => this.#socket(handlers) },
        peers: { open: (spec, feed) => this.#driver(spec, feed) },
      },
      ...options,
    });
    for (const name of EVENTS) this.participant.on(name, (event) => this.told.push({ name, event }));
  }

  /** The events of one name, oldest first. */
  events<Name extends keyof ParticipantEvents>(name: Name): ParticipantEvents[Name][] {
    return this.told.filter((one) => one.name === name).map((one) => one.event as ParticipantEvents[Name]);
  }

  /** The messages of one type that were sent, oldest first. */
  said<Type extends ClientMessage["type"]>(type: Type): Extract<ClientMessage, { type: Type }>[] {
    return this.sent.filter((message) => message.type === type) as Extract<ClientMessage, { type: Type }>[];
  }

  /** The bodies that were signalled to somebody. */
  signalled(to: string): string[] {
    return this.said("signal").flatMap((message) => (message.to === to ? [message.signal.body.kind] : []));
  }

  /** The socket breaks; on the next one there is a new link. */
  renewLink(): void {
    this.sockets.at(-1)?.closed(1006);
    this.clock.advance(500);
    this.welcome();
  }

  /** Opens the present socket and welcomes, on a new link unless `resumed`. */
  welcome(resumed = false): void {
    const socket = this.sockets.at(-1);
    assert.ok(socket, "no socket was asked for");
    if (!resumed) {
      this.#link += 1;
      this.#seq = 0;
    }
    socket.opened();
    this.#frame({
      kind: "welcome",
      version: 1,
      link: `lk${this.#link}`,
      secret: `secret-${this.#link}-${this.sockets.length}`,
      epoch: this.sockets.length,
      resumed,
      received: 0,
      identity: "ann",
      heartbeatMs: 2_000,
      lostMs: 5_000,
      resumeWindowMs: 30_000,
    });
    this.clock.advance(1);
  }

  /** The server says something. */
  hears(message: ServerMessage): void {
    this.#seq += 1;
    this.#frame({ kind: "data", seq: this.#seq, ack: 0, message });
    this.clock.advance(1);
  }

  /** The server grants the join that was sent last. */
  joined(room: RoomSnapshot, more: { participant?: string; incarnation?: number; kept?: string[] } = {}): void {
    const join = this.said("join").at(-1);
    assert.ok(join, "no join was sent");
    this.hears({
      type: "joined",
      id: join.id,
      participant: more.participant ?? "p_ann",
      incarnation: more.incarnation ?? 1,
      rejoinToken: "token",
      seq: 1,
      room,
      ...(join.session ? { answer: { session: join.session.session, sdp: "v=0 answer" } } : {}),
      iceServers: [],
      receiptWindowMs: 2_000,
      suspectMs: 5_000,
      leaseMs: 15_000,
      ...(more.kept ? { kept: more.kept } : {}),
    });
  }

  /** In an sfu room with an open link. */
  enterSfu(...others: string[]): Driven {
    this.participant.join({ room: "r" });
    this.clock.advance(1);
    this.welcome();
    this.joined(room("sfu", "p_ann", ...others));
    return this.driver();
  }

  /** In a mesh room with an open link. */
  enterMesh(...others: string[]): void {
    this.participant.join({ room: "r", topology: "mesh" });
    this.welcome();
    this.joined(room("mesh", "p_ann", ...others));
  }

  /** The driver that was made last. */
  driver(): Driven {
    const driver = this.drivers.at(-1);
    assert.ok(driver, "no driver was made");
    return driver;
  }

  /** The transport of a driver's session connects. */
  connect(driver: Driven): void {
    driver.feed({ kind: "transport", session: driver.spec.session, connection: "connected" });
    this.clock.advance(1);
  }

  #frame(frame: object): void {
    this.sockets.at(-1)?.text(JSON.stringify(frame));
  }

  #socket(handlers: SocketHandlers) {
    this.sockets.push(handlers);
    return {
      send: (text: string) => {
        const frame = JSON.parse(text) as { kind: string; message?: ClientMessage };
        if (frame.message) this.sent.push(frame.message);
      },
      close: () => {},
    };
  }

  #driver(spec: PeerSpec, feed: (input: SessionInput) => void) {
    const driven: Driven = { spec, effects: [], republished: [], grown: undefined, closed: false, feed };
    this.drivers.push(driven);
    return {
      perform: (effect: PeerEffect) => {
        driven.effects.push(effect);
        this.#perform(effect, feed);
      },
      republish: (source: string) => void driven.republished.push(source),
      growSlots: (audio: number, video: number) => {
        driven.grown = { audio, video };
      },
      close: () => {
        driven.closed = true;
      },
    };
  }

  #perform(effect: PeerEffect, feed: (input: SessionInput) => void): void {
    const { session } = effect;
    if (effect.kind === "run" || effect.kind === "undo") {
      const plan = effect.kind === "run" ? effect.plan : "undo";
      if (this.stalled.has(effect.step)) return;
      if (this.failing.has(effect.step) && plan === "start") {
        feed({ kind: "step-failed", session, plan, step: effect.step, error: FAILURE, fatal: true });
      } else feed({ kind: "step-done", session, plan, step: effect.step });
    } else if (effect.kind === "create-offer") {
      feed({ kind: "offer-created", session, epoch: effect.epoch, offer: OFFER });
    } else if (effect.kind === "apply-offer") {
      feed({ kind: "answer-created", session, epoch: effect.epoch, sdp: "v=0 answer" });
    } else if (effect.kind === "apply-answer") {
      feed({ kind: "answer-applied", session, epoch: effect.epoch });
    }
  }
}

/** A room with these participants, identity `ann` for `p_ann`; everybody's camera is live. */
export function room(topology: "sfu" | "mesh", ...ids: string[]): RoomSnapshot {
  const camera = { intent: "live", mutedBy: null } as const;
  return {
    room: "r",
    topology,
    locked: false,
    participants: ids.map((id) => ({
      id,
      incarnation: 1,
      identity: id.slice(2),
      name: id,
      role: "speaker",
      presence: "connected",
      media: { revision: 1, sources: id === "p_ann" ? NO_SOURCES : { ...NO_SOURCES, camera } },
    })),
    pairs: topology === "sfu" ? [] : ids.flatMap((id) => (id === "p_ann" ? [] : [pairWith(id)])),
  };
}

/** The pair of `p_ann` and another, in which `p_ann` offers. */
export function pairWith(other: string, session = `s-${other}`) {
  return { a: "p_ann", b: other, session, initiatorId: "p_ann" };
}

const EVENTS: readonly (keyof ParticipantEvents)[] = [
  "link",
  "joining",
  "joined",
  "join-failed",
  "place-lost",
  "left",
  "removed",
  "peer-left",
  "slots",
  "standing",
  "command",
  "source",
  "incoming",
  "session",
  "refused",
  "closed",
  "error",
];

const FAILURE = new LodelineError("session/plan-failed");

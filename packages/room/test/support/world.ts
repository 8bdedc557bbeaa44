import { type Random, seededRandom } from "@lodeline/base";
import {
  DEFAULT_TIMERS,
  publicationId,
  type ServerMessage,
  SOURCES,
  type Source,
  type Topology,
} from "@lodeline/protocol";
import type { Intents, MediaOp, RoomEffect, RoomOptions } from "@lodeline/room";
import { RoomBench, sections } from "./bench.ts";
import { Person } from "./person.ts";

const STEP_MS = 10;
const OBSERVE_MS = 250;

/** Decides over each message from the room to a member: true loses it. */
export type Drop = (to: string, message: ServerMessage) => boolean;

interface Post {
  readonly at: number;
  readonly deliver: () => void;
}

/**
 * A room, its members, and between them links that keep order (as real ones do) but may lose single messages, be cut,
 * and be renewed. Media is a question of fact: it flows when sender, server and receiver are all in the right state.
 */
export class World {
  readonly room: RoomBench;
  readonly people = new Map<string, Person>();
  readonly random: Random;
  readonly forwarding = new Map<string, Extract<MediaOp, { op: "attach" }>>();
  /** Subscriptions whose forwarder is stuck until it is reset. */
  readonly wedged = new Set<string>();
  /** Publications whose packets vanish on the way. */
  readonly silenced = new Set<string>();
  /** Every effect of the room, and when. */
  readonly log: (RoomEffect & { readonly at: number })[] = [];
  /** Edges between phases that members took. */
  readonly taken = new Set<string>();
  now = 1_000;
  drop: Drop = () => false;
  #links = new Map<string, Person>();
  #post: Post[] = [];
  #facts = new Map<string, boolean>();

  constructor(topology: Topology, seed = 1, options: Partial<RoomOptions> = {}) {
    this.room = new RoomBench(topology, options);
    this.random = seededRandom(seed);
  }

  get topology(): Topology {
    return this.room.state.snapshot.topology;
  }

  add(name: string, intents: Partial<Intents> = { microphone: "live", camera: "live" }): Person {
    const person = new Person(this, name);
    this.people.set(name, person);
    person.connect();
    person.join(intents);
    return person;
  }

  bind(link: string, person: Person): void {
    this.#links.set(link, person);
  }

  /** Sends something on its way; what is posted later on one link never arrives earlier. */
  post(delayMs: number, deliver: () => void): void {
    this.#post.push({ at: this.now + delayMs, deliver });
  }

  feedRoom(input: Parameters<RoomBench["feed"]>[0]): void {
    this.room.now = this.now;
    for (const effect of this.room.feed(input)) this.#perform(effect);
    this.room.take();
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += STEP_MS;
      const due = this.#post.filter((one) => one.at <= this.now);
      this.#post = this.#post.filter((one) => one.at > this.now);
      for (const { deliver } of due) deliver();
      const deadline = this.room.machine.deadline(this.room.state);
      if (deadline !== undefined && deadline <= this.now) this.feedRoom({ kind: "tick" });
      for (const person of this.people.values()) person.tick();
      if (this.now % OBSERVE_MS === 0) this.#observe();
    }
  }

  /** Runs until all is well, at most `ms`. Gives how long it took, or undefined. */
  runUntil(ms: number, done: () => boolean): number | undefined {
    const began = this.now;
    while (this.now - began < ms) {
      this.run(STEP_MS);
      if (done()) return this.now - began;
    }
    return undefined;
  }

  /** Nobody disagrees: every mirror is the room, every row that is intended is received. */
  disagreements(): string[] {
    const out: string[] = [];
    const { snapshot, seq, places } = this.room.state;
    const inside = [...this.people.values()].filter((one) => one.wanted);
    if (snapshot.participants.length !== inside.length) {
      out.push(`${snapshot.participants.length} in the room, ${inside.length} want to be`);
    }
    for (const person of inside) {
      const { phase } = person.state;
      if (phase.kind !== "in") {
        out.push(`${person.name} is ${phase.kind}`);
        continue;
      }
      const { mirror } = phase;
      if (mirror.seq !== seq) out.push(`${person.name} has seen ${mirror.seq} of ${seq}`);
      if (JSON.stringify(mirror.room) !== JSON.stringify(snapshot)) out.push(`${person.name}'s mirror differs`);
      const place = places[mirror.participant];
      if (mirror.slots.revision !== place?.slots.revision) out.push(`${person.name}'s slots differ`);
      for (const row of Object.values(place?.rows ?? {})) {
        if (row.intended.value && row.standing !== "received") out.push(`${row.subscription} is ${row.standing}`);
        const line = mirror.ledger[row.subscription];
        if (line?.standing !== row.standing) out.push(`${person.name}'s ledger says ${line?.standing}`);
      }
    }
    return out;
  }

  flows(from: Person, source: Source, to: Person): boolean {
    const publication = publicationId(from.participant ?? "?", source);
    if (!from.sends(source) || !to.participant || this.silenced.has(publication)) return false;
    if (this.topology === "mesh") return from.connectedTo(to);
    const subscription = `${publication}>${to.participant}`;
    const forwarder = this.forwarding.get(subscription);
    if (!forwarder || this.wedged.has(subscription) || !from.mediaUp || !to.mediaUp) return false;
    const { phase } = to.state;
    if (phase.kind !== "in") return false;
    return phase.mirror.slots.slots.some((slot) => slot.mid === forwarder.toMid && slot.publication === publication);
  }

  #perform(effect: RoomEffect): void {
    this.log.push({ ...effect, at: this.now });
    switch (effect.kind) {
      case "joined":
        return this.#joined(effect);
      case "event":
        for (const link of effect.to) {
          this.deliver(link, { type: "room-event", room: "r", events: [effect.event] });
        }
        return;
      case "tell":
        return this.deliver(effect.link, effect.message);
      case "forward":
        return this.deliver(effect.link, { type: "signal", scope: "room", from: effect.from, signal: effect.signal });
      case "unbind":
        this.#links.get(effect.link)?.unbound(effect.link);
        return;
      case "media":
        return this.#media(effect.op);
    }
  }

  deliver(link: string, message: ServerMessage): void {
    const person = this.#links.get(link);
    if (!person || this.drop(person.name, message)) return;
    person.arrive(link, structuredClone(message));
  }

  #joined(effect: Extract<RoomEffect, { kind: "joined" }>): void {
    const { command: id, participant, incarnation, rejoinToken, seq, room, session } = effect;
    this.#links.get(effect.link)?.bound(effect.link, participant);
    this.deliver(effect.link, {
      type: "joined",
      id,
      participant,
      incarnation,
      rejoinToken,
      seq,
      room: structuredClone(room),
      ...(session === undefined ? {} : { answer: { session, sdp: "v=0" } }),
      iceServers: [],
      receiptWindowMs: DEFAULT_TIMERS.receiptWindowMs,
      suspectMs: DEFAULT_TIMERS.suspectMs,
      leaseMs: DEFAULT_TIMERS.leaseMs,
    });
    if (session === undefined) return;
    this.post(1, () => this.feedRoom({ kind: "connection", participant, session, ...sections(), state: "connecting" }));
  }

  #media(op: MediaOp): void {
    if (op.op === "attach") this.forwarding.set(op.subscription, op);
    if (op.op === "detach") this.forwarding.delete(op.subscription);
    if (op.op === "reset-forwarder") this.wedged.delete(op.subscription);
    if (op.op === "close-session") this.#facts.clear();
  }

  /** What everybody, and the media plane, sees at this moment. */
  #observe(): void {
    if (this.topology === "sfu") this.#observeServer();
    for (const person of this.people.values()) person.observe();
  }

  #observeServer(): void {
    const arriving = new Map<string, boolean>();
    const forwarded = new Map<string, boolean>();
    for (const person of this.people.values()) {
      for (const source of SOURCES) {
        const publication = publicationId(person.participant ?? "?", source);
        arriving.set(publication, person.mediaUp && person.sends(source) && !this.silenced.has(publication));
      }
    }
    for (const { subscription, publication } of this.forwarding.values()) {
      forwarded.set(subscription, (arriving.get(publication) ?? false) && !this.wedged.has(subscription));
    }
    this.feedRoom({
      kind: "media-facts",
      publications: [...arriving].map(([publication, value]) => ({ publication, arriving: value })),
      subscriptions: [...forwarded].map(([subscription, value]) => ({ subscription, forwarded: value })),
    });
  }
}

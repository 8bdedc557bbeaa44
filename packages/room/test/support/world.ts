import { integer, type Random, seededRandom } from "@lodeline/base";
import {
  type ClientMessage,
  DEFAULT_TIMERS,
  publicationId,
  type ServerMessage,
  type Signal,
  SOURCES,
  type Source,
  type Topology,
} from "@lodeline/protocol";
import {
  createMember,
  type Intents,
  type JoinOffer,
  type MediaOp,
  type MemberEffect,
  type MemberInput,
  type MemberState,
  type RoomEffect,
  type RoomMessage,
  type RoomOptions,
} from "@lodeline/room";
import { Bench, RoomBench, sections } from "./bench.ts";

const STEP_MS = 10;
const CONNECT_MS = 120;
const OBSERVE_MS = 250;
/** A receiver says "not received" after this long without media: what a reconciler watches. */
const SILENCE_MS = 1_000;

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

/** Somebody with a client: a member machine, a link that can be cut, and media that follows its sources. */
export class Person {
  readonly world: World;
  readonly name: string;
  readonly effects: MemberEffect[] = [];
  /** Whether this person wants to be in the room. */
  wanted = false;
  mediaUp = false;
  #bench: Bench<MemberState, MemberInput, MemberEffect>;
  #link: string | undefined;
  #cut:
    | { readonly queue: { readonly link: string; readonly message: ServerMessage }[]; readonly out: ClientMessage[] }
    | undefined;
  #sessions = 0;
  #links = 0;
  #reloads = 0;
  #place: { participant: string; token: string } | undefined;
  #missedSince = new Map<string, number>();
  #seenAt = new Map<string, number>();
  #pairs = new Map<string, { session: string; connected: boolean; since: number; role: string }>();
  #earlySignals: { from: string; signal: Signal }[] = [];
  #bound = new Map<string, string>();
  #askedAs: string | undefined;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.#bench = this.#newBench();
  }

  get state(): MemberState {
    return this.#bench.state;
  }

  get participant(): string | undefined {
    const { phase } = this.state;
    return "mirror" in phase ? phase.mirror?.participant : undefined;
  }

  feed(input: MemberInput): void {
    this.#bench.now = this.world.now;
    for (const effect of this.#bench.feed(input)) this.#perform(effect);
    this.#bench.take();
  }

  tick(): void {
    const due = this.#bench.machine.deadline(this.state);
    if (due === undefined || due > this.world.now) return;
    this.#bench.now = this.world.now;
    for (const effect of this.#bench.feed({ kind: "tick" })) this.#perform(effect);
    this.#bench.take();
  }

  connect(): void {
    this.#links += 1;
    this.#link = `l-${this.name}-${this.#links}`;
    this.world.bind(this.#link, this);
    this.feed({ kind: "link", open: true });
  }

  join(intents: Partial<Intents>): void {
    this.wanted = true;
    const none = { microphone: "unpublished", camera: "unpublished", screen: "unpublished" } as const;
    this.#askedAs ??= `${this.name}.join`;
    this.feed({
      kind: "join",
      command: `${this.#askedAs}${this.#reloads === 0 ? "" : ""}`,
      room: "r",
      name: this.name,
      intents: { ...none, "screen-audio": "unpublished", ...intents },
      offer: this.world.topology === "sfu" ? this.#offer() : undefined,
      rejoin: this.#place,
    });
  }

  leave(): void {
    this.wanted = false;
    this.feed({ kind: "leave" });
  }

  /** The page is loaded anew: nothing is left but what it wrote down, and the old link is dead without a word. */
  reload(): void {
    const { intents } = this.state;
    this.#reloads += 1;
    this.#lose();
    this.#bench = this.#newBench();
    this.mediaUp = false;
    this.#pairs.clear();
    this.#seenAt.clear();
    this.connect();
    this.join(intents);
  }

  /** The link is cut; what is said meanwhile is kept on both sides and comes in order when it is mended. */
  cut(): void {
    if (this.#cut || !this.#link) return;
    this.#cut = { queue: [], out: [] };
    this.feed({ kind: "link", open: false });
    this.#tellRoom("link-lost");
  }

  mend(): void {
    const cut = this.#cut;
    if (!cut) return;
    this.#cut = undefined;
    this.#tellRoom("link-back");
    this.feed({ kind: "link", open: true });
    for (const message of cut.out) this.#transmit(message);
    for (const { link, message } of cut.queue) this.arrive(link, message);
  }

  /** The link comes back as a new one: what was under way is lost. */
  renew(): void {
    if (!this.#link) return;
    this.#lose();
    this.feed({ kind: "link", open: false });
    this.connect();
    this.feed({ kind: "renewed" });
  }

  bound(link: string, participant: string): void {
    this.#bound.set(link, participant);
  }

  unbound(link: string): void {
    this.#bound.delete(link);
  }

  arrive(link: string, message: ServerMessage): void {
    if (link !== this.#link) return;
    if (this.#cut) this.#cut.queue.push({ link, message });
    else {
      this.world.post(20, () => {
        if (link !== this.#link) return;
        if (message.type === "signal") this.#signalled(message.from, message.signal);
        else this.feed({ kind: "message", message });
      });
    }
  }

  /** Whether packets of this source leave this person. */
  sends(source: Source): boolean {
    const { phase, intents } = this.state;
    if (phase.kind !== "in") return false;
    const told = phase.mirror.room.participants.find((one) => one.id === phase.mirror.participant);
    return intents[source] === "live" && told?.media.sources[source].mutedBy === null;
  }

  connectedTo(other: Person): boolean {
    const mine = this.#pairs.get(other.participant ?? "?");
    const theirs = other.#pairs.get(this.participant ?? "?");
    return mine?.connected === true && theirs?.connected === true && mine.session === theirs.session;
  }

  observe(): void {
    const { phase } = this.state;
    if (phase.kind !== "in") return;
    const published = SOURCES.filter((source) => this.sends(source)).map((source) => ({
      source,
      captured: true,
      sent: this.world.topology === "mesh" || this.mediaUp,
    }));
    const received = [];
    for (const publication of Object.keys(phase.mirror.expected)) {
      const [owner, source] = publication.split(":") as [string, Source];
      const from = [...this.world.people.values()].find((one) => one.participant === owner);
      if (from && this.world.flows(from, source, this)) this.#seenAt.set(publication, this.world.now);
      const seenAt = this.#seenAt.get(publication) ?? Number.NEGATIVE_INFINITY;
      received.push({ publication, received: this.world.now - seenAt < SILENCE_MS, count: 0 });
    }
    this.feed({ kind: "observed", published, received });
    for (const { publication, received: is } of received) {
      const since = this.#missedSince.get(publication) ?? this.world.now;
      this.#missedSince.set(publication, is ? this.world.now : since);
      if (is || this.world.now - since < DEFAULT_TIMERS.receiptWindowMs) continue;
      this.#missedSince.set(publication, this.world.now);
      this.feed({ kind: "request-replay", publication, why: "nothing is played" });
    }
    for (const [remote, pair] of this.#pairs) {
      if (pair.connected || this.world.now - pair.since < DEFAULT_TIMERS.negotiatingMs) continue;
      this.#pairs.delete(remote);
      this.#signal(remote, pair.session, { kind: "hangup", reason: "setup-timeout" });
    }
  }

  #newBench(): Bench<MemberState, MemberInput, MemberEffect> {
    const commandPrefix = `${this.name}${this.#reloads}`;
    return new Bench(createMember({ timers: DEFAULT_TIMERS, commandPrefix }));
  }

  #offer(): JoinOffer {
    this.#sessions += 1;
    const { sends, receives } = sections();
    return { session: `s-${this.name}-${this.#reloads}-${this.#sessions}`, offer: { sdp: "v=0", sends, receives } };
  }

  #lose(): void {
    this.#tellRoom("link-lost");
    this.#link = undefined;
    this.#cut = undefined;
  }

  #tellRoom(kind: "link-lost" | "link-back"): void {
    const link = this.#link;
    const participant = link && this.#bound.get(link);
    if (participant) this.world.feedRoom({ kind, participant, link });
  }

  #perform(effect: MemberEffect): void {
    this.effects.push(effect);
    switch (effect.kind) {
      case "send":
        if (this.#cut) this.#cut.out.push(effect.message);
        else this.#transmit(effect.message);
        return;
      case "joined":
        this.#place = { participant: effect.participant, token: effect.rejoinToken };
        return;
      case "need-offer": {
        this.mediaUp = false;
        const offer = this.#offer();
        this.world.post(15, () => this.feed({ kind: "offer", offer }));
        return;
      }
      case "need-slots":
        return this.#grow(effect.audio, effect.video);
      case "sfu-answer":
        return this.#answered(effect.session);
      case "pair":
        return this.#pair(effect.remote, effect.pair.session, effect.role);
      case "pair-over":
        if (this.#pairs.get(effect.remote)?.session === effect.session) this.#pairs.delete(effect.remote);
        return;
      case "forget":
        this.#seenAt.delete(effect.publication);
        this.#missedSince.delete(effect.publication);
        return;
      case "removed":
        this.#place = undefined;
        this.#pairs.clear();
        this.mediaUp = false;
        return;
    }
  }

  #grow(audio: number, video: number): void {
    const { phase } = this.state;
    const session = phase.kind === "in" ? phase.request.offer?.session : undefined;
    const { participant } = this;
    if (!session || !participant) return;
    this.world.post(60, () => {
      this.world.feedRoom({ kind: "connection", participant, session, ...sections(audio, video) });
      this.feed({ kind: "receives", audio, video });
    });
  }

  #answered(session: string): void {
    this.world.post(CONNECT_MS, () => {
      const { phase } = this.state;
      if (phase.kind !== "in" || phase.request.offer?.session !== session) return;
      this.mediaUp = true;
      const { participant } = phase.mirror;
      this.world.feedRoom({ kind: "connection", participant, session, state: "connected" });
    });
  }

  #pair(remote: string, session: string, role: string): void {
    this.#pairs.set(remote, { session, connected: false, since: this.world.now, role });
    if (role === "offerer") {
      this.#signal(remote, session, { kind: "offer", offer: { sdp: "v=0", sends: [], receives: [] } });
    }
    const early = this.#earlySignals.filter((one) => one.signal.session === session);
    this.#earlySignals = this.#earlySignals.filter((one) => one.signal.session !== session);
    for (const { from, signal } of early) this.#signalled(from, signal);
  }

  #signalled(from: string, signal: Signal): void {
    const pair = this.#pairs.get(from);
    if (pair?.session !== signal.session) {
      this.#earlySignals.push({ from, signal });
      return;
    }
    const { kind } = signal.body;
    if (kind === "offer" && pair.role === "answerer") {
      this.#signal(from, pair.session, { kind: "answer", sdp: "v=0" });
      this.world.post(CONNECT_MS, () => this.#up(from, pair.session));
    }
    if (kind === "answer" && pair.role === "offerer") this.world.post(CONNECT_MS, () => this.#up(from, pair.session));
    if (kind === "hangup") this.#pairs.delete(from);
  }

  #up(remote: string, session: string): void {
    const pair = this.#pairs.get(remote);
    if (pair?.session === session) this.#pairs.set(remote, { ...pair, connected: true });
  }

  #signal(to: string, session: string, body: Signal["body"]): void {
    const message: ClientMessage = { type: "signal", scope: "room", to, signal: { session, epoch: 1, seq: 1, body } };
    if (this.#cut) this.#cut.out.push(message);
    else this.#transmit(message);
  }

  #transmit(message: ClientMessage): void {
    const link = this.#link;
    if (!link) return;
    const copy = structuredClone(message);
    this.world.post(20, () => {
      if (link === this.#link) this.#reachRoom(link, copy);
    });
  }

  #reachRoom(link: string, message: ClientMessage): void {
    const { world } = this;
    if (message.type !== "join") {
      const participant = this.#bound.get(link) ?? "p-none";
      return world.feedRoom({ kind: "message", participant, link, message: message as RoomMessage });
    }
    const serial = `${this.name}${integer(world.random, 1_000_000_000)}`;
    world.feedRoom({
      kind: "join",
      link,
      command: message.id,
      identity: `id-${this.name}`,
      name: message.name,
      role: "moderator",
      sources: message.sources,
      rejoin: message.rejoin,
      session: message.session?.session,
      fresh: { participant: `p-${serial}`, rejoinToken: `t-${serial}` },
    });
  }
}

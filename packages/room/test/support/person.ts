import assert from "node:assert/strict";
import { integer } from "@lodeline/base";
import {
  type ClientMessage,
  DEFAULT_TIMERS,
  type ServerMessage,
  type Signal,
  SOURCES,
  type Source,
} from "@lodeline/protocol";
import {
  createMember,
  type Intents,
  type JoinOffer,
  MEMBER_EDGES,
  type MemberEffect,
  type MemberInput,
  type MemberState,
  type RoomMessage,
} from "@lodeline/room";
import { Bench, sections } from "./bench.ts";
import type { World } from "./world.ts";

const CONNECT_MS = 120;
/** A receiver says "not received" after this long without media: what a reconciler watches. */
const SILENCE_MS = 1_000;

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
      command: this.#askedAs,
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
    const bench = new Bench(createMember({ timers: DEFAULT_TIMERS, commandPrefix }));
    bench.watch = (before, input, after) => {
      const [from, to] = [before.phase.kind, after.phase.kind];
      if (from === to) return;
      assert.ok(MEMBER_EDGES[from].includes(to), `${from} to ${to} by ${input.kind} is no edge`);
      this.world.taken.add(`${from} to ${to}`);
    };
    return bench;
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

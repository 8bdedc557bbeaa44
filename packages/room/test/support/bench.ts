import type { Machine, MonoMs, Tick } from "@lodeline/base";
import {
  DEFAULT_TIMERS,
  kindOf,
  type ReceiveSection,
  type SendSection,
  SOURCES,
  type Source,
  type Sources,
  type Topology,
  type TrackKind,
} from "@lodeline/protocol";
import {
  createRoom,
  type MediaOp,
  NO_SOURCES,
  type RoomEffect,
  type RoomInput,
  type RoomMessage,
  type RoomOptions,
  type RoomState,
  type Row,
} from "@lodeline/room";

/** A machine with its state and its clock, in a test: feed inputs, let time pass, look at the effects. */
export class Bench<S, I, E> {
  readonly machine: Machine<S, I, E>;
  state: S;
  now: MonoMs = 1_000;
  /** Every effect since the last `take`. */
  effects: E[] = [];
  /** Called after each step. */
  watch: ((before: S, input: I | Tick, after: S, effects: readonly E[]) => void) | undefined;

  constructor(machine: Machine<S, I, E>) {
    this.machine = machine;
    this.state = machine.initial;
  }

  feed(input: I | Tick): readonly E[] {
    const before = this.state;
    const { state, effects } = this.machine.step(before, input, this.now);
    this.state = state;
    this.effects.push(...effects);
    this.watch?.(before, input, state, effects);
    return effects;
  }

  /** Lets time pass, ticking at every deadline on the way. Fails if deadlines do not move on. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let i = 0; ; i++) {
      const due = this.machine.deadline(this.state);
      if (due === undefined || due > end) break;
      if (i > 10_000) throw new Error(`the deadline does not move on from ${due}`);
      this.now = Math.max(this.now, due);
      this.feed({ kind: "tick" });
    }
    this.now = end;
  }

  take(): E[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }
}

/** Sources as given, the rest unpublished. */
export function sourcesWith(intents: Partial<Record<Source, Sources[Source]["intent"]>>): Sources {
  const sources = { ...NO_SOURCES };
  for (const source of SOURCES) sources[source] = { intent: intents[source] ?? "unpublished", mutedBy: null };
  return sources;
}

export const LIVE = sourcesWith({ microphone: "live", camera: "live" });

/** Sections of a client that sends all four sources and receives so many of each kind. */
export function sections(audio = 4, video = 4): { sends: SendSection[]; receives: ReceiveSection[] } {
  const sends = SOURCES.map((source, i) => ({ mid: String(i), source }));
  const receives: ReceiveSection[] = [];
  for (let i = 0; i < audio; i++) receives.push({ mid: `a${i}`, kind: "audio" });
  for (let i = 0; i < video; i++) receives.push({ mid: `v${i}`, kind: "video" });
  return { sends, receives };
}

/** A room on a bench, with words for what happens in it. */
export class RoomBench extends Bench<RoomState, RoomInput, RoomEffect> {
  #commands = 0;

  constructor(topology: Topology, options: Partial<RoomOptions> = {}) {
    super(createRoom({ room: "r", topology, timers: DEFAULT_TIMERS, wallAt: (now) => now + 1e12, ...options }));
  }

  /** `who` joins as participant `p-<who>` by link `l-<who>` unless told otherwise. */
  join(who: string, more: Partial<Extract<RoomInput, { kind: "join" }>> = {}): readonly RoomEffect[] {
    return this.feed({
      kind: "join",
      link: `l-${who}`,
      command: `j-${who}`,
      identity: `id-${who}`,
      name: who,
      role: "speaker",
      sources: LIVE,
      session: this.state.snapshot.topology === "sfu" ? `s-${who}` : undefined,
      fresh: { participant: `p-${who}`, rejoinToken: `t-${who}` },
      ...more,
    });
  }

  say(who: string, message: RoomMessage, link = `l-${who}`): readonly RoomEffect[] {
    return this.feed({ kind: "message", participant: `p-${who}`, link, message });
  }

  command(): string {
    this.#commands += 1;
    return `c${this.#commands}`;
  }

  setMedia(who: string, sources: Sources, revision?: number): readonly RoomEffect[] {
    const known = this.info(who).media.revision;
    return this.say(who, { type: "media-state", id: this.command(), revision: revision ?? known + 1, sources });
  }

  connect(
    who: string,
    more: ReturnType<typeof sections> & { readonly videoCodecs?: readonly string[] } = sections(),
    session = `s-${who}`,
  ): readonly RoomEffect[] {
    const participant = `p-${who}`;
    return [
      ...this.feed({ kind: "connection", participant, session, ...more, state: "connecting" }),
      ...this.feed({ kind: "connection", participant, session, state: "connected" }),
    ];
  }

  receipt(who: string, more: Partial<Extract<RoomMessage, { type: "receipt" }>> = {}): readonly RoomEffect[] {
    const place = this.place(who);
    return this.say(who, {
      type: "receipt",
      incarnation: place.incarnation,
      seen: this.state.seq,
      slots: place.slots.revision,
      ledger: place.ledgerRevision,
      published: [],
      received: [],
      ...more,
    });
  }

  /** `who` says it sends what it intends, and it arrives at the server. */
  sendsAll(who: string): void {
    const live = SOURCES.filter((source) => this.info(who).media.sources[source].intent === "live");
    this.receipt(who, { published: live.map((source) => ({ source, captured: true, sent: true })) });
    const publications = live.map((source) => ({ publication: `p-${who}:${source}`, arriving: true }));
    this.feed({ kind: "media-facts", publications, subscriptions: [] });
  }

  /** Everything that should be received by `who` is forwarded and received. */
  receivesAll(who: string): void {
    const rows = Object.values(this.place(who).rows).filter((row) => row.intended.value);
    const subscriptions = rows.map((row) => ({ subscription: row.subscription, forwarded: true }));
    this.feed({ kind: "media-facts", publications: [], subscriptions });
    this.receipt(who, { received: rows.map((row) => ({ publication: row.publication, received: true, count: 1 })) });
  }

  /** Two or more people in a room in which all is received. */
  settle(...names: string[]): void {
    for (const who of names) {
      this.join(who);
      if (this.state.snapshot.topology === "sfu") this.connect(who);
    }
    for (const who of names) this.sendsAll(who);
    for (const who of names) this.receivesAll(who);
    this.take();
  }

  place(who: string) {
    const place = this.state.places[`p-${who}`];
    if (!place) throw new Error(`no place of ${who}`);
    return place;
  }

  info(who: string) {
    const info = this.state.snapshot.participants.find((one) => one.id === `p-${who}`);
    if (!info) throw new Error(`${who} is not in the room`);
    return info;
  }

  row(from: string, source: Source, to: string): Row {
    const row = this.place(to).rows[`p-${from}:${source}`];
    if (!row) throw new Error(`no row of ${from}'s ${source} at ${to}`);
    return row;
  }
}

export function only<E extends { readonly kind: string }, K extends E["kind"]>(
  effects: readonly E[],
  kind: K,
): Extract<E, { kind: K }>[] {
  return effects.filter((one): one is Extract<E, { kind: K }> => one.kind === kind);
}

/** What was told to one link, by type. */
export function told(effects: readonly RoomEffect[], who: string, type?: string) {
  return only(effects, "tell")
    .filter((one) => one.link === `l-${who}`)
    .map((one) => one.message)
    .filter((message) => type === undefined || message.type === type);
}

export function ops(effects: readonly RoomEffect[]): MediaOp[] {
  return only(effects, "media").map((one) => one.op);
}

/** The steps of replays, in order. */
export function steps(effects: readonly RoomEffect[]): string[] {
  return only(effects, "replay").map((one) => `${one.step} ${one.target}${one.asked ? "" : " (already)"}`);
}

export function kindOfPublication(publication: string): TrackKind {
  const source = SOURCES.find((one) => publication.endsWith(`:${one}`));
  if (!source) throw new Error(`no publication: ${publication}`);
  return kindOf(source);
}

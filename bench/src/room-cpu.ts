import { type ClientMessage, DEFAULT_TIMERS, type Sources } from "@lodeline/protocol";
import { createRoom, NO_SOURCES, type RoomInput, type RoomMessage, type RoomState } from "@lodeline/room";

/** What the room machine costs, in processor time. */
export interface RoomCpu {
  /** One second of a steady room, for each participant: one receipt, every fifth of them whole. */
  readonly steadyUs: number;
  /** One mute and unmute of one participant and all that everybody then says, for each participant. */
  readonly changeUs: number;
}

type Receipt = Extract<ClientMessage, { type: "receipt" }>;

const LIVE = { intent: "live", mutedBy: null } as const;
const MUTED = { intent: "muted", mutedBy: null } as const;
const OWN: Sources = { ...NO_SOURCES, microphone: LIVE, camera: LIVE };

/** A room machine by itself, everybody in it and everything received; no link, no hub and no parsing. */
export class BareRoom {
  readonly #machine = createRoom({
    room: "bench",
    topology: "sfu",
    timers: DEFAULT_TIMERS,
    wallAt: (now) => now,
  });
  readonly #people: readonly string[];
  #state: RoomState = this.#machine.initial;
  #now = 1_000;
  #revision = 0;

  /** @param views - How many others each shows; all when left out. */
  constructor(people: number, views?: number) {
    this.#people = Array.from({ length: people }, (_, index) => `p${index}`);
    for (const id of this.#people) this.#join(id);
    if (views !== undefined) for (const [index, id] of this.#people.entries()) this.#hide(id, index, views);
    const publications = this.#people.flatMap((id) => [`${id}:microphone`, `${id}:camera`]);
    const subscriptions = this.#rows().map(({ subscription }) => subscription);
    this.#feed({
      kind: "media-facts",
      publications: publications.map((publication) => ({ publication, arriving: true })),
      subscriptions: subscriptions.map((subscription) => ({ subscription, forwarded: true })),
    });
    this.#everybodySays(true);
    const missing = this.#rows().filter((row) => row.intended.value && row.standing !== "received");
    if (missing.length > 0) throw new Error(`${missing.length} rows are not received`);
  }

  /** Runs `seconds` of it. @returns Processor time, us. */
  steadyUs(seconds: number): number {
    // Made beforehand: what the members and the link spend on them is not the room's.
    const [whole, brief] = [true, false].map((wholly) => this.#people.map((id) => this.#receiptOf(id, wholly)));
    const began = process.cpuUsage();
    for (let second = 0; second < seconds; second++) {
      this.#now += 1_000;
      for (const [index, receipt] of ((second % 5 === 0 ? whole : brief) ?? []).entries()) {
        this.#say(this.#people[index] ?? "", receipt);
      }
    }
    const { user, system } = process.cpuUsage(began);
    return user + system;
  }

  /** Mutes and unmutes one, `times` times. @returns Processor time, us. */
  changeUs(times: number): number {
    let usedUs = 0;
    const timed = (work: () => void) => {
      const began = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(began);
      usedUs += user + system;
    };
    for (let index = 0; index < times; index++) {
      for (const microphone of [MUTED, LIVE]) {
        this.#revision++;
        timed(() => this.#setMicrophone(this.#revision, microphone));
        this.#now += 1_000;
        const receipts = this.#people.map((id) => this.#receiptOf(id, false));
        timed(() => {
          for (const [at, receipt] of receipts.entries()) this.#say(this.#people[at] ?? "", receipt);
        });
      }
    }
    return usedUs;
  }

  #join(id: string): void {
    const session = `s ${id}`;
    this.#feed({
      kind: "join",
      link: `l ${id}`,
      command: `c ${id}`,
      identity: id,
      name: id,
      role: "speaker",
      sources: OWN,
      session,
      fresh: { participant: id, rejoinToken: `t ${id}` },
    });
    const others = this.#people.length - 1;
    const receives = Array.from({ length: 2 * others }, (_, index) => ({
      mid: `r${index}`,
      kind: index < others ? ("audio" as const) : ("video" as const),
    }));
    const sends = [
      { mid: "a", source: "microphone" as const },
      { mid: "v", source: "camera" as const },
    ];
    this.#feed({ kind: "connection", participant: id, session, sends, receives, state: "connected" });
  }

  #hide(id: string, index: number, views: number): void {
    const shown = new Set(Array.from({ length: views }, (_, step) => `p${(index + 1 + step) % this.#people.length}`));
    const hidden = this.#people.filter((one) => one !== id && !shown.has(one));
    const view = (publication: string) => ({ publication, width: 0, height: 0, visible: false, priority: 0 });
    const unseen = hidden.flatMap((one) => [view(`${one}:microphone`), view(`${one}:camera`)]);
    this.#say(id, { type: "view", revision: 1, views: unseen });
  }

  #setMicrophone(revision: number, microphone: typeof LIVE | typeof MUTED): void {
    const id = this.#people[0] ?? "";
    this.#say(id, { type: "media-state", id: `m${revision}`, revision, sources: { ...OWN, microphone } });
  }

  #everybodySays(wholly: boolean): void {
    this.#now += 1_000;
    for (const id of this.#people) this.#say(id, this.#receiptOf(id, wholly));
    if ((this.#machine.deadline(this.#state) ?? Number.POSITIVE_INFINITY) <= this.#now) this.#feed({ kind: "tick" });
  }

  #receiptOf(id: string, wholly: boolean): Receipt {
    const place = this.#state.places[id];
    if (!place) throw new Error(`${id} is not in the room`);
    const rows = Object.values(place.rows).filter((row) => row.intended.value);
    const received = (wholly ? rows : rows.filter((row) => !row.received.value)).map(({ publication }) => ({
      publication,
      received: true,
      count: this.#now,
    }));
    return {
      type: "receipt",
      incarnation: place.incarnation,
      seen: this.#state.seq,
      slots: place.slots.revision,
      ledger: place.ledgerRevision,
      published: [
        { source: "microphone", captured: true, sent: true },
        { source: "camera", captured: true, sent: true },
      ],
      received,
    };
  }

  #rows() {
    return Object.values(this.#state.places).flatMap((place) => Object.values(place.rows));
  }

  #say(participant: string, message: RoomMessage): void {
    this.#feed({ kind: "message", participant, link: `l ${participant}`, message });
  }

  #feed(input: RoomInput | { readonly kind: "tick" }): void {
    this.#state = this.#machine.step(this.#state, input, this.#now).state;
  }
}

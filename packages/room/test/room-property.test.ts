import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, type Random, seededRandom } from "@lodeline/base";
import { type Moderation, type Signal, SOURCES, type Source, type Topology } from "@lodeline/protocol";
import type { RoomInput, RoomMessage, TransportState } from "@lodeline/room";
import { RoomBench, sections, sourcesWith } from "./support/bench.ts";
import { RoomWatch } from "./support/invariants.ts";

const NAMES = ["a", "b", "c", "d", "e"] as const;

function pick<T>(random: Random, values: readonly T[]): T {
  return values[integer(random, values.length)] as T;
}

function chance(random: Random, percent: number): boolean {
  return integer(random, 100) < percent;
}

/** Feeds a room anything that the world could, and much that it should not. */
class Chaos {
  readonly room: RoomBench;
  readonly random: Random;
  #serial = 0;
  #fresh = 0;

  constructor(topology: Topology, seed: number) {
    this.random = seededRandom(seed);
    this.room = new RoomBench(topology, { settings: { maxParticipants: 4, eventTail: 8 } });
    new RoomWatch(this.room);
  }

  go(): void {
    const { random } = this;
    if (chance(random, 25)) this.room.advance(pick(random, [1, 50, 300, 700, 1_500, 4_000, 16_000]));
    else pick(random, ACTS)(this);
  }

  somebody(): string {
    const { participants } = this.room.state.snapshot;
    return participants.length === 0 || chance(this.random, 5) ? "p-nobody" : pick(this.random, participants).id;
  }

  link(participant: string): string {
    return chance(this.random, 3) ? "l-stray" : (this.room.state.places[participant]?.link ?? "l-stray");
  }

  say(message: RoomMessage, participant = this.somebody()): void {
    this.room.feed({ kind: "message", participant, link: this.link(participant), message });
  }

  id(): string {
    // Now and then the same command comes twice.
    if (!chance(this.random, 10)) this.#serial += 1;
    return `c${this.#serial}`;
  }

  fresh() {
    this.#fresh += 1;
    return { participant: `p-${this.#fresh}`, rejoinToken: `t-${this.#fresh}` };
  }

  sources() {
    const intents = ["unpublished", "live", "live", "muted"] as const;
    return sourcesWith(Object.fromEntries(SOURCES.map((source) => [source, pick(this.random, intents)])));
  }

  publication(): string {
    return `${this.somebody()}:${pick(this.random, SOURCES)}`;
  }
}

const join = (chaos: Chaos): void => {
  const { random, room } = chaos;
  const who = pick(random, NAMES);
  const id = chaos.id();
  const place = Object.values(room.state.places).find((one) => one.identity === `id-${who}`);
  const rejoin = place && { participant: place.participant, token: chance(random, 80) ? place.rejoinToken : "wrong" };
  room.join(who, {
    link: chance(random, 20) && place ? place.link : `l-${id}`,
    command: id,
    role: pick(random, ["viewer", "speaker", "moderator"] as const),
    sources: chaos.sources(),
    rejoin: chance(random, 70) ? rejoin : undefined,
    session: chance(random, 80) && room.state.snapshot.topology === "sfu" ? `s-${id}` : undefined,
    fresh: chaos.fresh(),
  });
};

const receipt = (chaos: Chaos): void => {
  const { random, room } = chaos;
  const participant = chaos.somebody();
  const place = room.state.places[participant];
  const behind = () => (chance(random, 25) ? integer(random, 4) : 0);
  chaos.say(
    {
      type: "receipt",
      incarnation: (place?.incarnation ?? 1) + (chance(random, 3) ? 1 : 0),
      seen: Math.max(0, room.state.seq - behind() * (chance(random, 10) ? 10 : 1)),
      slots: Math.max(0, (place?.slots.revision ?? 0) - behind()),
      ledger: Math.max(0, (place?.ledgerRevision ?? 0) - behind()),
      ...(chance(random, 20) ? { ask: true } : {}),
      published: SOURCES.map((source) => ({ source, captured: chance(random, 80), sent: chance(random, 80) })),
      received: Object.keys(place?.rows ?? {})
        .concat(chaos.publication())
        .map((publication) => ({ publication, received: chance(random, 60), count: integer(random, 100) })),
    },
    participant,
  );
};

const moderate = (chaos: Chaos): void => {
  const { random } = chaos;
  const participant = chaos.somebody();
  const source: Source = pick(random, SOURCES);
  const role = pick(random, ["viewer", "speaker", "moderator", "moderator"] as const);
  const action = pick<Moderation>(random, [
    { kind: "mute", participant, source },
    { kind: "allow", participant, source },
    { kind: "remove", participant },
    { kind: "role", participant, role },
    { kind: "lock", locked: chance(random, 30) },
    chance(random, 5) ? { kind: "end" } : { kind: "mute", participant, source },
  ]);
  chaos.say({ type: "moderate", id: chaos.id(), action });
};

const signal = (chaos: Chaos): void => {
  const { random, room } = chaos;
  const from = chaos.somebody();
  const to = chaos.somebody();
  const pair = room.state.snapshot.pairs.find((one) => [one.a, one.b].includes(from) && [one.a, one.b].includes(to));
  const body = pick<Signal["body"]>(random, [
    { kind: "offer", offer: { sdp: "v=0", sends: [], receives: [] } },
    { kind: "answer", sdp: "v=0" },
    { kind: "hangup", reason: "connection-failed" },
    { kind: "hangup", reason: "left" },
    { kind: "candidate", candidate: { candidate: "", sdpMid: null, sdpMLineIndex: null, usernameFragment: null } },
  ]);
  const session = chance(random, 90) ? (pair?.session ?? "none") : "none";
  chaos.say({ type: "signal", scope: "room", to, signal: { session, epoch: 1, seq: 1, body } }, from);
};

const ACTS: readonly ((chaos: Chaos) => void)[] = [
  join,
  join,
  receipt,
  receipt,
  receipt,
  moderate,
  signal,
  (chaos) => {
    const participant = chaos.somebody();
    const media = chaos.room.state.snapshot.participants.find((one) => one.id === participant)?.media;
    const revision = Math.max(0, (media?.revision ?? 0) + integer(chaos.random, 4) - 1);
    chaos.say({ type: "media-state", id: chaos.id(), revision, sources: chaos.sources() }, participant);
  },
  (chaos) => {
    if (chance(chaos.random, 30)) chaos.say({ type: "leave", id: chaos.id() });
  },
  (chaos) => {
    const one = { width: 320, height: 180, visible: chance(chaos.random, 60), priority: 1 };
    const views = [{ ...one, publication: chaos.publication() }];
    chaos.say({ type: "view", revision: integer(chaos.random, 50), views });
  },
  (chaos) => {
    const { seq } = chaos.room.state;
    const publication = chance(chaos.random, 5) ? "what" : chaos.publication();
    chaos.say({ type: "replay-request", publication, seen: seq, slots: integer(chaos.random, 5), why: "test" });
  },
  (chaos) => connectionOf(chaos, "connected"),
  (chaos) => connectionOf(chaos, pick(chaos.random, ["connecting", "connected", "disconnected", "failed", "closed"])),
  (chaos) => {
    const rows = Object.values(chaos.room.state.places).flatMap((place) => Object.values(place.rows));
    const bit = () => chance(chaos.random, 70);
    chaos.room.feed({
      kind: "media-facts",
      publications: rows.map((row) => ({ publication: row.publication, arriving: bit() })),
      subscriptions: rows.map((row) => ({ subscription: row.subscription, forwarded: bit() })),
    });
  },
  (chaos) => linkTurns(chaos, "link-lost"),
  (chaos) => linkTurns(chaos, "link-back"),
  (chaos) => linkTurns(chaos, "link-back"),
];

function connectionOf(chaos: Chaos, state: TransportState): void {
  const participant = chaos.somebody();
  const known = chaos.room.state.places[participant]?.media.session ?? "s-new";
  const session = chance(chaos.random, 5) ? "s-other" : known;
  const some = chance(chaos.random, 60) ? sections(integer(chaos.random, 4), integer(chaos.random, 4)) : {};
  chaos.room.feed({ kind: "connection", participant, session, state, ...some } satisfies RoomInput);
}

function linkTurns(chaos: Chaos, kind: "link-lost" | "link-back"): void {
  const participant = chaos.somebody();
  chaos.room.feed({ kind, participant, link: chaos.link(participant) });
}

describe("a room under random inputs", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    it(`[ROOM20] keeps every promise of a ${topology} room`, () => {
      let steps = 0;
      for (let seed = 1; seed <= 60; seed++) {
        const chaos = new Chaos(topology, seed);
        try {
          for (let i = 0; i < 120 && chaos.room.state.phase !== "closed"; i++, steps++) chaos.go();
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
      assert.ok(steps > 2_000, `only ${steps} steps were made`);
    });
  }
});

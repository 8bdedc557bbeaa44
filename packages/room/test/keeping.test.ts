import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer } from "@lodeline/base";
import { DEFAULT_TIMERS, type Topology } from "@lodeline/protocol";
import {
  createRoom,
  type RoomChanges,
  type RoomDrop,
  type RoomEffect,
  type RoomInput,
  type RoomRecord,
  type RoomState,
  restoreRoom,
  roomChanges,
  roomDrops,
} from "@lodeline/room";
import { Bench, LIVE, only, RoomBench, sourcesWith, told } from "./support/bench.ts";
import { World } from "./support/world.ts";

const digest = (secret: string) => [...secret].reverse().join("");

/** What a store holds after batches of changes. */
class Kept {
  readonly records = new Map<string, RoomRecord>();
  #state: RoomState | undefined;

  /** Keeps what differs from the state that is kept. @returns How many records that touched. */
  keep(state: RoomState): number {
    const changes: RoomChanges = roomChanges(this.#state, state, digest);
    for (const drop of changes.drops) this.drop(drop);
    for (const record of changes.puts) this.records.set(nameOf(record), record);
    this.#state = state;
    return changes.drops.length + changes.puts.length;
  }

  drop({ kind, owner, key, through }: RoomDrop): void {
    for (const [name, record] of this.records) {
      if (record.kind !== kind || record.owner !== owner) continue;
      const isMeant = key === undefined ? through === undefined || Number(record.key) <= through : record.key === key;
      if (isMeant) this.records.delete(name);
    }
  }

  get all(): RoomRecord[] {
    return [...this.records.values()];
  }
}

function nameOf({ kind, owner, key }: RoomRecord): string {
  return JSON.stringify([kind, owner, key]);
}

/** The room goes on in another process, on another clock. */
function goOn(kept: Kept, topology: Topology, now = 777_000): Bench<RoomState, RoomInput, RoomEffect> {
  const restored = restoreRoom("r", kept.all, now);
  assert.ok(restored);
  const wallAt = (at: number) => at + 2e12;
  const bench = new Bench(createRoom({ room: "r", topology, timers: DEFAULT_TIMERS, wallAt, restored, digest }));
  bench.now = now;
  bench.feed({ kind: "restored" });
  return bench;
}

describe("a room that is kept", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    it(`[KEEP1] is the same step by step as at once, and comes back as it was, ${topology}`, () => {
      for (let seed = 1; seed <= 25; seed++) {
        const world = new World(topology, seed);
        const kept = new Kept();
        world.room.watch = (_before, _input, after) => {
          if (after.phase === "open" && integer(world.random, 3) > 0) kept.keep(after);
        };
        for (const name of ["a", "b", "c"]) world.add(name);
        for (let i = 0; i < 14; i++) {
          world.run(50 + integer(world.random, 900));
          const person = [...world.people.values()][integer(world.random, 3)];
          const act = integer(world.random, 5);
          if (act === 0) person?.cut();
          else if (act === 1) person?.mend();
          else if (act === 2) person?.feed({ kind: "set-source", source: "camera", intent: i % 2 ? "muted" : "live" });
          else if (act === 3) person?.reload();
          else person?.renew();
        }
        const { state } = world.room;
        if (state.phase !== "open") continue;
        kept.keep(state);
        const whole = new Kept();
        whole.keep(state);
        const sort = ({ all }: Kept) => all.map((record) => [nameOf(record), withoutSerial(record)]).sort();
        assert.deepEqual(sort(kept), sort(whole), `seed ${seed}`);

        const back = restoreRoom("r", kept.all, 5);
        assert.deepEqual(back?.snapshot, state.snapshot, `seed ${seed}`);
        assert.equal(back?.seq, state.seq);
        assert.deepEqual(
          back?.tail.map(({ event }) => event),
          state.tail.map(({ event }) => event),
        );
        for (const place of Object.values(state.places)) {
          assert.deepEqual(back?.places[place.participant]?.answers, place.answers);
          assert.deepEqual(back?.places[place.participant]?.views, place.views);
        }
      }
    });
  }

  it("[KEEP2] does not write for receipts and ledgers", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b");
    const kept = new Kept();
    kept.keep(room.state);
    let written = 0;
    for (let i = 0; i < 400; i++) {
      const received = [{ publication: "p-b:camera", received: i % 2 === 0, count: i }];
      room.receipt("a", { received });
      written += kept.keep(room.state);
    }
    assert.ok(written <= 4, `${written} records for 400 receipts`);
  });

  it("[KEEP3] tells every member what begins anew: ledger, slots, and in an sfu room that its session is over", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const kept = new Kept();
    kept.keep(room.state);
    const back = goOn(kept, "sfu");
    const { effects } = back;
    for (const who of ["a", "b"]) {
      const [ledger] = told(effects, who, "ledger");
      assert.ok(ledger?.type === "ledger");
      assert.ok(ledger.whole && ledger.revision > room.place(who).ledgerRevision);
      assert.ok(ledger.rows.every(({ standing, facts }) => standing === "pending" && !facts.received.value));
      const [slots] = told(effects, who, "slots");
      assert.ok(slots?.type === "slots");
      assert.deepEqual(slots.table, { revision: room.place(who).slots.revision + 1, slots: [] });
      const over = only(effects, "forward").filter(({ link }) => link === `l-${who}`);
      assert.deepEqual(
        over.map(({ from, signal }) => [from, signal.session, signal.body]),
        [["sfu", `s-${who}`, { kind: "hangup", reason: "remote-gone" }]],
      );
    }
  });

  it("[KEEP4] begins every lease anew, and lets a place be taken by a token that is kept as a digest", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b");
    const kept = new Kept();
    kept.keep(room.state);
    assert.ok(!JSON.stringify(kept.all).includes("t-a"));
    const back = goOn(kept, "mesh");
    back.advance(DEFAULT_TIMERS.leaseMs - 1);
    assert.equal(back.state.snapshot.participants.length, 2);
    const join = {
      kind: "join",
      link: "l-new",
      command: "j-new",
      identity: "id-a",
      name: "a",
      role: "speaker",
      sources: LIVE,
      fresh: { participant: "p-x", rejoinToken: "t-x" },
    } as const;
    const claim = (token: string) => ({ ...join, rejoin: { participant: "p-a", token } });
    back.feed(claim("#a-t"));
    assert.equal(back.state.places["p-a"]?.incarnation, 1, "the digest itself takes nothing");
    back.feed(claim("t-a"));
    assert.deepEqual([back.state.places["p-a"]?.incarnation, back.state.places["p-a"]?.link], [2, "l-new"]);
    back.advance(1);
    assert.deepEqual(
      back.state.snapshot.participants.map(({ id }) => id),
      ["p-a"],
    );
  });

  it("[KEEP5] keeps nothing of a room that is over", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b");
    const kept = new Kept();
    kept.keep(room.state);
    room.setMedia("a", sourcesWith({ microphone: "muted" }));
    kept.keep(room.state);
    for (const drop of roomDrops(room.state)) kept.drop(drop);
    assert.deepEqual(kept.all, []);
    assert.equal(restoreRoom("r", [], 0), undefined);
  });
});

/** Answers are numbered by when they were kept, which only orders them. */
function withoutSerial({ kind, value }: RoomRecord): string {
  return kind === "answer" ? value.replace(/"serial":\d+/, "") : value;
}

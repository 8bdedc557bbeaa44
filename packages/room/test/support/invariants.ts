import assert from "node:assert/strict";
import type { Tick } from "@lodeline/base";
import { kindOf, type LedgerRow, type RoomSnapshot, SOURCES } from "@lodeline/protocol";
import {
  applyEvent,
  LONE_LADDERS,
  REPLAY_LADDERS,
  type RoomEffect,
  type RoomInput,
  type RoomState,
  STANDING_EDGES,
} from "@lodeline/room";
import type { RoomBench } from "./bench.ts";

/** Watches a room from outside and fails at the first step that breaks a promise. */
export class RoomWatch {
  folded: RoomSnapshot;
  seq = 0;
  /** By link: the ledger as its messages tell it. */
  readonly ledgers = new Map<string, { revision: number; rows: Map<string, LedgerRow> }>();
  /** By subscription: the slot it is forwarded to. */
  readonly attached = new Map<string, string>();

  constructor(bench: RoomBench) {
    this.folded = bench.state.snapshot;
    bench.watch = (before, input, after, effects) => this.check(before, input, after, effects, bench);
  }

  check(
    before: RoomState,
    input: RoomInput | Tick,
    after: RoomState,
    effects: readonly RoomEffect[],
    bench: RoomBench,
  ): void {
    for (const effect of effects) this.note(effect);
    assert.equal(this.seq, after.seq, "seq is that of the last event");
    assert.deepEqual(this.folded, after.snapshot, "the fold of the events is the room");
    checkPlaces(after);
    checkPairs(after);
    checkRows(after);
    this.checkAttached(after);
    checkEdges(before, after);
    checkReplays(after, effects);
    this.checkLedgers(after);
    if (input.kind === "tick") {
      const due = bench.machine.deadline(after);
      assert.ok(due === undefined || due > bench.now, `a tick at ${bench.now} leaves the deadline ${due}`);
    }
  }

  note(effect: RoomEffect): void {
    if (effect.kind === "event") {
      assert.equal(effect.event.seq, this.seq + 1, "events have no gap");
      this.seq += 1;
      this.folded = applyEvent(this.folded, effect.event.event);
    }
    if (effect.kind === "joined" && !effect.again) this.ledgers.set(effect.link, { revision: 0, rows: new Map() });
    if (effect.kind === "unbind") this.ledgers.delete(effect.link);
    if (effect.kind === "tell" && effect.message.type === "ledger") this.noteLedger(effect.link, effect.message);
    if (effect.kind !== "media") return;
    const { op } = effect;
    if (op.op === "attach") {
      const slot = `${op.to} ${op.toMid}`;
      assert.ok(!this.attached.has(op.subscription), `${op.subscription} is attached twice`);
      assert.ok(![...this.attached.values()].includes(slot), `${slot} is fed twice`);
      assert.equal(op.kind === "audio", op.toMid.startsWith("a"), "the slot has the kind");
      this.attached.set(op.subscription, slot);
    } else if (op.op === "detach") {
      assert.ok(this.attached.delete(op.subscription), `${op.subscription} was not attached`);
    } else if (op.op === "key-frame" || op.op === "reset-forwarder") {
      assert.ok(this.attached.has(op.subscription), `${op.op} of ${op.subscription}, which is not forwarded`);
      if (op.op === "key-frame") assert.ok(/:(camera|screen)>/.test(op.subscription), "a key frame of video only");
    }
  }

  noteLedger(link: string, message: { revision: number; whole: boolean; rows: LedgerRow[]; removed: string[] }): void {
    const known = this.ledgers.get(link) ?? { revision: 0, rows: new Map() };
    this.ledgers.set(link, known);
    assert.ok(message.revision > known.revision, "ledger revisions rise");
    known.revision = message.revision;
    if (message.whole) known.rows.clear();
    for (const row of message.rows) known.rows.set(row.subscription, row);
    for (const subscription of message.removed) known.rows.delete(subscription);
  }

  checkAttached(state: RoomState): void {
    const attached = new Map<string, string>();
    for (const place of Object.values(state.places)) {
      for (const row of Object.values(place.rows)) {
        if (!row.attached) continue;
        attached.set(row.subscription, `${row.to} ${row.attached.toMid}`);
        const slot = place.slots.slots.find((one) => one.mid === row.attached?.toMid);
        assert.equal(slot?.publication, row.publication, "what is forwarded stands in the slot table");
      }
    }
    assert.deepEqual(attached, this.attached);
  }

  checkLedgers(state: RoomState): void {
    for (const place of Object.values(state.places)) {
      const known = this.ledgers.get(place.link)?.rows ?? new Map<string, LedgerRow>();
      const mine = Object.values(state.places).flatMap((one) =>
        Object.values(one.rows).filter((row) => row.to === place.participant || row.from === place.participant),
      );
      assert.deepEqual([...known.keys()].sort(), mine.map((row) => row.subscription).sort(), "ledger rows");
      for (const row of mine) {
        const line = known.get(row.subscription);
        assert.equal(line?.standing, row.standing, row.subscription);
        assert.deepEqual(line?.facts.intended, row.intended);
        assert.equal(line?.replay?.attempt, row.replay?.attempt);
        // How far something gets that nobody expects is told when it is expected again.
        if (!row.intended.value) continue;
        assert.deepEqual(line?.facts.received, row.received);
        const published = state.places[row.from]?.published[row.source];
        assert.deepEqual(line?.facts.sent, published?.sent);
        assert.deepEqual(line?.facts.captured, published?.captured);
        const forwarded = state.snapshot.topology === "mesh" ? published?.sent : row.forwarded;
        assert.deepEqual(line?.facts.forwarded, forwarded);
      }
    }
  }
}

function checkPlaces(state: RoomState): void {
  const ids = state.snapshot.participants.map((one) => one.id);
  assert.equal(new Set(ids).size, ids.length, "participant ids are unique");
  assert.deepEqual(Object.keys(state.places).sort(), [...ids].sort(), "one place for each participant");
  const links = Object.values(state.places).map((one) => one.link);
  assert.equal(new Set(links).size, links.length, "a link holds one place");
  for (const { role, media } of state.snapshot.participants) {
    if (role !== "viewer") continue;
    for (const source of SOURCES) assert.equal(media.sources[source].intent, "unpublished", "viewers publish nothing");
  }
  for (const { media } of state.snapshot.participants) {
    for (const source of SOURCES) {
      const { intent, mutedBy } = media.sources[source];
      assert.ok(mutedBy === null || intent !== "live", "what a moderator muted is not live");
    }
  }
}

function checkPairs(state: RoomState): void {
  const { topology, participants, pairs } = state.snapshot;
  const n = participants.length;
  assert.equal(pairs.length, topology === "mesh" && n > 0 ? (n * (n - 1)) / 2 : 0);
  assert.equal(new Set(pairs.map((one) => `${one.a} ${one.b}`)).size, pairs.length, "each pair once");
  assert.equal(new Set(pairs.map((one) => one.session)).size, pairs.length, "each pair its own session");
  for (const pair of pairs) {
    assert.ok(pair.a < pair.b);
    assert.ok(pair.initiatorId === pair.a || pair.initiatorId === pair.b, "one of the two initiates");
  }
  assert.deepEqual(
    Object.values(state.pairs)
      .map((one) => one.pair.session)
      .sort(),
    pairs.map((one) => one.session).sort(),
  );
}

function checkRows(state: RoomState): void {
  for (const place of Object.values(state.places)) {
    const expected = state.snapshot.participants
      .filter((one) => one.id !== place.participant)
      .flatMap((one) =>
        SOURCES.filter((source) => one.media.sources[source].intent !== "unpublished").map((s) => `${one.id}:${s}`),
      );
    assert.deepEqual(Object.keys(place.rows).sort(), expected.sort(), "rows are the live subscriptions");
    const held = place.slots.slots.flatMap((slot) => slot.publication ?? []);
    assert.equal(new Set(held).size, held.length, "no publication stands in two slots");
    for (const slot of place.slots.slots) {
      if (slot.publication === null) continue;
      const row = place.rows[slot.publication];
      assert.ok(row, "no dead publication stands in a slot");
      const section = place.media.receives.find((one) => one.mid === slot.mid);
      assert.equal(section?.kind, kindOf(row.source));
    }
    for (const row of Object.values(place.rows)) {
      assert.equal(row.standing === "received", row.intended.value && row.received.value);
      assert.equal(row.standing === "off", !row.intended.value);
      assert.ok(row.standing === "missing" || row.replay === null, "only what is missing is replayed");
    }
  }
}

function checkEdges(before: RoomState, after: RoomState): void {
  for (const place of Object.values(after.places)) {
    for (const row of Object.values(place.rows)) {
      const was = before.places[place.participant]?.rows[row.publication];
      if (!was || was.standing === row.standing) continue;
      const edge = `${was.standing} to ${row.standing}`;
      assert.ok(STANDING_EDGES[was.standing].includes(row.standing), `${row.subscription}: ${edge} is no edge`);
    }
  }
}

function checkReplays(state: RoomState, effects: readonly RoomEffect[]): void {
  for (const effect of effects) {
    if (effect.kind !== "replay") continue;
    const { topology } = state.snapshot;
    const ladder = [...(REPLAY_LADDERS[topology][effect.hop] ?? []), ...(LONE_LADDERS[topology][effect.hop] ?? [])];
    assert.ok(ladder.includes(effect.step), `${effect.step} is no step at ${effect.hop}`);
  }
}

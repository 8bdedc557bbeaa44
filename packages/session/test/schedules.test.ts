import assert from "node:assert/strict";
import { it } from "node:test";
import type { SessionOptions } from "@lodeline/session";
import { CALM, TwoEnds, type Weather } from "./two-ends.ts";

const ROUGH: Weather = {
  lost: 0,
  doubled: 0.2,
  delayMs: 400,
  ordered: false,
  stepFails: 0.01,
  deviceRefused: 0.1,
  descriptionFails: 0.01,
  cuts: 0.3,
};
const LOSSY: Weather = { ...ROUGH, lost: 0.1 };

/** Virtual time after which nothing that a person did can still be under way: every wait there is, one after another. */
const QUIET_MS = 200_000;

/** Two ends act at random for a while, then everybody lets go; what is left must be agreement. */
function live(seed: number, weather: Weather, options: Partial<SessionOptions> = {}): TwoEnds {
  const world = new TwoEnds(seed, weather, options);
  const call = options.use === undefined;
  let sessions = 0;
  const acts = 2 + Math.floor(world.chance(8));
  for (let i = 0; i < acts; i++) {
    const name = world.chance(1) < 0.5 ? "ann" : "bob";
    const at = world.chance(world.chance(1) < 0.5 ? 300 : 8000);
    world.at(at, () => act(world, name, call, () => `s${++sessions}`));
  }
  if (call) {
    // Somebody picks up, at the latest a while after everything else.
    for (let at = 100; at < 9000; at += 700) {
      world.at(at + world.chance(600), () => {
        for (const name of ["ann", "bob"] as const) {
          if (world.states[name].kind === "IncomingInit" && world.chance(1) < 0.8) world.feed(name, { kind: "accept" });
        }
      });
    }
  }
  world.runUntil(QUIET_MS);
  return world;
}

function act(world: TwoEnds, name: "ann" | "bob", call: boolean, next: () => string): void {
  const pick = world.chance(1);
  const { kind } = world.states[name];
  if (kind === "Idle" || pick < 0.3) {
    if (!call) {
      const session = next();
      world.feed("ann", { kind: "assign", session, role: "offerer" });
      world.at(world.now + world.chance(200), () => world.feed("bob", { kind: "assign", session, role: "answerer" }));
      return;
    }
    return world.feed(name, { kind: "call", session: next(), audio: true, video: true, name });
  }
  if (pick < 0.5) return world.feed(name, { kind: "renegotiate", why: "a new track", iceRestart: pick < 0.4 });
  if (pick < 0.8) return world.feed(name, { kind: "end", reason: "hangup" });
  if (kind === "IncomingInit") return world.feed(name, { kind: pick < 0.9 ? "accept" : "reject", reason: "declined" });
}

function assertAgreement(world: TwoEnds, seed: number): void {
  const { ann, bob } = world.states;
  const where = `seed ${seed}: ann ${ann.kind}, bob ${bob.kind}`;
  assert.deepEqual(world.illegal, [], `seed ${seed}`);
  assert.ok(ann.kind === bob.kind && (ann.kind === "Active" || ann.kind === "Idle"), where);
  if (ann.kind === "Active" && bob.kind === "Active") {
    assert.equal(ann.session, bob.session, where);
    assert.ok(ann.media && bob.media && !ann.interrupted && !bob.interrupted, `${where}, without media`);
    assert.equal(ann.negotiation.phase, "stable", where);
    assert.equal(bob.negotiation.phase, "stable", where);
    assert.notEqual(ann.role, bob.role, where);
  }
  for (const name of ["ann", "bob"] as const) {
    const state = world.states[name];
    const present = state.kind === "Idle" ? undefined : state.session;
    const left = [...world.open[name]].filter((thing) => thing.split("/")[0] !== present);
    assert.deepEqual(left, [], `${where}: ${name} left things open`);
  }
  for (const [key, { size }] of world.offers) assert.equal(size, 1, `seed ${seed}: ${size} offers in ${key}`);
  for (const name of ["ann", "bob"] as const) {
    const sessions = new Set<string>();
    for (const event of world.seen[name].events) {
      if (event.kind !== "ended") continue;
      assert.ok(!sessions.has(event.session), `seed ${seed}: ${event.session} ended twice at ${name}`);
      sessions.add(event.session);
      if (event.by !== "remote" || event.reason === "remote-gone" || event.reason === "replaced") continue;
      const told = world.seen[name === "ann" ? "bob" : "ann"].sent.some(
        ({ session, body }) =>
          session === event.session && (body.kind === "hangup" || body.kind === "reject" || body.kind === "refused"),
      );
      assert.ok(told, `seed ${seed}: ${event.session} was ended at ${name} by what was said of another session`);
    }
  }
}

function many(from: number, count: number, weather: Weather, options: Partial<SessionOptions> = {}) {
  let active = 0;
  for (let seed = from; seed < from + count; seed++) {
    const world = live(seed, weather, options);
    assertAgreement(world, seed);
    if (world.states.ann.kind === "Active") active += 1;
  }
  return active;
}

it("[SES40] two ends of a call agree in 2,000 schedules of delay, doubling, overtaking, failures and cuts", () => {
  const active = many(1, 2000, ROUGH);
  assert.ok(active > 200, `only ${active} calls stayed`);
});

it("[SES40] two ends of a call agree in 1,000 schedules that also lose a tenth of the signals", () => {
  many(10_001, 1000, LOSSY);
});

it("[SES40] two ends of an assigned pair agree in 1,000 schedules", () => {
  many(20_001, 1000, ROUGH, { use: "pair", captures: false });
});

it("[SES40] over an ordered channel without faults every call that nobody ends becomes Active at both ends", () => {
  for (let seed = 30_001; seed < 30_301; seed++) {
    const world = new TwoEnds(seed, CALM);
    const name = seed % 2 === 0 ? "ann" : "bob";
    world.feed(name, { kind: "call", session: "s1", audio: true, video: true, name });
    world.at(500, () => world.feed(name === "ann" ? "bob" : "ann", { kind: "accept" }));
    world.runUntil(60_000);
    const prompted = ["ann", "bob"].some((end) =>
      world.seen[end as "ann"].events.some((event) => event.kind === "ended" && event.reason === "setup-timeout"),
    );
    if (!prompted) assert.equal(world.states.ann.kind, "Active", `seed ${seed}`);
    assertAgreement(world, seed);
  }
});

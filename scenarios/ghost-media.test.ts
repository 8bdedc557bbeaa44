import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerMessage, Source } from "@lodeline/protocol";
import { publicationId, subscriptionId } from "@lodeline/protocol";
import { disagreements, type World } from "@lodeline/testkit";
import { person, placeOf, stage } from "./support/stage.ts";

/** Requirement R1.2#21: the sender shares, signaling is fine, ICE is connected, and the receiver sees nothing. */
const BACK_WITHIN_MS = 3_000;
const NAMES = ["anna", "bert", "cleo"] as const;

/** What happened to anything but the publication in question. */
interface Damage {
  readonly sessions: string[];
  readonly standings: string[];
}

/** Watches that nothing else is reset: no session negotiates, changes or is interrupted, no other standing moves. */
function watchDamage(world: World, publication: string): Damage {
  const damage: Damage = { sessions: [], standings: [] };
  for (const one of world.people) {
    one.participant?.on("session", ({ key, event }) => {
      if (event.kind !== "step") damage.sessions.push(`${one.identity} ${key} ${event.kind}`);
    });
    one.participant?.on("standing", (event) => {
      if (event.publication !== publication)
        damage.standings.push(`${one.identity} ${event.publication} ${event.standing}`);
    });
  }
  return damage;
}

/** The publication's row for bert, in the authority's ledger. */
function rowOf(world: World, publication: string) {
  const subscription = subscriptionId(publication, placeOf(world, "bert"));
  return world.server.hub
    .rooms()
    .flatMap((room) => room.ledger)
    .find((row) => row.subscription === subscription);
}

/** Advances until bert truly gets the publication and everybody says so. @returns Virtual ms, or undefined. */
function untilBack(world: World, publication: string, limitMs: number): number | undefined {
  const began = world.clock.now();
  while (world.clock.now() - began < limitMs) {
    world.clock.advance(20);
    if (person(world, "bert").hears(publication) && disagreements(world).length === 0) return world.clock.now() - began;
  }
  return undefined;
}

interface Run {
  /** Messages to bert after the publish, in order. */
  readonly messages: readonly string[];
  readonly backAfterMs: number | undefined;
  readonly damage: Damage;
  readonly replays: ReadonlyMap<string, number>;
  readonly words: ReadonlySet<string>;
}

/** Anna publishes a source; the `lost`th message to bert is lost above the link, where nothing sends it again. */
function publish(topology: "sfu" | "mesh", source: Source, lost: number | undefined): Run {
  using world = stage({ topology, names: NAMES });
  const anna = person(world, "anna");
  const publication = publicationId(placeOf(world, "anna"), source);
  world.replays.clear();
  const damage = watchDamage(world, publication);
  const words = new Set<string>();
  person(world, "bert").participant?.on("changed", () => words.add(wordsAt(world, publication)));
  const messages: string[] = [];
  world.server.filter = (to, message) => {
    if (to.identity !== "bert") return true;
    messages.push(nameOf(message));
    return messages.length - 1 !== lost;
  };
  anna.setSource(source, "live");
  const backAfterMs = untilBack(world, publication, BACK_WITHIN_MS);
  return { messages, backAfterMs, damage, replays: new Map(world.replays), words };
}

function wordsAt(world: World, publication: string): string {
  return person(world, "bert").participant?.words(publication) ?? "";
}

function nameOf(message: ServerMessage): string {
  if (message.type === "room-event") return `room-event ${message.events.map(({ event }) => event.kind).join()}`;
  return message.type;
}

describe("ghost media: one message of a publish is lost above the link", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    for (const source of ["screen", "screen-audio"] as const) {
      it(`${topology}, ${source}: each message in turn`, (t) => {
        const whole = publish(topology, source, undefined);
        assert.ok(whole.backAfterMs !== undefined && whole.messages.length >= 2, "nothing was announced");
        assert.ok(whole.messages.includes("room-event media-state"));
        assert.equal(whole.replays.size, 0, "a replay without a loss");
        for (let lost = 0; lost < whole.messages.length; lost++) {
          const run = publish(topology, source, lost);
          const name = `message ${lost} (${run.messages[lost]}) lost`;
          t.diagnostic(`${name}: ${run.backAfterMs ?? "never"} ms, replays ${[...run.replays].join(" ") || "none"}`);
          assert.ok(run.backAfterMs !== undefined, `${name}: not back within ${BACK_WITHIN_MS} ms`);
          assert.deepEqual(run.damage, { sessions: [], standings: [] }, `${name}: something else was reset`);
          const steps = [...run.replays.keys()].filter((step) => step !== "tell-again" && step !== "key-frame");
          assert.deepEqual(steps, [], `${name}: larger steps than needed`);
        }
      });
    }
  }

  it("the tile says that it is missing when the announcement and its repetitions stay away", () => {
    using world = stage({ topology: "sfu", names: NAMES });
    const publication = publicationId(placeOf(world, "anna"), "screen");
    world.server.filter = (to, message) =>
      to.identity !== "bert" || !["room-event", "room-state", "slots"].includes(message.type);
    person(world, "anna").setSource("screen", "live");
    world.clock.advance(4_000);
    assert.equal(rowOf(world, publication)?.standing, "missing");
    assert.equal(wordsAt(world, publication), "missing: asking again");
    world.server.filter = undefined;
    assert.ok(untilBack(world, publication, BACK_WITHIN_MS) !== undefined);
    assert.equal(wordsAt(world, publication), "live");
  });
});

describe("ghost media: a track's packets are silenced for 5 s", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    for (const source of ["camera", "microphone"] as const) {
      it(`${topology}, ${source}: missing, a replay, and back within 3 s`, (t) => {
        using world = stage({ topology, names: NAMES });
        const publication = publicationId(placeOf(world, "anna"), source);
        const damage = watchDamage(world, publication);
        person(world, "anna").silence(source, true);
        world.clock.advance(5_000);
        assert.equal(rowOf(world, publication)?.standing, "missing");
        assert.equal(wordsAt(world, publication), "missing: asking again");
        assert.ok(world.replays.size > 0, "no replay ran");
        person(world, "anna").silence(source, false);
        const backAfterMs = untilBack(world, publication, BACK_WITHIN_MS);
        t.diagnostic(`back after ${backAfterMs} ms, replays ${[...world.replays].join(" ")}`);
        assert.ok(backAfterMs !== undefined, `not back within ${BACK_WITHIN_MS} ms`);
        assert.equal(wordsAt(world, publication), "live");
        assert.deepEqual(damage.standings, [], "another publication was touched");
        const reset = damage.sessions.filter((what) => !what.endsWith(" negotiated"));
        assert.deepEqual(reset, [], "a session was reset");
      });
    }
  }
});

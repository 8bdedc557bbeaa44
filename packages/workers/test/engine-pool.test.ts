import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SILENCE_MS } from "../src/pool/member.ts";
import { chooseWorker, expectedShare } from "../src/pool/placement.ts";
import { code, forward, load, lost, made, NOTHING, open, publish } from "./support/pool-rig.ts";
import { turns } from "./support/scripted-engine.ts";

describe("where a room goes", () => {
  it("[POOL1] the least busy worker takes a new room, by measure or by what was placed since", () => {
    const one = { index: 0, load: load(0.5), transports: 0, ofRoom: 0 };
    const two = { index: 1, load: load(0.2), transports: 0, ofRoom: 0 };
    assert.equal(chooseWorker([one, two], 100)?.index, 1);
    assert.equal(chooseWorker([one, { ...two, transports: 61 }], 100)?.index, 0);
    const many = {
      index: 2,
      load: { transports: 0, packetsPerSecond: 90_000, utilization: 0.1 },
      transports: 0,
      ofRoom: 0,
    };
    assert.equal(expectedShare(many), 0.9);
    assert.equal(chooseWorker([], 100), undefined);
  });

  it("[POOL1] a room stays where it is until it is full there, and goes on to the least busy", () => {
    const home = { index: 0, load: load(0.9), transports: 9, ofRoom: 9 };
    const free = { index: 1, load: load(0.1), transports: 0, ofRoom: 0 };
    const freer = { index: 2, load: load(0), transports: 0, ofRoom: 0 };
    assert.equal(chooseWorker([home, free, freer], 10)?.index, 0);
    assert.equal(chooseWorker([{ ...home, ofRoom: 10 }, free, freer], 10)?.index, 2);
    assert.equal(chooseWorker([{ ...home, ofRoom: 10 }, { ...free, ofRoom: 3 }, freer], 10)?.index, 1);
    // Full everywhere: the emptiest takes more.
    assert.equal(
      chooseWorker(
        [
          { ...home, ofRoom: 12 },
          { ...free, ofRoom: 11 },
        ],
        10,
      )?.index,
      1,
    );
  });
});

describe("a pool of engines", () => {
  it("[POOL2] asks the engine where a transport is, and no other", async () => {
    const { pool, at } = await made();
    await Promise.all([open("a"), open("b"), open("x", "attic")].map((one) => pool.ask(one)));
    await Promise.all([publish("p", "a"), forward("f", "p", "b")].map((one) => pool.ask(one)));
    await pool.ask({ kind: "request-key-frame", forwarder: "f" });
    assert.deepEqual(at(0).heard(), [
      "open-transport a",
      "open-transport b",
      "publish p",
      "forward f",
      "request-key-frame f",
    ]);
    assert.deepEqual(at(1).heard(), ["open-transport x"]);
    await pool.ask({ kind: "unforward", forwarder: "f" });
    await pool.ask({ kind: "unpublish", publication: "p" });
    for (const transport of ["a", "b", "x"]) await pool.ask({ kind: "close-transport", transport });
    assert.deepEqual(pool.held, { ...NOTHING });
    await pool.close();
  });

  it("[POOL2] refuses what is about something that is not there, and closes it all the same", async () => {
    const { pool, at } = await made();
    await assert.rejects(pool.ask(publish("p", "a")), code("media/closed"));
    await pool.ask(open("a"));
    await assert.rejects(pool.ask(open("a")), code("protocol/out-of-turn"));
    await assert.rejects(pool.ask(forward("f", "p", "a")), code("media/closed"));
    await pool.ask({ kind: "close-transport", transport: "nobody" });
    await pool.ask({ kind: "unforward", forwarder: "f" });
    assert.deepEqual(at(0).heard(), ["open-transport a"]);
    await pool.close();
  });

  it("[POOL3] tells what was on an engine that died as closed, and nothing else; another takes its place", async () => {
    const { clock, engines, events, pool, at } = await made();
    await Promise.all([open("a"), open("b"), open("x", "attic")].map((one) => pool.ask(one)));
    await Promise.all([publish("p", "a"), forward("f", "p", "b")].map((one) => pool.ask(one)));
    events.splice(0);
    at(0).die(lost);
    assert.deepEqual(
      events,
      ["a", "b"].map((transport) => ({ kind: "transport-state", transport, connection: "closed" })),
    );
    assert.deepEqual(pool.held, { ...NOTHING, transports: 1 });
    await pool.ask({ kind: "close-transport", transport: "a" });
    await pool.ask(open("x2", "attic"));
    clock.advance(0);
    await turns();
    assert.equal(engines[0]?.length, 2);
    await pool.ask(open("a2"));
    assert.deepEqual(at(0).heard(), ["open-transport a2"]);
    assert.deepEqual(at(1).heard(), ["open-transport x", "open-transport x2"]);
    await pool.close();
    assert.equal(clock.armed, 0);
  });

  it("[POOL4] lets a transport wait for an engine, and what is asked of it with it, in order", async () => {
    const { clock, next, pool, at } = await made(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    next.ready = promise;
    at(0).die(lost);
    clock.advance(0);
    const asked = [open("a"), publish("p", "a"), open("gone")].map((one) => pool.ask(one));
    const given = assert.rejects(asked[2] ?? assert.fail(), code("media/closed"));
    await pool.ask({ kind: "close-transport", transport: "gone" });
    await given;
    assert.deepEqual(at(0).heard(), []);
    resolve();
    await Promise.all(asked.slice(0, 2));
    assert.deepEqual(at(0).heard(), ["open-transport a", "publish p"]);
    await pool.close();
  });

  it("[POOL4] gives a transport up that waits for longer than its request may take", async () => {
    const { clock, pool, next, at } = await made(1);
    next.ready = new Promise(() => {});
    at(0).die(lost);
    clock.advance(0);
    const waiting = assert.rejects(pool.ask(open("a")), code("timeout"));
    await turns();
    clock.advance(8_000);
    await waiting;
    await pool.ask({ kind: "close-transport", transport: "a" });
    assert.equal(pool.held.transports, 0);
    await pool.close();
  });

  it("[POOL5] waits longer and longer before it replaces one that dies again and again", async () => {
    const { clock, engines, pool, at } = await made(1);
    const times: number[] = [];
    for (let died = 0; died < 5; died++) {
      at(0).die(lost);
      const before = engines[0]?.length ?? 0;
      const from = clock.now();
      while (engines[0]?.length === before) clock.advance(10);
      times.push(clock.now() - from);
      await turns();
    }
    assert.deepEqual(times, [10, 250, 500, 1_000, 2_000]);
    clock.advance(30_000);
    at(0).die(lost);
    const from = engines[0]?.length ?? 0;
    clock.advance(0);
    assert.equal(engines[0]?.length, from + 1);
    await pool.close();
  });

  it("[POOL6] lets go of an engine that holds something and says nothing", async () => {
    const { clock, engines, events, pool, at } = await made(1);
    await pool.ask(open("a"));
    clock.advance(SILENCE_MS - 1);
    at(0).tell({ kind: "load", load: load(0.1, 1) });
    clock.advance(SILENCE_MS - 1);
    assert.equal(engines[0]?.length, 1);
    clock.advance(1);
    assert.equal(engines[0]?.length, 2);
    assert.deepEqual(events.at(-1), { kind: "transport-state", transport: "a", connection: "closed" });
    clock.advance(10 * SILENCE_MS);
    assert.equal(engines[0]?.length, 2);
    await pool.close();
  });

  it("[POOL7] says how busy all are together", async () => {
    const { events, pool, at } = await made();
    at(0).tell({ kind: "load", load: { transports: 2, packetsPerSecond: 100, utilization: 0.5 } });
    at(1).tell({ kind: "load", load: { transports: 3, packetsPerSecond: 50, utilization: 0.1 } });
    assert.deepEqual(events.at(-1), {
      kind: "load",
      load: { transports: 5, packetsPerSecond: 150, utilization: 0.3 },
    });
    await pool.close();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, room } from "./support/bench.ts";

describe("the link of a participant", () => {
  it("[PART1] feeds nothing that an earlier socket still says", () => {
    const bench = new Bench();
    bench.participant.connect();
    bench.welcome();
    const [old] = bench.sockets;
    old?.closed(1006);
    bench.clock.advance(500);
    assert.equal(bench.sockets.length, 2);
    old?.text('{"kind":"bye","reason":"late"}');
    old?.closed(1000);
    bench.clock.advance(10);
    assert.equal(bench.participant.linkState, "interrupted");
    assert.equal(bench.sockets.length, 2);
    bench.welcome(true);
    assert.equal(bench.participant.linkState, "open");
    assert.deepEqual(
      bench.events("link").map(({ state }) => state),
      ["connecting", "open", "interrupted", "open"],
    );
  });

  it("[PART1] performs outputs in order, also those that a listener causes", () => {
    const bench = new Bench();
    bench.participant.on("link", ({ state }) => {
      if (state === "open") bench.participant.join({ room: "r", topology: "mesh" });
    });
    bench.participant.connect();
    bench.welcome();
    bench.joined(room("mesh", "p_ann", "p_bob"));
    assert.deepEqual(
      bench.sent.map((message) => message.type),
      ["join", "signal", "receipt"],
    );
  });

  it("[PART1] arms one timer, however many frames pass", () => {
    const bench = new Bench();
    bench.enterMesh();
    const before = bench.clock.armed;
    const state = () => ({ intent: "live", mutedBy: null }) as const;
    for (let i = 0; i < 50; i++) {
      bench.participant.setSource("screen", i % 2 ? "live" : "unpublished");
      bench.hears({ type: "ok", id: `x${i}` });
    }
    assert.ok(bench.clock.armed <= before + 1, `${bench.clock.armed} timers, ${before} before`);
    assert.equal(state().intent, "live");
  });

  it("[PART2] takes its place again on a new link, with a new session and a fresh offer", () => {
    const bench = new Bench();
    const first = bench.enterSfu();
    bench.connect(first);
    bench.sockets.at(-1)?.closed(1006);
    bench.clock.advance(500);
    bench.welcome();
    bench.clock.advance(100);
    const [, again] = bench.said("join");
    assert.deepEqual(again?.rejoin, { participant: "p_ann", token: "token" });
    const second = bench.driver();
    assert.notEqual(second, first);
    assert.equal(again?.session?.session, second.spec.session);
    assert.equal(first.closed, true);
    bench.joined(room("sfu", "p_ann"), { incarnation: 2 });
    bench.connect(second);
    assert.equal(bench.participant.session("sfu")?.state.kind, "Active");
    assert.deepEqual(
      bench.events("joined").map(({ again: isAgain }) => isAgain),
      [false, true],
    );
  });

  it("[PART1] tells that the server refused the link", () => {
    const bench = new Bench({ token: "expired" });
    bench.participant.connect();
    bench.sockets[0]?.opened();
    bench.sockets[0]?.text('{"kind":"fatal","code":"auth/token-expired","reason":"The token has expired."}');
    bench.clock.advance(10);
    assert.deepEqual(
      bench.events("refused").map(({ error }) => error.code),
      ["auth/token-expired"],
    );
    bench.participant.setToken("fresh");
    bench.participant.connect();
    bench.welcome();
    assert.equal(bench.participant.linkState, "open");
  });
});

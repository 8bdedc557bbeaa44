import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, pairWith, room } from "./support/bench.ts";

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

  it("[PART1] feeds the first socket until a second has taken over, and nothing of it then", () => {
    const bench = new Bench();
    bench.participant.connect();
    bench.welcome();
    const [first] = bench.sockets;
    bench.participant.networkChanged();
    assert.equal(bench.sockets.length, 2);
    first?.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"error","code":"server/internal","reason":"x"}}');
    assert.equal(bench.events("error").length, 1, "as long as it is the only one that is welcome");
    bench.participant.networkChanged();
    assert.equal(bench.sockets.length, 3, "the second went unused, for the first was alive");
    bench.welcome(true);
    bench.sockets[2]?.text(
      '{"kind":"data","seq":2,"ack":0,"message":{"type":"error","code":"server/internal","reason":"y"}}',
    );
    assert.equal(bench.events("error").length, 2);
    first?.text('{"kind":"bye","reason":"late"}');
    first?.closed(1006);
    bench.sockets[1]?.closed(1006);
    bench.clock.advance(500);
    assert.equal(bench.sockets.length, 3);
    assert.ok(bench.events("link").every(({ state }) => state !== "interrupted"));
    assert.equal(bench.participant.linkState, "open");
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

  it("[PART2] keeps what works when its link is a new one: the same session, no offer, no gap in what is expected", () => {
    const bench = new Bench();
    const first = bench.enterSfu("p_bob");
    bench.connect(first);
    const offers = first.effects.filter(({ kind }) => kind === "create-offer").length;
    bench.renewLink();
    bench.clock.advance(100);
    const again = bench.said("join").at(-1);
    assert.deepEqual(again?.keeps, [first.spec.session]);
    assert.equal(again?.session, undefined);
    const standings = bench.events("standing").length;
    bench.joined(room("sfu", "p_ann", "p_bob"), { kept: [first.spec.session] });
    bench.clock.advance(100);
    assert.equal(bench.drivers.length, 1);
    assert.equal(first.closed, false);
    assert.equal(first.effects.filter(({ kind }) => kind === "create-offer").length, offers);
    assert.equal(bench.events("standing").length, standings);
    assert.deepEqual(
      bench.events("joined").map((one) => one.again),
      [false, true],
    );
    // The server's end went after that: the place is taken once more, with a fresh offer.
    const hangup = {
      session: first.spec.session,
      epoch: 0,
      seq: 0,
      body: { kind: "hangup", reason: "remote-gone" },
    } as const;
    bench.hears({ type: "signal", scope: "room", from: "sfu", signal: hangup });
    bench.clock.advance(100);
    assert.notEqual(bench.said("join").at(-1)?.session, undefined);
    assert.equal(bench.said("join").at(-1)?.keeps, undefined);
  });

  it("[PART2] begins anew where the server has not kept the session", () => {
    const bench = new Bench();
    const first = bench.enterSfu();
    bench.connect(first);
    bench.renewLink();
    bench.joined(room("sfu", "p_ann"), { incarnation: 2 });
    bench.clock.advance(100);
    const last = bench.said("join").at(-1);
    assert.equal(last?.keeps, undefined);
    assert.equal(last?.session?.session, bench.driver().spec.session);
    assert.notEqual(bench.driver(), first);
  });

  it("[PART2] keeps the pairs that work and lets the others be renewed", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob", "p_cleo");
    const [bob] = bench.drivers;
    assert.ok(bob);
    bench.hears({
      type: "signal",
      scope: "room",
      from: "p_bob",
      signal: { session: bob.spec.session, epoch: 1, seq: 1, body: { kind: "answer", sdp: "v=0 answer" } },
    });
    bench.connect(bob);
    assert.equal(bench.participant.session("pair:p_bob")?.state.kind, "Active");
    bench.renewLink();
    bench.clock.advance(100);
    assert.deepEqual(bench.said("join").at(-1)?.keeps, [bob.spec.session]);
    const now = room("mesh", "p_ann", "p_bob", "p_cleo");
    const pairs = [now.pairs[0], pairWith("p_cleo", "s-new")].flatMap((one) => one ?? []);
    bench.joined({ ...now, pairs }, { kept: [bob.spec.session] });
    bench.clock.advance(100);
    assert.equal(bob.closed, false);
    assert.deepEqual(
      bench.drivers.slice(2).map(({ spec }) => spec.session),
      ["s-new"],
    );
  });

  it("[PART21] offers anew when the session of its offer ended while the join waited", () => {
    const bench = new Bench();
    bench.participant.join({ room: "r" });
    bench.clock.advance(1);
    bench.welcome();
    const session = bench.driver().spec.session;
    const hangup = { session, epoch: 0, seq: 0, body: { kind: "hangup", reason: "remote-gone" } } as const;
    bench.hears({ type: "signal", scope: "room", from: "sfu", signal: hangup });
    bench.clock.advance(50);
    const id = bench.said("join").at(-1)?.id ?? "";
    bench.hears({
      type: "joined",
      id,
      participant: "p_ann",
      incarnation: 1,
      rejoinToken: "token",
      seq: 1,
      room: room("sfu", "p_ann"),
      iceServers: [],
      receiptWindowMs: 2_000,
      suspectMs: 5_000,
      leaseMs: 15_000,
    });
    bench.clock.advance(100);
    const again = bench.said("join").at(-1);
    assert.deepEqual(again?.rejoin, { participant: "p_ann", token: "token" });
    assert.notEqual(again?.session?.session, session);
    assert.equal(again?.session?.session, bench.driver().spec.session);
  });

  it("[PART17] tells that its place is lost, and asks for another by itself with the same wishes", () => {
    const bench = new Bench();
    bench.participant.join({ room: "r", sources: { camera: "live" } });
    bench.clock.advance(1);
    bench.welcome();
    bench.joined(room("sfu", "p_ann"));
    bench.connect(bench.driver());
    bench.hears({ type: "removed", code: "room/lease-expired", reason: "too long" });
    bench.clock.advance(100);
    assert.deepEqual(bench.events("place-lost"), [
      { room: "r", participant: "p_ann", code: "room/lease-expired", reason: "too long" },
    ]);
    assert.deepEqual(bench.events("removed"), []);
    const again = bench.said("join").at(-1);
    assert.equal(again?.rejoin, undefined);
    assert.equal(again?.sources.camera.intent, "live");
    assert.equal(again?.session?.session, bench.driver().spec.session);
    bench.joined(room("sfu", "p_ann2"), { participant: "p_ann2" });
    assert.deepEqual(
      bench.events("joined").map((one) => [one.place.participant, one.again]),
      [
        ["p_ann", false],
        ["p_ann2", false],
      ],
    );
  });

  it("[PART17] tells it too when the link is a new one and the place is gone, and after a reload", () => {
    const bench = new Bench();
    const first = bench.enterSfu();
    bench.connect(first);
    bench.renewLink();
    const refuse = () => {
      const id = bench.said("join").at(-1)?.id ?? "";
      bench.hears({ type: "error", id, code: "room/bad-rejoin", reason: "gone" });
      bench.clock.advance(100);
    };
    refuse();
    assert.equal(bench.events("place-lost").length, 1);
    const again = bench.said("join").at(-1);
    assert.deepEqual([again?.rejoin, again?.keeps], [undefined, undefined]);
    assert.notEqual(again?.session?.session, first.spec.session);

    const page = new Bench();
    page.participant.join({ room: "r", rejoin: { room: "r", participant: "p_old", token: "t" } });
    page.clock.advance(1);
    page.welcome();
    const id = page.said("join").at(-1)?.id ?? "";
    page.hears({ type: "error", id, code: "room/bad-rejoin", reason: "gone" });
    assert.deepEqual(
      page.events("place-lost").map((one) => one.participant),
      ["p_old"],
    );
    page.joined(room("sfu", "p_ann"));
    assert.equal(page.participant.membership, "joined");
  });

  it("[PART17] tells that the join failed when the other place is refused too", () => {
    const page = new Bench();
    page.participant.join({ room: "r", rejoin: { room: "r", participant: "p_old", token: "t" } });
    page.clock.advance(1);
    page.welcome();
    for (const code of ["room/bad-rejoin", "room/removed"]) {
      page.hears({ type: "error", id: page.said("join").at(-1)?.id ?? "", code, reason: "no" });
    }
    page.clock.advance(100);
    assert.deepEqual(
      page.events("join-failed").map(({ error }) => error.code),
      ["room/removed"],
    );
    assert.equal(page.participant.membership, "outside");
    assert.deepEqual(page.participant.sessions, []);
    // While it held a place it is `removed` that tells, and nothing else.
    const bench = new Bench();
    bench.enterMesh();
    bench.renewLink();
    for (const code of ["room/bad-rejoin", "room/full"]) {
      bench.hears({ type: "error", id: bench.said("join").at(-1)?.id ?? "", code, reason: "no" });
    }
    assert.deepEqual(
      bench.events("removed").map(({ code }) => code),
      ["room/full"],
    );
    assert.deepEqual(bench.events("join-failed"), []);
  });

  it("[PART2] takes its place again on a new link, with a fresh offer where no session works", () => {
    const bench = new Bench();
    const first = bench.enterSfu();
    bench.renewLink();
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

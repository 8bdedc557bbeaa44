import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom, unit } from "@lodeline/base";
import { message, NO_FAULTS, told, Wire } from "./wire.ts";

const ids = (letter: string, from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${letter}${from + i}`);

describe("delivery", () => {
  it("[LINK1] loses, doubles and disorders nothing over 400 seeded schedules of cuts and faults, or says renewed", () => {
    let renewals = 0;
    for (let seed = 1; seed <= 400; seed++) renewals += schedule(seed);
    assert.ok(renewals > 0, "some schedules must reach a renewal, or the rule is only half tried");
  });

  it("[LINK1] keeps the link through cuts alone: no schedule without silence past the window renews", () => {
    for (let seed = 1; seed <= 100; seed++) assert.equal(schedule(seed, 0), 0, `seed ${seed}`);
  });

  it("[LINK2] drops a frame that comes twice, in both directions", () => {
    const wire = new Wire();
    wire.faults = { ...NO_FAULTS, double: 1 };
    wire.open();
    wire.run(200);
    for (let n = 1; n <= 20; n++) {
      wire.do((client, now) => client.send(message(n), now));
      wire.serve((link, now) => link.send(told(n), now));
    }
    wire.run(1000);
    assert.deepEqual(wire.idsAtServer(), ids("c", 1, 20));
    assert.deepEqual(wire.idsAtClient(), ids("s", 1, 20));
  });

  it("[LINK3] a gap seen by the server closes with 4410 and is filled by the resume", () => {
    const wire = opened();
    wire.faults = { ...NO_FAULTS, drop: 1 };
    wire.do((client, now) => client.send(message(1), now));
    wire.faults = NO_FAULTS;
    wire.do((client, now) => client.send(message(2), now));
    wire.run(1000);
    assert.deepEqual(wire.idsAtServer(), ["c1", "c2"]);
    const closes = wire.serverOutputs.flatMap(({ output }) => (output.kind === "close-socket" ? [output] : []));
    assert.deepEqual(closes, [{ kind: "close-socket", code: 4410, reason: "protocol/sequence-gap" }]);
    assert.deepEqual(wire.states(), ["connecting", "open", "interrupted", "open"]);
  });

  it("[LINK3] a gap seen by the client is filled by its resume", () => {
    const wire = opened();
    wire.faults = { ...NO_FAULTS, drop: 1 };
    wire.serve((link, now) => link.send(told(1), now));
    wire.faults = NO_FAULTS;
    wire.serve((link, now) => link.send(told(2), now));
    wire.run(1000);
    assert.deepEqual(wire.idsAtClient(), ["s1", "s2"]);
    assert.deepEqual(wire.states(), ["connecting", "open", "interrupted", "open"]);
  });

  it("[LINK4] acknowledges after ackDelayMs, and at once after eight frames", () => {
    const wire = opened();
    const acks = () => wire.texts.filter(({ to, text }) => to === "server" && text.includes('"kind":"ack"')).length;
    const sentAt = wire.now;
    wire.serve((link, now) => link.send(told(1), now));
    wire.run(300);
    const ack = wire.texts.find(({ to, text }) => to === "server" && text === '{"kind":"ack","ack":1}');
    assert.ok(ack, "an ack of its own");
    assert.ok(ack.at >= sentAt + 110 && ack.at <= sentAt + 120, `${ack.at - sentAt}`);
    assert.equal(wire.server.unacknowledged, 0);
    const before = acks();
    for (let n = 2; n <= 9; n++) wire.serve((link, now) => link.send(told(n), now));
    wire.run(40);
    assert.equal(acks(), before + 1);
    assert.equal(wire.server.unacknowledged, 0);
  });

  it("[LINK5] a lost last frame is said again within five acknowledgement delays and a round trip, without a reconnect", () => {
    const wire = opened();
    wire.faults = { ...NO_FAULTS, drop: 1 };
    wire.serve((link, now) => link.send(told(1), now));
    wire.do((client, now) => client.send(message(1), now));
    wire.faults = NO_FAULTS;
    wire.run(5 * wire.timers.ackDelayMs + 100);
    assert.deepEqual(wire.idsAtClient(), ["s1"]);
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
    assert.deepEqual(wire.states(), ["connecting", "open"]);
  });
});

function opened(): Wire {
  const wire = new Wire();
  wire.open();
  wire.run(500);
  return wire;
}

/**
 * Ten seconds of trouble, then quiet.
 *
 * @param faulty - Share of the schedules in which frames themselves are lost, doubled and reordered.
 * @returns How often the client was renewed.
 */
function schedule(seed: number, faulty = 0.6): number {
  const chance = seededRandom(seed * 7919);
  const hard = unit(chance) < faulty;
  const wire = new Wire({
    seed,
    latencyMs: 1 + integer(chance, 60),
    timers: hard ? { resumeWindowMs: 6_000 } : {},
  });
  if (hard) {
    wire.faults = { drop: unit(chance) * 0.1, double: unit(chance) * 0.2, reorder: unit(chance) * 0.1 };
  }
  wire.open();
  let clientSent = 0;
  let serverSent = 0;
  /** The number of the first message that the present link carries, by each end. */
  let clientFrom = 1;
  const serverFrom = new Map<string, number>();
  let renewals = 0;
  let seen = 0;
  const watch = () => {
    for (; seen < wire.clientOutputs.length; seen++) {
      if (wire.clientOutputs[seen]?.kind !== "renewed") continue;
      renewals += 1;
      clientFrom = clientSent + 1;
    }
  };
  for (let step = 0; step < 100; step++) {
    for (let n = integer(chance, 4); n > 0; n--) {
      clientSent += 1;
      wire.do((client, now) => client.send(message(clientSent), now));
    }
    for (let n = wire.sockets.some((socket) => socket.link) ? integer(chance, 4) : 0; n > 0; n--) {
      serverSent += 1;
      if (!serverFrom.has(wire.server.id)) serverFrom.set(wire.server.id, serverSent);
      wire.serve((link, now) => link.send(told(serverSent), now));
    }
    if (unit(chance) < 0.12) {
      const learns = () => (unit(chance) < 0.7 ? integer(chance, 200) : undefined);
      wire.cut(learns(), learns());
      if (hard && unit(chance) < 0.15) {
        wire.reachable = false;
        wire.after(5_000 + integer(chance, 5_000), () => {
          wire.reachable = true;
        });
      }
    }
    for (let ms = 0; ms < 100; ms += 5) {
      wire.run(5);
      watch();
    }
  }
  wire.faults = NO_FAULTS;
  for (let ms = 0; ms < 20_000; ms += 5) {
    wire.run(5);
    watch();
  }
  assert.equal(wire.client.state, "open", `seed ${seed}`);
  assert.deepEqual(wire.idsAtServer(), ids("c", clientFrom, clientSent), `seed ${seed}: client to server`);
  const from = serverFrom.get(wire.server.id) ?? serverSent + 1;
  assert.deepEqual(wire.idsAtClient(), ids("s", from, serverSent), `seed ${seed}: server to client`);
  assert.equal(wire.client.unacknowledged + wire.server.unacknowledged, 0, `seed ${seed}: all acknowledged`);
  // Nothing is executed twice, on whatever link.
  const executed = [...wire.atServer.values()].flat().map((m) => ("id" in m ? m.id : ""));
  assert.equal(new Set(executed).size, executed.length, `seed ${seed}: executed twice`);
  return renewals;
}

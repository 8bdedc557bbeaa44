import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { message, told, Wire } from "./wire.ts";

describe("a second socket", () => {
  it("[LINK29] takes over from one that died in silence, 1 s after a ping, and nothing is interrupted or lost", () => {
    const wire = opened();
    wire.cut(undefined, undefined);
    wire.do((client, now) => client.send(message(1), now));
    wire.serve((link, now) => link.send(told(1), now));
    const pinged = () => wire.texts.find(({ to, text, at }) => to === "server" && at >= 500 && text.includes('"ping"'));
    while (!pinged()) wire.run(10);
    wire.run((pinged()?.at ?? 0) + 999 - wire.now);
    assert.equal(count(wire, "open-spare"), 0, "not a millisecond earlier");
    wire.run(100);
    assert.deepEqual(wire.states(), ["connecting", "open", "open"]);
    assert.deepEqual([wire.idsAtServer(), wire.idsAtClient()], [["c1"], ["s1"]]);
    assert.deepEqual([wire.links.size, count(wire, "renewed"), wire.sockets.length], [1, 0, 2]);
    wire.run(30_000);
    assert.equal(wire.sockets.length, 2, "and it is quiet again");
  });

  it("[LINK29] waits for three round trips where these take longer", () => {
    const wire = opened({ latencyMs: 500 });
    wire.run(10_000);
    assert.ok((wire.client.rttMs ?? 0) >= 1_000);
    const before = wire.sockets.length;
    wire.run(60_000);
    assert.equal(wire.sockets.length, before);
  });

  it("[LINK29] is tried again while the first stays silent, and is what goes on when that is given up", () => {
    const wire = opened();
    wire.cut(undefined, undefined);
    wire.reachable = false;
    wire.run(3_500);
    assert.ok(count(wire, "open-spare") >= 2);
    assert.equal(wire.client.state, "open", "the first may only have been slow");
    wire.reachable = true;
    wire.run(600);
    assert.deepEqual(wire.states(), ["connecting", "open", "open"]);
  });

  it("[LINK30] is opened at once when the network has changed", () => {
    const wire = opened();
    wire.cut(undefined, undefined);
    wire.do((client, now) => client.networkChanged(now));
    wire.run(70);
    assert.deepEqual(wire.states(), ["connecting", "open", "open"]);
    assert.equal(wire.sockets.length, 2);
  });

  it("[LINK30] a change that is none loses no message, whichever way it goes", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const wire = opened({ seed });
      for (let n = 1; n <= 40; n++) {
        wire.after(n * 7, () => wire.do((client, now) => client.send(message(n), now)));
        wire.after(n * 11, () => wire.serve((link, now) => link.send(told(n), now)));
      }
      for (let n = 1; n <= 5; n++)
        wire.after(n * (20 + seed), () => wire.do((client, now) => client.networkChanged(now)));
      wire.run(5_000);
      const all = Array.from({ length: 40 }, (_, index) => index + 1);
      assert.deepEqual(
        [wire.idsAtServer(), wire.idsAtClient()],
        [all.map((n) => `c${n}`), all.map((n) => `s${n}`)],
        `seed ${seed}`,
      );
      assert.ok(!wire.states().includes("interrupted"), `seed ${seed}`);
      assert.deepEqual([wire.links.size, count(wire, "renewed")], [1, 0], `seed ${seed}`);
    }
  });

  it("[LINK30] is not taken when the first shows a sign of life before", () => {
    const wire = opened({ latencyMs: 20 });
    wire.serve((link, now) => link.send(told(1), now));
    wire.do((client, now) => client.networkChanged(now));
    wire.run(5_000);
    assert.deepEqual([count(wire, "open-spare"), count(wire, "drop-spare"), count(wire, "adopt-spare")], [1, 1, 0]);
    assert.deepEqual(wire.states(), ["connecting", "open"]);
  });

  it("[LINK31] one that is refused does the first no harm", () => {
    const wire = opened();
    wire.refuseHello = new LodelineError("auth/token-expired");
    wire.do((client, now) => client.networkChanged(now));
    wire.run(10_000);
    assert.deepEqual([count(wire, "refused"), count(wire, "adopt-spare"), wire.client.state], [0, 0, "open"]);
    wire.do((client, now) => client.send(message(1), now));
    wire.run(100);
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
  });

  it("[LINK31] one that died after its hello, for which the server had closed the first, ends no link", () => {
    const wire = opened({ latencyMs: 50 });
    wire.do((client, now) => client.networkChanged(now));
    wire.run(210);
    assert.equal(count(wire, "adopt-spare"), 0);
    assert.equal(wire.sockets[1]?.link, wire.server, "the server has moved");
    const { spare } = wire;
    assert.ok(spare);
    spare.toClientAt = Number.POSITIVE_INFINITY;
    wire.spare = undefined;
    wire.do((client, now) => client.spareClosed(now));
    wire.run(1_500);
    assert.deepEqual([count(wire, "refused"), wire.client.state], [0, "open"]);
    assert.deepEqual([wire.links.size, count(wire, "renewed")], [1, 0]);
  });

  it("[LINK31] closing closes both", () => {
    const wire = opened();
    wire.do((client, now) => client.networkChanged(now));
    wire.run(25);
    wire.do((client, now) => client.close("left", now));
    wire.run(1_000);
    assert.deepEqual([wire.client.state, wire.serverStates().at(-1)], ["closed", "closed"]);
    assert.ok(wire.sockets.every(({ clientOpen }) => !clientOpen));
    assert.equal(wire.client.deadline(), undefined);
  });
});

function opened(options: ConstructorParameters<typeof Wire>[0] = {}): Wire {
  const wire = new Wire(options);
  wire.open();
  wire.run(Math.max(500, 8 * (options.latencyMs ?? 10)));
  return wire;
}

function count(wire: Wire, kind: string): number {
  return wire.clientOutputs.filter((output) => output.kind === kind).length;
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLEAN_NETWORK, chance, type NetworkFaults, SimulatedNetwork, VirtualClock } from "@lodeline/testkit";

interface Bench {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly log: string[];
  send(text: string): void;
  reply(text: string): void;
  closeClient(): void;
  closeServer(): void;
}

function bench(faults: Partial<NetworkFaults> = {}): Bench {
  const clock = new VirtualClock();
  const log: string[] = [];
  let server: { send(text: string): void; close(code: number, reason: string): void } | undefined;
  const network = new SimulatedNetwork({
    clock,
    chance: chance(3),
    accept: (_host, socket) => {
      server = socket;
      return { text: (text) => log.push(`s ${text}`), closed: (code) => log.push(`s closed ${code}`) };
    },
  });
  network.faults = { ...CLEAN_NETWORK, ...faults };
  const socket = network.open("anna", {
    opened: () => log.push("c opened"),
    text: (text) => log.push(`c ${text}`),
    closed: (code) => log.push(`c closed ${code}`),
  });
  clock.advance(1000);
  return {
    clock,
    network,
    log,
    send: (text) => socket.send(text),
    reply: (text) => server?.send(text),
    closeClient: () => socket.close(1000, "bye"),
    closeServer: () => server?.close(1001, "going"),
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

describe("SimulatedNetwork", () => {
  it("[KIT4] delivers in order and once, however the jitter falls", () => {
    const { clock, log, send, reply } = bench({ jitterMs: 50 });
    for (const n of numbers(200)) {
      send(n);
      clock.advance(1);
    }
    reply("x");
    clock.advance(9);
    assert.ok(!log.includes("c x"));
    clock.advance(1000);
    assert.deepEqual(log, ["c opened", ...numbers(200).map((n) => `s ${n}`), "c x"].sort(byArrival(log)));
    assert.deepEqual(
      log.filter((line) => line.startsWith("s ")),
      numbers(200).map((n) => `s ${n}`),
    );
  });

  it("[KIT5] drops, doubles and reorders", () => {
    for (const [fault, check] of [
      [{ drop: 0.3 }, (got: string[]) => got.length < 190 && got.length > 80],
      [{ duplicate: 0.3 }, (got: string[]) => got.length > 210 && new Set(got).size === 200],
      [{ reorder: 0.3 }, (got: string[]) => got.length === 200 && got.join() !== [...got].sort().join()],
    ] as const) {
      const { clock, log, send } = bench(fault);
      for (const n of numbers(200)) {
        send(n.padStart(3, "0"));
        clock.advance(5);
      }
      clock.advance(1000);
      const got = log.filter((line) => line.startsWith("s "));
      assert.ok(check(got), `${JSON.stringify(fault)}: ${got.length}`);
    }
  });

  it("[KIT6] tells both ends of a loud cut once, and nobody of a silent one", () => {
    const loud = bench();
    loud.network.cut("anna", "loud");
    loud.send("lost");
    loud.clock.advance(1000);
    assert.deepEqual(loud.log.slice(1).sort(), ["c closed 1006", "s closed 1006"]);
    const silent = bench();
    silent.network.cut("anna", "silent");
    silent.send("lost");
    silent.reply("lost");
    silent.clock.advance(60_000);
    assert.deepEqual(silent.log, ["c opened"]);
    silent.closeClient();
    silent.closeServer();
    assert.equal(silent.network.openSockets, 0);
  });

  it("[KIT6] refuses a host that is offline", () => {
    const { clock, network, log } = bench();
    network.setOffline("anna", true);
    network.open("anna", {
      opened: () => log.push("opened"),
      text() {},
      closed: (code) => log.push(`refused ${code}`),
    });
    clock.advance(1000);
    assert.deepEqual(log, ["c opened", "refused 1006"]);
  });

  it("[KIT7] delivers what was sent before a close, and nothing after it", () => {
    const client = bench();
    client.send("last");
    client.reply("too late for the client");
    client.closeClient();
    client.send("after");
    client.clock.advance(1000);
    assert.deepEqual(client.log, ["c opened", "s last", "s closed 1000"]);
    const server = bench();
    server.reply("last");
    server.closeServer();
    server.clock.advance(1000);
    assert.deepEqual(server.log, ["c opened", "c last", "c closed 1001"]);
    assert.equal(server.network.openSockets, 0);
  });

  it("[KIT16] a stall delivers late, whole and in order, one way or both", () => {
    const { clock, network, log, send, reply } = bench();
    network.stall("anna", "to-server", 500);
    for (const n of numbers(5)) send(n);
    reply("x");
    clock.advance(100);
    assert.deepEqual(log, ["c opened", "c x"]);
    clock.advance(500);
    assert.deepEqual(log.slice(2), ["s 0", "s 1", "s 2", "s 3", "s 4"]);
  });

  it("[KIT16] when the server is killed its clients are told, or nobody is; its own side hears nothing", () => {
    for (const how of ["loud", "silent"] as const) {
      const { clock, network, log, send, closeClient } = bench();
      network.cutAll(how);
      send("late");
      clock.advance(1000);
      assert.deepEqual(log, how === "loud" ? ["c opened", "c closed 1006"] : ["c opened"]);
      closeClient();
      clock.advance(1000);
      assert.equal(network.openSockets, 0);
      assert.ok(!log.some((line) => line.startsWith("s ")));
    }
  });
});

/** Sorts expected lines by where they stand in the log: compares sets, the order is checked apart. */
function byArrival(log: readonly string[]): (a: string, b: string) => number {
  return (a, b) => log.indexOf(a) - log.indexOf(b);
}

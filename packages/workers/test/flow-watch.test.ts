import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FlowWatch } from "../src/engine/flow-watch.ts";
import { LoadMeter } from "../src/engine/load-meter.ts";

describe("what flows", () => {
  it("[ENG5] is told when it begins and ceases, and not in between", () => {
    const watch = new FlowWatch();
    const camera = (lastAtMs: number | undefined) => [{ id: "p", kind: "video" as const, lastAtMs }];
    const toBob = (lastAtMs: number | undefined) => [{ id: "f", kind: "audio" as const, lastAtMs }];
    const said = (arriving: boolean[], forwarded: boolean[]) => ({
      kind: "flow",
      publications: arriving.map((flows) => ({ publication: "p", arriving: flows })),
      forwarders: forwarded.map((flows) => ({ forwarder: "f", forwarded: flows })),
    });
    assert.deepEqual(watch.look(camera(undefined), toBob(undefined), 0), said([false], [false]));
    assert.equal(watch.look(camera(undefined), toBob(undefined), 200), undefined);
    assert.deepEqual(watch.look(camera(300), toBob(undefined), 400), said([true], []));
    assert.deepEqual(watch.look(camera(300), toBob(800), 1_800), said([], [true]));
    assert.deepEqual(watch.look(camera(300), toBob(800), 1_801), said([false], [false]));
    assert.equal(watch.look([], [], 2_000), undefined);
    assert.deepEqual(watch.look(camera(1_000), [], 2_100), said([true], []));
  });

  it("[ENG5] and with it what policies have made of a publication", () => {
    const watch = new FlowWatch();
    const camera = (one: string | undefined) => [{ id: "p", kind: "video" as const, lastAtMs: 0, one }];
    const microphone = (held: "speaking" | "silent" | undefined) => [
      { id: "m", kind: "audio" as const, lastAtMs: 0, held },
    ];
    const look = (one: string | undefined, held?: "speaking" | "silent") =>
      watch.look([...camera(one), ...microphone(held)], [], 100)?.publications;
    const arriving = true;
    assert.deepEqual(look(undefined), [
      { publication: "p", arriving },
      { publication: "m", arriving },
    ]);
    assert.deepEqual(look("f"), [{ publication: "p", arriving, one: "f" }]);
    assert.deepEqual(look("f", "silent"), [{ publication: "m", arriving, held: "silent" }]);
    assert.deepEqual(look(undefined, "speaking"), [
      { publication: "p", arriving },
      { publication: "m", arriving, held: "speaking" },
    ]);
    assert.equal(look(undefined, "speaking"), undefined);
  });
});

describe("how busy an engine is", () => {
  it("[ENG6] is measured once a second, over things that come and go", () => {
    const meter = new LoadMeter(() => 0.25, 0);
    const count =
      (...packets: number[]) =>
      () =>
        packets.map((one, index) => ({ id: String(index), packets: one }));
    assert.equal(meter.measure(1, count(10), 999), undefined);
    assert.deepEqual(meter.measure(2, count(100, 50), 1_000), {
      transports: 2,
      packetsPerSecond: 150,
      utilization: 0.25,
    });
    // The first went on, the second is another one now.
    assert.equal(meter.measure(2, count(300, 20), 3_000)?.packetsPerSecond, 110);
    assert.equal(meter.measure(0, count(), 4_000)?.packetsPerSecond, 0);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pacer, type PacketUrgency } from "@lodeline/rtp";

/** Sends what is offered at its time through a pacer. @returns What left, and when. */
function through(
  pacer: Pacer<string>,
  offered: readonly (readonly [at: number, urgency: PacketUrgency, name: string])[],
) {
  const left: [number, string][] = [];
  const drain = (until: number) => {
    while (pacer.deadlineMs <= until) {
      const at = pacer.deadlineMs;
      for (let item = pacer.poll(at); item !== undefined; item = pacer.poll(at)) left.push([Math.round(at), item]);
    }
  };
  for (const [at, urgency, name] of offered) {
    drain(at);
    if (pacer.admit(1000, urgency, at)) left.push([at, name]);
    else pacer.push(name, 1000, urgency);
  }
  drain(1e9);
  return left;
}

function burst(count: number, at: number) {
  return Array.from({ length: count }, (_, i) => [at, "video", `v${i}`] as const);
}

describe("a pacer", () => {
  it("[PACE1] lets everything pass at once without a rate", () => {
    const pacer = new Pacer<string>();
    assert.deepEqual(
      through(pacer, burst(50, 5)).map(([at]) => at),
      Array.from({ length: 50 }, () => 5),
    );
    assert.equal(pacer.deadlineMs, Infinity);
  });

  it("[PACE2] spreads a burst at its rate, in order", () => {
    const pacer = new Pacer<string>();
    pacer.rateBps = 800_000;
    const left = through(pacer, burst(20, 0));
    assert.deepEqual(
      left.map(([, name]) => name),
      burst(20, 0).map(([, , name]) => name),
    );
    assert.equal(left.at(-1)?.[0], 180, "20 packets of 10 ms, the first two at once");
    assert.equal(pacer.queuedBytes, 0);
  });

  it("[PACE3] sound never waits, repairs go before pictures", () => {
    const pacer = new Pacer<string>();
    pacer.rateBps = 800_000;
    const left = through(pacer, [...burst(10, 0), [20, "repair", "r"], [25, "audio", "a"]]);
    assert.equal(left.find(([, name]) => name === "a")?.[0], 25);
    const order = left.map(([, name]) => name);
    assert.ok(order.indexOf("r") < order.indexOf("v5"), order.join(" "));
  });

  it("[PACE3] pictures do not wait for what sound took", () => {
    const pacer = new Pacer<string>();
    pacer.rateBps = 100_000;
    // A second of sound at once, as after a machine has stood still, and as much again while pictures come.
    const backlog = Array.from({ length: 100 }, (_, i) => [0, "audio", `a${i}`] as const);
    const later = Array.from({ length: 1000 }, (_, i) => {
      const at = 4 * i;
      return i % 25 === 0 ? ([at, "video", String(at)] as const) : ([at, "audio", `b${i}`] as const);
    });
    for (const [at, name] of through(pacer, [...backlog, ...later])) {
      if (/^\d+$/.test(name)) assert.ok(at - Number(name) <= 100, `${name} waited for ${at - Number(name)} ms`);
    }
  });

  it("[PACE4] nothing waits much longer than two seconds, and what is held is bounded", () => {
    const pacer = new Pacer<string>();
    pacer.rateBps = 100_000;
    const left = through(pacer, burst(200, 0));
    assert.ok((left.at(-1)?.[0] ?? 0) < 2100, `the last after ${left.at(-1)?.[0]} ms`);
    for (let i = 0; i < 1000; i++) if (!pacer.admit(1000, "video", 9000)) pacer.push("x", 1000, "video");
    assert.equal(pacer.queuedBytes, 400_000);
    assert.deepEqual([pacer.drain().length, pacer.queuedBytes, pacer.deadlineMs], [400, 0, Infinity]);
  });
});

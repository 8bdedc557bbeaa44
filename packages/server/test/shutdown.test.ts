import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "@lodeline/base";
import { createShutdown, type ShutdownParts } from "../src/shutdown.ts";
import { StandingClock } from "./support/standing-clock.ts";

const never = new Promise<void>(() => {});
const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

function parts(steps: string[], hang: "sockets" | "media" | "nothing") {
  const time = new StandingClock();
  const note = (step: string, work: Promise<void> = Promise.resolve()) => {
    steps.push(step);
    return work;
  };
  const made = {
    clock: time,
    logger: silentLogger,
    app: { close: () => note("http closed") },
    gateway: {
      socketCount: hang === "sockets" ? 2 : 0,
      stopAccepting: () => note("no new links"),
      emptied: () => note("waiting for links", hang === "sockets" ? never : Promise.resolve()),
      terminate: () => note("links dropped"),
    },
    hub: {
      rooms: () => [{ room: "den" }],
      drain: () => note("everybody told"),
      [Symbol.dispose]: () => note("hub disposed"),
    },
    media: { transportCount: 3, close: () => note("media closing", hang === "media" ? never : Promise.resolve()) },
  };
  return { time, made: made as unknown as ShutdownParts };
}

const WAY_DOWN = [
  "no new links",
  "everybody told",
  "waiting for links",
  "links dropped",
  "media closing",
  "hub disposed",
  "http closed",
];

describe("shutdown", () => {
  it("[END1] goes down in order, once", async () => {
    const steps: string[] = [];
    const { made, time } = parts(steps, "nothing");
    const shutdown = createShutdown(made);
    assert.equal(shutdown.state, "ready");
    const first = shutdown.close();
    assert.equal(shutdown.state, "draining");
    assert.equal(shutdown.close(), first);
    assert.deepEqual(await first, { durationMs: 0, hung: [] });
    assert.deepEqual([shutdown.state, steps, time.armed], ["closed", WAY_DOWN, 0]);
  });

  it("[END2] drops links that do not close half a second before the end", async () => {
    const steps: string[] = [];
    const { made, time } = parts(steps, "sockets");
    const closing = createShutdown(made).close({ timeoutMs: 3000 });
    time.goTo(2499);
    await turns();
    assert.equal(steps.at(-1), "waiting for links");
    time.goTo(2500);
    assert.deepEqual(await closing, { durationMs: 2500, hung: ["2 sockets: not in time"] });
    assert.deepEqual(steps, WAY_DOWN);
  });

  it("[END2] names media that hangs, and closes the rest all the same", async () => {
    const steps: string[] = [];
    const { made, time } = parts(steps, "media");
    const closing = createShutdown(made).close({ timeoutMs: 1000 });
    await turns();
    time.goTo(1000);
    assert.deepEqual(await closing, { durationMs: 1000, hung: ["3 media transports: not in time"] });
    assert.deepEqual(steps, WAY_DOWN);
  });
});

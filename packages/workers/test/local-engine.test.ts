import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ErrorCode, LodelineError, seededRandom } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import { REQUEST_DEADLINES_MS, withinDeadline } from "../src/engine/deadlines.ts";
import { createLocalEngine } from "../src/engine/local-engine.ts";
import type { EngineEvent, EngineRequest } from "../src/engine/messages.ts";

const open = (transport: string): EngineRequest => ({
  kind: "open-transport",
  transport,
  room: "den",
  data: "counted",
});
const code = (expected: ErrorCode) => (thrown: unknown) => thrown instanceof LodelineError && thrown.code === expected;

function made() {
  const clock = new VirtualClock();
  const events: EngineEvent[] = [];
  const engine = createLocalEngine({ clock, random: seededRandom(1), utilization: () => 0.5 });
  engine.on("event", (event) => events.push(event));
  return { clock, events, engine };
}

describe("the engine of this thread", () => {
  it("[ENG1] performs requests in their order, without waiting for answers", async () => {
    const { engine, events } = made();
    const answers = [open("t"), { kind: "close-transport", transport: "t" } as const, open("t")].map((one) =>
      engine.ask(one),
    );
    assert.deepEqual(await Promise.all(answers), [{}, {}, {}]);
    assert.equal(engine.resources.transports, 1);
    assert.deepEqual(events, [{ kind: "transport-state", transport: "t", connection: "closed" }]);
    await assert.rejects(engine.ask(open("t")), code("protocol/out-of-turn"));
    await engine.close();
  });

  it("[ENG3] refuses what is about something that is not there, and closes it all the same", async () => {
    const { engine } = made();
    const view = { width: 1, height: 1, visible: true, priority: 1 };
    const refused: EngineRequest[] = [
      { kind: "answer", transport: "t", offerSdp: "v=0" },
      { kind: "add-candidate", transport: "t", candidate: null },
      { kind: "publish", publication: "p", transport: "t", mid: "0", media: "audio" },
      { kind: "forward", forwarder: "f", publication: "p", transport: "t", mid: "0" },
      { kind: "set-view", forwarder: "f", view },
      { kind: "request-key-frame", forwarder: "f" },
      { kind: "reset-forwarder", forwarder: "f" },
      { kind: "silence", forwarder: "f", forMs: 1 },
      { kind: "loop-back", transport: "t" },
    ];
    for (const request of refused) await assert.rejects(engine.ask(request), code("media/closed"), request.kind);
    const message = { kind: "send-data", transport: "t", channel: 1, message: "hi" } as const;
    await assert.rejects(engine.ask(message), code("data/not-open"));
    await engine.ask({ kind: "close-transport", transport: "t" });
    await engine.ask({ kind: "unpublish", publication: "p" });
    await engine.ask({ kind: "unforward", forwarder: "f" });
    await engine.close();
  });

  it("[ENG3] refuses a section that was never negotiated with the engine's own code", async () => {
    const { engine } = made();
    await engine.ask(open("t"));
    const publish = { kind: "publish", publication: "p", transport: "t", mid: "7", media: "audio" } as const;
    await assert.rejects(engine.ask(publish), code("media/unknown-section"));
    await engine.close();
  });

  it("[ENG4] answers and tells in plain data", async () => {
    const { engine, events, clock } = made();
    await engine.ask(open("t"));
    clock.advance(1_000);
    const said = [...events, await engine.ask({ kind: "stats", room: undefined })];
    for (const one of said) assert.deepEqual(structuredClone(one), JSON.parse(JSON.stringify(one)));
    await engine.close();
  });

  it("[ENG6] says once a second how busy it is, and nothing runs once it holds nothing", async () => {
    const { engine, events, clock } = made();
    await engine.ask(open("t"));
    clock.advance(2_000);
    const load = { kind: "load", load: { transports: 1, packetsPerSecond: 0, utilization: 0.5 } };
    assert.deepEqual(events, [load, load]);
    await engine.ask({ kind: "close-transport", transport: "t" });
    clock.advance(200);
    const held = clock.armed;
    clock.advance(10_000);
    assert.equal(held, 0);
    await engine.close();
  });
});

describe("the deadline of a request", () => {
  it("[ENG2] ends the wait, and not a millisecond earlier", async () => {
    const clock = new VirtualClock();
    let ended: unknown;
    const never = new Promise<string>(() => {});
    const work = withinDeadline(clock, "answer", never).catch((error: unknown) => (ended = error));
    clock.advance(REQUEST_DEADLINES_MS.answer - 1);
    await Promise.resolve();
    assert.equal(ended, undefined);
    clock.advance(1);
    await work;
    assert.ok(code("timeout")(ended));
  });

  it("[ENG2] leaves no timer behind when the answer comes", async () => {
    const clock = new VirtualClock();
    assert.equal(await withinDeadline(clock, "stats", Promise.resolve("all")), "all");
    assert.equal(clock.armed, 0);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Passing } from "@lodeline/hub";
import { VirtualClock } from "@lodeline/testkit";
import { ServerFaults, type SilenceFault } from "../src/faults.ts";

const who = { link: "lk_1", identity: "ada", room: "den", participant: "p_1" };
const ok: Passing = { who, direction: "to-client", index: 3, message: { type: "ok", id: "c1" } };

function make() {
  const clock = new VirtualClock();
  const silenced: SilenceFault[] = [];
  const killed: number[] = [];
  const faults = new ServerFaults({
    clock,
    silence: (fault) => silenced.push(fault),
    killWorker: (worker) => worker < 2 && killed.push(worker) > 0,
  });
  return { clock, faults, silenced, killed };
}

describe("faults of a server", () => {
  it("[FLT1] lose a message, and are over then", () => {
    const { faults } = make();
    const id = faults.desk.start("msg:lose,who=p_1,type=ok");
    let passed = 0;
    faults.intercept(ok, () => passed++);
    assert.deepEqual([passed, faults.desk.active, faults.api.counters(id)], [0, [], { hits: 1, held: 0 }]);
    faults.intercept({ ...ok, index: 4 }, () => passed++);
    assert.deepEqual(
      faults.trace.since().map(({ index, fate }) => [index, fate]),
      [
        [3, "lost"],
        [4, "passed"],
      ],
    );
    assert.equal(passed, 1);
  });

  it("[FLT1] silence a subscription from their moment to their end", () => {
    const { clock, faults, silenced } = make();
    faults.desk.start("silence:subscription=p_1:camera>p_2@1s+5s");
    clock.advance(999);
    assert.deepEqual(silenced, []);
    clock.advance(1);
    assert.deepEqual(silenced, [{ subscription: "p_1:camera>p_2", forMs: 5000 }]);
    clock.advance(5000);
    assert.deepEqual(silenced[1], { subscription: "p_1:camera>p_2", forMs: 0 });
    assert.deepEqual(faults.desk.active, []);
  });

  it("[FLT3] kill a media worker once, and none that is not there", () => {
    const { clock, faults, killed } = make();
    faults.desk.start("media:kill,worker=1");
    clock.advance(0);
    assert.deepEqual([killed, faults.desk.active], [[1], []]);
    assert.throws(() => faults.desk.start("media:kill,worker=2"), { code: "config/invalid", field: "fault" });
  });

  it("[FLT2] do not kill a server that nobody starts again", () => {
    const { faults } = make();
    assert.throws(() => faults.desk.start("server:kill"), { code: "config/invalid", field: "fault" });
    assert.deepEqual(faults.desk.active, []);
  });
});

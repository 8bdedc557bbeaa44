import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultDesk, MessageFaults, type PassingMessage } from "@lodeline/chaos";
import { VirtualClock } from "@lodeline/testkit";

/** A link whose messages pass the faults, and what came out at its other end. */
class Bench {
  readonly clock = new VirtualClock();
  readonly faults = new MessageFaults(this.clock);
  readonly desk = new FaultDesk({ clock: this.clock, performers: { msg: (...given) => this.faults.add(...given) } });
  readonly arrived: string[] = [];
  readonly #counts = { "to-client": 0, "to-server": 0 };

  say(direction: PassingMessage["direction"], message: PassingMessage["message"], identity = "ada"): void {
    const who = { link: `lk_${identity}`, identity, participant: `p_${identity}` };
    const index = this.#counts[direction]++;
    this.faults.intercept({ who, direction, index, message }, () => this.arrived.push(`${index} ${message.type}`));
  }
}

describe("message faults", () => {
  it("[MSG1] lose one, and no other", () => {
    const bench = new Bench();
    bench.desk.start("msg:lose");
    for (let round = 0; round < 3; round++) bench.say("to-server", { type: "receipt" });
    assert.deepEqual(bench.arrived, ["1 receipt", "2 receipt"]);
    assert.deepEqual(bench.desk.active, []);
  });

  it("[MSG1] hold one while others overtake it", () => {
    const bench = new Bench();
    bench.desk.start("msg:hold=5s");
    bench.say("to-client", { type: "joined" });
    bench.say("to-client", { type: "room-event" });
    bench.clock.advance(4999);
    assert.deepEqual(bench.arrived, ["1 room-event"]);
    assert.equal(bench.desk.active.length, 1);
    bench.clock.advance(1);
    assert.deepEqual(bench.arrived, ["1 room-event", "0 joined"]);
    assert.equal(bench.desk.active.length, 0);
  });

  it("[MSG1] double one", () => {
    const bench = new Bench();
    bench.desk.start("msg:double");
    bench.say("to-client", { type: "joined" });
    bench.say("to-client", { type: "ok" });
    assert.deepEqual(bench.arrived, ["0 joined", "0 joined", "1 ok"]);
  });

  const picks: readonly (readonly [string, readonly number[]])[] = [
    ["msg:lose,to=client", [0]],
    ["msg:lose,to=server", [1]],
    ["msg:lose,who=ben", [2]],
    ["msg:lose,who=p_ben", [2]],
    ["msg:lose,who=lk_ben", [2]],
    ["msg:lose,type=room-event,event=peer-left", [4]],
    ["msg:lose,type=room-event,nth=2", [4]],
    ["msg:lose,type=room-event,count=5", [3, 4]],
    ["msg:lose,to=client,index=2", [3]],
    ["msg:lose,count=2,nth=3", [2, 3]],
  ];
  for (const [spec, lost] of picks) {
    it(`[MSG2] ${spec} picks ${lost}`, () => {
      const bench = new Bench();
      bench.desk.start(spec);
      bench.say("to-client", { type: "joined" });
      bench.say("to-server", { type: "receipt" });
      bench.say("to-client", { type: "ok" }, "ben");
      for (const kind of ["peer-joined", "peer-left"]) {
        bench.say("to-client", { type: "room-event", events: [{ seq: 1, event: { kind } }] } as { type: string });
      }
      const fates = bench.faults.trace.since().map(({ fate }) => fate);
      assert.deepEqual(
        fates.flatMap((fate, at) => (fate === "lost" ? [at] : [])),
        lost,
      );
    });
  }

  it("[MSG2] a message that does not exist is refused", () => {
    assert.throws(() => new Bench().desk.start("msg:lose,type=rumour"), { code: "config/invalid" });
  });

  it("[MSG3] what is held goes when the fault is stopped", () => {
    const bench = new Bench();
    const id = bench.desk.start("msg:hold=5s");
    bench.say("to-client", { type: "joined" });
    assert.deepEqual(bench.desk.counters(id), { hits: 1, held: 1 });
    bench.desk.stop(id);
    assert.deepEqual(bench.arrived, ["0 joined"]);
    bench.clock.advance(10_000);
    assert.deepEqual(bench.arrived, ["0 joined"]);
  });

  it("[MSG4] the trace tells what was said", () => {
    const bench = new Bench();
    bench.say("to-client", { type: "joined" });
    bench.desk.start("msg:lose,to=server");
    bench.say("to-server", { type: "leave", id: "c7" } as { type: string });
    const lines = bench.faults.trace.since(0).map(({ n, identity, direction, index, type, detail, fate }) => {
      return [n, identity, direction, index, type, detail, fate].join(" ");
    });
    assert.deepEqual(lines, ["0 ada to-client 0 joined  passed", "1 ada to-server 0 leave c7 lost"]);
    assert.equal(bench.faults.trace.since(1).length, 1);
  });
});

describe("the desk", () => {
  it("[DESK1] starts at the time, ends at the end, and remembers what was done", () => {
    const bench = new Bench();
    const id = bench.desk.start("msg:lose,count=9@1s+2s");
    bench.say("to-client", { type: "joined" });
    assert.equal(bench.desk.active[0]?.running, false);
    bench.clock.advance(1000);
    bench.say("to-client", { type: "ok" });
    assert.equal(bench.desk.active[0]?.running, true);
    bench.clock.advance(2000);
    bench.say("to-client", { type: "ok" });
    assert.deepEqual(bench.arrived, ["0 joined", "2 ok"]);
    assert.deepEqual([bench.desk.active, bench.desk.counters(id)?.hits], [[], 1]);
    assert.equal(bench.desk.stop(id), false);
  });

  it("[DESK2] refuses what nobody performs here", () => {
    const bench = new Bench();
    assert.throws(() => bench.desk.start("udp:loss=5%"), { code: "config/invalid", field: "fault" });
    assert.deepEqual(bench.desk.active, []);
  });
});

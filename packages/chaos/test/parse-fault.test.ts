import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULT_CATALOGUE, faultHelp, parseFault } from "@lodeline/chaos";

describe("the language of faults", () => {
  it("[LANG1] says what, how, from when and for how long", () => {
    assert.deepEqual(parseFault(" udp:loss=5%,jitter=30ms@10s+5s "), {
      name: "udp",
      values: { loss: 0.05, jitter: 30 },
      afterMs: 10_000,
      forMs: 5000,
      spec: "udp:loss=5%,jitter=30ms@10s+5s",
    });
    const { values, afterMs, forMs } = parseFault("msg:lose+1m");
    assert.deepEqual([values, afterMs, forMs], [{ lose: true }, 0, 60_000]);
    assert.equal(parseFault("server:kill@0.5s").afterMs, 500);
    assert.equal(parseFault("server:kill").forMs, undefined);
  });

  const values: readonly (readonly [string, string, unknown])[] = [
    ["udp:loss=0.25", "loss", 0.25],
    ["udp:loss=100%", "loss", 1],
    ["udp:delay=2m", "delay", 120_000],
    ["udp:rate=1.5Mbps", "rate", 1_500_000],
    ["udp:rate=64kbps,queue=2k", "queue", 2048],
    ["tcp:cut=1M", "cut", 1_048_576],
    ["tcp:cut=1500", "cut", 1500],
    ["tcp:stall=up", "stall", "up"],
    ["msg:double,index=0", "index", 0],
    ["msg:lose,who=ada%40example.org%2C1", "who", "ada@example.org,1"],
    ["silence:subscription=p_1:camera>p_2", "subscription", "p_1:camera>p_2"],
  ];
  for (const [spec, name, value] of values) {
    it(`[LANG2] reads ${spec}`, () => assert.equal(parseFault(spec).values[name], value));
  }

  const unfit: readonly (readonly [string, RegExp])[] = [
    ["", /There are: msg, tcp, udp/],
    ["fire", /no fault "fire"/],
    ["udp", /"udp" needs loss or delay/],
    ["udp:way=up", /needs loss/],
    ["udp:loss", /takes a share such as 5%, not "loss"/],
    ["udp:loss=120%", /not "loss=120%"/],
    ["udp:loss=5%,loss=6%", /given twice/],
    ["udp:lost=5%", /no parameter "lost". It has: way, loss/],
    ["udp:delay=30", /a duration such as 30ms/],
    ["udp:rate=0kbps", /a bitrate/],
    ["udp:dead=left", /one of up, down, both/],
    ["msg:lose=3", /"lose" takes nothing/],
    ["msg:lose,index=-1", /a whole number/],
    ["msg:lose,who=", /a text/],
    ["msg:lose@10", /no parameter "lose@10"/],
    ["msg:lose@1x", /"@1x" is not a duration/],
    ["msg:lose+1.2.3s", /is not a duration/],
    ["msg:lose,constructor", /no parameter "constructor"/],
  ];
  for (const [spec, message] of unfit) {
    it(`[LANG3] refuses "${spec}"`, () => {
      assert.throws(() => parseFault(spec), { code: "config/invalid", field: "fault", message });
    });
  }

  it("[LANG4] is shown by its own catalogue", () => {
    const help = faultHelp();
    for (const { name, parameters, example } of FAULT_CATALOGUE) {
      assert.equal(parseFault(example).name, name);
      assert.ok(help.includes(example));
      for (const parameter of parameters) assert.ok(help.includes(`    ${parameter.name} `), parameter.name);
    }
  });
});

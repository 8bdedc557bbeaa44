import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LogFields, silentLogger } from "@lodeline/base";
import type { MediaFacts } from "@lodeline/hub";
import type { MediaOp } from "@lodeline/room";
import { FactPoll } from "../src/media/fact-poll.ts";
import { LoopbackPeerPort } from "../src/media/server-peer-port.ts";
import { SfuPort } from "../src/media/sfu-port.ts";
import { FakeEngine } from "./support/fake-engine.ts";
import { StandingClock } from "./support/standing-clock.ts";

const room = "den";
const CAMERA = "ada:camera";
const TO_BOB = `${CAMERA}>bob`;

function attach(to: string, toMid: string, fromMid = "1", publication = CAMERA): MediaOp {
  const subscription = `${publication}>${to}`;
  return { op: "attach", subscription, publication, from: "ada", fromMid, to, toMid, kind: "video" };
}

function made() {
  const engine = new FakeEngine();
  const clock = new StandingClock();
  const warnings: (LogFields | undefined)[] = [];
  const logger = { ...silentLogger, warn: (_event: string, fields?: LogFields) => void warnings.push(fields) };
  const port = new SfuPort({ engine, clock, logger });
  const join = (participant: string, session: string) => {
    const key = { room, participant, session };
    port.open(key, () => {});
    port.perform(key, { kind: "run", session, plan: "start", step: "create-connection" });
    return key;
  };
  return { engine, clock, port, join, warnings };
}

describe("the sfu port", () => {
  it("[MED3] publishes a section once and forwards it into each slot", () => {
    const { engine, port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    join("cy", "s_c");
    port.operate(room, attach("bob", "5"));
    port.operate(room, attach("cy", "6"));
    assert.deepEqual(engine.heard(), [
      "publish ada:camera video on s_a/1",
      "forward ada:camera>bob into s_b/5",
      "key frame ada:camera>bob",
      "forward ada:camera>cy into s_c/6",
      "key frame ada:camera>cy",
    ]);
    port.operate(room, attach("bob", "7"));
    assert.deepEqual(engine.heard(), [
      "unforward ada:camera>bob",
      "forward ada:camera>bob into s_b/7",
      "key frame ada:camera>bob",
    ]);
  });

  it("[MED3] passes views, key frames and resets to the forwarder", () => {
    const { engine, port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    engine.heard();
    const view = { publication: CAMERA, width: 640, height: 360, visible: true, priority: 1 };
    port.operate(room, { op: "view", subscription: TO_BOB, view });
    port.operate(room, { op: "key-frame", subscription: TO_BOB, publication: CAMERA });
    port.operate(room, { op: "reset-forwarder", subscription: TO_BOB });
    port.operate(room, { op: "view", subscription: "ada:camera>nobody", view });
    assert.deepEqual(engine.heard(), [
      "view 640x360 ada:camera>bob",
      "key frame ada:camera>bob",
      "reset ada:camera>bob",
    ]);
  });

  it("[MED4] follows a sender to its new session", () => {
    const { engine, port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    join("ada", "s_a2");
    engine.heard();
    port.operate(room, attach("bob", "5", "3"));
    assert.deepEqual(engine.heard(), [
      "unforward ada:camera>bob",
      "unpublish ada:camera",
      "publish ada:camera video on s_a2/3",
      "forward ada:camera>bob into s_b/5",
      "key frame ada:camera>bob",
    ]);
  });

  it("[MED5] closes what ends and nothing else", async () => {
    const { engine, port, join } = made();
    const ada = join("ada", "s_a");
    join("bob", "s_b");
    join("cy", "s_c");
    port.operate(room, attach("bob", "5"));
    port.operate(room, attach("cy", "6"));
    engine.heard();
    port.operate(room, { op: "detach", subscription: TO_BOB });
    assert.deepEqual(engine.heard(), ["unforward ada:camera>bob"]);
    port.operate(room, { op: "close-session", participant: "ada", session: "s_a" });
    assert.deepEqual(engine.heard(), ["unforward ada:camera>cy", "unpublish ada:camera"]);
    port.close(ada);
    await Promise.resolve();
    assert.deepEqual(engine.heard(), ["close transport s_a"]);
    assert.deepEqual([port.transportCount, port.publications.size, port.subscriptions.size], [2, 0, 0]);
    await port.closeAll();
    assert.equal(port.transportCount, 0);
  });

  it("[MED5] keeps the place of a session that a newer one has taken", async () => {
    const { engine, port, join } = made();
    const old = join("ada", "s_a");
    join("bob", "s_b");
    join("ada", "s_a2");
    port.close(old);
    await Promise.resolve();
    engine.heard();
    port.operate(room, attach("bob", "5"));
    assert.equal(engine.heard()[0], "publish ada:camera video on s_a2/1");
  });

  it("[MED6] logs what cannot be done", () => {
    const { engine, port, join, warnings } = made();
    join("ada", "s_a");
    port.operate(room, attach("bob", "5"));
    assert.equal(warnings.length, 1);
    join("bob", "s_b");
    port.operate(room, attach("bob", "5", "none"));
    assert.deepEqual([warnings[1]?.code, warnings[1]?.subscriptionId], ["media/unknown-section", TO_BOB]);
    assert.deepEqual([engine.heard(), port.subscriptions.size], [[], 0]);
  });

  it("[MED8] silences a subscription over a new forwarder, but no longer than said", () => {
    const { engine, clock, port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    engine.heard();
    port.silence({ subscription: TO_BOB, forMs: 5000 });
    assert.deepEqual(engine.heard(), ["silent until 5000 ada:camera>bob"]);
    clock.goTo(4999);
    port.operate(room, attach("bob", "6"));
    assert.ok(engine.heard().includes("silent until 5000 ada:camera>bob"));
    clock.goTo(5000);
    port.operate(room, attach("bob", "7"));
    assert.ok(!engine.heard().some((line) => line.startsWith("silent")));
  });
});

describe("the poll of facts", () => {
  it("[MED7] tells changes, room by room, and stops when nothing is left", () => {
    const { engine, clock, port, join } = made();
    const told: [string, MediaFacts][] = [];
    const { publications, subscriptions } = port;
    const changed = (name: string, facts: MediaFacts) => void told.push([name, facts]);
    const poll = new FactPoll({ clock, publications, subscriptions, changed });
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    poll.wake();
    poll.wake();
    assert.equal(clock.armed, 1);

    const facts = (arriving: boolean | undefined, forwarded: boolean | undefined): [string, MediaFacts] => [
      room,
      {
        publications: arriving === undefined ? [] : [{ publication: CAMERA, arriving }],
        subscriptions: forwarded === undefined ? [] : [{ subscription: TO_BOB, forwarded }],
      },
    ];
    clock.goTo(200);
    assert.deepEqual(told.splice(0), [facts(false, false)]);
    clock.goTo(1000);
    assert.deepEqual(told, []);
    engine.lastPacketAtMs.set(CAMERA, 1050);
    clock.goTo(1200);
    assert.deepEqual(told.splice(0), [facts(true, undefined)]);
    engine.lastSentAtMs.set(TO_BOB, 1100);
    clock.goTo(2500);
    assert.deepEqual(told.splice(0), [facts(undefined, true)]);
    clock.goTo(2600);
    assert.deepEqual(told.splice(0), [facts(false, undefined)]);
    port.operate(room, { op: "close-session", participant: "ada", session: "s_a" });
    clock.goTo(2800);
    assert.deepEqual([told, clock.armed], [[], 0]);
  });
});

describe("the server's peer", () => {
  it("[MED9] echoes on the newest answer and goes with the call", async () => {
    const engine = new FakeEngine();
    const said: string[] = [];
    const peers = new LoopbackPeerPort({
      engine,
      loopBack: (_transport, sections) => {
        said.push(`loop ${sections.length}`);
        return { close: () => void said.push("unloop") };
      },
    });
    const session = "s_1";
    const offer = { sdp: "hello", sends: [], receives: [] };
    peers.open(session, () => {});
    peers.perform(session, { kind: "run", session, plan: "start", step: "create-connection" });
    assert.equal(peers.transportCount, 1);
    for (const epoch of [1, 2]) {
      peers.perform(session, { kind: "apply-offer", session, epoch, offer });
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    assert.deepEqual(said.splice(0), ["loop 1", "unloop", "loop 1"]);
    await peers.closeAll();
    assert.deepEqual([said, engine.heard(), peers.transportCount], [["unloop"], ["close transport s_1"], 0]);
  });
});

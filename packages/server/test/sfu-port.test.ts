import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LogFields, silentLogger } from "@lodeline/base";
import type { MediaOp } from "@lodeline/room";
import { factsByRoom } from "../src/media/facts-by-room.ts";
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

const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

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
    port.operate(room, { op: "encodings", publication: CAMERA, one: true });
    port.operate(room, { op: "encodings", publication: "gone:camera", one: true });
    port.operate(room, { op: "view", subscription: "ada:camera>nobody", view });
    assert.deepEqual(engine.heard(), [
      "view 640x360 ada:camera>bob",
      "key frame ada:camera>bob",
      "reset ada:camera>bob",
      "one of ada:camera",
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
    await turns();
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
    await turns();
    engine.heard();
    port.operate(room, attach("bob", "5"));
    assert.equal(engine.heard()[0], "publish ada:camera video on s_a2/1");
  });

  it("[MED6] logs what cannot be done, now or when the engine answers", async () => {
    const { engine, port, join, warnings } = made();
    join("ada", "s_a");
    port.operate(room, attach("bob", "5"));
    assert.equal(warnings.length, 1);
    join("bob", "s_b");
    port.operate(room, attach("bob", "none"));
    await turns();
    assert.deepEqual([warnings[1]?.code, warnings[1]?.subscriptionId], ["media/unknown-section", TO_BOB]);
    assert.deepEqual([port.subscriptions.size, port.publications.size], [0, 1]);
    port.operate(room, attach("bob", "5", "none"));
    await turns();
    assert.equal(warnings[2]?.code, "media/unknown-section");
    assert.equal(port.publications.size, 0);
    assert.ok(!engine.heard().some((line) => line.startsWith("publish") && line.endsWith("none")));
  });

  it("[MED6] a failure that comes late takes nothing newer away", async () => {
    const { port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "none"));
    port.operate(room, attach("bob", "6"));
    await turns();
    assert.deepEqual([...port.subscriptions.keys()], [TO_BOB]);
  });

  it("[MED8] silences a subscription over a new forwarder, but no longer than said", () => {
    const { engine, clock, port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    engine.heard();
    port.silence({ subscription: TO_BOB, forMs: 5000 });
    assert.deepEqual(engine.heard(), ["silent for 5000 ada:camera>bob"]);
    clock.goTo(4999);
    port.operate(room, attach("bob", "6"));
    assert.ok(engine.heard().includes("silent for 1 ada:camera>bob"));
    clock.goTo(5000);
    port.operate(room, attach("bob", "7"));
    assert.ok(!engine.heard().some((line) => line.startsWith("silent")));
  });
});

describe("the facts of the engine", () => {
  it("[MED7] are told room by room, without what has ended meanwhile", () => {
    const { port, join } = made();
    join("ada", "s_a");
    join("bob", "s_b");
    port.operate(room, attach("bob", "5"));
    const { publications, subscriptions } = port;
    const flow = {
      kind: "flow",
      publications: [
        { publication: CAMERA, arriving: true },
        { publication: "gone:camera", arriving: true },
      ],
      forwarders: [
        { forwarder: TO_BOB, forwarded: false },
        { forwarder: "gone:camera>bob", forwarded: true },
      ],
    } as const;
    const facts = {
      publications: [{ publication: CAMERA, arriving: true }],
      subscriptions: [{ subscription: TO_BOB, forwarded: false }],
    };
    assert.deepEqual([...factsByRoom(flow, publications, subscriptions)], [[room, facts]]);
    port.operate(room, { op: "close-session", participant: "ada", session: "s_a" });
    assert.deepEqual([...factsByRoom(flow, publications, subscriptions)], []);
  });
});

describe("the server's peer", () => {
  it("[MED9] echoes on the newest answer and goes with the call", async () => {
    const engine = new FakeEngine();
    const peers = new LoopbackPeerPort({ engine, logger: silentLogger });
    const session = "s_1";
    const offer = { sdp: "hello", sends: [], receives: [] };
    peers.open(session, () => {});
    peers.perform(session, { kind: "run", session, plan: "start", step: "create-connection" });
    assert.equal(peers.transportCount, 1);
    for (const epoch of [1, 2]) {
      peers.perform(session, { kind: "apply-offer", session, epoch, offer });
      await turns();
    }
    assert.deepEqual(engine.heard(), ["loop back s_1", "loop back s_1"]);
    await peers.closeAll();
    assert.deepEqual([engine.heard(), peers.transportCount], [["close transport s_1"], 0]);
  });
});

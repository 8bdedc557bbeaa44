import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import { Hub, type HubImage, MemoryStore } from "@lodeline/hub";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { type Client, TestClock, World } from "./world.ts";

const digest = (secret: string) => [...secret].reverse().join("");
const candidate = (n: number) =>
  ({
    kind: "candidate",
    candidate: { candidate: `c${n}`, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null },
  }) as const;

/** A world whose hub keeps itself, in a new store for each life, and can be killed. */
class KeptWorld extends World {
  static #store = new MemoryStore();

  constructor(sfu = true) {
    super({
      sfu,
      hub: { store: { save: (changes, done) => KeptWorld.#store.save(changes, done) }, digest },
    });
  }

  get kept(): HubImage {
    return KeptWorld.#store.image();
  }

  kill(downMs?: number): void {
    this.restart(() => this.kept, downMs);
  }

  /** Two in a mesh room who have each other's pair. */
  pair(): { ada: Client; bob: Client; session: string } {
    const [ada, bob] = [this.client("ada"), this.client("bob")];
    this.run();
    ada.join("den", { topology: "mesh", live: ["microphone"] });
    this.run();
    bob.join("den", { topology: "mesh", live: ["microphone"] });
    this.run();
    return { ada, bob, session: bob.joined.room.pairs[0]?.session ?? "" };
  }
}

describe("what survives", () => {
  it("[HUB41] is kept before anything that follows from it is said", () => {
    const waiting: (() => void)[] = [];
    const store = new MemoryStore({ schedule: (keep) => void waiting.push(keep) });
    const world = new World({ hub: { store } });
    const ada = world.client("ada");
    world.run();
    assert.equal(waiting.length, 1, "one batch at a time");
    assert.deepEqual(ada.texts, []);
    waiting.shift()?.();
    assert.deepEqual(ada.texts, [], "the first batch is the empty hub's");
    waiting.shift()?.();
    assert.equal(ada.texts.length, 1, "the welcome");
    ada.join("den", { topology: "mesh" });
    world.run();
    assert.equal(ada.texts.length, 1);
    assert.ok(!store.image().records.some(({ kind }) => kind === "place"));
    while (waiting.length > 0) waiting.shift()?.();
    assert.ok(store.image().records.some(({ kind }) => kind === "place"));
    world.run();
    assert.equal(ada.of("joined").length, 1);
  });

  it("[HUB42] is every message, once and in order, over thirty kills at any moment", () => {
    const world = new KeptWorld(false);
    const { ada, bob, session } = world.pair();
    const random = seededRandom(5);
    const to = { ada: ada.joined.participant, bob: bob.joined.participant };
    for (let n = 1; n <= 300; n++) {
      bob.signal("room", to.ada, session, n, candidate(n), 1);
      ada.signal("room", to.bob, session, n, candidate(n), 1);
      world.run(random.u32() % 40);
      if (n % 10 === 0) world.kill(50 + (random.u32() % 400));
    }
    world.run(5_000);
    const expected = Array.from({ length: 300 }, (_, index) => index + 1);
    for (const client of [ada, bob]) {
      const seqs = client.signals().filter(({ body }) => body.kind === "candidate");
      assert.deepEqual(
        seqs.map(({ seq }) => seq),
        expected,
      );
      assert.equal(client.renewed, 0, "the link is the same");
    }
  });

  it("[HUB42] is the answer to a command, which is done once", () => {
    const world = new KeptWorld(false);
    const { ada } = world.pair();
    const off = { intent: "muted", mutedBy: null } as const;
    const sources = { ...ada.joined.room.participants[0]?.media.sources, microphone: off } as never;
    const command = { type: "media-state", id: "m1", revision: 2, sources } as const;
    ada.send(command);
    world.run();
    world.kill();
    world.run(3_000);
    ada.send(command);
    world.run();
    assert.deepEqual(
      ada.of("ok").map(({ id }) => id),
      ["m1", "m1"],
    );
    assert.equal(world.hub.room("den")?.snapshot.participants[0]?.media.revision, 2);
  });

  it("[HUB43] is a place, to be taken again by its token, by a page that knows no link", () => {
    const world = new KeptWorld(false);
    const { ada } = world.pair();
    const { participant, rejoinToken: token } = ada.joined;
    world.run(2_000);
    ada.vanish();
    world.clients.splice(world.clients.indexOf(ada), 1);
    world.kill();
    const again = world.client("ada", 2);
    world.run();
    again.join("den", { topology: "mesh", rejoin: { participant, token } });
    world.run();
    assert.deepEqual([again.joined.participant, again.joined.incarnation], [participant, 2]);
    assert.equal(world.hub.room("den")?.snapshot.participants.length, 2);
  });

  it("[HUB43] is a lease that begins anew, and ends", () => {
    const world = new KeptWorld(false);
    const { ada } = world.pair();
    world.run(1_000);
    ada.vanish();
    world.clients.splice(world.clients.indexOf(ada), 1);
    world.run(DEFAULT_TIMERS.leaseMs - 4_000);
    world.kill();
    world.run(DEFAULT_TIMERS.leaseMs - 1);
    assert.equal(world.hub.room("den")?.snapshot.participants.length, 2);
    world.run(1);
    assert.equal(world.hub.room("den")?.snapshot.participants.length, 1);
    assert.equal(world.hub.status().links, 2, "its link has a longer window");
    world.run(DEFAULT_TIMERS.resumeWindowMs - DEFAULT_TIMERS.leaseMs);
    assert.equal(world.hub.status().links, 1);
  });

  it("[HUB44] is no media session of the sfu and no call with the server peer: both are told to be over", () => {
    const world = new KeptWorld();
    const ada = world.client("ada");
    world.run();
    ada.join("den", { session: "s1", live: ["microphone"] });
    world.run();
    ada.signal("call", "lodeline-server", "s2", 1, {
      kind: "call:init",
      audio: true,
      video: false,
      name: "ada",
    } as never);
    world.run();
    const before = ada.heard.length;
    world.kill();
    world.run(1_000);
    assert.deepEqual(
      ada.heard.slice(before).map(({ from, session, reason }) => [from, session, reason]),
      [
        ["sfu", "s1", "remote-gone"],
        ["lodeline-server", "s2", "remote-gone"],
      ],
    );
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB44] is a pair and a call between two, of which nobody is told anything", () => {
    const world = new KeptWorld(false);
    const { ada, bob } = world.pair();
    ada.signal("call", "bob", "call1", 1, { kind: "call:init", audio: true, video: false, name: "ada" } as never);
    world.run();
    bob.signal("call", "ada", "call1", 1, { kind: "accept" });
    world.run();
    const before = [ada.heard.length, bob.heard.length];
    world.kill();
    world.run(2_000);
    assert.deepEqual([ada.heard.length, bob.heard.length], before);
    assert.equal(world.hub.status().calls, 1);
    ada.signal("call", "bob", "call1", 2, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.equal(bob.heard.at(-1)?.kind, "hangup");
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB55] is whether a call was established", () => {
    const receipt = { kind: "receipt" as const, revision: 1, heard: 0, sends: [], receives: [] };
    for (const established of [true, false]) {
      const world = new KeptWorld(false);
      const { ada, bob } = world.pair();
      ada.signal("call", "bob", "call1", 1, { kind: "call:init", audio: true, video: false, name: "ada" });
      world.run();
      bob.signal("call", "ada", "call1", 1, { kind: "accept" });
      if (established) ada.signal("call", "bob", "call1", 2, receipt, 1);
      bob.signal("call", "ada", "call1", 2, receipt, 1);
      world.run();
      world.kill();
      bob.reachable = false;
      world.run(DEFAULT_TIMERS.leaseMs + 1_000);
      assert.equal(world.hub.status().calls, established ? 1 : 0);
    }
  });

  it("[HUB24] is where a call rings, at a link opened while it rang too", () => {
    const world = new KeptWorld(false);
    const { ada, bob } = world.pair();
    ada.signal("call", "bob", "call1", 1, { kind: "call:init", audio: true, video: false, name: "ada" });
    world.run();
    bob.vanish();
    const next = world.client("bob");
    world.run(1_000);
    assert.equal(next.heard.at(-1)?.kind, "call:init");
    world.kill();
    world.run(DEFAULT_TIMERS.leaseMs + 2_000);
    assert.equal(world.hub.status().calls, 1);
    next.signal("call", "ada", "call1", 1, { kind: "accept" });
    world.run();
    assert.equal(ada.heard.at(-1)?.kind, "accept");
  });

  it("[HUB45] is no secret that lets anybody in", () => {
    const world = new KeptWorld(false);
    const { ada, bob } = world.pair();
    world.run(3_000);
    const text = JSON.stringify(world.kept);
    for (const client of [ada, bob]) {
      assert.ok(!text.includes(client.joined.rejoinToken), "rejoin token");
      for (const said of client.texts) {
        const { kind, secret } = JSON.parse(said) as { kind: string; secret?: string };
        if (kind === "welcome") assert.ok(secret && !text.includes(secret), "resume secret");
      }
    }
    const { participant, rejoinToken } = ada.joined;
    world.kill();
    const thief = world.client("ada", 3);
    world.run();
    thief.join("den", { topology: "mesh", rejoin: { participant, token: `#${digest(rejoinToken)}` } });
    world.run();
    assert.deepEqual(
      thief.errors.map(({ code }) => code),
      ["room/bad-rejoin"],
    );
  });

  it("[HUB46] is nothing when everybody is gone, and everything after `saveAll`", () => {
    const world = new KeptWorld(false);
    const { ada, bob } = world.pair();
    world.run(1_000);
    const before = byName(world.kept);
    world.hub.saveAll();
    // A secret that has served is forgotten with the next change alone.
    assert.deepEqual(byName(world.kept).map(forgetful), before.map(forgetful));
    for (const client of [ada, bob]) {
      client.send({ type: "leave", id: "bye" });
      world.run();
      client.close();
    }
    world.run(1_000);
    assert.deepEqual(world.kept.records, []);
  });

  it("[HUB47] is a join that waited for its answer", () => {
    const world = new KeptWorld();
    world.media.answer = () => undefined;
    const ada = world.client("ada");
    world.run();
    const id = ada.join("den", { session: "s1", live: ["microphone"] });
    world.run();
    assert.deepEqual(ada.of("joined"), []);
    world.kill();
    world.run(1_000);
    assert.deepEqual([ada.joined.id, ada.joined.answer], [id, undefined]);
    assert.equal(ada.heard.at(-1)?.reason, "remote-gone", "its session is over");
    const { participant, rejoinToken: token } = ada.joined;
    world.media.answer = () => "answer";
    ada.join("den", { session: "s3", live: ["microphone"], rejoin: { participant, token } });
    world.run();
    assert.equal(ada.joined.answer?.session, "s3");
  });

  it("[HUB48] is nothing that this hub cannot read", () => {
    const of = (image: HubImage) => () =>
      new Hub({
        clock: new TestClock(),
        random: seededRandom(1),
        ports: { authorization: { authorize: () => {} } },
        restore: image,
      });
    const isCode = (code: string) => (error: unknown) => error instanceof LodelineError && error.code === code;
    assert.throws(of({ version: 0, records: [] }), isCode("storage/version"));
    const garbage = [{ kind: "link", owner: "l", key: 0, value: "{" }] as const;
    assert.throws(of({ version: 1, records: garbage }), isCode("storage/unreadable"));
  });
});

function byName({ records }: HubImage): [string, string][] {
  return records.map(({ kind, owner, key, value }): [string, string] => [`${kind} ${owner} ${key}`, value]).sort();
}

function forgetful([name, value]: [string, string]): [string, string] {
  return [name, value.replace(/"earlierSecret":"[^"]*"/, "")];
}

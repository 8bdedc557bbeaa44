import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { World } from "./world.ts";

describe("ends", () => {
  it("[HUB32] drains: everybody is told why, everything closes, nobody comes in", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    ada.join("r", { session: "s_a", live: ["camera"] });
    bob.signal("call", "ada", "s_1", 1, { kind: "call:init", name: "", audio: true, video: true });
    world.run();
    world.media.connect("s_a");
    world.hub.drain("going down");
    world.hub.drain("twice is once");
    world.run(15);
    assert.deepEqual(
      ada.of("removed").map(({ code }) => code),
      ["server/draining"],
    );
    for (const one of [ada, bob]) {
      assert.deepEqual(one.closes, [{ code: 1001, reason: "server/draining" }]);
      assert.ok(one.texts.some((text) => text.includes('"fatal"') && text.includes("going down")));
      assert.equal(one.link.state, "interrupted", "a drained client tries again");
      assert.equal(one.heard.at(-1)?.reason, "remote-gone");
    }
    world.run(5000);
    assert.equal(world.hub.status().links, 0);
    assert.deepEqual(world.eventsOf("drained"), [{ links: 2 }]);
    assert.deepEqual(world.media.closed, ["s_a"]);
    assert.ok(ada.closes.length > 1, "each later hello is refused the same way");
    assert.ok(ada.closes.every(({ code }) => code === 1001));
    assert.equal(world.hub.status().draining, true);
  });

  it("[HUB32] says drained only when the last media session is down", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { session: "s_a" });
    world.run();
    world.media.connect("s_a");
    world.media.stuck.add("close-connection");
    world.hub.drain("bye");
    world.run(DEFAULT_TIMERS.endingMs - 100);
    assert.deepEqual(world.eventsOf("drained"), []);
    world.run(200);
    assert.equal(world.eventsOf("drained").length, 1);
  });

  it("[HUB32] an idle hub is drained at once; a silent socket is told too", () => {
    const world = new World();
    const closes: number[] = [];
    world.hub.connect({ send: () => {}, close: (code) => closes.push(code) });
    world.hub.drain("bye");
    assert.deepEqual(closes, [1001]);
    assert.equal(world.eventsOf("drained").length, 1);
    assert.equal(world.hub.status().timers, 0);
  });

  it("[HUB33] fifty joins, calls and leaves leave nothing behind", () => {
    const world = new World();
    const empty = world.hub.status();
    for (let round = 0; round < 50; round++) {
      const ada = world.client("ada", round + 1);
      const bob = world.client("bob", round + 1);
      ada.join("r", { session: `s_a${round}`, live: ["camera", "microphone"] });
      bob.join("r", { session: `s_b${round}`, live: ["camera"] });
      world.run();
      world.media.connect(`s_a${round}`);
      world.media.connect(`s_b${round}`);
      ada.signal("call", SERVER_PEER_IDENTITY, `s_p${round}`, 1, {
        kind: "call:init",
        name: "",
        audio: true,
        video: true,
      });
      ada.signal("call", "bob", `s_c${round}`, 1, { kind: "call:init", name: "", audio: true, video: true });
      world.run();
      if (round % 3 === 0) ada.vanish("never");
      else {
        ada.send({ type: "leave", id: "l" });
        ada.close();
      }
      bob.send({ type: "leave", id: "l" });
      world.run();
      bob.close();
    }
    world.run(DEFAULT_TIMERS.linkLostMs + DEFAULT_TIMERS.resumeWindowMs + DEFAULT_TIMERS.negotiatingMs);
    assert.deepEqual(world.hub.status(), empty);
    assert.equal(world.media.served.size, 0);
    assert.equal(world.serverPeer.served.size, 0);
    assert.equal(world.media.closed.length, 100);
  });

  it("[HUB33] a disposed hub has no timer left", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { session: "s_a", live: ["camera"] });
    world.client("bob").join("r", { session: "s_b" });
    world.hub.connect({ send: () => {}, close: () => {} });
    world.run();
    assert.ok(world.hub.status().timers > 0);
    world.hub[Symbol.dispose]();
    assert.equal(world.hub.status().timers, 0);
  });
});

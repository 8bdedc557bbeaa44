import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { type Client, offerOf, World } from "./world.ts";

const init = { kind: "call:init" as const, name: "", audio: true, video: true };

describe("calls", () => {
  it("[HUB24] rings everywhere, the first to accept has it, the others are told", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    for (const one of [bob, desk]) assert.deepEqual(one.heard, [{ from: "ada", session: "s_1", kind: "call:init" }]);
    assert.equal(bob.of("signal")[0]?.name, "ADA");
    desk.signal("call", "ada", "s_1", 1, { kind: "accept" });
    world.run();
    bob.signal("call", "ada", "s_1", 1, { kind: "accept" });
    world.run();
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_1", kind: "accept" }]);
    const elsewhere = { from: "ada", session: "s_1", kind: "hangup", reason: "answered-elsewhere" };
    assert.deepEqual(bob.heard.slice(1), [elsewhere, elsewhere], "when it is answered, and again for the late accept");
    ada.signal("call", "bob", "s_1", 2, { kind: "offer", offer: offerOf() }, 1);
    desk.signal("call", "ada", "s_1", 2, { kind: "answer", sdp: "v=0" }, 1);
    world.run();
    assert.equal(desk.heard.at(-1)?.kind, "offer");
    assert.equal(ada.heard.at(-1)?.kind, "answer");
    assert.equal(bob.heard.length, 3);
    desk.signal("call", "ada", "s_1", 3, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.equal(ada.heard.at(-1)?.reason, "hangup");
    assert.equal(world.hub.status().calls, 0);
    assert.deepEqual(
      world.eventsOf("call").map(({ what, reason }) => [what, reason]),
      [
        ["ringing", undefined],
        ["answered", undefined],
        ["ended", "hangup"],
      ],
    );
  });

  it("[HUB24] rings at a link that is opened while it rings, and stops there too", () => {
    const world = new World();
    const { ada } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    const late = world.client("bob");
    world.run();
    assert.deepEqual(late.heard, [{ from: "ada", session: "s_1", kind: "call:init" }]);
    late.signal("call", "ada", "s_1", 1, { kind: "accept" });
    world.run();
    assert.equal(ada.heard.at(-1)?.kind, "accept");
    const after = world.client("bob");
    world.run();
    assert.deepEqual(after.heard, [], "an answered call rings nowhere");
  });

  it("[HUB26] busy at the one link that is heard of, it ends when the lease of the silent ones is over", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    desk.vanish();
    ada.signal("call", "bob", "s_1", 1, init);
    world.run(DEFAULT_TIMERS.linkLostMs);
    bob.signal("call", "ada", "s_1", 1, { kind: "reject", reason: "busy" });
    world.run(500);
    assert.equal(ada.heard.length, 0);
    world.run(DEFAULT_TIMERS.leaseMs);
    assert.equal(ada.heard.at(-1)?.reason, "unreachable");
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB24] a caller that gives up stops the ringing everywhere", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    ada.signal("call", "bob", "s_1", 2, { kind: "hangup", reason: "no-answer" });
    world.run();
    for (const one of [bob, desk]) assert.equal(one.heard.at(-1)?.reason, "no-answer");
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB25] rejects a call to nobody, refuses one to oneself or without the grant", () => {
    const world = new World({ grants: (identity) => (identity === "mute" ? { call: false } : {}) });
    const ada = world.client("ada");
    const mute = world.client("mute");
    ada.signal("call", "nobody", "s_1", 1, init);
    ada.signal("call", "ada", "s_2", 1, init);
    mute.signal("call", "ada", "s_3", 1, init);
    world.run();
    assert.deepEqual(ada.heard, [
      { from: "nobody", session: "s_1", kind: "reject", reason: "unreachable" },
      { from: "ada", session: "s_2", kind: "reject", reason: "refused" },
    ]);
    assert.deepEqual(ada.errors, [{ code: "call/self", field: "to" }]);
    assert.deepEqual(mute.errors, [{ code: "auth/forbidden", field: "to" }]);
    assert.equal(mute.heard[0]?.reason, "refused");
  });

  it("[HUB25] a call to whose page has just said goodbye rings at the next one, and at nobody once its grace is over", () => {
    for (const [backAfterMs, heard] of [
      [50, [{ from: "ada", session: "s_1", kind: "call:init" }]],
      [DEFAULT_TIMERS.byeGraceMs, []],
    ] as const) {
      const world = new World();
      const [ada, bob] = [world.client("ada"), world.client("bob")];
      world.run();
      bob.close();
      world.run();
      ada.signal("call", "bob", "s_1", 1, init);
      world.run(backAfterMs);
      const back = world.client("bob");
      world.run();
      assert.deepEqual(back.heard, heard);
      assert.deepEqual(
        ada.heard.map(({ kind, reason }) => [kind, reason]),
        heard.length === 0 ? [["reject", "unreachable"]] : [],
      );
      assert.equal(world.hub.status().calls, heard.length);
    }
  });

  it("[HUB26] a person's decline ends it everywhere; a busy device only its own ringing", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    bob.signal("call", "ada", "s_1", 1, { kind: "reject", reason: "busy" });
    world.run();
    assert.equal(ada.heard.length, 0);
    desk.signal("call", "ada", "s_1", 1, { kind: "reject", reason: "ringing-timeout" });
    world.run();
    assert.equal(ada.heard[0]?.reason, "ringing-timeout");
    ada.signal("call", "bob", "s_2", 1, init);
    world.run();
    bob.signal("call", "ada", "s_2", 1, { kind: "reject", reason: "declined" });
    world.run();
    assert.equal(ada.heard.at(-1)?.reason, "declined");
    assert.deepEqual(desk.heard.at(-1), { from: "ada", session: "s_2", kind: "hangup", reason: "declined" });
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB27] an interrupted link ends nothing; one that is gone for good ends its calls", () => {
    const world = new World();
    const { ada, bob } = established(world);
    bob.cut();
    world.run(1000);
    assert.equal(ada.heard.length, 2);
    assert.equal(world.hub.status().calls, 1);
    bob.vanish();
    world.run(DEFAULT_TIMERS.resumeWindowMs - 2000);
    assert.equal(ada.heard.length, 2);
    world.run(3000);
    assert.deepEqual(ada.heard.at(-1), { from: "bob", session: "s_1", kind: "hangup", reason: "remote-gone" });
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB27] a closed page ends them at once, ringing ones after the grace of a reload", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    bob.close();
    world.run();
    assert.equal(ada.heard.length, 0);
    desk.close();
    world.run(DEFAULT_TIMERS.byeGraceMs - 100);
    assert.deepEqual(ada.heard, [], "perhaps it is loaded anew");
    world.run(200);
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_1", kind: "reject", reason: "unreachable" }]);
    const other = answered(new World());
    other.ada.close();
    other.world.run();
    assert.equal(other.bob.heard.at(-1)?.reason, "remote-gone");
  });

  it("[HUB39] a callee that falls silent while it rings is unreachable after the lease, wherever it rings", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    bob.vanish();
    world.run(DEFAULT_TIMERS.leaseMs * 2 - 5_000);
    assert.deepEqual(ada.heard, [], "it rings at the desk");
    const lost = world.clock.now();
    desk.vanish();
    world.run(DEFAULT_TIMERS.leaseMs - DEFAULT_TIMERS.heartbeatMs - 100);
    assert.deepEqual(ada.heard, []);
    world.run(DEFAULT_TIMERS.heartbeatMs + 100);
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_1", kind: "reject", reason: "unreachable" }]);
    assert.ok(world.clock.now() - lost <= DEFAULT_TIMERS.leaseMs);
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB39] stops ringing when its caller has fallen silent for a lease, and is over for a caller that comes back", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    ada.reachable = false;
    ada.cut();
    world.run(DEFAULT_TIMERS.leaseMs - DEFAULT_TIMERS.heartbeatMs - 300);
    assert.equal(bob.heard.length, 1);
    world.run(DEFAULT_TIMERS.heartbeatMs + 300);
    for (const one of [bob, desk]) assert.equal(one.heard.at(-1)?.reason, "remote-gone");
    assert.equal(world.hub.status().calls, 0);
    ada.reachable = true;
    world.run(5_000);
    assert.equal(ada.heard.at(-1)?.reason, "remote-gone");
  });

  it("[HUB39] one that comes back in time rings on, and one that comes back later finds the call over", () => {
    for (const [awayMs, kinds] of [
      [5_000, ["call:init"]],
      [DEFAULT_TIMERS.leaseMs + 500, ["call:init", "hangup"]],
    ] as const) {
      const world = new World();
      const [ada, bob] = [world.client("ada"), world.client("bob")];
      world.run();
      ada.signal("call", "bob", "s_1", 1, init);
      world.run();
      bob.reachable = false;
      bob.cut();
      world.run(awayMs);
      bob.reachable = true;
      world.run(5_000);
      assert.deepEqual(
        bob.heard.map(({ kind }) => kind),
        kinds,
      );
      assert.equal(world.hub.status().calls, 2 - kinds.length);
    }
  });

  it("[HUB55] ends for both when one end has not been heard of for a lease before it was established", () => {
    for (const silent of ["bob", "ada"] as const) {
      const { world, ...clients } = answered(new World());
      const other = clients[silent === "ada" ? "bob" : "ada"];
      const before = other.heard.length;
      clients[silent].reachable = false;
      clients[silent].cut();
      world.run(DEFAULT_TIMERS.leaseMs - DEFAULT_TIMERS.heartbeatMs - 300);
      assert.equal(other.heard.length, before, "it may come back");
      world.run(DEFAULT_TIMERS.heartbeatMs + 400);
      assert.equal(other.heard.at(-1)?.reason, "remote-gone");
      assert.equal(world.hub.status().calls, 0);
      clients[silent].reachable = true;
      world.run(5_000);
      assert.equal(clients[silent].heard.at(-1)?.reason, "remote-gone", "and finds it over");
    }
  });

  it("[HUB55] goes on when an end comes back in time, and without its link once it is established", () => {
    const { world, bob } = answered(new World());
    bob.reachable = false;
    bob.cut();
    world.run(DEFAULT_TIMERS.leaseMs - DEFAULT_TIMERS.heartbeatMs - 300);
    bob.reachable = true;
    world.run(DEFAULT_TIMERS.leaseMs);
    assert.equal(world.hub.status().calls, 1);
    const other = established(new World());
    other.bob.vanish();
    other.world.run(DEFAULT_TIMERS.resumeWindowMs - 1_000);
    assert.equal(other.world.hub.status().calls, 1);
  });

  it("[HUB40] shows every call between two people with what its ends said of their media, and nothing else", () => {
    const { world, ada, bob } = answered(new World());
    const sends = [{ source: "camera", intent: "live", sent: true } as const];
    const receives = [{ source: "microphone", received: false } as const];
    ada.signal("call", "bob", "s_1", 2, { kind: "receipt", revision: 1, heard: 0, sends, receives: [] }, 1);
    bob.signal("call", "ada", "s_1", 2, { kind: "receipt", revision: 1, heard: 1, sends: [], receives }, 1);
    world.run();
    assert.deepEqual(world.hub.calls(), [
      {
        session: "s_1",
        from: "ada",
        to: "bob",
        state: "answered",
        ends: [
          { identity: "ada", sends, receives: [] },
          { identity: "bob", sends: [], receives },
        ],
      },
    ]);
    assert.equal(bob.heard.at(-1)?.kind, "receipt", "and passes it on");
  });

  it("[HUB51] a call that is said again reaches whom it was lost to, and never rings when it is over", () => {
    const world = new World();
    const { ada, bob, desk } = three(world);
    let lost = 2;
    world.filter = (_to, message) => message.type !== "signal" || lost-- <= 0;
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    assert.deepEqual([bob.heard, desk.heard], [[], []]);
    ada.signal("call", "bob", "s_1", 2, init);
    world.run();
    assert.deepEqual(
      [bob, desk].map(({ heard }) => heard.map(({ kind }) => kind)),
      [["call:init"], ["call:init"]],
    );
    lost = 1;
    bob.signal("call", "ada", "s_1", 1, { kind: "reject", reason: "declined" });
    world.run();
    assert.deepEqual(ada.heard, [], "the word was lost");
    ada.signal("call", "bob", "s_1", 3, init);
    world.run();
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_1", kind: "reject", reason: "declined" }]);
    assert.equal(bob.heard.length, 1);
    assert.equal(world.hub.status().calls, 0);
  });

  it("[HUB51] a call that was refused does not ring when it is said again, whoever has come meanwhile", () => {
    const world = new World();
    const ada = world.client("ada");
    world.run();
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    const bob = world.client("bob");
    world.run();
    ada.signal("call", "bob", "s_1", 2, init);
    world.run();
    assert.deepEqual(bob.heard, []);
    const unreachable = { from: "bob", session: "s_1", kind: "reject", reason: "unreachable" };
    assert.deepEqual(ada.heard, [unreachable, unreachable]);
    ada.signal("call", "bob", "s_2", 1, init);
    world.run();
    assert.equal(bob.heard.length, 1, "another call rings");
  });

  it("[HUB51] who rings on after the call was taken elsewhere, or was over, is told so when it says that it rings", () => {
    const rings = { kind: "receipt" as const, revision: 0, heard: 0, sends: [], receives: [] };
    const world = new World();
    const { ada, bob, desk } = three(world);
    ada.signal("call", "bob", "s_1", 1, init);
    world.run();
    desk.signal("call", "ada", "s_1", 0, rings);
    world.run();
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_1", kind: "receipt" }], "its caller knows best");
    world.filter = (_to, message) => message.type !== "signal";
    bob.signal("call", "ada", "s_1", 1, { kind: "accept" });
    world.run();
    world.filter = undefined;
    bob.vanish();
    world.run();
    desk.signal("call", "ada", "s_1", 0, rings);
    world.run();
    assert.equal(desk.heard.at(-1)?.reason, "answered-elsewhere", "it takes nothing over");
    ada.signal("call", "bob", "s_1", 2, { kind: "hangup", reason: "hangup" });
    world.run();
    desk.signal("call", "ada", "s_1", 0, rings);
    world.run();
    assert.equal(desk.heard.at(-1)?.reason, "remote-gone");
  });

  it("[HUB51] who has not heard of the end of a call hears it when it says what comes in it", () => {
    const { world, ada, bob } = answered(new World());
    world.filter = (_to, message) => message.type !== "signal";
    ada.signal("call", "bob", "s_1", 2, { kind: "hangup", reason: "hangup" });
    world.run();
    world.filter = undefined;
    bob.signal("call", "ada", "s_1", 2, { kind: "receipt", revision: 1, heard: 0, sends: [], receives: [] }, 1);
    world.run();
    assert.deepEqual(bob.heard.at(-1), { from: "ada", session: "s_1", kind: "hangup", reason: "remote-gone" });
  });

  it("[HUB28] binds two that call each other, and stops ringing at their other links", () => {
    for (const first of ["ada", "bob"]) {
      const world = new World();
      const { ada, bob, desk } = three(world);
      const calls = [
        () => ada.signal("call", "bob", "s_ada", 1, init),
        () => bob.signal("call", "ada", "s_bob", 1, init),
      ];
      for (const call of first === "ada" ? calls : calls.reverse()) {
        call();
        world.run(1);
      }
      world.run();
      assert.deepEqual(ada.heard, [{ from: "bob", session: "s_bob", kind: "call:init" }]);
      assert.deepEqual(bob.heard, [{ from: "ada", session: "s_ada", kind: "call:init" }]);
      // The lower identity's call lives: what its end says reaches the other, and the reverse.
      bob.signal("call", "ada", "s_bob", 2, { kind: "hangup", reason: "replaced" });
      bob.signal("call", "ada", "s_ada", 1, { kind: "accept" });
      ada.signal("call", "bob", "s_ada", 2, { kind: "offer", offer: offerOf() }, 1);
      world.run();
      assert.equal(ada.heard.at(-1)?.kind, "accept");
      assert.equal(bob.heard.at(-1)?.kind, "offer");
      const rung = desk.heard.filter(({ kind }) => kind === "call:init").length;
      const stopped = desk.heard.filter(({ reason }) => reason === "answered-elsewhere").length;
      assert.equal(rung, stopped, `first ${first}`);
      assert.equal(world.hub.status().calls, 1);
      assert.equal(world.eventsOf("call").filter(({ what }) => what === "answered").length, 1);
    }
  });

  it("[HUB28] a mutual call whose end vanished before it heard of it rings at the page that comes instead", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    world.run();
    bob.signal("call", "ada", "s_bob", 1, init);
    world.run();
    ada.signal("call", "bob", "s_ada", 1, init);
    bob.vanish();
    world.run();
    const reloaded = world.client("bob");
    world.run();
    assert.deepEqual(reloaded.heard, [{ from: "ada", session: "s_ada", kind: "call:init" }]);
    reloaded.signal("call", "ada", "s_ada", 1, { kind: "accept" });
    world.run();
    assert.equal(ada.heard.at(-1)?.kind, "accept");
  });

  it("[HUB28] one that dials again, because it never heard of the call that lives on, is told of it", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    world.run();
    world.filter = (to, message) => to.identity !== "bob" || message.type !== "signal";
    ada.signal("call", "bob", "s_ada", 1, init);
    bob.signal("call", "ada", "s_bob", 1, init);
    world.run();
    world.filter = undefined;
    assert.deepEqual(bob.heard, []);
    bob.signal("call", "ada", "s_bob", 2, init);
    world.run();
    assert.deepEqual(bob.heard, [{ from: "ada", session: "s_ada", kind: "call:init" }]);
  });

  it("[HUB28] a call that crosses another does not begin to ring elsewhere", () => {
    const world = new World();
    const { ada, bob } = three(world);
    const pad = world.client("ada", 3);
    world.run();
    ada.signal("call", "bob", "s_ada", 1, init);
    bob.signal("call", "ada", "s_bob", 1, init);
    world.run();
    assert.equal(ada.heard.length, 1);
    assert.equal(pad.heard.length, 0);
  });

  it("[HUB29] the hangup of a page on its new link counts when its old one is seen to be gone, and not much later", () => {
    for (const [silentMs, calls] of [
      [100, 0],
      [DEFAULT_TIMERS.linkLostMs + 100, 1],
    ] as const) {
      const { world, ada, bob, desk } = established(new World());
      desk.signal("call", "ada", "s_1", 3, { kind: "hangup", reason: "link-lost" }, 1);
      world.run(silentMs);
      assert.equal(world.hub.status().calls, 1, "it may be another tab");
      bob.cut();
      world.run();
      assert.equal(world.hub.status().calls, calls);
      if (calls === 0) assert.equal(ada.heard.at(-1)?.reason, "link-lost");
    }
  });

  it("[HUB29] nobody else speaks in a call: not another identity, not another link while the bound one is there", () => {
    const world = new World();
    const { ada, bob, desk } = answered(world);
    const eve = world.client("eve");
    eve.signal("call", "ada", "s_1", 1, { kind: "hangup", reason: "hangup" });
    desk.signal("call", "ada", "s_1", 1, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.equal(ada.heard.length, 1);
    assert.deepEqual(eve.errors, [{ code: "session/unknown", field: "signal.session" }]);
    bob.vanish();
    world.run();
    desk.signal("call", "ada", "s_1", 1, { kind: "reject", reason: "declined" });
    world.run();
    assert.equal(ada.heard.length, 1, "a late decline, while the link of who answered hangs");
    desk.signal("call", "ada", "s_1", 2, { kind: "negotiation-needed", why: "new link", iceRestart: true });
    world.run();
    assert.equal(ada.heard.at(-1)?.kind, "negotiation-needed");
    ada.signal("call", "bob", "s_1", 2, { kind: "offer", offer: offerOf() }, 2);
    world.run();
    assert.equal(desk.heard.at(-1)?.kind, "offer");
  });

  it("[HUB29] an accept or an offer in a call nobody knows is answered with its end", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.signal("call", "bob", "s_x", 1, { kind: "accept" });
    ada.signal("call", "bob", "s_x", 2, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.deepEqual(ada.heard, [{ from: "bob", session: "s_x", kind: "hangup", reason: "remote-gone" }]);
  });

  it("[HUB30] the server peer accepts by itself and answers the offer", () => {
    const world = new World();
    const ada = callServer(world);
    assert.deepEqual(
      ada.heard.map(({ from, kind }) => `${from} ${kind}`),
      [`${SERVER_PEER_IDENTITY} accept`, `${SERVER_PEER_IDENTITY} answer`],
    );
    world.serverPeer.connect("s_p");
    world.run();
    assert.equal(world.eventsOf("session").at(-1)?.state, "Active");
    ada.signal("call", SERVER_PEER_IDENTITY, "s_p", 3, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.deepEqual(world.serverPeer.closed, ["s_p"]);
    assert.equal(world.hub.status().calls, 0);
    assert.equal(world.hub.status().sessions, 0);
  });

  it("[HUB30] tears a server peer's media down when the caller's link is gone, or its offer is no good", () => {
    const world = new World();
    const ada = callServer(world);
    world.serverPeer.connect("s_p");
    ada.close();
    world.run(DEFAULT_TIMERS.endingMs);
    assert.deepEqual(world.serverPeer.closed, ["s_p"]);
    assert.equal(world.hub.status().timers, 0);
  });

  it("[HUB30] others cannot speak in it, and without a server peer it is unreachable", () => {
    const world = new World();
    callServer(world);
    const eve = world.client("eve");
    eve.signal("call", SERVER_PEER_IDENTITY, "s_p", 1, { kind: "hangup", reason: "hangup" });
    world.run();
    assert.deepEqual(world.serverPeer.closed, []);
    const bare = new World({ hub: { ports: { authorization: authorizeAll } } });
    const bob = bare.client("bob");
    bob.signal("call", SERVER_PEER_IDENTITY, "s_p", 1, init);
    bare.run();
    assert.equal(bob.heard[0]?.reason, "unreachable");
  });

  it("[HUB56] the server peer takes no call that it could not read; people are told that it is encrypted", () => {
    const world = new World();
    const { ada, bob } = three(world);
    const encrypted = { ...init, encryption: "sframe" } as const;
    ada.signal("call", SERVER_PEER_IDENTITY, "s_e", 1, encrypted);
    ada.signal("call", "bob", "s_b", 1, encrypted);
    world.run();
    assert.deepEqual(ada.errors, [{ code: "encryption/not-readable", field: "to" }]);
    assert.equal(ada.heard[0]?.reason, "refused");
    assert.equal(bob.heard.length, 1);
    assert.equal(world.hub.status().calls, 1);
  });

  it("[HUB31] refuses the seventeenth call at once", () => {
    const world = new World();
    const { ada, bob } = three(world);
    for (let n = 1; n <= 17; n++) ada.signal("call", "bob", `s_${n}`, 1, init);
    world.run();
    assert.equal(bob.heard.length, 16);
    assert.deepEqual(ada.errors, [{ code: "protocol/rate-limited", field: "to" }]);
    assert.equal(world.hub.status().calls, 16);
  });
});

const authorizeAll = {
  authorize: (
    { token = "" }: { token?: string | undefined },
    done: (who: { identity: string; name: string; grants: { join: true; call: true; role: "speaker" } }) => void,
  ) => done({ identity: token, name: token, grants: { join: true, call: true, role: "speaker" } }),
};

/** Ada, and Bob on two devices. */
function three(world: World): { ada: Client; bob: Client; desk: Client } {
  const clients = { ada: world.client("ada"), bob: world.client("bob"), desk: world.client("bob", 2) };
  world.run();
  return clients;
}

function answered(world: World) {
  const clients = three(world);
  clients.ada.signal("call", "bob", "s_1", 1, init);
  world.run();
  clients.bob.signal("call", "ada", "s_1", 1, { kind: "accept" });
  world.run();
  return { world, ...clients };
}

/** Answered, and both ends have said what they hear. */
function established(world: World) {
  const clients = answered(world);
  const receipt = { kind: "receipt" as const, revision: 1, heard: 0, sends: [], receives: [] };
  clients.ada.signal("call", "bob", "s_1", 2, receipt, 1);
  clients.bob.signal("call", "ada", "s_1", 2, receipt, 1);
  world.run();
  return clients;
}

function callServer(world: World): Client {
  const ada = world.client("ada");
  ada.signal("call", SERVER_PEER_IDENTITY, "s_p", 1, init);
  world.run();
  ada.signal("call", SERVER_PEER_IDENTITY, "s_p", 2, { kind: "offer", offer: offerOf() }, 1);
  world.run();
  return ada;
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { applyEvent, constantTimeEqual, type RoomEffect, type RoomMessage } from "@lodeline/room";
import { LIVE, only, ops, RoomBench, sourcesWith, told } from "./support/bench.ts";

const { suspectMs, leaseMs } = DEFAULT_TIMERS;

function events(effects: readonly RoomEffect[]) {
  return only(effects, "event");
}

describe("joining", () => {
  it("[ROOM1] gives a new place and tells the newcomer and the others different things", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    const effects = room.join("b");
    const [joined] = only(effects, "joined");
    assert.equal(joined?.participant, "p-b");
    assert.equal(joined.incarnation, 1);
    assert.equal(joined.rejoinToken, "t-b");
    assert.equal(joined.seq, 2);
    assert.deepEqual(joined.room, room.state.snapshot);
    assert.deepEqual(
      events(effects).map(({ event, to }) => [event.event.kind, to]),
      [["peer-joined", ["l-a"]]],
    );
    assert.ok(effects.indexOf(joined) < effects.findIndex((one) => one.kind === "tell"), "joined comes first");
  });

  it("[ROOM2] answers a doubled join with the same place and a doubled command with the same answer", () => {
    const room = new RoomBench("sfu");
    room.join("a", { role: "moderator" });
    const before = room.state.seq;
    const [again] = only(room.join("a"), "joined");
    assert.equal(again?.again, true);
    assert.equal(again.participant, "p-a");
    assert.equal(room.state.seq, before);

    const lock = { type: "moderate", id: "c", action: { kind: "lock", locked: true } } as const;
    assert.deepEqual(told(room.say("a", lock), "a", "ok"), [{ type: "ok", id: "c" }]);
    const twice = room.say("a", lock);
    assert.deepEqual(told(twice, "a"), [{ type: "ok", id: "c" }]);
    assert.equal(events(twice).length, 0);
    assert.equal(room.state.seq, before + 1);

    const wish = { type: "media-state", id: "w", revision: 2, sources: sourcesWith({}) } as const;
    for (let i = 0; i < 2; i++) assert.deepEqual(told(room.say("a", wish), "a", "ok"), [{ type: "ok", id: "w" }]);
  });

  it("[ROOM2] forgets answers after so many commands", () => {
    const room = new RoomBench("sfu", { settings: { commandMemory: 3 } });
    room.join("a", { role: "moderator" });
    for (let i = 0; i < 10; i++)
      room.say("a", { type: "moderate", id: `c${i}`, action: { kind: "lock", locked: true } });
    assert.deepEqual(
      room.place("a").answers.map((one) => one.id),
      ["c7", "c8", "c9"],
    );
  });

  it("[ROOM3] gives a page the place that it could not say it had left, and nobody else", () => {
    const room = new RoomBench("sfu");
    room.join("a", { command: "page-of-ada-1234.1" });
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-a" });
    const other = room.join("other", { command: "another-page-567.1", identity: "id-a" });
    assert.equal(only(other, "joined")[0]?.participant, "p-other", "another page of the same person has its own");
    const again = room.join("again", { command: "page-of-ada-1234.3", identity: "id-a" });
    assert.deepEqual(
      only(again, "joined").map(({ participant, incarnation }) => [participant, incarnation]),
      [["p-a", 2]],
    );
  });

  it("[ROOM3] gives the same command on another link the place it asked for before", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    const effects = room.join("a", { link: "l-a2", fresh: { participant: "p-x", rejoinToken: "t-x" } });
    const [joined] = only(effects, "joined");
    assert.equal(joined?.participant, "p-a");
    assert.equal(joined.incarnation, 2);
    assert.equal(room.state.snapshot.participants.length, 1);
    const foreign = room.join("b", { command: "j-a" });
    assert.equal(only(foreign, "joined")[0]?.participant, "p-b", "another identity's command of that id is its own");
  });

  it("[ROOM4] takes the earlier place at once by its token", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const effects = room.join("a", {
      link: "l-a2",
      command: "again",
      rejoin: { participant: "p-a", token: "t-a" },
      session: "s-a2",
      fresh: { participant: "p-x", rejoinToken: "t-a2" },
    });
    const [joined] = only(effects, "joined");
    assert.equal(joined?.participant, "p-a");
    assert.equal(joined.incarnation, 2);
    assert.equal(joined.rejoinToken, "t-a2");
    assert.deepEqual(
      room.state.snapshot.participants.map((one) => one.id),
      ["p-a", "p-b"],
    );
    assert.deepEqual(
      told(effects, "a").map((one) => ("code" in one ? one.code : one.type)),
      ["room/replaced"],
    );
    assert.deepEqual(
      only(effects, "unbind").map((one) => [one.link, one.code]),
      [["l-a", "room/replaced"]],
    );
    assert.ok(ops(effects).some((op) => op.op === "close-session" && op.session === "s-a"));
    assert.equal(room.row("a", "camera", "b").standing, "pending", "its media is expected anew");
  });

  it("[ROOM4] does not say to a link that it replaced itself", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    const effects = room.join("a", { command: "again", rejoin: { participant: "p-a", token: "t-a" } });
    assert.equal(only(effects, "joined")[0]?.incarnation, 2);
    assert.deepEqual(told(effects, "a", "removed"), []);
    assert.deepEqual(only(effects, "unbind"), []);
  });

  it("[ROOM5] refuses what does not fit, and keeps earlier tokens until the newest was heard of", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    const claim = (token: string, n: number, participant = "p-a", who = "a") =>
      room.join(who, {
        link: `l-${n}`,
        command: `j${n}`,
        rejoin: { participant, token },
        fresh: { participant: `p${n}`, rejoinToken: `t${n}` },
      });
    const refused = (effects: ReturnType<typeof claim>) =>
      only(effects, "tell").some((one) => one.message.type === "error" && one.message.code === "room/bad-rejoin");
    assert.ok(refused(claim("wrong", 1)));
    assert.ok(refused(claim("t-a", 2, "p-a", "mallory")));
    assert.ok(refused(claim("t-a", 3, "p-gone")));
    assert.equal(only(claim("t-a", 4), "joined")[0]?.incarnation, 2);
    assert.equal(only(claim("t-a", 5), "joined")[0]?.incarnation, 3, "nobody heard of t4");
    room.say("a", receiptOf(3), "l-5");
    assert.ok(refused(claim("t-a", 6)));
    assert.ok(refused(claim("t4", 7)));
    assert.equal(only(claim("t5", 8), "joined")[0]?.incarnation, 4);
  });

  it("[ROOM6] compares whole secrets", () => {
    for (const [one, other, equal] of [
      ["abc", "abc", true],
      ["abc", "abd", false],
      ["abc", "ab", false],
      ["ab", "abc", false],
      ["", "", true],
      ["", "a", false],
    ] as const) {
      assert.equal(constantTimeEqual(one, other), equal, `${one} ${other}`);
    }
    let looked = 0;
    const guess = "x".repeat(32);
    const charCodeAt = (i: number) => {
      looked += 1;
      return guess.charCodeAt(i);
    };
    const counting = { length: 32, charCodeAt } as unknown as string;
    constantTimeEqual(counting, "y".repeat(32));
    assert.equal(looked, 32, "every sign is looked at, also after the first that differs");
  });

  it("[ROOM7] refuses with the reason", () => {
    const room = new RoomBench("sfu", { settings: { maxParticipants: 2 } });
    const codeOf = (effects: ReturnType<typeof room.join>) =>
      only(effects, "tell").flatMap((one) => (one.message.type === "error" ? [one.message.code] : []))[0];
    room.join("a", { role: "moderator" });
    assert.equal(codeOf(room.join("a", { command: "other" })), "room/already-member");
    assert.equal(
      codeOf(room.join("a", { command: "third", rejoin: { participant: "p-b", token: "t-b" } })),
      "room/already-member",
      "a link that holds a place cannot claim another",
    );
    room.say("a", { type: "moderate", id: "c", action: { kind: "lock", locked: true } });
    assert.equal(codeOf(room.join("b")), "room/locked");
    assert.equal(codeOf(room.join("b", { role: "moderator" })), undefined);
    assert.equal(codeOf(room.join("c", { role: "moderator" })), "room/full");
    assert.equal(
      codeOf(room.join("b", { link: "l-b2", command: "x", rejoin: { participant: "p-b", token: "t-b" } })),
      undefined,
    );
    room.say("a", { type: "moderate", id: "d", action: { kind: "end" } });
    assert.equal(codeOf(room.join("d")), "room/ended");
  });

  it("[ROOM23] finds nothing under names that objects have of themselves", () => {
    const room = new RoomBench("mesh");
    room.join("a", { role: "moderator" });
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const rejoin = { participant: name, token: "undefined" };
      const refused = room.join("b", { link: `l-${name}`, command: name, rejoin });
      assert.equal(only(refused, "joined").length, 0);
      room.say("a", { type: "moderate", id: `m${name}`, action: { kind: "remove", participant: name } });
      room.say("a", {
        type: "signal",
        scope: "room",
        to: name,
        signal: { session: name, epoch: 0, seq: 1, body: { kind: "accept" } },
      });
      room.say("a", { type: "replay-request", publication: `${name}:camera`, seen: 1, slots: 0, why: "x" });
      room.say("a", { type: "replay-request", publication: name, seen: 1, slots: 0, why: "x" });
      room.feed({ kind: "link-lost", participant: name, link: "l-a" });
      room.feed({ kind: "connection", participant: name, session: name, state: "connected" });
      const one = { publication: name, width: 1, height: 1, visible: false, priority: 0 };
      room.say("a", { type: "view", revision: 100, views: [one, { ...one, publication: `${name}:camera` }] });
      room.feed({
        kind: "media-facts",
        publications: [{ publication: `${name}:camera`, arriving: true }],
        subscriptions: [{ subscription: name, forwarded: true }],
      });
    }
    assert.equal(room.state.snapshot.participants.length, 1);
  });
});

describe("leaving", () => {
  it("[ROOM12] tells a removed participant why and lets its link go", () => {
    const room = new RoomBench("sfu");
    room.settle("b");
    room.join("a", { role: "moderator" });
    const effects = room.say("a", { type: "moderate", id: "c", action: { kind: "remove", participant: "p-b" } });
    assert.deepEqual(
      told(effects, "b").map((one) => ("code" in one ? one.code : one.type)),
      ["room/removed"],
    );
    assert.deepEqual(
      only(effects, "unbind").map((one) => [one.link, one.code]),
      [["l-b", "room/removed"]],
    );
    assert.ok(ops(effects).some((op) => op.op === "close-session" && op.participant === "p-b"));
    assert.deepEqual(
      events(effects).map((one) => one.event.event),
      [{ kind: "peer-left", participant: "p-b", reason: "removed" }],
    );
    assert.deepEqual(events(effects)[0]?.to, ["l-a"]);
  });

  it("[ROOM12] ends the room for all", () => {
    const room = new RoomBench("mesh");
    room.join("a", { role: "moderator" });
    room.join("b");
    const effects = room.say("a", { type: "moderate", id: "c", action: { kind: "end" } });
    for (const who of ["a", "b"]) {
      assert.ok(
        told(effects, who).some((one) => one.type === "removed" && one.code === "room/ended"),
        who,
      );
    }
    assert.deepEqual(only(effects, "closed"), [{ kind: "closed", reason: "ended" }]);
    assert.deepEqual(room.state.snapshot.participants, []);
    assert.equal(room.machine.deadline(room.state), undefined);
  });

  it("[ROOM22] closes with the last one, and when the server drains", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    assert.deepEqual(told(room.say("a", { type: "leave", id: "x" }), "a", "ok"), [{ type: "ok", id: "x" }]);
    assert.deepEqual(only(room.say("b", { type: "leave", id: "y" }), "closed"), [{ kind: "closed", reason: "empty" }]);
    assert.equal(room.machine.deadline(room.state), undefined);

    const draining = new RoomBench("sfu");
    draining.settle("a", "b");
    const effects = draining.feed({ kind: "drain", reason: "The server shuts down." });
    assert.equal(ops(effects).filter((op) => op.op === "detach").length, 4, "each forwarder once");
    assert.deepEqual(
      only(effects, "unbind").map((one) => one.code),
      ["server/draining", "server/draining"],
    );
    assert.deepEqual(only(effects, "closed"), [{ kind: "closed", reason: "drained" }]);
  });

  it("[ROOM2] answers a leave that comes twice, or of nobody, with ok", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.say("a", { type: "leave", id: "x" });
    assert.deepEqual(told(room.say("a", { type: "leave", id: "x" }), "a"), [{ type: "ok", id: "x" }]);
  });
});

describe("leases", () => {
  it("[ROOM13] suspects and lets go exactly in time", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-a" });
    room.advance(suspectMs - 1);
    assert.equal(room.info("a").presence, "connected");
    room.advance(1);
    assert.equal(room.info("a").presence, "suspect");
    room.advance(leaseMs - suspectMs - 1);
    assert.equal(room.info("a").presence, "suspect");
    room.take();
    room.advance(1);
    assert.ok(!room.state.places["p-a"]);
    assert.deepEqual(
      only(room.take(), "unbind").map((one) => one.code),
      ["room/lease-expired"],
    );
  });

  it("[ROOM13] counts from when the link was last heard", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.now += leaseMs;
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-a", heardAt: room.now - suspectMs });
    assert.equal(room.info("a").presence, "suspect");
    room.feed({ kind: "link-back", participant: "p-a", link: "l-a" });
    assert.equal(room.info("a").presence, "connected");
    room.advance(leaseMs * 2);
    assert.equal(room.info("a").presence, "connected");
  });

  it("[ROOM13] takes no word from a link that does not hold the place", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-old" });
    room.advance(leaseMs * 2);
    assert.equal(room.info("a").presence, "connected");
    room.feed({ kind: "link-lost", participant: "p-a", link: "l-a" });
    room.feed({ kind: "link-back", participant: "p-a", link: "l-old" });
    room.advance(leaseMs);
    assert.ok(!room.state.places["p-a"]);
    const stray = room.say("b", { type: "leave", id: "x" }, "l-other");
    assert.equal(room.state.snapshot.participants.length, 1);
    assert.deepEqual(only(stray, "tell")[0]?.link, "l-other");
  });
});

describe("the log", () => {
  it("[ROOM14] numbers every event and folds to the room", () => {
    const room = new RoomBench("mesh");
    let folded = room.state.snapshot;
    room.join("a", { role: "moderator" });
    room.join("b");
    room.setMedia("b", sourcesWith({ camera: "muted" }));
    room.say("a", { type: "moderate", id: "1", action: { kind: "role", participant: "p-b", role: "viewer" } });
    room.say("a", { type: "moderate", id: "2", action: { kind: "lock", locked: true } });
    room.join("a", { command: "again", rejoin: { participant: "p-a", token: "t-a" } });
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(leaseMs);
    const log = events(room.take());
    assert.deepEqual(
      log.map((one) => one.event.seq),
      log.map((_, i) => i + 1),
    );
    for (const { event } of log) folded = applyEvent(folded, event.event);
    assert.deepEqual(folded, room.state.snapshot);
    assert.ok(log.length >= 8, String(log.length));
  });

  it("[ROOM14] keeps only so many events", () => {
    const room = new RoomBench("mesh", { settings: { eventTail: 3 } });
    room.join("a");
    for (let i = 0; i < 10; i++) room.setMedia("a", i % 2 === 0 ? LIVE : sourcesWith({}));
    assert.deepEqual(
      room.state.tail.map((one) => one.event.seq),
      [9, 10, 11],
    );
  });
});

function receiptOf(incarnation: number): RoomMessage {
  return { type: "receipt", incarnation, seen: 99, slots: 99, ledger: 99, published: [], received: [] };
}

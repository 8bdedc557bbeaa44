import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { type Client, sourcesOf, World } from "./world.ts";

/** Carl's later page has the place of a join that the earlier one has said as well, and that has not come yet. */
function heldUpJoin() {
  const world = new World();
  const [ada] = joinTwo(world, "mesh");
  const early = world.client("carl");
  world.run();
  const late = world.client("carl", 2);
  late.join("r", { id: "j", topology: "mesh" });
  world.run();
  return { world, ada, early, late };
}

describe("rooms", () => {
  it("[HUB7] opens a room for the first in the topology it wants, and closes it after the last", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    assert.equal(bob.joined.room.topology, "mesh");
    ada.send({ type: "leave", id: "l1" });
    world.run();
    assert.equal(world.hub.status().rooms, 1);
    bob.send({ type: "leave", id: "l2" });
    world.run();
    assert.equal(world.hub.status().rooms, 0);
    assert.deepEqual(
      world.eventsOf("room").map(({ what }) => what),
      ["opened", "closed"],
    );
    assert.deepEqual(
      world.eventsOf("left").map(({ reason }) => reason),
      ["left", "left"],
    );
  });

  it("[HUB7] a later wish for another topology changes nothing; without one the hub's holds", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    ada.join("r");
    bob.join("r", { topology: "mesh" });
    world.run();
    assert.equal(ada.joined.room.topology, "sfu");
    assert.equal(bob.joined.room.topology, "sfu");
  });

  it("[HUB7] a refused join leaves no room behind", () => {
    const world = new World({ sfu: false });
    const ada = world.client("ada");
    const sfu = ada.join("r", { topology: "sfu" });
    const gone = ada.join("r", { topology: "mesh", rejoin: { participant: "p_x", token: "y" } });
    world.run();
    assert.deepEqual(ada.errors, [
      { code: "room/topology", id: sfu, field: "topology" },
      { code: "room/bad-rejoin", id: gone, field: "rejoin" },
    ]);
    assert.equal(world.hub.status().rooms, 0);
    assert.deepEqual(world.eventsOf("room"), []);
  });

  it("[HUB8] says joined first, with ICE servers and timers, and then the room's events in order", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    assert.equal(ada.messages[0]?.type, "joined");
    assert.equal(bob.messages[0]?.type, "joined");
    assert.deepEqual(bob.joined.iceServers, [{ urls: ["turn:bob"] }]);
    assert.equal(bob.joined.leaseMs, DEFAULT_TIMERS.leaseMs);
    assert.equal(bob.joined.seq, 2);
    assert.deepEqual(
      bob.joined.room.participants.map(({ identity }) => identity),
      ["ada", "bob"],
    );
    bob.send({ type: "media-state", id: "m", revision: 2, sources: sourcesOf(["camera"]) });
    world.run();
    const seqs = ada.of("room-event").flatMap(({ events }) => events.map(({ seq }) => seq));
    assert.deepEqual(seqs, [2, 3]);
    assert.equal(world.hub.room("r")?.seq, 3);
  });

  it("[HUB9] refuses another room, and everything but a leave without a place", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.send({ type: "leave", id: "l0" });
    ada.send({ type: "media-state", id: "m0", revision: 2, sources: sourcesOf([]) });
    ada.signal("room", "sfu", "s_x", 1, { kind: "accept" });
    ada.join("r", { topology: "mesh" });
    const other = ada.join("q");
    world.run();
    assert.deepEqual(
      ada.of("ok").map(({ id }) => id),
      ["l0"],
    );
    assert.deepEqual(ada.errors, [
      { code: "room/not-member", id: "m0" },
      { code: "room/not-member" },
      { code: "room/already-member", id: other, field: "room" },
    ]);
    assert.equal(world.hub.status().rooms, 1);
  });

  it("[HUB10] holds to the token's grants", () => {
    const world = new World({
      grants: (identity) =>
        ({
          guest: { join: false },
          bound: { room: "only" },
          viewer: { role: "viewer" as const },
          voice: { publishSources: ["microphone" as const] },
        })[identity] ?? {},
    });
    const guest = world.client("guest");
    const bound = world.client("bound");
    const voice = world.client("voice");
    const viewer = world.client("viewer");
    guest.join("r");
    bound.join("r");
    bound.join("only");
    voice.join("r", { live: ["camera"] });
    voice.join("r", { live: ["microphone"] });
    viewer.join("r");
    world.run();
    voice.send({ type: "media-state", id: "m1", revision: 2, sources: sourcesOf(["screen"]) });
    viewer.send({ type: "media-state", id: "m2", revision: 2, sources: sourcesOf(["microphone"]) });
    world.run();
    const codes = (client: Client) => client.errors.map(({ code, field }) => [code, field]);
    assert.deepEqual(codes(guest), [["auth/room-denied", "room"]]);
    assert.deepEqual(codes(bound), [["auth/room-denied", "room"]]);
    assert.equal(bound.joined.room.room, "only");
    assert.deepEqual(codes(voice), [
      ["auth/forbidden", "sources.camera"],
      ["auth/forbidden", "sources.screen"],
    ]);
    assert.deepEqual(codes(viewer), [["auth/forbidden", "sources"]]);
    assert.equal(viewer.joined.room.participants.at(-1)?.role, "viewer");
  });

  it("[HUB11] does a command once and answers it twice", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    for (let i = 0; i < 2; i++) ada.join("r", { id: "again", topology: "mesh" });
    world.run();
    assert.equal(ada.errors.at(-1)?.code, "room/already-member");
    const carl = world.client("carl");
    for (let i = 0; i < 2; i++) carl.join("r", { id: "j", topology: "mesh" });
    for (let i = 0; i < 2; i++) {
      carl.send({ type: "media-state", id: "m", revision: 2, sources: sourcesOf(["camera"]) });
    }
    world.run();
    assert.equal(carl.of("joined").length, 2);
    const [first, second] = carl.of("joined");
    assert.equal(first?.participant, second?.participant);
    assert.equal(first?.rejoinToken, second?.rejoinToken);
    assert.equal(carl.of("ok").length, 2);
    assert.equal(world.hub.status().participants, 3);
    assert.equal(bob.of("room-event").flatMap(({ events }) => events).length, 2, "one join, one media state");
  });

  it("[HUB11] gives no second place for a join that is said again after its place is gone", () => {
    const world = new World();
    const [, bob] = joinTwo(world, "mesh");
    const carl = world.client("carl");
    carl.join("r", { id: "j", topology: "mesh" });
    world.run();
    carl.send({ type: "leave", id: "l" });
    carl.join("r", { id: "j", topology: "mesh" });
    world.run();
    assert.equal(carl.errors.at(-1)?.code, "room/not-member");
    assert.equal(carl.of("joined").length, 1);
    assert.equal(world.hub.status().participants, 2);
    carl.join("r", { id: "another", topology: "mesh" });
    world.run();
    assert.equal(carl.of("joined").length, 2);
    assert.equal(bob.errors.length, 0);
  });

  it("[HUB54] a join that an earlier page said and a later one said again leaves the place to the later", () => {
    const { world, ada, early, late } = heldUpJoin();
    early.join("r", { id: "j", topology: "mesh" });
    early.close();
    world.run();
    assert.deepEqual(early.errors, []);
    assert.deepEqual(late.of("removed"), []);
    assert.equal(world.hub.status().participants, 3);
    assert.deepEqual(
      world.eventsOf("refused").map(({ error }) => error.code),
      ["room/replaced"],
    );
    assert.ok(ada.of("room-event").every(({ events }) => events.every(({ event }) => event.kind !== "presence")));
    // One that has come to a later socket itself is no earlier page.
    const back = world.client("carl", 3);
    back.join("r", { id: "j", topology: "mesh" });
    world.run();
    assert.equal(back.joined.participant, late.joined.participant);
  });

  it("[HUB54] nor does it make a second place where the later page has joined anew meanwhile, or left", () => {
    for (const leaves of [false, true]) {
      const { world, ada, early, late } = heldUpJoin();
      const { participant, rejoinToken: token } = late.joined;
      if (leaves) late.send({ type: "leave", id: "k" });
      else late.join("r", { id: "k", topology: "mesh", rejoin: { participant, token } });
      world.run();
      early.join("r", { id: "j", topology: "mesh" });
      world.run();
      assert.equal(world.hub.status().participants, leaves ? 2 : 3);
      assert.deepEqual(
        world.eventsOf("refused").map(({ error }) => error.code),
        ["room/replaced"],
      );
      assert.equal(ada.errors.length, 0);
    }
  });

  it("[HUB12] makes a lost one suspect and then gone, from when it was last heard of", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    const lost = world.clock.now();
    bob.vanish("at once");
    const presence = () =>
      world.hub.room("r")?.snapshot.participants.find(({ identity }) => identity === "bob")?.presence;
    // The last thing heard of bob was at most a heartbeat before.
    world.run(DEFAULT_TIMERS.suspectMs - DEFAULT_TIMERS.heartbeatMs - 100);
    assert.equal(presence(), "connected");
    world.run(DEFAULT_TIMERS.heartbeatMs + 100);
    assert.equal(presence(), "suspect");
    world.run(DEFAULT_TIMERS.leaseMs - DEFAULT_TIMERS.suspectMs);
    assert.equal(presence(), undefined);
    assert.ok(world.clock.now() - lost <= DEFAULT_TIMERS.leaseMs);
    const last = ada.of("room-event").at(-1)?.events.at(-1)?.event;
    assert.deepEqual(last, { kind: "peer-left", participant: bob.joined.participant, reason: "lease-expired" });
  });

  it("[HUB12] a silent cut counts from the last word too, and a resume brings presence back", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    bob.reachable = false;
    bob.cut("never");
    world.run(DEFAULT_TIMERS.suspectMs + 200);
    const presence = () =>
      world.hub.room("r")?.snapshot.participants.find(({ identity }) => identity === "bob")?.presence;
    assert.equal(presence(), "suspect");
    bob.reachable = true;
    world.run(4000);
    assert.equal(bob.link.state, "open");
    assert.equal(presence(), "connected");
    const kinds = ada.of("room-event").flatMap(({ events }) => events.map(({ event }) => event.kind));
    assert.deepEqual(kinds, ["peer-joined", "presence", "presence"]);
    assert.equal(bob.renewed, 0);
  });

  it("[HUB13] a rejoin takes the place at once: one participant, the next incarnation", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    const { participant, rejoinToken } = bob.joined;
    bob.vanish("never");
    const reloaded = world.client("bob", 2);
    reloaded.join("r", { rejoin: { participant, token: rejoinToken } });
    world.run(100);
    assert.equal(reloaded.joined.participant, participant);
    assert.equal(reloaded.joined.incarnation, 2);
    assert.notEqual(reloaded.joined.rejoinToken, rejoinToken);
    assert.equal(world.hub.status().participants, 2);
    assert.deepEqual(
      ada.of("room-event").flatMap(({ events }) => events.map(({ event }) => event.kind)),
      ["peer-joined", "peer-joined"],
    );
    assert.deepEqual(
      world.eventsOf("joined").map(({ incarnation }) => incarnation),
      [1, 1, 2],
    );
  });

  it("[HUB13] tells a living older link that it was replaced, and no longer listens to it", () => {
    const world = new World();
    const [, bob] = joinTwo(world, "mesh");
    const { participant, rejoinToken } = bob.joined;
    const twin = world.client("bob", 2);
    twin.join("r", { rejoin: { participant, token: rejoinToken } });
    world.run();
    assert.equal(bob.of("removed")[0]?.code, "room/replaced");
    bob.send({ type: "media-state", id: "m", revision: 9, sources: sourcesOf(["camera"]) });
    world.run();
    assert.deepEqual(bob.errors, [{ code: "room/not-member", id: "m" }]);
    bob.vanish("at once");
    world.run(20_000);
    assert.equal(world.hub.status().participants, 2, "the older link's end is nothing to the place");
    const foreign = world.client("eve");
    foreign.join("r", { rejoin: { participant, token: twin.joined.rejoinToken } });
    world.run();
    assert.equal(foreign.errors[0]?.code, "room/bad-rejoin", "the token is bound to the identity");
  });

  it("[HUB14] passes signals in a pair, offers by its initiator alone", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    const pair = bob.joined.room.pairs[0];
    assert.ok(pair);
    assert.equal(pair.initiatorId, bob.joined.participant, "the newcomer offers");
    const offer = { kind: "offer" as const, offer: { sdp: "v=0", sends: [], receives: [] } };
    bob.signal("room", ada.joined.participant, pair.session, 1, offer, 1);
    ada.signal("room", bob.joined.participant, pair.session, 1, { kind: "answer", sdp: "v=0" }, 1);
    ada.signal("room", bob.joined.participant, pair.session, 2, offer, 1);
    ada.signal("room", "p_nobody", pair.session, 3, { kind: "answer", sdp: "v=0" }, 1);
    world.run();
    const { session } = pair;
    assert.deepEqual(ada.heard, [{ from: bob.joined.participant, session, kind: "offer" }]);
    assert.deepEqual(bob.heard, [{ from: ada.joined.participant, session, kind: "answer" }]);
    assert.deepEqual(ada.errors, [
      { code: "session/not-initiator", field: "signal.body.kind" },
      { code: "room/unknown-participant", field: "to" },
    ]);
    assert.deepEqual(bob.errors, []);
  });

  it("[HUB15] takes identity and role from the token, the name from the token where the join has none", () => {
    const world = new World({ grants: (identity) => (identity === "ada" ? { role: "moderator" } : {}) });
    const ada = world.client("ada");
    const bob = world.client("bob");
    ada.join("r");
    bob.join("r", { name: "Robert" });
    world.run();
    const people = world.hub.room("r")?.snapshot.participants.map(({ identity, name, role }) => [identity, name, role]);
    assert.deepEqual(people, [
      ["ada", "ADA", "moderator"],
      ["bob", "Robert", "speaker"],
    ]);
  });

  it("[HUB50] numbers every message both ways, and lets one pass later or twice", () => {
    const world = new World();
    const [ada] = joinTwo(world, "mesh");
    const said: string[] = [];
    const held: (() => void)[] = [];
    world.passes = ({ who, direction, index, message }, forward) => {
      if (who.identity !== "ada") return forward();
      said.push(`${direction} ${index} ${message.type}`);
      if (message.type === "media-state") held.push(forward);
      else forward();
    };
    ada.send({ type: "media-state", id: "m", revision: 2, sources: sourcesOf(["camera"]) });
    ada.send({ type: "leave", id: "l" });
    world.run();
    assert.equal(ada.link.unacknowledged, 0);
    assert.deepEqual(said.slice(0, 2), ["to-server 1 media-state", "to-server 2 leave"]);
    for (const forward of held) {
      forward();
      forward();
    }
    world.run();
    const refused = ada.of("error").map(({ code }) => code);
    assert.deepEqual(refused, ["room/not-member", "room/not-member"]);
    assert.match(said.at(-1) ?? "", /^to-client \d+ error$/);
    ada.close();
    world.run();
    const before = world.eventsOf("refused").length;
    held[0]?.();
    assert.equal(world.eventsOf("refused").length, before);
  });

  it("[HUB34] drops exactly what fault injection names, and the room makes it good", () => {
    const world = new World();
    const [ada, bob] = joinTwo(world, "mesh");
    let dropped = 0;
    world.filter = (to, message) => {
      const hit = dropped === 0 && to.identity === "bob" && to.room === "r" && message.type === "room-event";
      if (hit) dropped += 1;
      return !hit;
    };
    ada.send({ type: "media-state", id: "m", revision: 2, sources: sourcesOf(["camera"]) });
    world.run();
    assert.equal(dropped, 1);
    assert.deepEqual(bob.of("room-event"), []);
    assert.equal(bob.link.unacknowledged, 0);
    assert.equal(ada.of("room-event").at(-1)?.events[0]?.seq, 3);
    bob.send({
      type: "receipt",
      incarnation: 1,
      seen: 2,
      slots: 0,
      ledger: 0,
      published: [],
      received: [],
    });
    world.run(400);
    bob.send({
      type: "receipt",
      incarnation: 1,
      seen: 2,
      slots: 0,
      ledger: 0,
      published: [],
      received: [],
    });
    world.run(400);
    assert.deepEqual(
      bob.of("room-event").flatMap(({ events }) => events.map(({ seq }) => seq)),
      [3],
    );
  });

  it("[HUB35] shows rooms by name, with snapshot and ledger", () => {
    const world = new World();
    const [ada] = joinTwo(world, "mesh");
    world.client("eve").join("a");
    ada.send({ type: "media-state", id: "m", revision: 2, sources: sourcesOf(["camera", "microphone"]) });
    world.run();
    assert.deepEqual(
      world.hub.rooms().map(({ room }) => room),
      ["a", "r"],
    );
    const ledger = world.hub.room("r")?.ledger ?? [];
    assert.deepEqual(ledger.map(({ source, standing }) => `${source} ${standing}`).sort(), [
      "camera pending",
      "microphone pending",
    ]);
    assert.equal(world.hub.room("nowhere"), undefined);
  });
});

function joinTwo(world: World, topology: "mesh" | "sfu"): [Client, Client] {
  const ada = world.client("ada");
  ada.join("r", { topology });
  world.run();
  const bob = world.client("bob");
  bob.join("r", { topology });
  world.run();
  return [ada, bob];
}

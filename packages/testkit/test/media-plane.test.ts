import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Candidate } from "@lodeline/protocol";
import { chance, type FakeConnection, FakeDevices, MediaPlane, VirtualClock } from "@lodeline/testkit";

interface End {
  readonly connection: FakeConnection;
  readonly states: string[];
  readonly candidates: Candidate[];
}

function bench() {
  const clock = new VirtualClock();
  const violations: string[] = [];
  const plane = new MediaPlane({ clock, chance: chance(1), violation: (text) => violations.push(text) });
  const end = (endpoint: string, lite = false): End => {
    const states: string[] = [];
    const candidates: Candidate[] = [];
    const connection = plane.create(endpoint, lite, {
      state: (state) => states.push(state),
      candidate: (candidate) => candidates.push(candidate),
    });
    return { connection, states, candidates };
  };
  const agree = (offerer: End, answerer: End, iceRestart = false) => {
    const answer = answerer.connection.applyOffer(offerer.connection.createOffer(iceRestart));
    assert.ok(answer.ok);
    assert.ok(offerer.connection.applyAnswer(answer.sdp).ok);
    clock.advance(100);
    for (const candidate of offerer.candidates.splice(0)) answerer.connection.addCandidate(candidate);
  };
  return { clock, plane, violations, end, agree };
}

describe("MediaPlane", () => {
  it("[KIT8] names what no engine may be asked to do", () => {
    const { end, violations } = bench();
    const a = end("anna").connection;
    const b = end("bert").connection;
    const first = a.createOffer(false);
    const answer = b.applyOffer(first);
    assert.ok(answer.ok);
    a.createOffer(false);
    assert.equal(a.applyAnswer(answer.sdp).ok, false);
    assert.match(violations[0] ?? "", /another offer/);
    assert.equal(a.applyOffer(first).ok, false);
    assert.match(violations[1] ?? "", /glare/);
    a.addCandidate({ candidate: "x", sdpMid: null, sdpMLineIndex: 0, usernameFragment: "pc2-bert.1" });
    assert.match(violations[2] ?? "", /candidate before/);
    assert.equal(b.applyAnswer(answer.sdp).ok, false);
    assert.match(violations[3] ?? "", /stable/);
    assert.equal(b.applyOffer("v=0 nonsense").ok, false);
    assert.equal(violations.length, 4);
  });

  it("[KIT9] connects two ends that agree, once a candidate was added", () => {
    const { end, agree, clock, violations } = bench();
    const a = end("anna");
    const b = end("bert");
    const answer = b.connection.applyOffer(a.connection.createOffer(false));
    assert.ok(answer.ok && a.connection.applyAnswer(answer.sdp).ok);
    clock.advance(1000);
    assert.deepEqual([...a.states, ...b.states], []);
    assert.equal(b.connection.addCandidate({ ...(a.candidates[0] as Candidate), usernameFragment: "old.1" }), false);
    clock.advance(1000);
    assert.deepEqual(a.states, []);
    assert.equal(b.connection.addCandidate(a.candidates[0] as Candidate), true);
    clock.advance(1000);
    assert.deepEqual(
      [a.states, b.states],
      [
        ["connecting", "connected"],
        ["connecting", "connected"],
      ],
    );
    const c = end("carl");
    const server = end("server", true);
    const lite = server.connection.applyOffer(c.connection.createOffer(false));
    assert.ok(lite.ok && c.connection.applyAnswer(lite.sdp).ok);
    clock.advance(1000);
    assert.deepEqual(c.states, ["connecting", "connected"]);
    agree(a, b);
    assert.deepEqual(violations, []);
  });

  it("[KIT10] parts when the path breaks, heals with it, and fails in the end", () => {
    const { end, agree, clock, plane } = bench();
    const a = end("anna");
    const b = end("bert");
    agree(a, b);
    clock.advance(1000);
    plane.setBroken("anna", true);
    clock.advance(5000);
    assert.equal(a.connection.state, "disconnected");
    plane.setBroken("anna", false);
    clock.advance(1000);
    assert.equal(a.connection.state, "connected");
    plane.setBroken("bert", true);
    clock.advance(20_000);
    assert.equal(b.connection.state, "failed");
    plane.setBroken("bert", false);
    clock.advance(200);
    agree(a, b, true);
    clock.advance(1000);
    assert.deepEqual([a.connection.state, b.connection.state], ["connected", "connected"]);
  });

  it("[KIT10] tells the one that is left when the other vanishes", () => {
    const { end, agree, clock, plane } = bench();
    const a = end("anna");
    const b = end("bert");
    agree(a, b);
    clock.advance(1000);
    plane.vanish("anna");
    clock.advance(20_000);
    assert.deepEqual(b.states.slice(-2), ["disconnected", "failed"]);
    assert.equal(a.connection.state, "closed");
    assert.equal(plane.openOn("anna"), 0);
    assert.equal(plane.open, 1);
  });
});

describe("FakeDevices", () => {
  it("[KIT11] is on while anyone holds it", () => {
    const clock = new VirtualClock();
    const devices = new FakeDevices({ clock, chance: chance(2), camera: "slow", microphone: "denied" });
    const log: (string | undefined)[] = [];
    devices.open("video", "one", (refused) => log.push(refused));
    clock.advance(400);
    assert.equal(devices.live("video"), false);
    devices.open("video", "two", (refused) => log.push(refused));
    devices.open("audio", "one", (refused) => log.push(refused));
    clock.advance(5000);
    assert.deepEqual(log.sort(), ["device/denied", undefined, undefined]);
    assert.equal(devices.live("audio"), false);
    devices.release("video", "one", () => log.push("released"));
    clock.advance(100);
    assert.equal(devices.live("video"), true);
    devices.drop("two");
    assert.equal(devices.live("video"), false);
  });
});

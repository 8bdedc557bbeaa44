import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { type ClientMessage, DEFAULT_TIMERS, LIMITS } from "@lodeline/protocol";
import { ServerLink, secretsEqual } from "@lodeline/signaling";
import { message, NO_FAULTS, told, Wire } from "./wire.ts";

describe("opening and resuming", () => {
  it("[LINK6] says the first messages right after the hello, before any welcome", () => {
    const wire = new Wire({ latencyMs: 50 });
    wire.do((client, now) => client.send(message(1), now));
    wire.open();
    wire.run(100);
    const said = wire.texts.filter(({ to }) => to === "server").map(({ text }) => JSON.parse(text).kind);
    assert.deepEqual(said, ["hello", "data"]);
    wire.run(110);
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
  });

  it("[LINK7] rotates the secret with every welcome", () => {
    const wire = opened();
    for (let i = 0; i < 3; i++) {
      wire.cut(1, 1);
      wire.run(1000);
    }
    const secrets = wire.texts.flatMap(({ text }) => (text.includes('"welcome"') ? [JSON.parse(text).secret] : []));
    assert.equal(secrets.length, 4);
    assert.equal(new Set(secrets).size, 4);
  });

  it("[LINK7] keeps the presented secret until the client has read the welcome, and refuses every other", () => {
    const link = serverLink();
    link.attach({ version: 1, received: 0, secret: "opening" }, 0);
    const first = secretIn(link);
    assert.ok(link.canResume(first, 0) && link.canResume("opening", 0));
    link.detach(1);
    // The welcome was lost: the client presents the same again, twice over.
    for (const now of [2, 4]) {
      link.attach({ version: 1, received: 0, secret: "opening" }, now);
      secretIn(link);
      link.detach(now + 1);
    }
    assert.ok(link.canResume("opening", 0));
    assert.equal(link.canResume(first, 0), false, "a secret nobody has presented is gone with the next");
    link.attach({ version: 1, received: 0, secret: "opening" }, 6);
    const second = secretIn(link);
    link.text('{"kind":"ack","ack":0}', 7);
    assert.equal(link.canResume("opening", 0), false, "read: the opening has served");
    assert.ok(link.canResume(second, 0));
    assert.equal(link.canResume("", 0), false);
    assert.equal(link.canResume(`${second}x`, 0), false);
  });

  it("[LINK8] executes nothing twice when the welcome to an opening is lost", () => {
    const wire = new Wire();
    wire.do((client, now) => client.send(message(1), now));
    wire.open();
    wire.run(29);
    // The hello is on its way; whatever the server answers is lost with the socket.
    wire.cut(60, 60);
    wire.run(1);
    wire.run(2000);
    assert.equal(wire.client.state, "open");
    assert.deepEqual([...wire.atServer.values()].flat(), [message(1)]);
  });

  it("[LINK8] executes nothing twice when the server has executed it and only the welcome is lost", () => {
    const wire = new Wire({ latencyMs: 50 });
    wire.do((client, now) => client.send(message(1), now));
    wire.open();
    while (wire.links.size === 0 || wire.idsAtServer().length === 0) wire.run(1);
    wire.cut(10, undefined);
    wire.run(3000);
    assert.equal(wire.client.state, "open");
    assert.equal(wire.links.size, 1);
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
    assert.equal(
      wire.clientOutputs.some(({ kind }) => kind === "renewed"),
      false,
    );
  });

  it("[LINK8] gives an opening up once the server may have forgotten it", () => {
    const wire = new Wire({ timers: { resumeWindowMs: 6_000 } });
    wire.do((client, now) => client.send(message(1), now));
    wire.open();
    while (wire.links.size === 0 || wire.idsAtServer().length === 0) wire.run(1);
    wire.cut(1, 1);
    wire.reachable = false;
    wire.run(9_000);
    wire.reachable = true;
    wire.run(5_000);
    assert.equal(wire.client.state, "open");
    assert.deepEqual([...wire.atServer.values()].flat(), [message(1)]);
    assert.deepEqual(
      wire.clientOutputs.filter(({ kind }) => kind === "renewed"),
      [{ kind: "renewed", lost: 1 }],
    );
  });

  it("[LINK9] compares secrets sign by sign to the end, whatever differs", () => {
    assert.ok(secretsEqual("abc", "abc"));
    for (const given of ["", "a", "ab", "abd", "xbc", "abcabc", "abca"])
      assert.equal(secretsEqual(given, "abc"), false);
    assert.equal(secretsEqual("", ""), false, "no secret equals nothing");
    // Each sign of what was given is looked at once, right or wrong.
    const looked = (given: string) => {
      let count = 0;
      const charCodeAt = (i: number) => {
        count += 1;
        return given.charCodeAt(i);
      };
      const counting = { length: given.length, charCodeAt };
      secretsEqual(counting as unknown as string, "0123456789");
      return count;
    };
    assert.equal(looked("0123456789"), 10);
    assert.equal(looked("x123456789"), 10);
    assert.equal(looked("xxxxxxxxxx"), 10);
  });

  it("[LINK10] the server's side expires after the window, and not a millisecond earlier", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(0);
    assert.equal(wire.server.state, "interrupted");
    wire.run(wire.timers.resumeWindowMs - 1);
    assert.equal(wire.server.state, "interrupted");
    wire.run(1);
    assert.equal(wire.server.state, "expired");
    assert.equal(wire.server.deadline(), undefined);
  });

  it("[LINK10] a client that comes after the window gets a new link and says renewed before anything else", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.do((client, now) => client.send(message(1), now));
    wire.run(wire.timers.resumeWindowMs + 10);
    wire.reachable = true;
    wire.run(5_000);
    assert.equal(wire.links.size, 2);
    const kinds = wire.clientOutputs.map((output) => output.kind);
    assert.deepEqual(
      wire.clientOutputs.find((output) => output.kind === "renewed"),
      { kind: "renewed", lost: 1 },
    );
    assert.equal(kinds.indexOf("renewed") < kinds.lastIndexOf("state"), true);
    wire.do((client, now) => client.send(message(2), now));
    wire.run(100);
    assert.deepEqual(wire.idsAtServer(), ["c2"], "numbers begin at 1 again");
  });

  it("[LINK11] a full buffer at the client ends the link openly: every message is delivered or counted as lost", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(10);
    for (let n = 1; n <= LIMITS.linkBufferFrames; n++) wire.do((client, now) => client.send(message(n), now));
    assert.equal(wire.client.unacknowledged, LIMITS.linkBufferFrames);
    for (let n = 0; n < 3; n++) wire.do((client, now) => client.send(message(9999), now));
    const reasons = wire.clientOutputs.flatMap((o) => (o.kind === "state" ? [o.reason] : []));
    assert.equal(reasons.at(-1), "link/resume-impossible");
    wire.reachable = true;
    wire.run(5_000);
    assert.equal(wire.client.state, "open");
    assert.deepEqual(
      wire.clientOutputs.find(({ kind }) => kind === "renewed"),
      { kind: "renewed", lost: LIMITS.linkBufferFrames + 3 },
    );
    assert.equal(wire.links.size, 2);
    assert.deepEqual(wire.idsAtServer(), []);
  });

  it("[LINK11] counts characters too", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    const large = { ...join(), name: "x".repeat(100_000) };
    for (let n = 0; n < 11; n++) wire.do((client, now) => client.send(large, now));
    assert.equal(wire.client.unacknowledged, 10);
    wire.reachable = true;
    wire.run(5_000);
    assert.deepEqual(
      wire.clientOutputs.find(({ kind }) => kind === "renewed"),
      { kind: "renewed", lost: 11 },
    );
  });

  it("[LINK11] a client that does not read ends its link: 1013, expired, and the client is renewed", () => {
    const wire = opened();
    wire.faults = { ...NO_FAULTS, drop: 1 };
    for (let n = 1; n <= LIMITS.linkBufferFrames + 1; n++) wire.serve((link, now) => link.send(told(n), now));
    const last = wire.serverOutputs.slice(-2).map(({ output }) => output);
    assert.deepEqual(last, [
      { kind: "close-socket", code: 1013, reason: "link/slow-consumer" },
      { kind: "state", state: "expired", reason: "link/resume-impossible" },
    ]);
    wire.faults = NO_FAULTS;
    wire.run(5_000);
    assert.equal(wire.client.state, "open");
    assert.ok(wire.clientOutputs.some(({ kind }) => kind === "renewed"));
  });

  it("[LINK12] does not send what no server would take, in bytes", () => {
    const wire = opened();
    const wide = "€".repeat(Math.ceil(LIMITS.frameBytes / 3));
    assert.ok(wide.length < LIMITS.frameBytes);
    for (const name of ["x".repeat(LIMITS.frameBytes), wide]) {
      wire.do((client, now) => client.send({ ...join(), name }, now));
      const output = wire.clientOutputs.at(-1);
      assert.equal(output?.kind === "rejected" && output.error.code, "protocol/too-large");
    }
    assert.equal(wire.client.unacknowledged, 0);
    wire.do((client, now) => client.send({ ...join(), name: "é".repeat(60_000) }, now));
    assert.equal(wire.client.unacknowledged, 1, "just below is sent");
  });
});

function opened(): Wire {
  const wire = new Wire();
  wire.open();
  wire.run(500);
  return wire;
}

function join(): Extract<ClientMessage, { type: "join" }> {
  const off = { intent: "unpublished", mutedBy: null } as const;
  const sources = { microphone: off, camera: off, screen: off, "screen-audio": off };
  return { type: "join", id: "j", room: "r", name: "Ada", sources };
}

function serverLink(): ServerLink {
  return new ServerLink({ id: "lk", identity: "ada", timers: DEFAULT_TIMERS, random: seededRandom(1) }, 0);
}

function secretIn(link: ServerLink): string {
  let secret = "";
  for (let output = link.poll(); output; output = link.poll()) {
    if (output.kind === "text" && output.text.includes('"welcome"')) secret = JSON.parse(output.text).secret;
  }
  assert.notEqual(secret, "");
  return secret;
}

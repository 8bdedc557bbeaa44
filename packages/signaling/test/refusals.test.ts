import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, LodelineError, seededRandom } from "@lodeline/base";
import { CLOSE_CODES, DEFAULT_TIMERS, LIMITS } from "@lodeline/protocol";
import { closeCodeOf, fatalText, reactionTo, readHello, ServerLink, TokenBucket } from "@lodeline/signaling";
import { message, told, Wire } from "./wire.ts";

describe("refusals and ends", () => {
  it("[LINK18] answers a bad message with code, reason, field and id, and delivers the next", () => {
    const link = serverLink();
    link.text('{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"a","extra":1}}', 1);
    link.text('{"kind":"data","seq":2,"ack":0,"message":{"type":"dance","id":"b"}}', 2);
    link.text(`{"kind":"data","seq":3,"ack":0,"message":{"type":"leave","id":"${"x".repeat(200)}"}}`, 3);
    link.text('{"kind":"data","seq":4,"ack":0,"message":{"type":"leave","id":"d"}}', 4);
    const outputs = drain(link);
    const answers = outputs.flatMap((o) => (o.kind === "text" ? [JSON.parse(o.text).message] : [])).filter(Boolean);
    assert.deepEqual(
      answers.map(({ code, field, id }) => ({ code, field, id })),
      [
        { code: "protocol/malformed", field: "message.extra", id: "a" },
        { code: "protocol/unknown-type", field: "message.type", id: "b" },
        { code: "protocol/too-large", field: "message.id", id: undefined },
      ],
    );
    assert.ok(answers.every(({ type, reason }) => type === "error" && reason.length > 0));
    assert.deepEqual(
      outputs.flatMap((o) => (o.kind === "message" ? [o.message] : [])),
      [{ type: "leave", id: "d" }],
    );
    assert.equal(link.state, "open");
  });

  const noFrames: [string, string, string, number][] = [
    ["not JSON", "{", "protocol/malformed", 4400],
    ["no object", "[1]", "protocol/malformed", 4400],
    ["no kind", "{}", "protocol/unknown-type", 4400],
    ["a number that is none", '{"kind":"data","seq":"x","ack":0,"message":{}}', "protocol/malformed", 4400],
    ["too large", `"${"x".repeat(LIMITS.frameBytes)}"`, "protocol/too-large", 1009],
  ];
  for (const [what, text, code, closeCode] of noFrames) {
    it(`[LINK19] ends the socket over a text that is no frame: ${what}`, () => {
      const link = serverLink();
      link.text(text, 1);
      const outputs = drain(link);
      const fatal = outputs.find((o) => o.kind === "text");
      assert.ok(fatal?.kind === "text");
      const said = JSON.parse(fatal.text);
      assert.equal(said.kind, "fatal");
      assert.equal(said.code, code);
      assert.ok(said.reason.length > 0 && said.field.length > 0);
      assert.deepEqual(
        outputs.find((o) => o.kind === "close-socket"),
        { kind: "close-socket", code: closeCode, reason: code },
      );
      assert.equal(link.state, "interrupted");
    });
  }

  it("[LINK20] refuses above the rate, goes on below it, and closes with 4429 after a burst of refusals", () => {
    const link = serverLink({ perSecond: 10, burst: 20 });
    let seq = 0;
    const send = (now: number) => {
      link.text(`{"kind":"data","seq":${++seq},"ack":0,"message":{"type":"leave","id":"c${seq}"}}`, now);
      return drain(link).filter((o) => o.kind !== "text" || !o.text.includes('"kind":"ack"'));
    };
    for (let n = 0; n < 20; n++) assert.deepEqual(kinds(send(0)), ["message"]);
    const refused = send(0);
    assert.deepEqual(kinds(refused), ["rejected", "text"]);
    const answer = refused.find((o) => o.kind === "text");
    assert.match(answer?.kind === "text" ? answer.text : "", /"id":"c21","code":"protocol\/rate-limited"/);
    assert.deepEqual(kinds(send(200)), ["message"], "two tokens have come back, one was owed");
    for (let n = 0; n < 20; n++) {
      assert.equal(link.state, "open", `${n}`);
      send(200);
    }
    const outputs = send(200);
    assert.deepEqual(
      outputs.find((o) => o.kind === "close-socket"),
      { kind: "close-socket", code: 4429, reason: "protocol/rate-limited" },
    );
  });

  it("[LINK20] takes at once what waited for a resume", () => {
    const wire = new Wire({ rate: { perSecond: 50, burst: 200 } });
    wire.open();
    wire.run(100);
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(10);
    for (let n = 1; n <= 1000; n++) wire.do((client, now) => client.send(message(n), now));
    wire.run(20_000);
    wire.reachable = true;
    wire.run(4_000);
    assert.equal(wire.idsAtServer().length, 1000);
  });

  it("[LINK20] the bucket gives no more than the burst back, and less than it after a flood", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
    const take = (now: number, times: number) => Array.from({ length: times }, () => bucket.take(now));
    assert.deepEqual(new Set(take(0, 5)), new Set(["taken"]));
    assert.deepEqual(new Set(take(0, 5)), new Set(["refused"]));
    assert.deepEqual(take(0, 2), ["flood", "flood"]);
    assert.deepEqual(take(600, 2), ["taken", "refused"]);
    assert.deepEqual(new Set(take(60_000, 5)), new Set(["taken"]));
    assert.deepEqual(take(60_000, 1), ["refused"]);
  });

  it("[LINK21] reconnects after every close code but those that say not to", () => {
    const stop = new Set<number>([1000, 4400, 4401, 4403, 4409, 4426]);
    for (const code of [...Object.values(CLOSE_CODES), 1005, 1006, 1011, 1012, 1015, 4999]) {
      const wire = new Wire();
      wire.open();
      wire.run(500);
      wire.do((client, now) => client.socketClosed(code, now));
      assert.equal(wire.client.state, stop.has(code) ? "closed" : "interrupted", `${code}`);
      const refused = wire.clientOutputs.some(({ kind }) => kind === "refused");
      assert.equal(refused, stop.has(code) && code !== 1000, `${code}`);
      assert.equal(reactionTo(code) === "stop", stop.has(code), `${code}`);
    }
  });

  it("[LINK21] starts anew after 1009: what was too large is not said again", () => {
    const wire = new Wire();
    wire.open();
    wire.run(500);
    wire.do((client, now) => client.send(message(1), now));
    wire.do((client, now) => client.socketClosed(1009, now));
    wire.run(1000);
    assert.equal(wire.client.state, "open");
    assert.ok(wire.clientOutputs.some(({ kind }) => kind === "renewed"));
  });

  it("[LINK21] a refused hello is told with its code, and a later open with a better token still sends what waited", () => {
    const wire = new Wire();
    wire.refuseHello = new LodelineError("auth/token-expired");
    wire.do((client, now) => client.send(message(1), now));
    wire.open();
    wire.run(500);
    assert.equal(wire.client.state, "closed");
    const refused = wire.clientOutputs.find((o) => o.kind === "refused");
    assert.equal(refused?.kind === "refused" && refused.error.code, "auth/token-expired");
    assert.equal(wire.client.deadline(), undefined);
    wire.refuseHello = undefined;
    wire.open();
    wire.run(500);
    assert.equal(wire.client.state, "open");
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
  });

  it("[LINK21] where the fatal frame is lost, the reason of the close tells the error, and only one that fits the code", () => {
    const refusedBy = (code: number, reason: string) => {
      const wire = new Wire();
      wire.open();
      wire.run(500);
      wire.do((client, now) => client.socketClosed(code, now, reason));
      const refused = wire.clientOutputs.find((output) => output.kind === "refused");
      return refused?.kind === "refused" ? refused.error.code : undefined;
    };
    assert.equal(refusedBy(4401, "auth/token-expired"), "auth/token-expired");
    assert.equal(refusedBy(4401, ""), "auth/token-malformed");
    assert.equal(refusedBy(4401, "auth/origin"), "auth/token-malformed");
    assert.equal(refusedBy(4403, "auth/room-denied"), "auth/room-denied");
    assert.equal(refusedBy(1006, "auth/token-expired"), undefined);
  });

  it("[LINK22] a close says bye after what was sent; the server's side is closed and resumes nothing", () => {
    const wire = new Wire();
    wire.open();
    wire.run(500);
    wire.do((client, now) => client.send(message(1), now));
    wire.do((client, now) => client.close("page-closed", now));
    assert.equal(wire.client.deadline(), undefined);
    wire.run(100);
    assert.deepEqual(wire.idsAtServer(), ["c1"]);
    assert.equal(wire.server.state, "closed");
    assert.equal(wire.server.deadline(), undefined);
    assert.equal(wire.client.state, "closed");
    wire.open();
    wire.run(500);
    assert.equal(wire.links.size, 2);
    assert.equal(wire.client.state, "open");
  });

  it("[LINK22] the server's close says why, and the code decides whether the client comes back", () => {
    for (const [code, state] of [
      ["server/draining", "interrupted"],
      ["link/closed", "closed"],
      ["link/replaced", "closed"],
    ] as const) {
      const wire = new Wire();
      wire.open();
      wire.run(500);
      wire.serve((link) => link.close(new LodelineError(code)));
      assert.equal(wire.server.state, "closed");
      wire.run(15);
      while (wire.client.state === "open") wire.run(1);
      assert.equal(wire.client.state, state, code);
    }
  });

  it("[LINK23] no text makes an end throw", () => {
    const random = seededRandom(77);
    const seeds = [
      '{"kind":"data","seq":1,"ack":0,"message":{"type":"leave","id":"a"}}',
      '{"kind":"welcome","version":1,"link":"l","secret":"s","epoch":1,"resumed":false,"received":0}',
      '{"kind":"pong","at":1,"ack":9007199254740991}',
      '{"kind":"fatal","code":"nonsense","reason":""}',
    ];
    for (let i = 0; i < 5_000; i++) {
      const link = serverLink();
      const wire = new Wire();
      wire.open();
      wire.run(20);
      const text = mangle(seeds[integer(random, seeds.length)] ?? "", random);
      link.text(text, 1);
      wire.do((client, now) => client.socketText(text, now));
      wire.run(50);
    }
  });

  it("[LINK24] takes nothing but a hello first", () => {
    const read = readHello('{"kind":"ping","at":1,"ack":0}');
    assert.equal(!read.ok && read.error.code, "protocol/out-of-turn");
    assert.equal(!read.ok && closeCodeOf(read.error.code), CLOSE_CODES.sequenceGap);
    const newer = readHello('{"kind":"hello","version":99,"name":"Ada"}');
    assert.equal(newer.ok && newer.version, 1);
    assert.equal(readHello('{"kind":"hello","version":0,"name":"Ada"}').ok, false);
  });

  it("[LINK24] answers a second hello and goes on", () => {
    const link = serverLink();
    link.text('{"kind":"hello","version":1,"name":"Ada"}', 1);
    const outputs = drain(link);
    assert.ok(outputs.some((o) => o.kind === "text" && o.text.includes("protocol/out-of-turn")));
    assert.equal(link.state, "open");
  });

  it("[LINK25] skips a message of the server that it cannot read, and delivers the next", () => {
    const wire = new Wire();
    wire.open();
    wire.run(500);
    wire.serve((link, now) => link.sendJson('{"type":"of-a-later-version"}', now));
    wire.serve((link, now) => link.send(told(2), now));
    wire.run(300);
    assert.deepEqual(wire.idsAtClient(), ["s2"]);
    const rejected = wire.clientOutputs.find((o) => o.kind === "rejected");
    assert.equal(rejected?.kind === "rejected" && rejected.error.code, "protocol/unknown-type");
    assert.equal(wire.server.unacknowledged, 0);
    assert.deepEqual(wire.states(), ["connecting", "open"]);
  });

  it("[LINK19] a fatal frame never carries the cause", () => {
    const error = new LodelineError("server/internal", { cause: new Error("secret path"), detail: "A fault." });
    assert.deepEqual(JSON.parse(fatalText(error)), { kind: "fatal", code: "server/internal", reason: "A fault." });
  });
});

function serverLink(rate: { perSecond: number; burst: number } | null = null): ServerLink {
  const options = { id: "lk", identity: "ada", timers: DEFAULT_TIMERS, random: seededRandom(1), rate };
  const link = new ServerLink(options, 0);
  link.attach({ version: 1, received: 0 }, 0);
  drain(link);
  return link;
}

function drain(link: ServerLink) {
  const outputs = [];
  for (let output = link.poll(); output; output = link.poll()) outputs.push(output);
  return outputs;
}

const kinds = (outputs: readonly { kind: string }[]) => outputs.map(({ kind }) => kind);

/** Cuts, doubles and swaps some of the text. */
function mangle(text: string, random: ReturnType<typeof seededRandom>): string {
  let out = text;
  for (let n = integer(random, 4); n > 0; n--) {
    const at = integer(random, out.length + 1);
    const sign = '{}[]":,0123456789ekinds\\u0000-'[integer(random, 30)] ?? "";
    out = out.slice(0, at) + (integer(random, 2) ? sign : "") + out.slice(at + integer(random, 3));
  }
  return out;
}

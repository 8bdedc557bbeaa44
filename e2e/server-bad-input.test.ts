import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { CLOSE_CODES, type ClientMessage, LIMITS, PROTOCOL_VERSION, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { createServer, createSigningKey, createTokens, type LodelineServer } from "@lodeline/server";
import { NO_SOURCES, RawLink } from "./support/raw-link.ts";

const key = createSigningKey(seededRandom(1));
const foreignKey = createSigningKey(seededRandom(2));
const now = () => Date.now();
const hello = (rest: object = {}) => JSON.stringify({ kind: "hello", version: PROTOCOL_VERSION, name: "", ...rest });

/** Why a socket was refused: the last word of the server, and the close code. */
async function refusal(link: RawLink): Promise<{ code: number; error: string | undefined; field: string | undefined }> {
  const { code } = await link.closed;
  const fatal = link.frames.find((frame) => frame.kind === "fatal");
  if (fatal) assert.ok(fatal.reason.length > 0, "a refusal gives its reason");
  return { code, error: fatal?.code, field: fatal?.field };
}

describe("bad input at the link", () => {
  let server: LodelineServer;
  let witness: RawLink;
  const tokens = createTokens([key], now);

  before(async () => {
    server = await createServer({
      access: { kind: "keys", keys: [key] },
      port: 0,
      origins: ["https://call.example.org"],
      timers: { helloTimeoutMs: 600 },
      media: { addresses: ["127.0.0.1"] },
    });
    witness = await RawLink.greet(server.linkUrl, { token: await tokens.sign({ identity: "witness" }) });
    await witness.join("witnessed", { topology: "mesh" });
  });

  after(async () => {
    // Nobody else noticed: the same link, the same socket, the same room, and not one error.
    const { type } = await witness.join("witnessed");
    assert.equal(type, "error");
    assert.deepEqual(
      witness.frames.filter(({ kind }) => kind === "fatal" || kind === "bye"),
      [],
    );
    assert.equal(witness.frames.filter(({ kind }) => kind === "welcome").length, 1);
    witness[Symbol.dispose]();
    await server.close();
  });

  const refusedHellos: readonly (readonly [
    string,
    () => Promise<string | Uint8Array> | string | Uint8Array,
    number,
    string,
    string?,
  ])[] = [
    ["text that is no JSON", () => "hello", CLOSE_CODES.malformed, "protocol/malformed", "frame"],
    ["binary", () => new Uint8Array([1, 2, 3]), CLOSE_CODES.malformed, "protocol/malformed", "frame"],
    ["an unknown frame", () => '{"kind":"rumour"}', CLOSE_CODES.malformed, "protocol/unknown-type", "kind"],
    ["an unknown field", () => hello({ rank: 1 }), CLOSE_CODES.malformed, "protocol/malformed", "rank"],
    ["a version that is none", () => hello({ version: 0 }), CLOSE_CODES.malformed, "protocol/malformed", "version"],
    ["a frame before the hello", () => '{"kind":"ack","ack":0}', CLOSE_CODES.sequenceGap, "protocol/out-of-turn"],
    [
      "a frame above the limit",
      () => " ".repeat(LIMITS.frameBytes + 1),
      CLOSE_CODES.tooLarge,
      "protocol/too-large",
      "frame",
    ],
    ["no token", () => hello(), CLOSE_CODES.unauthorized, "auth/token-missing"],
    ["a token that is none", () => hello({ token: "none" }), CLOSE_CODES.unauthorized, "auth/token-malformed"],
    [
      "an expired token",
      async () =>
        hello({ token: await createTokens([key], () => now() - 3_600_000).sign({ identity: "ada", ttlSeconds: 60 }) }),
      CLOSE_CODES.unauthorized,
      "auth/token-expired",
    ],
    [
      "a foreign token",
      async () => hello({ token: await createTokens([foreignKey], now).sign({ identity: "ada" }) }),
      CLOSE_CODES.unauthorized,
      "auth/token-foreign",
    ],
    [
      "a token signed with another secret",
      async () => hello({ token: await createTokens([{ ...foreignKey, id: key.id }], now).sign({ identity: "ada" }) }),
      CLOSE_CODES.unauthorized,
      "auth/token-foreign",
    ],
  ];
  for (const [name, first, code, error, field] of refusedHellos) {
    it(`closes a socket that begins with ${name}`, async () => {
      using link = await RawLink.open(server.linkUrl);
      link.sendRaw(await first());
      const refused = await refusal(link);
      assert.deepEqual([refused.code, refused.error], [code, error]);
      if (field !== undefined) assert.equal(refused.field, field);
    });
  }

  it("cuts off a frame far above the limit", async () => {
    using link = await RawLink.open(server.linkUrl);
    link.sendRaw(" ".repeat(4 * LIMITS.frameBytes));
    assert.equal((await link.closed).code, CLOSE_CODES.tooLarge);
  });

  it("closes a socket that says no hello in time", async () => {
    const openedAt = performance.now();
    using link = await RawLink.open(server.linkUrl);
    const refused = await refusal(link);
    assert.deepEqual([refused.code, refused.error], [CLOSE_CODES.helloTimeout, "link/hello-timeout"]);
    assert.ok(performance.now() - openedAt >= 590);
  });

  it("keeps pages of other origins out, and lets listed ones in", async () => {
    using stranger = await RawLink.open(server.linkUrl, { origin: "https://evil.example.net" });
    const refused = await refusal(stranger);
    assert.deepEqual([refused.code, refused.error, refused.field], [CLOSE_CODES.forbidden, "auth/origin", "origin"]);
    using guest = await RawLink.open(server.linkUrl, { origin: "https://call.example.org" });
    guest.sendRaw(hello({ token: await tokens.sign({ identity: "ada" }) }));
    await guest.next(({ kind }) => kind === "welcome");
  });

  it("wants the subprotocol", async () => {
    using link = await RawLink.open(server.linkUrl, { subprotocols: [] });
    const refused = await refusal(link);
    assert.deepEqual([refused.code, refused.error], [CLOSE_CODES.version, "protocol/version"]);
  });

  it("opens a link on its own path only", async () => {
    await assert.rejects(RawLink.open(`${server.linkUrl}/more`), /HTTP 404/);
  });

  const survivors: readonly (readonly [string, object, string, string?])[] = [
    ["of an unknown type", { type: "rumour" }, "protocol/unknown-type", "message.type"],
    ["without its fields", { type: "join", id: "c1" }, "protocol/malformed"],
    ["with an unknown field", { type: "leave", id: "c2", loudly: true }, "protocol/malformed", "message.loudly"],
    ["with an overlong identifier", { type: "leave", id: "x".repeat(129) }, "protocol/too-large", "message.id"],
    [
      "with an overlong description",
      {
        type: "signal",
        scope: "room",
        to: "sfu",
        signal: { session: "s", epoch: 1, seq: 1, body: { kind: "answer", sdp: "x".repeat(LIMITS.sdpLength + 1) } },
      },
      "protocol/too-large",
      "message.signal.body.sdp",
    ],
    ["out of turn", { type: "media-state", id: "c3", revision: 1, sources: NO_SOURCES }, "room/not-member"],
    ["to moderate no room", { type: "moderate", id: "c4", action: { kind: "end" } }, "room/not-member"],
    ["to join another room than the token's", join("c5", "attic"), "auth/room-denied"],
  ];
  for (const [name, message, code, field] of survivors) {
    it(`answers a message ${name}, and the link lives on`, async () => {
      const token = await tokens.sign({ identity: "ada", room: "den" });
      using link = await RawLink.greet(server.linkUrl, { token });
      link.send(message);
      const error = await link.message(({ type }) => type === "error");
      assert.ok(error.type === "error" && error.reason.length > 0);
      assert.equal(error.code, code);
      if (field !== undefined) assert.equal(error.field, field);
      assert.equal((await link.join("den", { topology: "mesh" })).type, "joined");
    });
  }

  it("refuses a description that cannot be used, with the line, and lets its sender in, listening", async () => {
    using link = await RawLink.greet(server.linkUrl, { token: await tokens.sign({ identity: "ada" }) });
    const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=rumour 9 UDP/TLS/RTP/SAVPF 111\r\n";
    const session = { session: "s_bad", offer: { sdp, sends: [], receives: [] } };
    link.send({ ...join("c1", "sfu-den"), topology: "sfu", session } as ClientMessage);
    const joined = await link.message(({ type }) => type === "joined");
    assert.ok(joined.type === "joined" && joined.answer === undefined);
    const error = await link.message(({ type }) => type === "error");
    assert.ok(error.type === "error");
    assert.equal(error.code, "sdp/unusable");
    assert.match(error.field ?? "", /^sdp:\d+$/);
  });

  it("lets nobody call in the server's name", async () => {
    using link = await RawLink.greet(server.linkUrl, { token: await tokens.sign({ identity: "ada" }) });
    await assert.rejects(tokens.sign({ identity: SERVER_PEER_IDENTITY }), { code: "config/invalid" });
    const body = { kind: "call:init", name: "Eve", audio: true, video: false };
    link.send({ type: "signal", scope: "call", to: "nobody", signal: { session: "s_1", epoch: 0, seq: 1, body } });
    const answer = await link.message(({ type }) => type === "signal");
    assert.ok(answer.type === "signal" && answer.signal.body.kind === "reject");
    assert.deepEqual([answer.from, answer.signal.body.reason], ["nobody", "unreachable"]);
  });

  it("slows down who says too much, and closes who goes on", async () => {
    using link = await RawLink.greet(server.linkUrl, { token: await tokens.sign({ identity: "ada" }) });
    for (let i = 0; i < LIMITS.messageBurst * 3; i++) link.send({ type: "leave", id: `c${i}` });
    const error = await link.message((one) => one.type === "error" && one.code === "protocol/rate-limited");
    assert.ok(error.type === "error" && error.reason.length > 0);
    for (let i = 0; i < LIMITS.messageBurst * 20; i++) link.send({ type: "leave", id: `d${i}` });
    assert.equal((await link.closed).code, CLOSE_CODES.rateLimited);
  });
});

function join(id: string, room: string): ClientMessage {
  return { type: "join", id, room, name: "", sources: NO_SOURCES };
}

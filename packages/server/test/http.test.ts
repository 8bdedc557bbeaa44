import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LodelineError, seededRandom, silentLogger } from "@lodeline/base";
import { type ActiveFault, type Fault, FaultDesk, MessageTrace } from "@lodeline/chaos";
import type { LedgerRow, RoomSnapshot } from "@lodeline/protocol";
import { VirtualClock } from "@lodeline/testkit";
import type { FastifyInstance } from "fastify";
import { createSigningKey } from "../src/auth/signing-key.ts";
import { createTokens } from "../src/auth/tokens.ts";
import { addFaultsRoute } from "../src/http/faults-route.ts";
import { addHealthRoutes } from "../src/http/health-routes.ts";
import { createHttpApp } from "../src/http/http-app.ts";
import { createOriginPolicy } from "../src/http/origin-policy.ts";
import { addPageRoutes } from "../src/http/page-routes.ts";
import { addRoomRoutes, type RoomReader } from "../src/http/room-routes.ts";
import { addTokenRoute } from "../src/http/token-route.ts";
import type { ServerStatus } from "../src/lodeline-server.ts";
import { createRedact } from "../src/redact.ts";

const tokens = createTokens([createSigningKey(seededRandom(1))], () => Date.UTC(2026, 0, 1));
const den: RoomSnapshot = { room: "den", topology: "sfu", locked: false, participants: [], pairs: [] };
const rows: readonly LedgerRow[] = [];
const settings = { suspectMs: 1, leaseMs: 2, byeGraceMs: 3, maxParticipants: 4, loudestSpeakers: 3 };
const rooms: RoomReader = {
  create: ({ room }) => {
    if (room === "den") throw new LodelineError("room/exists", { field: "room" });
    return { seq: 0, room: { ...den, room }, settings };
  },
  list: () => ["attic", "den"].map((room) => ({ room, topology: "sfu", participants: 0, locked: false })),
  snapshot: (room) => (room === "den" ? { seq: 4, room: den, settings } : undefined),
  ledger: (room) => (room === "den" ? rows : undefined),
};

interface Made {
  readonly app: FastifyInstance;
  readonly faults: unknown[];
  setState(state: ServerStatus["state"]): void;
}

async function make(open: boolean, pageDirectory?: string): Promise<Made> {
  let state: ServerStatus["state"] = "ready";
  const faults: unknown[] = [];
  const origins = createOriginPolicy({ origins: ["https://call.example.org"], open });
  const app = createHttpApp({ logger: silentLogger, redact: createRedact(), origins });
  const counts = { uptimeMs: 0, sockets: 0, links: 0, rooms: 0, participants: 0, transports: 0 };
  addHealthRoutes(app, () => ({ state, ...counts }));
  addRoomRoutes(app, rooms, tokens, open);
  addTokenRoute(app, tokens, seededRandom(5), open);
  const perform = (fault: Fault) => {
    faults.push(fault.values);
    return { stop: () => {}, counters: () => ({ hits: 2 }) };
  };
  const desk = new FaultDesk({ clock: new VirtualClock(), performers: { msg: perform, silence: perform } });
  if (open) addFaultsRoute(app, desk, new MessageTrace());
  app.get("/broken", async () => {
    throw new Error("the cellar is flooded");
  });
  await addPageRoutes(app, pageDirectory);
  return {
    app,
    faults,
    setState: (next) => {
      state = next;
    },
  };
}

const host = "127.0.0.1:7880";
const get = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
  app.inject({ method: "GET", url, headers: { host, ...headers } });
const post = (app: FastifyInstance, url: string, payload: object | string, headers: Record<string, string> = {}) =>
  app.inject({ method: "POST", url, payload, headers: { host, "content-type": "application/json", ...headers } });
const bearer = async (room: string | undefined, admin: boolean) => ({
  authorization: `Bearer ${await tokens.sign({ identity: "ada", room, admin })}`,
});

describe("HTTP", () => {
  it("[HTTP1] says whether the server lives and whether it is ready", async () => {
    const { app, setState } = await make(false);
    assert.equal((await get(app, "/healthz")).statusCode, 200);
    const ready = await get(app, "/readyz");
    assert.deepEqual([ready.statusCode, ready.json()], [200, { status: "ready" }]);
    setState("draining");
    const draining = await get(app, "/readyz");
    assert.deepEqual([draining.statusCode, draining.json()], [503, { status: "draining" }]);
    assert.equal((await get(app, "/healthz")).statusCode, 200);
  });

  it("[HTTP2] shows rooms to bearers of `roomAdmin`, each token's own", async () => {
    const { app } = await make(false);
    const all = await get(app, "/v1/rooms", await bearer(undefined, true));
    assert.deepEqual(
      all.json().rooms.map((one: { room: string }) => one.room),
      ["attic", "den"],
    );
    const own = await get(app, "/v1/rooms", await bearer("den", true));
    assert.equal(own.json().rooms.length, 1);
    assert.deepEqual((await get(app, "/v1/rooms/den", await bearer("den", true))).json(), {
      seq: 4,
      room: den,
      settings,
    });
    assert.deepEqual((await get(app, "/v1/rooms/den/ledger", await bearer("den", true))).json(), { rows: [] });
  });

  const refusals: readonly (readonly [
    string,
    string,
    Record<string, string> | [string | undefined, boolean],
    number,
    string,
  ])[] = [
    ["no token", "/v1/rooms", {}, 401, "auth/token-missing"],
    ["no bearer", "/v1/rooms", { authorization: "Basic YTpi" }, 401, "auth/token-malformed"],
    ["a bad token", "/v1/rooms", { authorization: "Bearer nonsense" }, 401, "auth/token-malformed"],
    ["a token without `roomAdmin`", "/v1/rooms", ["den", false], 403, "auth/forbidden"],
    ["a token of another room", "/v1/rooms/den", ["attic", true], 403, "auth/room-denied"],
    ["a token of another room", "/v1/rooms/den/ledger", ["attic", true], 403, "auth/room-denied"],
    ["an unknown room", "/v1/rooms/cellar", [undefined, true], 404, "room/unknown"],
    ["an unknown path", "/v1/cellar", {}, 404, "http/not-found"],
  ];
  for (const [name, url, given, statusCode, code] of refusals) {
    it(`[HTTP2] refuses ${name} at ${url}`, async () => {
      const { app } = await make(false);
      const reply = await get(app, url, Array.isArray(given) ? await bearer(...given) : given);
      assert.deepEqual([reply.statusCode, reply.json().error.code], [statusCode, code]);
    });
  }

  it("[HTTP8] makes a room, for whoever may read it", async () => {
    const { app } = await make(false);
    const definition = { room: "hall", leaseMs: 60_000, suspectMs: 2_000, byeGraceMs: 1_000, maxParticipants: 3 };
    const made = await post(app, "/v1/rooms", definition, await bearer("hall", true));
    assert.deepEqual([made.statusCode, made.json().room.room, made.json().settings], [201, "hall", settings]);
    const attempts: readonly (readonly [object, Record<string, string>, number, string, string | undefined])[] = [
      [definition, {}, 401, "auth/token-missing", "authorization"],
      [definition, await bearer("hall", false), 403, "auth/forbidden", "video.roomAdmin"],
      [definition, await bearer("den", true), 403, "auth/room-denied", "room"],
      [{ ...definition, leaseMs: 0 }, await bearer("hall", true), 400, "protocol/malformed", "leaseMs"],
      [{ ...definition, lease: 1 }, await bearer("hall", true), 400, "protocol/malformed", "lease"],
      [{ ...definition, room: "den" }, await bearer("den", true), 409, "room/exists", "room"],
    ];
    for (const [body, headers, statusCode, code, field] of attempts) {
      const reply = await post(app, "/v1/rooms", body, headers);
      const { error } = reply.json();
      assert.deepEqual([reply.statusCode, error.code, error.field], [statusCode, code, field]);
    }
  });

  it("[HTTP2] shows every room to everybody on an open server", async () => {
    const { app } = await make(true);
    assert.equal((await get(app, "/v1/rooms")).json().rooms.length, 2);
  });

  it("[HTTP3] hands out tokens on an open server", async () => {
    const { app } = await make(true);
    const { token, identity } = (await post(app, "/v1/token", { room: "den", name: "Ada", admin: true })).json();
    const { grants, name } = await tokens.verify(token);
    assert.match(identity, /^u_/);
    assert.deepEqual([name, grants.room, grants.role], ["Ada", "den", "moderator"]);
    const mine = (await post(app, "/v1/token", { room: "den", identity: "ada" })).json();
    assert.deepEqual([mine.identity, (await tokens.verify(mine.token)).grants.role], ["ada", "speaker"]);
    const anywhere = (await post(app, "/v1/token", { identity: "ada" })).json();
    assert.equal((await tokens.verify(anywhere.token)).grants.room, undefined);
  });

  it("[HTTP3] hands out none on any other", async () => {
    const { app } = await make(false);
    const reply = await post(app, "/v1/token", { room: "den" });
    assert.deepEqual([reply.statusCode, reply.json().error.code], [403, "auth/forbidden"]);
  });

  const bad: readonly (readonly [string, object | string, number, string, string])[] = [
    ["an empty room", { room: "" }, 400, "protocol/malformed", "room"],
    ["an unknown field", { room: "den", rank: 1 }, 400, "protocol/malformed", "rank"],
    ["a room that is a number", { room: 7 }, 400, "protocol/malformed", "room"],
    ["an overlong room", { room: "x".repeat(129) }, 400, "protocol/malformed", "room"],
    ["no JSON", "{", 400, "protocol/malformed", "body"],
    ["the server's own identity", { room: "den", identity: "lodeline-server" }, 400, "config/invalid", "identity"],
    ["far too much", JSON.stringify({ room: "x".repeat(200_000) }), 413, "protocol/too-large", "body"],
  ];
  for (const [name, body, statusCode, code, field] of bad) {
    it(`[HTTP4] refuses a body with ${name}`, async () => {
      const { app } = await make(true);
      const reply = await post(app, "/v1/token", body);
      const { error } = reply.json();
      assert.deepEqual([reply.statusCode, error.code, error.field], [statusCode, code, field]);
      assert.ok(error.reason.length > 0);
    });
  }

  it("[HTTP4] tells nobody what went wrong inside", async () => {
    const { app } = await make(true);
    const reply = await get(app, "/broken");
    assert.equal(reply.statusCode, 500);
    assert.equal(reply.json().error.code, "server/internal");
    assert.doesNotMatch(reply.body, /cellar/);
  });

  it("[HTTP9] starts, lists and ends faults, and refuses what is none", async () => {
    const { app, faults } = await make(true);
    const started = await post(app, "/v1/faults", { spec: "msg:lose,type=joined" });
    assert.deepEqual([started.statusCode, started.json()], [201, { id: "f1" }]);
    assert.equal((await post(app, "/v1/faults", { spec: "silence:subscription=p_1:camera>p_2+5s" })).statusCode, 201);
    assert.deepEqual(faults, [{ lose: true, type: "joined" }, { subscription: "p_1:camera>p_2" }]);
    const { catalogue, active } = (await get(app, "/v1/faults")).json();
    assert.ok(catalogue.some(({ name }: { name: string }) => name === "udp"));
    assert.deepEqual(
      active.map(({ id, spec, counters }: ActiveFault) => [id, spec, counters]),
      [
        ["f1", "msg:lose,type=joined", { hits: 2 }],
        ["f2", "silence:subscription=p_1:camera>p_2+5s", { hits: 2 }],
      ],
    );
    for (const spec of ["fire:now", "msg:lose,type", "udp:loss=5%"]) {
      const refused = await post(app, "/v1/faults", { spec });
      assert.deepEqual([refused.statusCode, refused.json().error.field], [400, "fault"], spec);
    }
    const remove = (url: string) => app.inject({ method: "DELETE", url, headers: { host } });
    assert.equal((await remove("/v1/faults/f1")).statusCode, 204);
    assert.equal((await remove("/v1/faults/f1")).statusCode, 404);
    assert.equal((await remove("/v1/faults")).statusCode, 204);
    assert.deepEqual((await get(app, "/v1/faults")).json().active, []);
    assert.deepEqual((await get(app, "/v1/faults/trace?since=0")).json(), { next: 0, entries: [] });
  });

  it("[HTTP5] carries the security headers on every answer", async () => {
    const { app } = await make(true);
    for (const url of ["/", "/healthz", "/nowhere", "/broken"]) {
      const { headers } = await get(app, url);
      assert.match(String(headers["content-security-policy"]), /default-src 'self'/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
    }
  });

  it("[HTTP7] answers the preflight of allowed origins only", async () => {
    const { app } = await make(false);
    const preflight = (origin: string) =>
      app.inject({ method: "OPTIONS", url: "/v1/token", headers: { host, origin } });
    const allowed = await preflight("https://call.example.org");
    assert.equal(allowed.statusCode, 204);
    assert.equal(allowed.headers["access-control-allow-origin"], "https://call.example.org");
    const refused = await preflight("https://evil.net");
    assert.deepEqual([refused.statusCode, refused.json().error.code], [403, "auth/origin"]);
    assert.equal(refused.headers["access-control-allow-origin"], undefined);
  });
});

describe("the page", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "lodeline-page-"));
    await mkdir(join(directory, "assets"));
    await writeFile(join(directory, "index.html"), "<!doctype html><title>Lodeline</title>");
    await writeFile(join(directory, "assets", "page-a1b2.js"), "export {};");
  });
  after(() => rm(directory, { recursive: true }));

  it("[HTTP6] is one document for `/` and every room", async () => {
    const { app } = await make(true, directory);
    for (const url of ["/", "/r/den", "/r/a%20room%20with%20spaces", "/call/amber-anchor-0412"]) {
      const reply = await get(app, url);
      assert.equal(reply.statusCode, 200);
      assert.match(reply.body, /Lodeline/);
      assert.equal(reply.headers["cache-control"], "no-cache");
      assert.match(String(reply.headers["content-type"]), /^text\/html/);
    }
  });

  it("[HTTP6] keeps its hashed files for ever, and nothing above its folder is reachable", async () => {
    const { app } = await make(true, directory);
    const asset = await get(app, "/assets/page-a1b2.js");
    assert.deepEqual([asset.statusCode, asset.headers["cache-control"]], [200, "public, max-age=31536000, immutable"]);
    assert.equal((await get(app, "/assets/none.js")).statusCode, 404);
    assert.notEqual((await get(app, "/..%2f..%2fetc%2fpasswd")).statusCode, 200);
  });

  it("[HTTP6] says so when it is not built", async () => {
    const { app } = await make(true);
    assert.match((await get(app, "/r/den")).body, /not built/);
  });
});

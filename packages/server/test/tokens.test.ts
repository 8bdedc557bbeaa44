import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import type { TokenGrant } from "../src/auth/grant.ts";
import { createSigningKey } from "../src/auth/signing-key.ts";
import { createTokens } from "../src/auth/tokens.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const key = createSigningKey(seededRandom(1));
const otherKey = createSigningKey(seededRandom(2));
const tokens = createTokens([key], () => NOW_MS);

/** A token with any claims at all, rightly signed. */
function signed(claims: JWTPayload, secret = key.secret, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

const inTime = { iss: key.id, sub: "ada", exp: NOW_MS / 1000 + 60 };

async function refusal(token: string): Promise<LodelineError> {
  try {
    await tokens.verify(token);
  } catch (error) {
    assert.ok(error instanceof LodelineError);
    assert.ok(
      !error.message.includes(token) && !error.message.includes(key.secret),
      "[TOK10] the token is in the error",
    );
    return error;
  }
  assert.fail("the token was accepted");
}

describe("tokens", () => {
  it("[TOK1] give back what they were signed for", async () => {
    const token = await tokens.sign({ identity: "ada", room: "den", name: "Ada", admin: true });
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    assert.deepEqual(payload, {
      iss: key.id,
      sub: "ada",
      name: "Ada",
      iat: NOW_MS / 1000,
      nbf: NOW_MS / 1000,
      exp: NOW_MS / 1000 + 6 * 60 * 60,
      video: { room: "den", roomJoin: true, roomAdmin: true },
    });
    assert.deepEqual(await tokens.verify(token), {
      identity: "ada",
      name: "Ada",
      grants: { room: "den", join: true, call: true, role: "moderator" },
    });
  });

  it("[TOK1] say the most that a moderator may make of their bearer", async () => {
    const grants = async (token: string) => (await tokens.verify(token)).grants;
    const token = await tokens.sign({ identity: "ada", canPublish: false, maxRole: "speaker" });
    assert.deepEqual(await grants(token), { join: true, call: true, role: "viewer", maxRole: "speaker" });
    const error = await refusal(await signed({ ...inTime, lodeline: { maxRole: "king" } }));
    assert.deepEqual([error.code, error.field], ["auth/token-malformed", "lodeline.maxRole"]);
  });

  it("[TOK1] of a second key verify as well, and the first key signs", async () => {
    const both = createTokens([otherKey, key], () => NOW_MS);
    assert.equal((await both.verify(await tokens.sign({ identity: "ada" }))).identity, "ada");
    assert.equal((await refusal(await both.sign({ identity: "ada" }))).code, "auth/token-foreign");
  });

  it("[TOK2] of another algorithm are foreign, whatever else they say", async () => {
    for (const token of [
      await signed(inTime, key.secret.padEnd(64, "x"), "HS512"),
      new UnsecuredJWT(inTime).encode(),
    ]) {
      const error = await refusal(token);
      assert.deepEqual([error.code, error.field], ["auth/token-foreign", "alg"]);
    }
  });

  it("[TOK3] of an unknown key or with a broken signature are foreign", async () => {
    const unknownKey = await refusal(await signed({ ...inTime, iss: "lkother" }));
    assert.deepEqual([unknownKey.code, unknownKey.field], ["auth/token-foreign", "iss"]);
    const wrongSecret = await refusal(await signed(inTime, otherKey.secret));
    assert.deepEqual([wrongSecret.code, wrongSecret.field], ["auth/token-foreign", "signature"]);
    const [head, , tail] = (await signed(inTime)).split(".");
    const forged = Buffer.from(JSON.stringify({ ...inTime, sub: "eve" })).toString("base64url");
    assert.equal((await refusal(`${head}.${forged}.${tail}`)).code, "auth/token-foreign");
  });

  it("[TOK4] hold until five seconds after `exp` and from five before `nbf`", async () => {
    const at = (exp: number, nbf = exp - 60) =>
      signed({ ...inTime, exp: NOW_MS / 1000 + exp, nbf: NOW_MS / 1000 + nbf });
    await tokens.verify(await at(-4));
    await tokens.verify(await at(60, 5));
    const late = await refusal(await at(-5));
    assert.deepEqual([late.code, late.field], ["auth/token-expired", "exp"]);
    const early = await refusal(await at(60, 6));
    assert.deepEqual([early.code, early.field], ["auth/token-expired", "nbf"]);
  });

  const malformed: readonly (readonly [string, JWTPayload | string, string])[] = [
    ["text", "not a token", "token"],
    ["three parts of nothing", "a.b.c", "token"],
    ["an overlong one", "x".repeat(8193), "token"],
    ["no `sub`", { iss: key.id, exp: inTime.exp }, "sub"],
    ["an empty `sub`", { ...inTime, sub: "" }, "sub"],
    ["an overlong `sub`", { ...inTime, sub: "x".repeat(129) }, "sub"],
    ["no `exp`", { iss: key.id, sub: "ada" }, "exp"],
    ["`video` as text", { ...inTime, video: "all" }, "video"],
    ["a room that is a number", { ...inTime, video: { room: 7 } }, "video.room"],
    ["a flag that is text", { ...inTime, video: { roomAdmin: "yes" } }, "video.roomAdmin"],
    ["sources that are text", { ...inTime, video: { canPublishSources: "camera" } }, "video.canPublishSources"],
  ];
  for (const [name, claims, field] of malformed) {
    it(`[TOK5] with ${name} are malformed`, async () => {
      const error = await refusal(typeof claims === "string" ? claims : await signed(claims));
      assert.deepEqual([error.code, error.field], ["auth/token-malformed", field]);
    });
  }

  it("[TOK6] never carry the server's own identity", async () => {
    await assert.rejects(tokens.sign({ identity: "lodeline-server" }), { code: "config/invalid", field: "identity" });
    const error = await refusal(await signed({ ...inTime, sub: "lodeline-server" }));
    assert.deepEqual([error.code, error.field], ["auth/token-foreign", "sub"]);
  });

  const roles: readonly (readonly [Partial<TokenGrant>, string])[] = [
    [{ admin: true }, "moderator"],
    [{ canPublish: false }, "viewer"],
    [{ canPublish: true }, "speaker"],
    [{}, "speaker"],
  ];
  for (const [grant, role] of roles) {
    it(`[TOK7] with ${JSON.stringify(grant)} make a ${role}`, async () => {
      const { grants } = await tokens.verify(await tokens.sign({ identity: "ada", ...grant }));
      assert.equal(grants.role, role);
    });
  }

  it("[TOK8] limit sources by LiveKit's names", async () => {
    const video = { roomJoin: true, canPublishSources: ["microphone", "screen_share", "hologram"] };
    const { grants } = await tokens.verify(await signed({ ...inTime, video }));
    assert.deepEqual(grants.publishSources, ["microphone", "screen"]);
    const none = await tokens.verify(await signed({ ...inTime, video: { canPublishSources: [] } }));
    assert.equal(none.grants.publishSources, undefined);
    const own = await tokens.verify(await tokens.sign({ identity: "ada", sources: ["screen-audio"] }));
    assert.deepEqual(own.grants.publishSources, ["screen-audio"]);
  });

  it("[TOK9] that forbid receiving are refused, not ignored", async () => {
    const error = await refusal(await signed({ ...inTime, video: { roomJoin: true, canSubscribe: false } }));
    assert.deepEqual([error.code, error.field], ["auth/forbidden", "video.canSubscribe"]);
  });

  it("[TOK9] without `roomJoin` join nothing, and may forbid calls", async () => {
    const { grants } = await tokens.verify(await signed({ ...inTime, lodeline: { call: false } }));
    assert.deepEqual(grants, { join: false, call: false, role: "speaker" });
    const own = await tokens.verify(await tokens.sign({ identity: "ada", canCall: false }));
    assert.equal(own.grants.call, false);
  });

  it("[TOK10] never stand in the error that refuses them", async () => {
    for (const token of [
      await signed({ ...inTime, exp: 1 }),
      await signed(inTime, otherKey.secret),
      "secret.of.mine",
    ]) {
      await refusal(token);
    }
  });
});

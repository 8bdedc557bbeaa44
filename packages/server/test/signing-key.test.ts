import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import { createSigningKey, formatSigningKey, parseSigningKeys } from "../src/auth/signing-key.ts";

const key = createSigningKey(seededRandom(7));

describe("signing keys", () => {
  it("[KEY1] are read back as they were written, comments and blanks apart", () => {
    const other = createSigningKey(seededRandom(8));
    const text = `# the new one\n${formatSigningKey(key)}\r\n\n  ${other.id}: ${other.secret}  \n`;
    assert.deepEqual(parseSigningKeys(text, "keys"), [key, other]);
  });

  const secret = "s".repeat(32);
  const unfit: readonly (readonly [string, string, string, RegExp])[] = [
    ["nothing", "# none\n", "config/no-key", /keys/],
    ["no colon", `lk${secret}`, "config/invalid", /line 1/],
    ["a strange id", `l k:${secret}`, "config/invalid", /line 1/],
    ["a short secret", `\nlk:${secret.slice(1)}`, "config/invalid", /at least 32.*line 2/],
    ["one id twice", `lk:${secret}\nlk:${secret}x`, "config/invalid", /lk stands twice/],
  ];
  for (const [name, text, code, reason] of unfit) {
    it(`[KEY2] are refused for ${name}, without the secret`, () => {
      assert.throws(
        () => parseSigningKeys(text, "keys"),
        (error) => {
          assert.ok(error instanceof LodelineError);
          assert.equal(error.code, code);
          assert.match(error.message, reason);
          assert.doesNotMatch(error.message, /s{31}/);
          return true;
        },
      );
    });
  }
});

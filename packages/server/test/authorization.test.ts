import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import type { Authorization } from "@lodeline/hub";
import { createAuthorization } from "../src/auth/authorization.ts";
import { createSigningKey } from "../src/auth/signing-key.ts";
import { createTokens } from "../src/auth/tokens.ts";

const tokens = createTokens([createSigningKey(seededRandom(1))], () => 0);

function authorize(open: boolean, token: string | undefined, name = ""): Promise<Authorization | LodelineError> {
  const port = createAuthorization(tokens, seededRandom(3), open);
  return new Promise((resolve) => port.authorize({ token, name }, resolve));
}

describe("authorization", () => {
  it("[AUTH1] gives each guest of an open server an identity of its own", async () => {
    const guest = await authorize(true, undefined, "Ada");
    assert.ok(!(guest instanceof LodelineError));
    assert.match(guest.identity, /^u_[0-9a-z]{16}$/);
    assert.deepEqual(
      [guest.name, guest.grants],
      ["Ada", { join: true, call: true, role: "speaker", maxRole: "moderator" }],
    );
    const nameless = await authorize(true, undefined);
    assert.ok(!(nameless instanceof LodelineError));
    assert.equal(nameless.name, nameless.identity);
  });

  it("[AUTH1] believes a token before a name, and refuses a bad token even on an open server", async () => {
    const known = await authorize(true, await tokens.sign({ identity: "ada", name: "Ada" }), "Eve");
    assert.ok(!(known instanceof LodelineError));
    assert.deepEqual([known.identity, known.name], ["ada", "Ada"]);
    const refused = await authorize(true, "nonsense");
    assert.ok(refused instanceof LodelineError);
    assert.equal(refused.code, "auth/token-malformed");
  });

  it("[AUTH2] wants a token where the server is not open", async () => {
    const refused = await authorize(false, undefined, "Ada");
    assert.ok(refused instanceof LodelineError);
    assert.deepEqual([refused.code, refused.field], ["auth/token-missing", "token"]);
  });
});

import { createId, LodelineError, type Random, toLodelineError } from "@lodeline/base";
import type { Authorization, AuthorizationPort, AuthorizationRequest } from "@lodeline/hub";
import { LIMITS } from "@lodeline/protocol";
import type { Tokens } from "./tokens.ts";

/**
 * The hub's check of a hello, with real tokens. A token that is there must hold, on an open server too; without one an
 * open server gives a guest an identity of its own, and any other refuses with `auth/token-missing`.
 */
export function createAuthorization(tokens: Tokens, random: Random, open: boolean): AuthorizationPort {
  return {
    authorize: ({ token, name }: AuthorizationRequest, done) => {
      if (token !== undefined) {
        tokens.verify(token).then(done, (error: unknown) => done(toLodelineError(error, "auth/token-malformed")));
      } else if (open) {
        done(guest(createId(random, "u"), name));
      } else {
        done(new LodelineError("auth/token-missing", { field: "token" }));
      }
    },
  };
}

/** An open server forbids nothing that the people in a room agree on: a moderator may make another one. */
function guest(identity: string, name: string): Authorization {
  const grants = { join: true, call: true, role: "speaker" as const, maxRole: "moderator" as const };
  return { identity, name: (name || identity).slice(0, LIMITS.nameLength), grants };
}

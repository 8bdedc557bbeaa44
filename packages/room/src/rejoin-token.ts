import type { JoinInput } from "./room-input.ts";
import type { Place } from "./room-state.ts";
import { constantTimeEqual } from "./secret.ts";

/** A one-way function of a secret; absent where secrets are kept as they are. */
export type Digest = ((secret: string) => string) | undefined;

/** Begins the digest of a token, which no token does. */
const DIGESTED = "#";

/** A token as it is kept. One that is known by its digest alone stays as it is. */
export function keptToken(token: string, digest: Digest): string {
  return digest === undefined || isDigested(token) ? token : `${DIGESTED}${digest(token)}`;
}

/** Whether a token that came out of a store is known by its digest alone. */
export function isDigested(token: string): boolean {
  return token.startsWith(DIGESTED);
}

/** Whether a token takes a place: its present one or one whose successor nobody may have heard of. In constant time. */
export function holdsToken(place: Place, token: string, digest: Digest): boolean {
  let holds = false;
  for (const one of [place.rejoinToken, ...place.earlierTokens]) {
    const given = isDigested(one) ? keptToken(token, digest) : token;
    // Who presents the digest itself has read the store, and knows no token.
    holds = (constantTimeEqual(given, one) && !isDigested(token)) || holds;
  }
  return holds;
}

/** Whether a join is one that gave this place already, said by another link of the same identity. In constant time. */
export function isSameCommand(place: Place, input: JoinInput): boolean {
  return place.identity === input.identity && constantTimeEqual(input.command, place.joinCommand);
}

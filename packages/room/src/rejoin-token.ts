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

/** Commands are named `<page>.<number>`; a shorter name of a page is no secret, and says nothing. */
const LEAST_PAGE_LENGTH = 12;

/** Whether a join comes from the page that has this place, by what it names its commands. In constant time. */
export function isSamePage(place: Place, input: JoinInput): boolean {
  const page = pageOf(input.command);
  if (place.identity !== input.identity || page.length < LEAST_PAGE_LENGTH) return false;
  return constantTimeEqual(page, pageOf(place.joinCommand));
}

function pageOf(command: string): string {
  return command.slice(0, Math.max(0, command.lastIndexOf(".")));
}

/** Whether a join is one that gave this place already, said by another link of the same identity. In constant time. */
export function isSameCommand(place: Place, input: JoinInput): boolean {
  return place.identity === input.identity && constantTimeEqual(input.command, place.joinCommand);
}

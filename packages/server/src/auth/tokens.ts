import { type ErrorCode, LodelineError } from "@lodeline/base";
import type { Authorization } from "@lodeline/hub";
import { LIMITS, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { fromClaims, type OwnClaims, toClaims } from "./claims.ts";
import type { TokenGrant } from "./grant.ts";
import type { SigningKey } from "./signing-key.ts";

/** The one algorithm: a token's own word on it is never believed (RFC 8725 section 3.1). */
const ALGORITHM = "HS256";
/** How far the clocks of whoever signs and of this server may differ. */
const CLOCK_TOLERANCE_SECONDS = 5;
const DEFAULT_TTL_SECONDS = 6 * 60 * 60;

/** Signs and verifies join tokens: JWTs with LiveKit's claim names. */
export interface Tokens {
  /**
   * Signs a token with the first key.
   *
   * @throws LodelineError `config/invalid` for an identity, room or name that no client could carry.
   */
  sign(grant: TokenGrant): Promise<string>;
  /**
   * Reads a token. Takes about 0.2 ms of CPU, so it is done once for each hello.
   *
   * @throws LodelineError `auth/token-malformed`, `auth/token-expired` or `auth/token-foreign`; the token is not in it.
   */
  verify(token: string): Promise<Authorization>;
}

/**
 * Makes {@link Tokens} over some keys.
 *
 * @param keys - At least one; the first signs.
 * @param wallMs - The present, calendar ms.
 */
export function createTokens(keys: readonly SigningKey[], wallMs: () => number): Tokens {
  const secrets = new Map(keys.map((key) => [key.id, new TextEncoder().encode(key.secret)]));
  const first = keys[0];
  if (!first) throw new LodelineError("config/no-key");
  return {
    sign: (grant) => sign(grant, first, wallMs()),
    verify: async (token) => {
      const secret = secrets.get(issuerOf(token));
      if (!secret) throw refused("auth/token-foreign", "No key of this server has the id in `iss`.", "iss");
      return authorizationOf(await verifiedPayload(token, secret, wallMs()));
    },
  };
}

async function sign(grant: TokenGrant, key: SigningKey, wallMs: number): Promise<string> {
  const ttlSeconds = grant.ttlSeconds ?? DEFAULT_TTL_SECONDS;
  checkGrant(grant, ttlSeconds);
  const issuedAt = Math.floor(wallMs / 1000);
  return await new SignJWT({ name: grant.name ?? grant.identity, video: toClaims(grant), ...ownClaim(grant) })
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
    .setIssuer(key.id)
    .setSubject(grant.identity)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(new TextEncoder().encode(key.secret));
}

function ownClaim(grant: TokenGrant): { lodeline?: OwnClaims } {
  const { canCall: call, maxRole } = grant;
  if (call === undefined && maxRole === undefined) return {};
  return { lodeline: { ...(call === undefined ? {} : { call }), ...(maxRole === undefined ? {} : { maxRole }) } };
}

function checkGrant(grant: TokenGrant, ttlSeconds: number): void {
  const unfit = (field: string, detail: string) => new LodelineError("config/invalid", { field, detail });
  if (grant.identity.length === 0 || grant.identity.length > LIMITS.idLength) {
    throw unfit("identity", `An identity has 1 to ${LIMITS.idLength} signs.`);
  }
  if (grant.identity === SERVER_PEER_IDENTITY) {
    throw unfit("identity", `The identity ${SERVER_PEER_IDENTITY} is the server's own.`);
  }
  if (grant.room !== undefined && (grant.room.length === 0 || grant.room.length > LIMITS.idLength)) {
    throw unfit("room", `A room's name has 1 to ${LIMITS.idLength} signs.`);
  }
  if (grant.name !== undefined && grant.name.length > LIMITS.nameLength) {
    throw unfit("name", `A name has at most ${LIMITS.nameLength} signs.`);
  }
  if (!Number.isFinite(ttlSeconds) || ttlSeconds < 1) throw unfit("ttl", "A token is valid for at least one second.");
}

/** Reads `iss` and `alg` unverified, only to choose the key: nothing else is believed before the signature holds. */
function issuerOf(token: string): string {
  if (token.length > LIMITS.tokenLength) throw refused("auth/token-malformed", "The token is too long.", "token");
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg !== ALGORITHM) throw refused("auth/token-foreign", `Tokens are signed with ${ALGORITHM} here.`, "alg");
    return String(decodeJwt(token).iss ?? "");
  } catch (error) {
    if (error instanceof LodelineError) throw error;
    throw refused("auth/token-malformed", "The token is not a JWT.", "token", error);
  }
}

async function verifiedPayload(token: string, secret: Uint8Array, wallMs: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: [ALGORITHM],
      requiredClaims: ["sub", "exp"],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(wallMs),
    });
    return payload;
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): LodelineError {
  if (error instanceof errors.JWTExpired) return refused("auth/token-expired", undefined, "exp", error);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refused("auth/token-foreign", "The token's signature is not by this server's key.", "signature", error);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "nbf" && error.reason === "check_failed") {
      return refused("auth/token-expired", "The token is not valid yet.", "nbf", error);
    }
    return refused("auth/token-malformed", `The claim \`${error.claim}\` is missing or unfit.`, error.claim, error);
  }
  return refused("auth/token-malformed", undefined, "token", error);
}

function authorizationOf(payload: JWTPayload): Authorization {
  const identity = payload.sub ?? "";
  if (identity.length === 0 || identity.length > LIMITS.idLength) {
    throw refused("auth/token-malformed", "The claim `sub` is no identity.", "sub");
  }
  if (identity === SERVER_PEER_IDENTITY) {
    throw refused("auth/token-foreign", "No token may carry the server's own identity.", "sub");
  }
  const grants = fromClaims(objectClaim(payload, "video"), objectClaim(payload, "lodeline"));
  if (grants instanceof LodelineError) throw grants;
  const name = typeof payload.name === "string" && payload.name !== "" ? payload.name : identity;
  return { identity, name: name.slice(0, LIMITS.nameLength), grants };
}

function objectClaim(payload: JWTPayload, claim: string): object {
  const value = payload[claim] ?? {};
  if (typeof value === "object") return value;
  throw refused("auth/token-malformed", `The claim \`${claim}\` is no object.`, claim);
}

function refused(code: ErrorCode, detail: string | undefined, field: string, cause?: unknown): LodelineError {
  return new LodelineError(code, { detail, field, cause });
}

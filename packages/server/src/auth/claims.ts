import { LodelineError } from "@lodeline/base";
import type { Grants } from "@lodeline/hub";
import { LIMITS, type Role, SOURCES, type Source } from "@lodeline/protocol";
import type { TokenGrant } from "./grant.ts";

/** The `video` claim of a join token, with LiveKit's names, so that its tools make tokens for Lodeline too. */
export interface VideoClaims {
  readonly room?: string;
  readonly roomJoin?: boolean;
  readonly roomAdmin?: boolean;
  readonly canPublish?: boolean;
  readonly canSubscribe?: boolean;
  readonly canPublishSources?: readonly string[];
}

/** The `lodeline` claim: what LiveKit has no name for. */
export interface OwnClaims {
  /** May call other identities and the server peer; absent means yes. */
  readonly call?: boolean;
  /** The most that a moderator may make of it; absent means the role that the other claims give. */
  readonly maxRole?: string;
}

/** LiveKit's names of the sources. */
const SOURCE_CLAIMS: Readonly<Record<Source, string>> = {
  microphone: "microphone",
  camera: "camera",
  screen: "screen_share",
  "screen-audio": "screen_share_audio",
};

/** The claim that says what `grant` allows. Fields at their defaults are left out, as LiveKit's own tools do. */
export function toClaims(grant: TokenGrant): VideoClaims {
  return {
    ...(grant.room === undefined ? {} : { room: grant.room }),
    roomJoin: true,
    ...(grant.admin ? { roomAdmin: true } : {}),
    ...(grant.canPublish === undefined ? {} : { canPublish: grant.canPublish }),
    ...(grant.sources === undefined ? {} : { canPublishSources: grant.sources.map((one) => SOURCE_CLAIMS[one]) }),
  };
}

/**
 * What a token's claims allow.
 *
 * @returns The grants, or the error that refuses the token. Fields that Lodeline does not know are LiveKit's business
 * and ignored, but one that takes a right away is never ignored.
 */
export function fromClaims(claims: VideoClaims, own: OwnClaims): Grants | LodelineError {
  const { room } = claims;
  if (room !== undefined && (typeof room !== "string" || room.length > LIMITS.idLength)) return unfit("video.room");
  for (const flag of ["roomJoin", "roomAdmin", "canPublish", "canSubscribe"] as const) {
    if (claims[flag] !== undefined && typeof claims[flag] !== "boolean") return unfit(`video.${flag}`);
  }
  if (own.call !== undefined && typeof own.call !== "boolean") return unfit("lodeline.call");
  const { maxRole } = own;
  if (maxRole !== undefined && !isRole(maxRole)) return unfit("lodeline.maxRole");
  const named = claims.canPublishSources ?? [];
  if (!Array.isArray(named)) return unfit("video.canPublishSources");
  if (claims.canSubscribe === false) {
    const detail = "A token that forbids receiving cannot be honoured in a mesh, so none is taken.";
    return new LodelineError("auth/forbidden", { field: "video.canSubscribe", detail });
  }
  return {
    ...(room ? { room } : {}),
    join: claims.roomJoin ?? false,
    call: own.call ?? true,
    role: claims.roomAdmin ? "moderator" : (claims.canPublish ?? true) ? "speaker" : "viewer",
    ...(maxRole === undefined ? {} : { maxRole }),
    // An empty list means everything, as LiveKit reads it: nothing is what `canPublish: false` says.
    ...(named.length === 0 ? {} : { publishSources: SOURCES.filter((one) => named.includes(SOURCE_CLAIMS[one])) }),
  };
}

function isRole(value: unknown): value is Role {
  return value === "viewer" || value === "speaker" || value === "moderator";
}

function unfit(field: string): LodelineError {
  return new LodelineError("auth/token-malformed", { field, detail: `The claim \`${field}\` is unfit.` });
}

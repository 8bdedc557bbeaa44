import * as z from "zod/mini";
import { LIMITS } from "./limits.ts";

const counter = (meaning: string) => z.int().check(z.minimum(0), z.describe(meaning));

/** Any identifier: room, identity, participant, session, command. */
export const id = z.string().check(z.minLength(1), z.maxLength(LIMITS.idLength), z.describe("An identifier."));

/** A name for people. */
export const displayName = z.string().check(z.maxLength(LIMITS.nameLength), z.describe("A name that people read."));

/** A short text that explains. */
export const text = z.string().check(z.maxLength(LIMITS.textLength), z.describe("A short explanation."));

/** A session description (RFC 8866), whole. */
export const sdp = z
  .string()
  .check(z.minLength(1), z.maxLength(LIMITS.sdpLength), z.describe("A session description (RFC 8866)."));

/** A number of an ordered sequence, from 1; 0 means none yet. */
export const sequence = counter("A number of an ordered sequence, from 1; 0 means none yet.");

/** A version of a state that its owner raises by one with each change. */
export const revision = counter("A version that the state's owner raises with each change.");

/** Milliseconds since 1970, server's calendar. For people; nothing is decided by it. */
export const wallMs = z.number().check(z.describe("Calendar time, ms since 1970 UTC."));

/** A duration. */
export const durationMs = z.number().check(z.minimum(0), z.describe("A duration in ms."));

/** What a track is taken from. Each participant has at most one publication of each. */
export const source = z
  .enum(["microphone", "camera", "screen", "screen-audio"])
  .check(z.describe("What a publication's media is taken from."));
/** What a track is taken from. */
export type Source = z.infer<typeof source>;

/** Kind of a track, as `MediaStreamTrack.kind`. */
export const trackKind = z.enum(["audio", "video"]).check(z.describe("As MediaStreamTrack.kind."));
/** Kind of a track, as `MediaStreamTrack.kind`. */
export type TrackKind = z.infer<typeof trackKind>;

/** How the participants' media travels. */
export const topology = z
  .enum(["sfu", "mesh"])
  .check(z.describe("sfu: by the server, one connection each; mesh: straight between each two."));
/** How the participants' media travels. */
export type Topology = z.infer<typeof topology>;

/** How frames of a publication are encrypted between its participants, above what each hop encrypts. */
export const encryption = z
  .enum(["sframe"])
  .check(z.describe("sframe: end to end by RFC 9605; the server forwards what it cannot read."));
/** How frames are encrypted end to end. */
export type Encryption = z.infer<typeof encryption>;

/** Why what comes cannot be read. */
export const unreadable = z
  .enum(["missing-key", "failed"])
  .check(
    z.describe(
      "missing-key: the receiver has no key for it; failed: its key is another one, or the frame was changed.",
    ),
  );
/** Why what comes cannot be read. */
export type Unreadable = z.infer<typeof unreadable>;

/** What a participant may do. Viewers publish nothing; moderators may also mute, remove and lock. */
export const role = z.enum(["viewer", "speaker", "moderator"]).check(z.describe("What a participant may do."));
/** What a participant may do. */
export type Role = z.infer<typeof role>;

/** Whether the server hears of a participant, by its lease. */
export const presence = z
  .enum(["connected", "suspect"])
  .check(z.describe("Whether the server hears of the participant; gone ones have left."));
/** Whether the server hears of a participant. Gone ones are no longer in the room. */
export type Presence = z.infer<typeof presence>;

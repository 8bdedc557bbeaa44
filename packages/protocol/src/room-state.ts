import * as z from "zod/mini";
import { LIMITS } from "./limits.ts";
import { displayName, encryption, id, presence, revision, role, text, topology, wallMs } from "./primitives.ts";

/** What a participant wants of one source, and who keeps it from being live. */
export const sourceState = z.strictObject({
  intent: z
    .enum(["unpublished", "live", "muted"])
    .check(
      z.describe("unpublished: never sent or stopped; live: others should receive it; muted: kept silent or dark."),
    ),
  mutedBy: z
    .nullable(id)
    .check(
      z.describe(
        "The moderator who muted it; null when the participant did or nobody. While set, only a moderator lifts it, or the owner where `mayUnmute` is true.",
      ),
    ),
  mayUnmute: z
    .optional(z.boolean())
    .check(
      z.describe("Only beside `mutedBy`. True: the owner may open it by itself; absent or false: a moderator must."),
    ),
  encryption: z
    .optional(encryption)
    .check(
      z.describe("Absent: not encrypted end to end. Its owner says so, and it holds for all that it sends of it."),
    ),
});
/** What a participant wants of one source. */
export type SourceState = z.infer<typeof sourceState>;

/** All sources of one participant. */
export const sources = z.strictObject({
  microphone: sourceState,
  camera: sourceState,
  screen: sourceState,
  "screen-audio": sourceState,
});
/** All sources of one participant. */
export type Sources = z.infer<typeof sources>;

/** The media state of one participant: explicit, versioned, kept by the server. */
export const mediaState = z.strictObject({
  revision: revision,
  sources: sources,
});
/** The media state of one participant. */
export type MediaState = z.infer<typeof mediaState>;

/** A member of a room, as everybody in it sees it. */
export const participantInfo = z.strictObject({
  id: id,
  incarnation: z
    .int()
    .check(
      z.minimum(1),
      z.describe("Raised when the same participant comes back by reload: sessions with an earlier one are over."),
    ),
  identity: id.check(z.describe("Who it is, from the token. One identity may be in a room more than once.")),
  name: displayName,
  role: role,
  presence: presence,
  suspectSince: z
    .optional(wallMs)
    .check(z.describe("Only while `suspect`: when it was last heard of, or when its page said goodbye.")),
  media: mediaState,
});
/** A member of a room, as everybody in it sees it. */
export type ParticipantInfo = z.infer<typeof participantInfo>;

/** Two members of a mesh room and which one of them offers. */
export const pair = z.strictObject({
  a: id,
  b: id,
  session: id.check(z.describe("The session the two share; a new one whenever either comes back.")),
  initiatorId: id.check(z.describe("The only one of the two that may offer.")),
});
/** Two members of a mesh room and which one of them offers. */
export type Pair = z.infer<typeof pair>;

/** A room, whole, at one event number. */
export const roomSnapshot = z.strictObject({
  room: id,
  topology: topology,
  locked: z.boolean(),
  participants: z.array(participantInfo).check(z.maxLength(LIMITS.rows)),
  pairs: z.array(pair).check(z.describe("Mesh only: empty in sfu rooms.")),
});
/** A room, whole, at one event number. */
export type RoomSnapshot = z.infer<typeof roomSnapshot>;

/** Why a participant is no longer in the room. */
export const leaveReason = z
  .enum(["left", "lease-expired", "removed", "room-ended", "server-drained"])
  .check(z.describe("Why a participant left."));
/** Why a participant is no longer in the room. */
export type LeaveReason = z.infer<typeof leaveReason>;

/** What happened in a room: the log that members, storage and diagnosis all read. */
export const roomEvent = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("peer-joined"),
    participant: participantInfo,
    pairs: z.array(pair).check(z.describe("Mesh: one for each other member, each with its initiatorId.")),
  }),
  z.strictObject({ kind: z.literal("peer-left"), participant: id, reason: leaveReason }),
  z.strictObject({
    kind: z.literal("presence"),
    participant: id,
    presence: presence,
    since: z
      .optional(wallMs)
      .check(z.describe("With `suspect`: when it was last heard of, or when its page said goodbye.")),
  }),
  z.strictObject({ kind: z.literal("media-state"), participant: id, media: mediaState }),
  z.strictObject({ kind: z.literal("role"), participant: id, role: role, by: id }),
  z.strictObject({ kind: z.literal("renamed"), participant: id, name: displayName }),
  z.strictObject({ kind: z.literal("pair-renewed"), pair: pair, why: text }),
  z.strictObject({ kind: z.literal("locked"), locked: z.boolean(), by: id }),
  z.strictObject({ kind: z.literal("ended"), by: id }),
]);
/** What happened in a room. */
export type RoomEvent = z.infer<typeof roomEvent>;

/** An event with its place in the room's log. */
export const numberedEvent = z.strictObject({
  seq: z.int().check(z.minimum(1), z.describe("Its place in the room's log, without gaps.")),
  at: wallMs,
  event: roomEvent,
});
/** An event with its place in the room's log. */
export type NumberedEvent = z.infer<typeof numberedEvent>;

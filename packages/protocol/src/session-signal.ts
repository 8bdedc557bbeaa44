import * as z from "zod/mini";
import { LIMITS } from "./limits.ts";
import { displayName, encryption, id, sdp, sequence, source, text, trackKind } from "./primitives.ts";

/** Why a call or session ended or was refused. Closed list: every end has one. */
export const endReason = z
  .enum([
    "hangup",
    "declined",
    "busy",
    "no-answer",
    "ringing-timeout",
    "answered-elsewhere",
    "unreachable",
    "setup-timeout",
    "connection-failed",
    "plan-failed",
    "remote-gone",
    "replaced",
    "left",
    "removed",
    "room-ended",
    "link-lost",
    "page-closed",
    "refused",
    "aborted",
  ])
  .check(z.describe("Why a session ended or was refused."));
/** Why a call or session ended or was refused. */
export type EndReason = z.infer<typeof endReason>;

/** An ICE candidate as browsers give it (W3C RTCIceCandidateInit). */
export const candidate = z.strictObject({
  candidate: z
    .string()
    .check(z.maxLength(LIMITS.candidateLength), z.describe("The candidate line; empty ends a generation.")),
  sdpMid: z.nullable(id),
  sdpMLineIndex: z.nullable(z.int().check(z.minimum(0), z.maximum(LIMITS.sections))),
  usernameFragment: z.nullable(z.string().check(z.maxLength(256))),
});
/** An ICE candidate as browsers give it. */
export type Candidate = z.infer<typeof candidate>;

/** A section on which the offerer sends one of its sources. */
export const sendSection = z.strictObject({ mid: id, source: source });
/** A section on which the offerer sends one of its sources. */
export type SendSection = z.infer<typeof sendSection>;

/** A section on which the offerer can receive anything of one kind: a receive slot. */
export const receiveSection = z.strictObject({ mid: id, kind: trackKind });
/** A section on which the offerer can receive anything of one kind: a receive slot. */
export type ReceiveSection = z.infer<typeof receiveSection>;

/** An offer and what its sections are for. The first one of an sfu room rides in `join`. */
export const offer = z.strictObject({
  sdp: sdp,
  sends: z.array(sendSection).check(z.maxLength(LIMITS.sections), z.describe("What the offerer sends, by section.")),
  receives: z.array(receiveSection).check(z.maxLength(LIMITS.sections), z.describe("Its receive slots (sfu only).")),
});
/** An offer and what its sections are for. */
export type Offer = z.infer<typeof offer>;

/** Call: what one end means to send of a source, and how far it gets, by its own word. */
export const callSent = z.strictObject({
  source: source,
  intent: z.enum(["live", "muted"]).check(z.describe("What is not named is not sent at all.")),
  sent: z.optional(z.boolean()).check(z.describe("Whether packets of it leave; absent while nobody has looked.")),
});
/** Call: what one end means to send of a source, and how far it gets, by its own word. */
export type CallSent = z.infer<typeof callSent>;

/** Call: whether one end hears or sees a source of the other. */
export const callReceived = z.strictObject({ source: source, received: z.boolean() });
/** Call: whether one end hears or sees a source of the other. */
export type CallReceived = z.infer<typeof callReceived>;

/** What two ends of a session say to each other. The set is closed. */
export const signalBody = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("call:init"),
    name: displayName,
    audio: z.boolean(),
    video: z.boolean(),
    encryption: z
      .optional(encryption)
      .check(z.describe("Both ends encrypt all they send in it; absent: neither does.")),
  }),
  z.strictObject({ kind: z.literal("accept") }),
  z.strictObject({ kind: z.literal("reject"), reason: endReason }),
  z.strictObject({ kind: z.literal("hangup"), reason: endReason }),
  z.strictObject({ kind: z.literal("offer"), offer: offer }),
  z.strictObject({ kind: z.literal("answer"), sdp: sdp }),
  z.strictObject({ kind: z.literal("candidate"), candidate: candidate }),
  z.strictObject({ kind: z.literal("negotiation-needed"), why: text, iceRestart: z.boolean() }),
  z.strictObject({
    kind: z.literal("receipt"),
    revision: sequence.check(
      z.describe(
        "Call: raised by its sender with each change of `sends`. The newest holds. 0, in a signal without a number: it still rings at its sender.",
      ),
    ),
    heard: sequence.check(z.describe("The last revision of the other end that was heard.")),
    sends: z.array(callSent).check(z.maxLength(4)),
    receives: z.array(callReceived).check(z.maxLength(4)),
  }),
  z.strictObject({
    kind: z.literal("replay-request"),
    source: source.check(z.describe("Call: a source of the other end that should be received here and is not.")),
    why: text,
  }),
  z.strictObject({ kind: z.literal("refused"), code: text, detail: text, field: z.optional(text) }),
]);
/** What two ends of a session say to each other. */
export type SignalBody = z.infer<typeof signalBody>;

/** The envelope of everything two ends of a session say to each other. */
export const signal = z.strictObject({
  session: id.check(z.describe("The session. One of an earlier call never touches a later one.")),
  epoch: sequence.check(
    z.describe(
      "The negotiation within the session: 0 before the first offer, raised by one with each offer, by the initiator alone.",
    ),
  ),
  seq: sequence.check(
    z.describe("Counts what this end sent in this session, from 1. Doubled and late ones are dropped."),
  ),
  body: signalBody,
});
/** The envelope of everything two ends of a session say to each other. */
export type Signal = z.infer<typeof signal>;

import * as z from "zod/mini";
import { ledgerRow, replayStep } from "./ledger.ts";
import { LIMITS } from "./limits.ts";
import {
  displayName,
  durationMs,
  id,
  revision,
  role,
  sdp,
  sequence,
  source,
  text,
  topology,
  unreadable,
} from "./primitives.ts";
import { numberedEvent, roomSnapshot, sources } from "./room-state.ts";
import { offer, signal } from "./session-signal.ts";

const command = id.check(
  z.describe("Names the command; the same id again gets the same answer and has no second effect."),
);
const publication = id.check(z.describe("`<participant>:<source>`."));
const addressee = z
  .optional(id)
  .check(z.describe("The participant whose revisions these are; another's, of a place that was left, is ignored."));

/** A server for ICE, as W3C RTCIceServer. */
export const iceServer = z.strictObject({
  urls: z.array(z.string().check(z.maxLength(512))),
  username: z.optional(text),
  credential: z.optional(text),
});
/** A server for ICE, as W3C RTCIceServer. */
export type IceServer = z.infer<typeof iceServer>;

/** What a moderator does. */
export const moderation = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("mute"),
    participant: id,
    source: source,
    mayUnmute: z
      .optional(z.boolean())
      .check(z.describe("True: the owner may open it again by itself. Default false: only after `allow`.")),
  }),
  z.strictObject({ kind: z.literal("allow"), participant: id, source: source }),
  z.strictObject({ kind: z.literal("remove"), participant: id }),
  z.strictObject({
    kind: z.literal("readmit"),
    identity: id.check(z.describe("Somebody who was removed: may join this room again.")),
  }),
  z.strictObject({ kind: z.literal("role"), participant: id, role: role }),
  z.strictObject({ kind: z.literal("lock"), locked: z.boolean() }),
  z.strictObject({ kind: z.literal("end") }),
]);
/** What a moderator does. */
export type Moderation = z.infer<typeof moderation>;

/** What the receiver shows of one publication. */
export const view = z.strictObject({
  publication: publication,
  width: z.int().check(z.minimum(0), z.maximum(16384), z.describe("Shown width in device pixels; 0 for audio.")),
  height: z.int().check(z.minimum(0), z.maximum(16384), z.describe("Shown height in device pixels; 0 for audio.")),
  visible: z.boolean().check(z.describe("False: keep the subscription but send nothing.")),
  priority: z.int().check(z.minimum(0), z.maximum(9), z.describe("Higher comes first when bandwidth is short.")),
});
/** What the receiver shows of one publication. */
export type View = z.infer<typeof view>;

/** What a sender knows of one of its own publications. */
export const publishedReceipt = z.strictObject({ source: source, captured: z.boolean(), sent: z.boolean() });
/** What a sender knows of one of its own publications. */
export type PublishedReceipt = z.infer<typeof publishedReceipt>;

/** What a receiver knows of one of its subscriptions. */
export const receivedReceipt = z.strictObject({
  publication: publication,
  received: z.boolean(),
  count: sequence.check(z.describe("Frames decoded, or audio packets played, so far on this slot: evidence.")),
  unreadable: z
    .optional(unreadable)
    .check(
      z.describe("Absent: it can be read, or nothing came that would tell. Told again without it asks for it anew."),
    ),
});
/** What a receiver knows of one of its subscriptions. */
export type ReceivedReceipt = z.infer<typeof receivedReceipt>;

/** What one end of a mesh pair sees of its transport. */
export const pairReceipt = z.strictObject({
  session: id,
  state: z
    .enum(["new", "connecting", "connected", "disconnected", "failed", "closed"])
    .check(z.describe("As RTCPeerConnection.connectionState.")),
});
/** What one end of a mesh pair sees of its transport. */
export type PairReceipt = z.infer<typeof pairReceipt>;

/** Which publication is in which receive slot. Never inferred from mute or unmute. */
export const slot = z.strictObject({ mid: id, publication: z.nullable(publication) });
/** Which publication is in which receive slot. */
export type Slot = z.infer<typeof slot>;

/** How many encodings of its camera a participant sends to the server. */
export const encodings = z.strictObject({
  send: z
    .enum(["one", "all"])
    .check(z.describe("one: who receives it needs no choice; all: every encoding that was offered.")),
  keep: z
    .optional(id)
    .check(z.describe("With `one`: the RID that is forwarded now and goes on. Absent: the largest, for none is.")),
});
/** How many encodings of its camera a participant sends to the server. */
export type Encodings = z.infer<typeof encodings>;

/** The whole slot table of one participant, and how it sends. */
export const slots = z.strictObject({
  revision: revision,
  slots: z.array(slot).check(z.maxLength(LIMITS.sections)),
  camera: z.optional(encodings).check(z.describe("Of its own camera. Switched without a negotiation. Absent: all.")),
  screen: z
    .optional(z.enum(["av1"]))
    .check(
      z.describe(
        "The codec for the text of its own screen: it offered it, and so did everybody who is connected. Absent: the one negotiated.",
      ),
    ),
});
/** The whole slot table of one participant, and how it sends. */
export type Slots = z.infer<typeof slots>;

/** What a client says to the server over a link. */
export const clientMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("join"),
    id: command,
    room: id,
    name: displayName,
    topology: z.optional(topology).check(z.describe("Wanted if the room is new; an existing room keeps its own.")),
    sources: sources.check(z.describe("What the participant starts with; mutedBy is ignored.")),
    rejoin: z
      .optional(z.strictObject({ participant: id, token: text }))
      .check(z.describe("Takes an earlier place at once, after a reload or a lost link.")),
    session: z
      .optional(z.strictObject({ session: id, offer: offer }))
      .check(z.describe("The first offer to the sfu (epoch 1), so that media flows after one round trip.")),
    keeps: z
      .optional(z.array(id).check(z.maxLength(LIMITS.participantsPerRoom)))
      .check(
        z.describe(
          "With `rejoin`, by the same page over a new link: the media sessions that work here. Those that live at the other end too go on untouched, and the incarnation stays.",
        ),
      ),
  }),
  z.strictObject({ type: z.literal("leave"), id: command }),
  z.strictObject({ type: z.literal("media-state"), id: command, revision: revision, sources: sources }),
  z.strictObject({ type: z.literal("moderate"), id: command, action: moderation }),
  z.strictObject({
    type: z.literal("view"),
    revision: revision,
    views: z
      .array(view)
      .check(z.maxLength(LIMITS.rows), z.describe("All that is shown; what is not named is visible at default size.")),
  }),
  z.strictObject({
    type: z.literal("receipt"),
    incarnation: z.int().check(z.minimum(1), z.describe("The sender's own; a receipt of an earlier one is ignored.")),
    seen: sequence.check(z.describe("The last room event applied. The server tells again what is missing.")),
    slots: revision.check(z.describe("The last slot table applied.")),
    ledger: revision.check(z.describe("The last ledger message applied.")),
    ask: z
      .optional(z.boolean())
      .check(
        z.describe(
          "True: the sender knows that something is missing. It is told at once, without the grace for messages under way.",
        ),
      ),
    published: z.array(publishedReceipt).check(z.maxLength(8)),
    received: z
      .array(receivedReceipt)
      .check(
        z.maxLength(LIMITS.rows),
        z.describe("Rows that changed since the last receipt; all of them in every fifth."),
      ),
    pairs: z
      .optional(z.array(pairReceipt).check(z.maxLength(LIMITS.participantsPerRoom)))
      .check(z.describe("Mesh: transports whose state changed since the last receipt; all of them in every fifth.")),
  }),
  z.strictObject({
    type: z.literal("replay-request"),
    publication: publication,
    seen: sequence,
    slots: revision,
    why: text,
  }),
  z.strictObject({
    type: z.literal("signal"),
    scope: z
      .enum(["room", "call"])
      .check(z.describe("room: `to` is a participant or `sfu`; call: `to` is an identity.")),
    to: id,
    signal: signal,
  }),
]);
/** What a client says to the server over a link. */
export type ClientMessage = z.infer<typeof clientMessage>;

/** What the server says to a client over a link. */
export const serverMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("joined"),
    id: command,
    participant: id.check(z.describe("The receiver's own participant id.")),
    incarnation: z.int().check(z.minimum(1)),
    rejoinToken: text.check(z.describe("Take your place again with it. A new one with each join.")),
    seq: sequence.check(z.describe("The last event that `room` contains.")),
    room: roomSnapshot,
    answer: z.optional(z.strictObject({ session: id, sdp: sdp })).check(z.describe("To the offer in `join`.")),
    slots: z.optional(slots),
    iceServers: z.array(iceServer),
    receiptWindowMs: durationMs,
    suspectMs: durationMs,
    leaseMs: durationMs,
    byeGraceMs: z.optional(durationMs),
    maxParticipants: z.optional(z.int()),
    kept: z
      .optional(z.array(id))
      .check(z.describe("Answers `keeps`: the media sessions that go on. Absent where nothing was to be kept.")),
  }),
  z.strictObject({ type: z.literal("room-event"), room: id, events: z.array(numberedEvent) }),
  z.strictObject({ type: z.literal("room-state"), seq: sequence, room: roomSnapshot, why: text }),
  z.strictObject({ type: z.literal("slots"), to: addressee, table: slots }),
  z.strictObject({
    type: z.literal("ledger"),
    to: addressee,
    revision: revision.check(
      z.describe("Counts the ledger messages to this participant. A gap is asked for by a receipt."),
    ),
    rows: z.array(ledgerRow).check(z.describe("Rows that are new or changed; every row when `whole`.")),
    removed: z.array(id).check(z.describe("Subscriptions that are no more.")),
    whole: z.boolean().check(z.describe("True: rows not named here are no more.")),
  }),
  z.strictObject({
    type: z.literal("repair"),
    step: replayStep,
    publication: publication,
    subscription: id,
    why: text,
  }),
  z.strictObject({
    type: z.literal("signal"),
    scope: z.enum(["room", "call"]),
    from: id.check(z.describe("Set by the server: a participant, `sfu`, or an identity.")),
    name: z.optional(displayName),
    signal: signal,
  }),
  z.strictObject({ type: z.literal("ok"), id: command }),
  z.strictObject({
    type: z.literal("error"),
    id: z.optional(command).check(z.describe("The command that failed, if one did.")),
    code: text.check(z.describe("One of docs/errors.md.")),
    reason: text,
    field: z.optional(text).check(z.describe("Path of the field at fault, or `sdp:<line>`.")),
  }),
  z.strictObject({
    type: z.literal("removed"),
    to: addressee,
    code: text,
    reason: text,
  }),
]);
/** What the server says to a client over a link. */
export type ServerMessage = z.infer<typeof serverMessage>;

import * as z from "zod/mini";
import { encryption, id, revision, source, text, unreadable, wallMs } from "./primitives.ts";

/** One of the five facts of a ledger row. */
export const fact = z.strictObject({
  value: z.boolean(),
  version: revision.check(z.describe("Raised with each change of the value.")),
  at: wallMs.check(z.describe("When the value last changed.")),
});
/** One of the five facts of a ledger row. */
export type Fact = z.infer<typeof fact>;

/** The smallest step first; each is tried only when the one before did not help within its deadline. */
export const replayStep = z
  .enum(["tell-again", "key-frame", "reset-forwarder", "renegotiate", "republish", "restart-ice", "new-session"])
  .check(z.describe("A step of a replay, smallest first."));
/** A step of a replay. */
export type ReplayStep = z.infer<typeof replayStep>;
/** Every step, smallest first. */
export const REPLAY_STEPS: readonly ReplayStep[] = [
  "tell-again",
  "key-frame",
  "reset-forwarder",
  "renegotiate",
  "republish",
  "restart-ice",
  "new-session",
];

/** What a row comes to. */
export const standing = z
  .enum(["off", "pending", "received", "missing"])
  .check(
    z.describe(
      "off: not intended, or `held`; pending: intended and within the receipt window; received: media is decoded or heard; missing: it is not, and a replay runs.",
    ),
  );
/** What a row comes to. */
export type Standing = z.infer<typeof standing>;

/** Why the room keeps back what is intended. */
export const heldBack = z
  .enum(["speaking", "silent", "bandwidth"])
  .check(
    z.describe(
      "speaking, silent: a microphone of which nothing is forwarded, because as many others as are forwarded spoke later or louder; whether it speaks all the same. bandwidth: the path to this receiver carries not even the lowest layer of this video; `layer` has the figures.",
    ),
  );
/** Why the room keeps back what is intended. */
export type HeldBack = z.infer<typeof heldBack>;

/** Which layer of a video is forwarded to a receiver, and why. */
export const layerChoice = z.strictObject({
  rid: z.optional(text).check(z.describe("Absent: none is forwarded; empty: there is no choice.")),
  reason: z
    .enum(["size", "largest", "unknown-size", "only-layer", "one-encoding", "bound", "hidden", "nothing-arrives"])
    .check(
      z.describe(
        "What decided. size: it fills what is shown; largest: none fills it; unknown-size: the receiver has not said; only-layer: no other arrives; one-encoding: all have the same; bound: the receiver's share, by priority, carries no larger; hidden: it is not visible; nothing-arrives.",
      ),
    ),
  waiting: z
    .boolean()
    .check(z.describe("Another one was chosen and begins with its key frame; until then this goes on.")),
  why: text.check(z.describe("The same in words, with the numbers of that moment.")),
});
/** Which layer of a video is forwarded to a receiver, and why. */
export type LayerChoice = z.infer<typeof layerChoice>;

/** One subscription's truth: should it be there, and how far does it get. */
export const ledgerRow = z.strictObject({
  subscription: id.check(z.describe("`<publication>><receiver>`.")),
  publication: id.check(z.describe("`<participant>:<source>`.")),
  from: id,
  to: id,
  source: source,
  standing: standing,
  encryption: z
    .optional(encryption)
    .check(z.describe("As in the publication's media state: what is forwarded is not readable on the way.")),
  unreadable: z
    .optional(unreadable)
    .check(
      z.describe("By the receiver's word: it comes and cannot be decrypted. No replay runs, and nothing is forwarded."),
    ),
  facts: z.strictObject({
    intended: fact.check(z.describe("The room's media state says it should be received, and the receiver wants it.")),
    captured: fact.check(z.describe("The sender's track is live, neither silent nor black by fault.")),
    sent: fact.check(z.describe("Packets leave the sender.")),
    forwarded: fact.check(z.describe("Packets leave the server; in a mesh, the same as sent.")),
    received: fact.check(z.describe("The receiver decodes frames or plays audio out.")),
  }),
  held: z
    .optional(heldBack)
    .check(z.describe("Kept back by the room: nothing is forwarded, nothing is missing, and no replay runs.")),
  layer: z.optional(layerChoice).check(z.describe("Video in an sfu room, once something is forwarded.")),
  replay: z.nullable(
    z.strictObject({
      step: replayStep,
      attempt: z.int().check(z.minimum(1)),
      since: wallMs,
    }),
  ),
});
/** One subscription's truth. */
export type LedgerRow = z.infer<typeof ledgerRow>;

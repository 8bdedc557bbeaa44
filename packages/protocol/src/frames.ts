import * as z from "zod/mini";
import { LIMITS } from "./limits.ts";
import { clientMessage, serverMessage } from "./messages.ts";
import { displayName, durationMs, id, sequence, text } from "./primitives.ts";

const ack = sequence.check(z.describe("The last frame received in order: the other side drops its copies up to it."));
const at = z.number().check(z.describe("The sender's own clock, given back in the pong: round-trip time."));
const numbered = { kind: z.literal("data"), seq: z.int().check(z.minimum(1)), ack: ack };
const ackFrame = z.strictObject({ kind: z.literal("ack"), ack: ack });
const ping = z.strictObject({ kind: z.literal("ping"), at: at, ack: ack });
const pong = z.strictObject({ kind: z.literal("pong"), at: at, ack: ack });
const bye = z.strictObject({ kind: z.literal("bye"), reason: text });

/** The first frame of every socket. Data frames may follow at once when nothing is resumed. */
export const hello = z.strictObject({
  kind: z.literal("hello"),
  version: z.int().check(z.minimum(1), z.describe("The highest protocol version the client speaks.")),
  token: z
    .optional(z.string().check(z.maxLength(LIMITS.tokenLength)))
    .check(z.describe("A JWT. Not needed where the server is open (development).")),
  name: displayName.check(z.describe("For an open server, which has no token to read a name from.")),
  opening: z
    .optional(text)
    .check(
      z.describe(
        "A secret of the client's own that names this opening of a link. Said again when the welcome was lost, so that one opening never makes two links.",
      ),
    ),
  resume: z.optional(
    z.strictObject({
      link: id,
      secret: text,
      received: sequence.check(z.describe("The last frame received in order on this link.")),
    }),
  ),
});
/** The first frame of every socket. */
export type Hello = z.infer<typeof hello>;

/** The server's answer to a hello. */
export const welcome = z.strictObject({
  kind: z.literal("welcome"),
  version: z.int(),
  link: id,
  secret: text.check(z.describe("Resume with it. Rotates with every welcome.")),
  epoch: z
    .int()
    .check(z.minimum(1), z.describe("Which socket of this link it is; frames of an older one are ignored.")),
  resumed: z.boolean().check(z.describe("False: a new link; whatever an earlier one was in is to be joined again.")),
  received: sequence.check(z.describe("The last frame the server received in order: send again what follows.")),
  identity: id.check(z.describe("Who the client is, from its token.")),
  heartbeatMs: durationMs,
  lostMs: durationMs,
  resumeWindowMs: durationMs,
});
/** The server's answer to a hello. */
export type Welcome = z.infer<typeof welcome>;

/** Refuses a hello, or announces why the socket is about to be closed. */
export const fatal = z.strictObject({
  kind: z.literal("fatal"),
  code: text,
  reason: text,
  field: z.optional(text),
});
/** Refuses a hello, or announces why the socket is about to be closed. */
export type Fatal = z.infer<typeof fatal>;

/** Every frame a client may send. */
export const clientFrame = z.discriminatedUnion("kind", [
  hello,
  z.strictObject({ ...numbered, message: clientMessage }),
  ackFrame,
  ping,
  pong,
  bye,
]);
/** Every frame a client may send. */
export type ClientFrame = z.infer<typeof clientFrame>;

/** Every frame a server may send. */
export const serverFrame = z.discriminatedUnion("kind", [
  welcome,
  fatal,
  z.strictObject({ ...numbered, message: serverMessage }),
  ackFrame,
  ping,
  pong,
  bye,
]);
/** Every frame a server may send. */
export type ServerFrame = z.infer<typeof serverFrame>;

import type { ServerFrame } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import type { ServerMessage } from "./messages.ts";
import { type Parsed, type Refused, readJson, refuse } from "./parsed.ts";

/**
 * The fields of a kind, with the first letter of their type: array, boolean, number, object, string. A capital may be
 * missing.
 */
type Shape = Readonly<Record<string, "a" | "b" | "n" | "o" | "s" | "A" | "N" | "O" | "S">>;

const ACK = { ack: "n" } as const;

const FRAMES: Readonly<Record<ServerFrame["kind"], Shape>> = {
  welcome: {
    version: "n",
    link: "s",
    secret: "s",
    epoch: "n",
    resumed: "b",
    received: "n",
    identity: "s",
    heartbeatMs: "n",
    lostMs: "n",
    resumeWindowMs: "n",
  },
  fatal: { code: "s", reason: "s", field: "S" },
  data: { seq: "n", message: "o", ...ACK },
  ack: ACK,
  ping: { at: "n", ...ACK },
  pong: { at: "n", ...ACK },
  bye: { reason: "s" },
};

const MESSAGES: Readonly<Record<ServerMessage["type"], Shape>> = {
  joined: {
    id: "s",
    participant: "s",
    incarnation: "n",
    rejoinToken: "s",
    seq: "n",
    room: "o",
    answer: "O",
    slots: "O",
    iceServers: "a",
    receiptWindowMs: "n",
    suspectMs: "n",
    leaseMs: "n",
    byeGraceMs: "N",
    maxParticipants: "N",
    kept: "A",
  },
  "room-event": { room: "s", events: "a" },
  "room-state": { seq: "n", room: "o", why: "s" },
  slots: { to: "S", table: "o" },
  ledger: { to: "S", revision: "n", rows: "a", removed: "a", whole: "b" },
  repair: { step: "s", publication: "s", subscription: "s", why: "s" },
  signal: { scope: "s", from: "s", name: "S", signal: "o" },
  ok: { id: "s" },
  error: { id: "S", code: "s", reason: "s", field: "S" },
  removed: { to: "S", code: "s", reason: "s" },
};

/**
 * Reads a frame that a server sent, as a client does: its kind, and that the fields of that kind are there and of their
 * type. Fields it does not know are let be, so that a newer server can say more; what stands deeper is the server's
 * word. A fraction of the size of the schemas, which a browser would have to load. Never throws.
 */
export function readServerFrame(text: string): Parsed<ServerFrame> {
  const json = readJson(text, LIMITS.serverFrameLength);
  if (!json.ok) return json;
  const frame = json.frame as Record<string, unknown>;
  const fault = faultOf(frame, "kind", FRAMES, "", frame);
  if (fault) return fault;
  const inner = frame.kind === "data" && faultOf(frame.message, "type", MESSAGES, "message.", frame);
  return inner || { ok: true, frame: frame as ServerFrame };
}

function faultOf(
  value: unknown,
  tag: string,
  shapes: Readonly<Record<string, Shape>>,
  path: string,
  frame: unknown,
): Refused | undefined {
  const fields = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const kind = fields[tag];
  const shape = typeof kind === "string" && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
  if (!shape) return refuse("protocol/unknown-type", `${path}${tag}`, frame);
  const wrong = Object.keys(shape).find((name) => !fits(fields[name], shape[name]));
  return wrong === undefined ? undefined : refuse("protocol/malformed", `${path}${wrong}`, frame);
}

function fits(value: unknown, type: Shape[string] = "O"): boolean {
  if (value === undefined) return type < "a";
  if (type === "a" || type === "A") return Array.isArray(value);
  return value !== null && !Array.isArray(value) && (typeof value)[0] === type.toLowerCase();
}

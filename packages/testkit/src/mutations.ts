import type { HubChanges } from "@lodeline/hub";
import type { Timers } from "@lodeline/protocol";
import type { MediaOp } from "@lodeline/room";
import type { SessionInput } from "@lodeline/session";
import type { World } from "./world.ts";

/** Something to break on purpose, to prove that the runner sees it. */
export type Mutation =
  /** Leavers stay in everybody's picture: the ghost beside you. */
  | "keep-ghosts"
  /** Both ends of a pair think that they may offer. */
  | "two-initiators"
  /** Receivers claim to decode what never arrives. */
  | "lying-receivers"
  /** Released devices stay on. */
  | "leaking-devices"
  /** Engines claim to be connected before they are. */
  | "early-connected"
  /** Slot tables never arrive. */
  | "lost-slots"
  /** Ends of calls are never told. */
  | "lost-hangups"
  /** The server lets nobody go whose page is gone. */
  | "endless-leases"
  /** A page that says goodbye loses its place at once, a reload's too. */
  | "graceless-byes"
  /** The disk of the server forgets who was in a room, though it was told. */
  | "lost-writes"
  /** Pages send what they want, and the server forwards it, whatever a moderator says. */
  | "deaf-to-moderators";

/** How a mutation is made. */
export interface MutationSpec {
  /** Breaks a world that was just made. */
  break(world: World): void;
  readonly tamper?: (input: SessionInput, feed: (input: SessionInput) => void) => void;
  readonly counts?: (flows: boolean) => boolean;
  readonly leaksDevices?: boolean;
  /** Timers of the server alone. */
  readonly serverTimers?: Partial<Timers>;
  /** Whether no page heeds the room. */
  readonly stubborn?: boolean;
  /** What is kept of what the hub saves. */
  readonly saves?: (changes: HubChanges) => HubChanges;
  /** Whether an operation of a room on the media plane is performed. */
  readonly admits?: (op: MediaOp) => boolean;
}

/** Every mutation. */
export const MUTATIONS: Readonly<Record<Mutation, MutationSpec>> = {
  "keep-ghosts": {
    break: (world) => {
      world.network.intercept = rewrite((message) => {
        if (message.type === "room-event" && JSON.stringify(message).includes("peer-left")) return undefined;
        return message.type === "room-state" ? undefined : message;
      });
    },
  },
  "two-initiators": {
    break: (world) => {
      world.network.intercept = rewrite((message) => mapPairs(message));
    },
  },
  "lying-receivers": { break: () => {}, counts: () => true },
  "leaking-devices": { break: () => {}, leaksDevices: true },
  "early-connected": {
    break: () => {},
    tamper: (input, feed) => {
      feed(
        input.kind === "transport" && input.connection === "connecting" ? { ...input, connection: "connected" } : input,
      );
    },
  },
  "lost-slots": {
    break: (world) => {
      world.network.intercept = rewrite((message) => {
        if (message.type === "joined") return { ...message, slots: undefined };
        return message.type === "slots" ? undefined : message;
      });
    },
  },
  "lost-hangups": {
    break: (world) => {
      world.network.intercept = rewrite((message) => {
        const body = (message.signal as { body?: { kind?: string } } | undefined)?.body;
        return body?.kind === "hangup" || body?.kind === "reject" ? undefined : message;
      });
    },
  },
  "endless-leases": {
    break: () => {},
    serverTimers: { leaseMs: 1e9, byeGraceMs: 1e9, resumeWindowMs: 1e9 },
  },
  "graceless-byes": { break: () => {}, serverTimers: { byeGraceMs: 0 } },
  "lost-writes": {
    break: () => {},
    saves: (changes) => ({ ...changes, puts: changes.puts.filter(({ kind }) => kind !== "place") }),
  },
  "deaf-to-moderators": { break: () => {}, stubborn: true, admits: (op) => op.op !== "detach" },
};

type Message = Record<string, unknown>;

/**
 * Rewrites messages to clients; one that is taken out leaves a harmless one in its place, so that the link's numbers
 * stay whole and nothing sends it again.
 */
function rewrite(change: (message: Message) => Message | undefined): World["network"]["intercept"] {
  return (direction, _host, text) => {
    if (direction === "to-server") return text;
    const frame = JSON.parse(text) as { kind: string; message?: Message };
    if (frame.kind !== "data" || !frame.message) return text;
    const message = change(frame.message) ?? { type: "ok", id: "mutation" };
    return JSON.stringify({ ...frame, message });
  };
}

/** Tells each receiver that it is the initiator of its pairs, and of a renewed one that it is the other. */
function mapPairs(message: Message): Message {
  if (message.type === "joined") {
    const room = message.room as { pairs: Pair[] };
    const self = message.participant as string;
    return { ...message, room: { ...room, pairs: room.pairs.map((pair) => ({ ...pair, initiatorId: self })) } };
  }
  if (message.type !== "room-event") return message;
  const events = (message.events as Numbered[]).map((one) => ({ ...one, event: mapEvent(one.event) }));
  return { ...message, events };
}

function mapEvent(event: Numbered["event"]): Numbered["event"] {
  const { kind, pair, pairs, participant } = event;
  if (kind === "pair-renewed" && pair)
    return { ...event, pair: { ...pair, initiatorId: otherThan(pair, pair.initiatorId) } };
  if (kind !== "peer-joined" || !pairs || !participant) return event;
  return { ...event, pairs: pairs.map((one) => ({ ...one, initiatorId: otherThan(one, participant.id) })) };
}

function otherThan(pair: Pair, participant: string): string {
  return pair.a === participant ? pair.b : pair.a;
}

interface Numbered {
  readonly event: {
    readonly kind: string;
    readonly pair?: Pair;
    readonly pairs?: Pair[];
    readonly participant?: { readonly id: string };
  };
}

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly initiatorId: string;
}

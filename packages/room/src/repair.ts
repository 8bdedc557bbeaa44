import type { MonoMs } from "@lodeline/base";
import type { ReplayStep } from "@lodeline/protocol";
import { transportOf } from "./hop.ts";
import type { Replay, Row } from "./room-state.ts";
import { tellSignalsAgain } from "./tell-signals.ts";
import type { Turn } from "./turn.ts";

/** What a step is about, beside its row: whom it is asked of, and what makes two of them the same request. */
interface Request {
  /** A participant, or `sfu`. */
  readonly target: string;
  /** Equal keys at one target within the step's wait are one request; undefined: never merged. */
  readonly key: string | undefined;
}

/**
 * Performs one step of a replay: by the media plane, by a `repair` message to the one participant who can do it, or by a
 * new session of a pair. Many rows can be missing for one reason; what was just asked is not asked again.
 *
 * @returns When the same was asked already, for another row or another fault; undefined: it was asked now.
 */
export function askRepair(turn: Turn, row: Row, replay: Replay): MonoMs | undefined {
  const { target, key } = requestOf(turn, row, replay);
  const earlier = key === undefined ? undefined : askedEarlier(turn, target, key, replay.step);
  const asked = earlier === undefined;
  const { hop, step, attempt } = replay;
  const why = WHY[hop];
  if (asked) perform(turn, row, step, target, why);
  turn.effects.push({ kind: "replay", subscription: row.subscription, step, attempt, hop, why, target, asked });
  return earlier;
}

/** Why a replay is at a step, in words, by the hop that is broken. */
const WHY: Readonly<Record<Replay["hop"], string>> = {
  told: "the receiver had not been told",
  capture: "the sender sends nothing",
  "sender-transport": "the sender's connection is down",
  "receiver-transport": "the receiver's connection is down",
  uplink: "what is sent does not arrive at the server",
  slot: "the receiver has no receive slot for it",
  forwarder: "it arrives at the server but nothing leaves",
  downlink: "it leaves the server but is not received",
  "pair-setup": "the two have not connected",
  "pair-path": "nothing comes over the connection between the two",
  pair: "it is sent but not received",
};

function requestOf(turn: Turn, row: Row, replay: Replay): Request {
  const mesh = turn.config.topology === "mesh";
  switch (replay.step) {
    case "tell-again":
      return { target: row.to, key: undefined };
    case "key-frame":
    case "reset-forwarder":
      return { target: "sfu", key: undefined };
    case "republish":
      return { target: row.from, key: mesh ? `republish ${row.subscription}` : `republish ${row.publication}` };
    case "renegotiate":
    case "restart-ice": {
      const initiator = turn.pairOf(row.from, row.to)?.pair.initiatorId;
      if (initiator !== undefined) return { target: initiator, key: `${replay.step} ${otherOf(row, initiator)}` };
      return { target: replay.step === "renegotiate" ? row.to : transportOf(row, replay.hop), key: replay.step };
    }
    case "new-session":
      if (mesh) {
        // The pair's own order: rows of both directions make the same request.
        const pair = turn.pairOf(row.from, row.to)?.pair;
        return { target: pair?.a ?? row.from, key: `new-session ${pair?.b ?? row.to}` };
      }
      return { target: transportOf(row, replay.hop), key: "new-session" };
  }
}

function perform(turn: Turn, row: Row, step: ReplayStep, target: string, why: string): void {
  const { subscription, publication } = row;
  if (step === "key-frame") return turn.media({ op: "key-frame", subscription, publication });
  if (step === "reset-forwarder") return turn.media({ op: "reset-forwarder", subscription });
  if (step === "tell-again") return tellSignalsAgain(turn, row.from, row.to);
  if (step === "new-session" && turn.config.topology === "mesh") {
    turn.renewals.push({ a: row.from, b: row.to, why });
    return;
  }
  const place = turn.place(target);
  if (place) turn.tell(place.link, { type: "repair", step, publication, subscription, why });
}

/** When this was asked last, if its wait is not over yet; otherwise it counts as asked now. */
function askedEarlier(turn: Turn, target: string, key: string, step: ReplayStep): MonoMs | undefined {
  const place = turn.place(target);
  if (!place) return undefined;
  const last = place.repairs[key];
  const { replayWaitMs } = turn.config.settings;
  if (last !== undefined && turn.now - last < replayWaitMs[step]) return last;
  turn.patchPlace(target, { repairs: { ...place.repairs, [key]: turn.now } });
  return undefined;
}

function otherOf(row: Row, one: string): string {
  return row.from === one ? row.to : row.from;
}

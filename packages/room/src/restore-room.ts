import type { MonoMs } from "@lodeline/base";
import type { NumberedEvent, Signal } from "@lodeline/protocol";
import { firstEncoding } from "./encodings.ts";
import { TELL_AGAIN_MS } from "./pairs.ts";
import {
  KEY_ORDER,
  type KeptAnswer,
  type KeptOrder,
  type KeptPair,
  type KeptPlace,
  type KeptRoom,
  type RoomRecord,
} from "./room-records.ts";
import type { PairRecord, Place, RoomState } from "./room-state.ts";
import { syncPublisher } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";

/**
 * The state of a room as it was kept, to begin a machine with (`RoomOptions.restored`), which is then fed `restored`.
 * Every link counts as lost since now, so every lease begins anew. No row is there yet, and no media session runs.
 *
 * @param room - Its id. @param records - All that was kept of it and of its participants; others are ignored.
 * @returns `undefined` when the records hold no room with anybody in it.
 * @throws SyntaxError for a value that no hub has written.
 */
export function restoreRoom(room: string, records: readonly RoomRecord[], now: MonoMs): RoomState | undefined {
  const head = read<KeptRoom>(records.find(({ kind, key }) => kind === "room" && key === 0));
  const order = read<KeptOrder>(records.find(({ kind, key }) => kind === "room" && key === KEY_ORDER));
  if (!head || !order) return undefined;
  const kept = new Map(all<KeptPlace>(records, "place").map((place) => [place.info.id, place]));
  const present = order.participants.flatMap((id) => kept.get(id) ?? []);
  if (present.length === 0) return undefined;
  const places: Record<string, Place> = {};
  for (const place of present) places[place.info.id] = placeOf(place, answersOf(place.info.id, records), now);
  const pairs = pairsOf(records, now);
  const events = all<NumberedEvent>(records, "event").sort((a, b) => a.seq - b.seq);
  const { topology, locked, seq, pairSerial, verdicts } = head;
  const participants = present.map(({ info }) => info);
  return {
    snapshot: { room, topology, locked, participants, pairs: order.pairs.flatMap((key) => pairs[key]?.pair ?? []) },
    seq,
    tail: events.map((event) => ({ event, toldAt: now })),
    places,
    pairs,
    pairSerial,
    verdicts,
    phase: "open",
    due: undefined,
  };
}

/**
 * The room goes on in another process: rows are expected anew, every member is told its whole ledger, and in an sfu room
 * that its media session is over and that its slots are empty.
 */
export function restored(turn: Turn): void {
  for (const { participant, link, media, slots } of Object.values(turn.places)) {
    turn.wholeLedger.add(participant);
    if (turn.config.topology === "mesh") continue;
    // Above what was told, so that the earlier table cannot pass for the present one.
    const table = { revision: slots.revision + 1, slots: [] };
    turn.patchPlace(participant, { slots: table });
    turn.tell(link, { type: "slots", to: participant, table });
    if (media.session === undefined) continue;
    const signal: Signal = {
      session: media.session,
      epoch: 0,
      seq: 0,
      body: { kind: "hangup", reason: "remote-gone" },
    };
    turn.effects.push({ kind: "forward", link, from: "sfu", signal });
  }
  for (const participant of Object.keys(turn.places)) syncPublisher(turn, participant);
}

function placeOf(kept: KeptPlace, answers: Place["answers"], now: MonoMs): Place {
  const {
    info,
    link,
    maxRole,
    tokens,
    joinCommand,
    session,
    kept: sessions,
    slots,
    ledgerRevision,
    viewRevision,
    views,
  } = kept;
  const [rejoinToken = "", ...earlierTokens] = tokens;
  return {
    participant: info.id,
    identity: info.identity,
    incarnation: info.incarnation,
    link,
    linkLostAt: now,
    byeAt: undefined,
    kept: sessions,
    maxRole,
    rejoinToken,
    earlierTokens,
    joinCommand,
    // Over, but not forgotten: what is still said to it is answered with its end.
    media: {
      session,
      since: now,
      state: session === undefined ? "new" : "closed",
      upAt: undefined,
      sends: [],
      receives: [],
      videoCodecs: [],
    },
    slots,
    slotsShort: false,
    slotsToldAt: now,
    encoding: firstEncoding(now),
    ledgerRevision,
    ledgerToldAt: now,
    eventsToldAt: now,
    viewRevision,
    views,
    published: {},
    rows: {},
    answers,
    repairs: {},
    rowsDue: undefined,
  };
}

function answersOf(participant: string, records: readonly RoomRecord[]): Place["answers"] {
  const own = records.filter(({ kind, owner }) => kind === "answer" && owner === participant);
  const answers = own.map(({ key, value }) => ({ id: String(key), ...(JSON.parse(value) as KeptAnswer) }));
  return answers.sort((a, b) => a.serial - b.serial).map(({ id, message }) => ({ id, message }));
}

function pairsOf(records: readonly RoomRecord[], now: MonoMs): Record<string, PairRecord> {
  const pairs: Record<string, PairRecord> = {};
  for (const { kind, key, value } of records) {
    if (kind !== "pair") continue;
    const { pair, answered, established, transports, up, down, renews, tells, renewals, signals } = JSON.parse(
      value,
    ) as KeptPair;
    pairs[key] = {
      pair,
      since: now,
      answeredAt: answered ? now : undefined,
      establishedAt: established ? now : undefined,
      transports,
      upAt: up ? now : undefined,
      downAt: down ? now : undefined,
      renewAt: renews ? now : undefined,
      tellAt: tells ? now + TELL_AGAIN_MS : undefined,
      tells: 0,
      renewals,
      signals,
    };
  }
  return pairs;
}

function all<T>(records: readonly RoomRecord[], wanted: RoomRecord["kind"]): T[] {
  return records.filter(({ kind }) => kind === wanted).map(({ value }) => JSON.parse(value) as T);
}

function read<T>(record: RoomRecord | undefined): T | undefined {
  return record && (JSON.parse(record.value) as T);
}

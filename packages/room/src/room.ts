import type { Machine, MonoMs, Step, Tick, WallMs } from "@lodeline/base";
import type { LedgerRow, Timers, Topology } from "@lodeline/protocol";
import { leave, mediaState, moderate, view } from "./commands.ts";
import { encodingDue, settleEncodings } from "./encodings.ts";
import { toLedgerRow } from "./fact.ts";
import { dissolve, expireLeases, join, leaseDue, linkBack, linkLost } from "./membership.ts";
import { pairDue, passSignal, renewAskedPairs, tickPairs } from "./pairs.ts";
import { mediaFacts, receiptMatters, receive, replayRequest } from "./receipts.ts";
import { restored } from "./restore-room.ts";
import type { RoomEffect } from "./room-effect.ts";
import type { RoomInput, RoomMessage } from "./room-input.ts";
import type { Place, RoomState, Row } from "./room-state.ts";
import { settleScreens } from "./screen-codec.ts";
import { defaultRoomSettings, type RoomSettings } from "./settings.ts";
import { refreshRow } from "./standing.ts";
import { settleSubscriptions } from "./subscriptions.ts";
import { type RoomConfig, Turn } from "./turn.ts";

/** Options of {@link createRoom}. */
export interface RoomOptions {
  /** The room's id. */
  readonly room: string;
  readonly topology: Topology;
  readonly timers: Timers;
  /** What differs from {@link defaultRoomSettings}. */
  readonly settings?: Partial<RoomSettings> | undefined;
  /** Whether it begins locked: only moderators enter. Default false. */
  readonly locked?: boolean | undefined;
  /**
   * Calendar time of a moment on the machine's clock, for what people read: `(now) => clock.wall() - clock.now() + now`.
   * Nothing is decided by it.
   */
  readonly wallAt: (now: MonoMs) => WallMs;
  /** A state that was kept, to go on from: see `restoreRoom`. */
  readonly restored?: RoomState | undefined;
  /** The function with which the rejoin tokens of `restored` were digested, if they were. */
  readonly digest?: ((secret: string) => string) | undefined;
}

/**
 * The authority of one room: who is in it, in what role, what each is expected to send and receive, how far it gets, and
 * what is done when it does not arrive. A pure machine: its state is plain data, every effect too. Never throws.
 */
export function createRoom(options: RoomOptions): Machine<RoomState, RoomInput, RoomEffect> {
  const { room, topology, timers, wallAt, locked = false } = options;
  const config: RoomConfig = {
    room,
    topology,
    timers,
    settings: { ...defaultRoomSettings(timers), ...options.settings },
    wallAt,
    digest: options.digest,
  };
  return {
    initial: options.restored ?? {
      snapshot: { room, topology, locked, participants: [], pairs: [] },
      seq: 0,
      tail: [],
      places: {},
      pairs: {},
      pairSerial: 0,
      verdicts: {},
      phase: "fresh",
      due: undefined,
    },
    step: (state, input, now) => step(config, state, input, now),
    deadline: (state) => state.due,
  };
}

function step(config: RoomConfig, state: RoomState, input: RoomInput | Tick, now: MonoMs): Step<RoomState, RoomEffect> {
  if (input.kind === "message" && saysNothing(state, input.participant, input.link, input.message)) {
    return { state, effects: NONE };
  }
  const turn = new Turn(config, state, now);
  HANDLERS[input.kind](turn, input as never);
  return finish(turn);
}

const NONE: readonly RoomEffect[] = [];

/** The common case, a heartbeat receipt, leaves the very same state. */
function saysNothing(state: RoomState, participant: string, link: string, message: RoomMessage): boolean {
  if (message.type !== "receipt") return false;
  const place = Object.hasOwn(state.places, participant) ? state.places[participant] : undefined;
  return place?.link === link && !receiptMatters(state, place, message);
}

type Handlers = {
  readonly [K in (RoomInput | Tick)["kind"]]: (turn: Turn, input: Extract<RoomInput | Tick, { kind: K }>) => void;
};

const HANDLERS: Handlers = {
  join,
  message: (turn, { participant, link, message }) => {
    const place = turn.place(participant);
    if (!place || place.link !== link) return notMember(turn, link, message);
    MESSAGES[message.type](turn, place, message as never);
  },
  connection,
  "media-facts": mediaFacts,
  "link-lost": (turn, { participant, link, heardAt = turn.now, bye = false }) =>
    linkLost(turn, participant, link, heardAt, bye),
  "link-back": (turn, { participant, link }) => linkBack(turn, participant, link),
  restored,
  drain: (turn, { reason }) => {
    if (turn.phase !== "closed") dissolve(turn, "drained", "server", reason);
  },
  tick: (turn) => {
    expireLeases(turn);
    tickPairs(turn);
    refreshDueRows(turn);
  },
};

type MessageHandlers = {
  readonly [T in RoomMessage["type"]]: (turn: Turn, place: Place, message: Extract<RoomMessage, { type: T }>) => void;
};

const MESSAGES: MessageHandlers = {
  "media-state": mediaState,
  moderate,
  view,
  leave,
  receipt: receive,
  "replay-request": replayRequest,
  signal: (turn, place, { to, signal }) => passSignal(turn, place.participant, to, signal),
};

function notMember(turn: Turn, link: string, message: RoomMessage): void {
  // Whoever leaves a room it is not in has got what it wants.
  if (message.type === "leave") return turn.tell(link, { type: "ok", id: message.id });
  const error = { type: "error", code: "room/not-member", reason: "The sender is not in the room." } as const;
  turn.tell(link, "id" in message ? { ...error, id: message.id } : error);
}

function connection(turn: Turn, input: Extract<RoomInput, { kind: "connection" }>): void {
  const { participant, session, sends, receives, videoCodecs, state } = input;
  const place = turn.place(participant);
  if (!place || turn.config.topology === "mesh") return;
  if (place.media.session !== undefined && place.media.session !== session) return;
  const { media } = place;
  const up = state === "connected" && media.state !== "connected";
  turn.patchPlace(participant, {
    media: {
      ...media,
      session,
      // One that was not named in the join begins with its first word.
      since: media.session === undefined ? turn.now : media.since,
      state: state ?? media.state,
      upAt: up ? turn.now : media.upAt,
      sends: sends ?? media.sends,
      receives: receives ?? media.receives,
      videoCodecs: videoCodecs ?? media.videoCodecs,
    },
  });
  if (receives) turn.unsettled.add(participant);
  if (sends) for (const row of turn.rowsFrom(participant)) turn.unsettled.add(row.to);
  if (state === undefined || state === media.state) return;
  const rows: Row[] = [...Object.values(place.rows), ...turn.rowsFrom(participant)];
  for (const row of rows) refreshRow(turn, row.to, row.publication);
}

function refreshDueRows(turn: Turn): void {
  for (const { participant, rows, rowsDue } of Object.values(turn.places)) {
    if (rowsDue === undefined || rowsDue > turn.now) continue;
    for (const row of Object.values(rows)) {
      if (row.due !== undefined && row.due <= turn.now) refreshRow(turn, participant, row.publication);
    }
  }
}

function finish(turn: Turn): Step<RoomState, RoomEffect> {
  renewAskedPairs(turn);
  settleEncodings(turn);
  settleScreens(turn);
  settleSubscriptions(turn);
  tellLedgers(turn);
  if (!turn.changed) return { state: turn.before, effects: turn.effects };
  const { snapshot, seq, tail, pairSerial, verdicts, phase, pairs } = turn;
  setRowDeadlines(turn);
  const state = { snapshot, seq, tail, places: turn.places, pairs, pairSerial, verdicts, phase, due: dueOf(turn) };
  return { state, effects: turn.effects };
}

/** Tells both parties of every row that changed: its receiver and its publisher. */
function tellLedgers(turn: Turn): void {
  const told = new Map<string, LedgerRow[]>();
  const add = (party: string, row: LedgerRow) => {
    const rows = told.get(party);
    if (rows) rows.push(row);
    else told.set(party, [row]);
  };
  for (const [to, publications] of turn.dirtyRows) {
    for (const publication of publications) {
      const row = turn.row(to, publication);
      const line = row && lineOf(turn, row);
      if (!line) continue;
      if (!turn.wholeLedger.has(to)) add(to, line);
      if (!turn.wholeLedger.has(row.from)) add(row.from, line);
    }
  }
  for (const party of new Set([...told.keys(), ...turn.removedRows.keys(), ...turn.wholeLedger])) {
    tellLedger(turn, party, told.get(party) ?? []);
  }
}

function tellLedger(turn: Turn, party: string, changed: LedgerRow[]): void {
  const place = turn.place(party);
  if (!place) return;
  const whole = turn.wholeLedger.has(party);
  const revision = place.ledgerRevision + 1;
  turn.patchPlace(party, { ledgerRevision: revision, ledgerToldAt: turn.now });
  const rows = whole ? allRowsOf(turn, place) : changed;
  const removed = whole ? [] : (turn.removedRows.get(party) ?? []);
  turn.tell(place.link, { type: "ledger", to: party, revision, rows, removed, whole });
}

function allRowsOf(turn: Turn, place: Place): LedgerRow[] {
  const rows = [...Object.values(place.rows), ...turn.rowsFrom(place.participant)];
  return rows.flatMap((row) => lineOf(turn, row) ?? []);
}

function lineOf(turn: Turn, row: Row): LedgerRow | undefined {
  const published = turn.published(row.from, row.source);
  return published && toLedgerRow(turn.config.topology, row, published);
}

function setRowDeadlines(turn: Turn): void {
  for (const place of Object.values(turn.places)) {
    if (place === turn.before.places[place.participant]) continue;
    let rowsDue: MonoMs | undefined;
    for (const { due } of Object.values(place.rows)) {
      if (due !== undefined && (rowsDue === undefined || due < rowsDue)) rowsDue = due;
    }
    if (rowsDue !== place.rowsDue) turn.patchPlace(place.participant, { rowsDue });
  }
}

function dueOf(turn: Turn): MonoMs | undefined {
  let due: MonoMs | undefined;
  const consider = (at: MonoMs | undefined) => {
    if (at !== undefined && (due === undefined || at < due)) due = at;
  };
  for (const place of Object.values(turn.places)) {
    consider(place.rowsDue);
    consider(leaseDue(turn, place));
    consider(encodingDue(turn, place));
  }
  for (const record of Object.values(turn.pairs)) consider(pairDue(record));
  return due;
}

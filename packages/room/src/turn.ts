import type { MonoMs, WallMs } from "@lodeline/base";
import {
  type NumberedEvent,
  type ParticipantInfo,
  type RoomEvent,
  type RoomSnapshot,
  type ServerMessage,
  SOURCES,
  type Source,
  type Timers,
  type Topology,
} from "@lodeline/protocol";
import { applyEvent } from "./apply-event.ts";
import type { MediaOp, RoomEffect } from "./room-effect.ts";
import {
  type PairRecord,
  type Place,
  type Published,
  pairKey,
  type RoomState,
  type Row,
  type TailEvent,
} from "./room-state.ts";
import type { RoomSettings } from "./settings.ts";

/** What a room is made with, settled. */
export interface RoomConfig {
  readonly room: string;
  readonly topology: Topology;
  readonly timers: Timers;
  readonly settings: RoomSettings;
  readonly wallAt: (now: MonoMs) => WallMs;
  /** With which tokens that came out of a store are compared. */
  readonly digest: ((secret: string) => string) | undefined;
}

/**
 * One step of a room under way: the state so far and the effects so far. It writes into copies of its own only; the
 * state it was made from is never touched. Lives as long as the step.
 */
export class Turn {
  readonly config: RoomConfig;
  readonly now: MonoMs;
  readonly wall: WallMs;
  readonly effects: RoomEffect[] = [];
  snapshot: RoomSnapshot;
  seq: number;
  tail: readonly TailEvent[];
  pairSerial: number;
  phase: RoomState["phase"];
  verdicts: RoomState["verdicts"];
  /** Receivers whose slot table and attachments are to be settled before the step ends. */
  readonly unsettled = new Set<string>();
  /** By receiver: publications whose rows changed. */
  readonly dirtyRows = new Map<string, Set<string>>();
  /** By party: subscriptions that are no more. */
  readonly removedRows = new Map<string, string[]>();
  /** Parties that are told their whole ledger. */
  readonly wholeLedger = new Set<string>();
  /** Pairs that a replay wants renewed; done when all rows have been judged. */
  readonly renewals: { readonly a: string; readonly b: string; readonly why: string }[] = [];
  readonly #before: RoomState;
  #places: Record<string, Place>;
  #pairs: Record<string, PairRecord>;
  readonly #ownRows = new Set<string>();
  #ownPlaces = false;
  #ownPairs = false;
  #changed = false;

  constructor(config: RoomConfig, state: RoomState, now: MonoMs) {
    this.config = config;
    this.now = now;
    this.wall = config.wallAt(now);
    this.#before = state;
    this.snapshot = state.snapshot;
    this.seq = state.seq;
    this.tail = state.tail;
    this.pairSerial = state.pairSerial;
    this.phase = state.phase;
    this.verdicts = state.verdicts;
    this.#places = state.places as Record<string, Place>;
    this.#pairs = state.pairs as Record<string, PairRecord>;
  }

  get places(): Readonly<Record<string, Place>> {
    return this.#places;
  }

  get pairs(): Readonly<Record<string, PairRecord>> {
    return this.#pairs;
  }

  /** Whether the state differs from the one the step began with. */
  get changed(): boolean {
    return this.#changed;
  }

  /** The state the step began with. */
  get before(): RoomState {
    return this.#before;
  }

  /** The place of a participant; ids from outside are safe to look up. */
  place(participant: string): Place | undefined {
    return Object.hasOwn(this.#places, participant) ? this.#places[participant] : undefined;
  }

  /** What everybody sees of a participant. */
  info(participant: string): ParticipantInfo | undefined {
    return this.snapshot.participants.find((one) => one.id === participant);
  }

  row(to: string, publication: string): Row | undefined {
    const rows = this.place(to)?.rows;
    return rows && Object.hasOwn(rows, publication) ? rows[publication] : undefined;
  }

  pairOf(a: string, b: string): PairRecord | undefined {
    const key = pairKey(a, b);
    return Object.hasOwn(this.#pairs, key) ? this.#pairs[key] : undefined;
  }

  /** Changes a place, or adds it. */
  putPlace(place: Place): void {
    this.#writablePlaces()[place.participant] = place;
  }

  /** Changes a few fields of a place that exists. */
  patchPlace(participant: string, change: Partial<Place>): void {
    const place = this.place(participant);
    if (place) this.putPlace({ ...place, ...change });
  }

  dropPlace(participant: string): void {
    delete this.#writablePlaces()[participant];
  }

  putPair(record: PairRecord): void {
    this.#writablePairs()[pairKey(record.pair.a, record.pair.b)] = record;
  }

  dropPairsOf(participant: string): void {
    for (const [key, { pair }] of Object.entries(this.#pairs)) {
      if (pair.a === participant || pair.b === participant) delete this.#writablePairs()[key];
    }
  }

  /** Changes a row, or adds it; `told`: whether the parties are to be told. */
  putRow(row: Row, told = true): void {
    const rows = this.#writableRows(row.to);
    if (!rows) return;
    rows[row.publication] = row;
    if (told) this.markRow(row);
  }

  markRow(row: Row): void {
    const dirty = this.dirtyRows.get(row.to) ?? new Set();
    this.dirtyRows.set(row.to, dirty.add(row.publication));
  }

  dropRow(row: Row): void {
    const rows = this.#writableRows(row.to);
    if (!rows) return;
    delete rows[row.publication];
    for (const party of [row.to, row.from]) {
      const removed = this.removedRows.get(party) ?? [];
      this.removedRows.set(party, removed);
      removed.push(row.subscription);
    }
  }

  published(participant: string, source: Source): Published | undefined {
    return this.place(participant)?.published[source];
  }

  /** Every row of what a participant publishes, at its receivers. */
  rowsFrom(participant: string): Row[] {
    const rows: Row[] = [];
    const publications = SOURCES.map((source) => `${participant}:${source}`);
    for (const place of Object.values(this.#places)) {
      if (place.participant === participant) continue;
      for (const publication of publications) {
        const row = place.rows[publication];
        if (row) rows.push(row);
      }
    }
    return rows;
  }

  /** Appends an event, folds it into the snapshot, and tells every place but one. */
  event(event: RoomEvent, except?: string): void {
    this.#changed = true;
    this.seq += 1;
    const numbered: NumberedEvent = { seq: this.seq, at: this.wall, event };
    const kept = this.config.settings.eventTail;
    const tail = this.tail.length >= kept ? this.tail.slice(this.tail.length - kept + 1) : this.tail.slice();
    tail.push({ event: numbered, toldAt: this.now });
    this.tail = tail;
    this.snapshot = applyEvent(this.snapshot, event);
    const to: string[] = [];
    for (const place of Object.values(this.#places)) if (place.participant !== except) to.push(place.link);
    this.effects.push({ kind: "event", event: numbered, to });
  }

  setVerdicts(verdicts: RoomState["verdicts"]): void {
    this.#changed = true;
    this.verdicts = verdicts;
  }

  tell(link: string, message: ServerMessage): void {
    this.effects.push({ kind: "tell", link, message });
  }

  media(op: MediaOp): void {
    this.effects.push({ kind: "media", op });
  }

  /** Ends the room: nothing changes it any more. */
  close(reason: "empty" | "ended" | "drained"): void {
    this.#changed = true;
    this.phase = "closed";
    this.effects.push({ kind: "closed", reason });
  }

  #writablePlaces(): Record<string, Place> {
    this.#changed = true;
    if (!this.#ownPlaces) this.#places = { ...this.#places };
    this.#ownPlaces = true;
    return this.#places;
  }

  #writablePairs(): Record<string, PairRecord> {
    this.#changed = true;
    if (!this.#ownPairs) this.#pairs = { ...this.#pairs };
    this.#ownPairs = true;
    return this.#pairs;
  }

  #writableRows(to: string): Record<string, Row> | undefined {
    const place = this.place(to);
    if (!place) return undefined;
    if (!this.#ownRows.has(to)) {
      this.#ownRows.add(to);
      this.putPlace({ ...place, rows: { ...place.rows } });
    }
    return this.place(to)?.rows as Record<string, Row> | undefined;
  }
}

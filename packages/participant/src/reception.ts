import { type Clock, drive, type Running } from "@lodeline/base";
import {
  type Offer,
  type PublishedReceipt,
  publicationId,
  type ReceivedReceipt,
  type Slots,
  type Source,
  type Standing,
  type Timers,
  type TrackKind,
  type Unreadable,
} from "@lodeline/protocol";
import { createReconciler, type ReconcilerEffect, type ReconcilerInput, type ReconcilerState } from "@lodeline/session";
import type { SessionKey } from "./ports.ts";

/** What the edge saw of media; counts are of one session's connection and rise as long as it lives. */
export interface Observation {
  /** Own sources of the room, over all its sessions. A source that is not named is unchanged. */
  readonly published: readonly {
    readonly source: Source;
    /** The track is live and gives frames or sound. */
    readonly captured: boolean;
    /** Packets of it left since the last observation. */
    readonly sent: boolean;
  }[];
  /**
   * Receiving sections, by session and mid, with what was decoded or played so far. The participant knows which
   * publication is in which section: by the slot table in an sfu room, by the offer's `sends` elsewhere.
   */
  readonly received: readonly { readonly key: SessionKey; readonly mid: string; readonly count: number }[];
}

/** What {@link Reception} needs. */
export interface ReceptionOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  standing(publication: string, standing: Standing): void;
  requestReplay(publication: string, why: string): void;
  /** Why what comes of a publication cannot be read here; undefined when it can. */
  unreadable(publication: string): Unreadable | undefined;
}

/** What is expected of one publication, and where it stands. */
interface Expected {
  readonly mediaKind: TrackKind;
  standing: Standing;
  count: number;
}

/**
 * Compares what should be received with what is: maps sections to publications, feeds the reconciler, and keeps the
 * facts that receipts carry.
 */
export class Reception implements Disposable {
  readonly #options: ReceptionOptions;
  readonly #reconciler: Running<ReconcilerState, ReconcilerInput>;
  readonly #expected = new Map<string, Expected>();
  readonly #published = new Map<Source, PublishedReceipt>();
  /** Publication by session key and mid. */
  readonly #sections = new Map<string, string>();
  /** Sections on which something was ever counted. */
  readonly #used = new Set<string>();

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#reconciler = drive(createReconciler({ timers: options.timers }), {
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
    });
  }

  /** From now on this publication should be received. */
  expect(publication: string, mediaKind: TrackKind): void {
    if (this.#expected.has(publication)) return;
    this.#expected.set(publication, { mediaKind, standing: "pending", count: 0 });
    this.#reconciler.feed({ kind: "expect", publication, mediaKind, since: this.#options.clock.now() });
    for (const [section, inIt] of this.#sections) if (inIt === publication) this.#beginAtZero(section, publication);
  }

  forget(publication: string): void {
    if (!this.#expected.delete(publication)) return;
    this.#reconciler.feed({ kind: "forget", publication });
  }

  /** Forgets every expectation whose publication passes `which`. */
  forgetWhere(which: (publication: string) => boolean): void {
    for (const publication of [...this.#expected.keys()]) if (which(publication)) this.forget(publication);
  }

  /** The slot table of the sfu session, whole. */
  setSlots(table: Slots): void {
    this.#clearSections("sfu");
    for (const { mid, publication } of table.slots) if (publication !== null) this.#place("sfu", mid, publication);
  }

  /** A negotiated offer of a pair or call: both ends send the named source on the same section. */
  setSections(key: SessionKey, remote: string, sends: Offer["sends"]): void {
    this.#clearSections(key);
    for (const { mid, source } of sends) this.#place(key, mid, publicationId(remote, source));
  }

  /**
   * A session with new sections begins: nothing was counted on them, and what was received on the old ones proves
   * nothing of these. The authority begins anew as well, so every row has to be told again.
   *
   * @param carries - Whether a publication comes by this session.
   */
  restart(key: SessionKey, carries: (publication: string) => boolean): void {
    this.#clearSections(key);
    for (const section of [...this.#used]) if (section.startsWith(`${key} `)) this.#used.delete(section);
    for (const [publication, { mediaKind }] of [...this.#expected]) {
      if (!carries(publication)) continue;
      this.forget(publication);
      this.expect(publication, mediaKind);
    }
  }

  observe(observation: Observation): void {
    for (const { source, captured, sent } of observation.published)
      this.#published.set(source, { source, captured, sent });
    for (const { key, mid, count } of observation.received) {
      const section = `${key} ${mid}`;
      if (count > 0) this.#used.add(section);
      const publication = this.#sections.get(section);
      const expected = publication === undefined ? undefined : this.#expected.get(publication);
      // Packets and frames come of what cannot be read as well, and prove nothing.
      if (publication === undefined || !expected || this.#options.unreadable(publication)) continue;
      expected.count = count;
      this.#reconciler.feed({ kind: "observed", publication, count });
    }
  }

  /** The facts of own sources, as last observed. */
  get published(): readonly PublishedReceipt[] {
    return [...this.#published.values()];
  }

  /** The facts of expected publications that pass `which`. */
  received(which: (publication: string) => boolean): ReceivedReceipt[] {
    const rows: ReceivedReceipt[] = [];
    for (const [publication, { standing, count }] of this.#expected) {
      if (!which(publication)) continue;
      const unreadable = this.#options.unreadable(publication);
      const received = standing === "received" && !unreadable;
      rows.push({ publication, received, count, ...(unreadable && { unreadable }) });
    }
    return rows;
  }

  standing(publication: string): Standing {
    return this.#expected.get(publication)?.standing ?? "off";
  }

  /** The publication in a section; undefined when none is. */
  publicationIn(key: SessionKey, mid: string): string | undefined {
    return this.#sections.get(`${key} ${mid}`);
  }

  [Symbol.dispose](): void {
    this.#reconciler[Symbol.dispose]();
  }

  #place(key: SessionKey, mid: string, publication: string): void {
    const section = `${key} ${mid}`;
    this.#sections.set(section, publication);
    if (this.#expected.has(publication)) this.#beginAtZero(section, publication);
  }

  /** On a section that never carried anything the first frame is proof by itself: zero is the base. */
  #beginAtZero(section: string, publication: string): void {
    if (!this.#used.has(section)) this.#reconciler.feed({ kind: "observed", publication, count: 0 });
  }

  #clearSections(key: SessionKey): void {
    for (const section of [...this.#sections.keys()]) if (section.startsWith(`${key} `)) this.#sections.delete(section);
  }

  #perform(effect: ReconcilerEffect): void {
    if (effect.kind === "request-replay") {
      // The key is what is missing, and nobody there can give it.
      if (this.#options.unreadable(effect.publication)) return;
      this.#options.requestReplay(effect.publication, effect.why);
      return;
    }
    const expected = this.#expected.get(effect.publication);
    if (expected) expected.standing = effect.standing;
    this.#options.standing(effect.publication, effect.standing);
  }
}

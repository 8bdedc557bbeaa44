import type { Clock, Timer } from "@lodeline/base";
import type { EndReason, Offer, Signal } from "@lodeline/protocol";
import type { JoinOffer, MemberInput } from "@lodeline/room";
import { type SessionTable, sessionIdOf } from "./session-table.ts";

/** A request for a place that waits for the first offer. */
type JoinInput = Extract<MemberInput, { kind: "join" }>;

/** What {@link SfuOffers} needs. */
export interface SfuOffersOptions {
  readonly clock: Clock;
  readonly table: SessionTable;
  newSession(): string;
  /** To the sfu's end of the session. */
  send(signal: Signal): void;
  /** To the member. */
  feed(input: MemberInput): void;
  /** No offer could be made for a join. */
  failed(reason: EndReason): void;
}

/**
 * After a session that came to nothing before its offer: the wait before the next is tried; doubles. What failed is at this
 * end, and to try again costs nobody else anything: whoever waits longer stays without media long after the cause has gone.
 */
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 1_500;

/**
 * The sfu session of a room, as far as it is bound to the join: its first offer goes into the join (or the rejoin), its
 * answer comes with `joined`, and what it says meanwhile waits until the place is given.
 */
export class SfuOffers implements Disposable {
  readonly #options: SfuOffersOptions;
  /** The present session. */
  #session: string | undefined;
  /** Who waits for its first offer. */
  #wanted: { readonly join: JoinInput } | "member" | undefined;
  /** Signals for after the place was given. */
  #waiting: Signal[] = [];
  /** What the last offer holds, by epoch, until it is answered. */
  #receives: { readonly epoch: number; readonly audio: number; readonly video: number } | undefined;
  #failures = 0;
  #retry: Timer | undefined;

  constructor(options: SfuOffersOptions) {
    this.#options = options;
  }

  /** Makes the session whose offer goes into this join, then joins. */
  beginJoin(join: JoinInput): void {
    this.#wanted = { join };
    this.#begin();
  }

  /** The wishes changed while the join waits for its offer. */
  reviseJoin(change: (join: JoinInput) => JoinInput): void {
    if (typeof this.#wanted === "object") this.#wanted = { join: change(this.#wanted.join) };
  }

  /** The join that waits for its offer; undefined when none does. */
  get waitingJoin(): JoinInput | undefined {
    return typeof this.#wanted === "object" ? this.#wanted.join : undefined;
  }

  /** The member wants a fresh offer: for a rejoin, or as the last repair. The earlier session is over. */
  beginAnew(): void {
    this.#wanted = "member";
    this.#begin();
  }

  /** No sfu session is wanted any more; one that runs ends with this reason. */
  stop(reason: EndReason): void {
    this.#retry?.cancel();
    this.#wanted = undefined;
    this.#waiting = [];
    this.#failures = 0;
    const line = this.#options.table.get("sfu");
    if (this.#session !== undefined) line?.running.feed({ kind: "end", reason });
    this.#session = undefined;
  }

  /** The session speaks. */
  signal(signal: Signal, inRoom: boolean): void {
    if (signal.body.kind === "offer") this.#noteOffer(signal.epoch, signal.body.offer);
    const isPresent = signal.session === this.#session;
    if (isPresent && this.#wanted !== undefined && signal.body.kind === "offer") {
      this.#giveOffer({ session: signal.session, offer: signal.body.offer });
    } else if (inRoom) {
      this.#options.send(signal);
    } else if (isPresent) {
      this.#waiting.push(signal);
    }
  }

  /** The place was given: what waited may go. */
  admitted(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const signal of waiting) this.#options.send(signal);
  }

  /** The answer that came with `joined`. */
  answered(session: string, sdp: string): void {
    const line = this.#options.table.get("sfu");
    // Number 0: the first answer travels outside the session's own numbering.
    line?.running.feed({ kind: "signal", signal: { session, epoch: 1, seq: 0, body: { kind: "answer", sdp } } });
  }

  /** More is live than there are slots. */
  growSlots(audio: number, video: number): void {
    const line = this.#options.table.get("sfu");
    const session = line && sessionIdOf(line.running.state);
    if (!line || session === undefined) return;
    line.drivers.get(session)?.growSlots(audio, video);
    line.running.feed({ kind: "renegotiate", why: "more receive slots", iceRestart: false });
  }

  /** A negotiation of the session is settled. */
  negotiated(epoch: number): void {
    const receives = this.#receives;
    if (receives?.epoch !== epoch) return;
    this.#receives = undefined;
    if (epoch > 1) this.#options.feed({ kind: "receives", audio: receives.audio, video: receives.video });
  }

  /** A session is over. */
  ended(session: string, reason: EndReason): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#waiting = [];
    const wanted = this.#wanted;
    if (wanted === undefined) {
      this.#options.feed({ kind: "session-ended", session, reason });
    } else if (wanted === "member") {
      this.#retryLater();
    } else {
      this.#wanted = undefined;
      this.#options.failed(reason);
    }
  }

  [Symbol.dispose](): void {
    this.#retry?.cancel();
    this.#wanted = undefined;
  }

  #begin(): void {
    this.#retry?.cancel();
    this.#waiting = [];
    const { table, newSession } = this.#options;
    const session = newSession();
    this.#session = session;
    table.line("sfu", "sfu", "self").running.feed({ kind: "assign", session, role: "offerer" });
  }

  #retryLater(): void {
    const { clock } = this.#options;
    const waitMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    this.#failures += 1;
    this.#retry = clock.at(clock.now() + waitMs, () => {
      if (this.#wanted === "member") this.#begin();
    });
  }

  #giveOffer(offer: JoinOffer): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    this.#failures = 0;
    if (wanted === "member") this.#options.feed({ kind: "offer", offer });
    else if (wanted) this.#options.feed({ ...wanted.join, offer });
  }

  #noteOffer(epoch: number, offer: Offer): void {
    const count = (kind: "audio" | "video") => offer.receives.filter((section) => section.kind === kind).length;
    this.#receives = { epoch, audio: count("audio"), video: count("video") };
  }
}

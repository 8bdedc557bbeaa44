import { type Clock, Emitter, type Listenable, type ListenOptions, type Timer } from "@lodeline/base";
import {
  type CallSent,
  type EndReason,
  type LedgerRow,
  type Moderation,
  parsePublicationId,
  type RoomSnapshot,
  type Slots,
  type Source,
  type Sources,
  type Standing,
  type Unreadable,
  type View,
} from "@lodeline/protocol";
import { type Intent, type Mirror, ownSources } from "@lodeline/room";
import type { CallOptions } from "./call-desk.ts";
import type { CallRow } from "./call-truth.ts";
import type { JoinOptions } from "./join-options.ts";
import type {
  LinkStateName,
  Membership,
  ParticipantEvents,
  RoomPlace,
  SessionView,
  StandingWords,
} from "./participant-events.ts";
import type { ParticipantOptions } from "./participant-options.ts";
import type { SessionKey } from "./ports.ts";
import type { Observation } from "./reception.ts";
import { viewOf } from "./session-table.ts";
import { Wiring } from "./wiring.ts";
import { wordsFor, worstOf } from "./words.ts";

/**
 * One participant, whole: link, membership of a room, sessions, reconciler, wired together without touching the world.
 * The browser SDK, bots and the simulation run this same class; they differ in the clock and the ports.
 *
 * Everything is told by events and read by getters; no method waits.
 */
export class Participant implements Listenable<ParticipantEvents>, Disposable {
  readonly #clock: Clock;
  readonly #events = new Emitter<ParticipantEvents>();
  readonly #wiring: Wiring;
  #closing: { reason: "left" | "page-closed"; giveUp: Timer } | undefined;
  #closed = false;

  constructor(options: ParticipantOptions) {
    this.#clock = options.clock;
    this.#wiring = new Wiring(options, this.#events, () => this.#settle());
  }

  /** Opens the link. Does nothing when it is open or opening. */
  connect(): void {
    if (!this.#closed && !this.#closing) this.#wiring.link.open();
  }

  /** The token of the next hello; set it before an older one expires or after `auth/token-expired`. */
  setToken(token: string | undefined): void {
    this.#wiring.token = token;
  }

  /** The page is shown again: reconnect at once, or make sure that the link lives. */
  wake(): void {
    this.#wiring.link.wake();
  }

  /**
   * The network came back, or is another one: as {@link Participant.wake}, and the link moves to a new socket unless the
   * present one shows at once that it lives. Harmless where nothing changed. Sessions need no word of it: ICE finds another
   * path by itself, and what the link carries again restarts it where none is left.
   */
  networkChanged(): void {
    this.#wiring.link.networkChanged();
  }

  /**
   * Enters a room: `joined` or `join-failed` follows. Opens the link if need be.
   *
   * @throws TypeError when in a room already.
   */
  join(options: JoinOptions): void {
    if (this.#closing || this.#closed) throw new TypeError("join: this participant is closed");
    this.connect();
    this.#wiring.seat.join(options);
  }

  /** Leaves the room; its sessions end with `left`, then `left` is told. Does nothing outside. */
  leave(): void {
    this.#wiring.seat.leave();
  }

  /** Says what others should receive of an own source. Shown at once, confirmed or corrected by `source`. */
  setSource(source: Source, intent: Intent): void {
    this.#wiring.seat.setSource(source, intent);
  }

  /** Acts as a moderator. @returns The command's id, answered by a `command` event. */
  moderate(action: Moderation): string {
    return this.#wiring.seat.moderate(action);
  }

  /** Says what is shown, and how large; whatever is not named is visible at default size. */
  setViews(views: readonly View[]): void {
    this.#wiring.seat.setViews(views);
  }

  /**
   * Calls a person or the server peer. While that person's call rings here, the same as `accept`.
   *
   * @returns The session's key.
   * @throws TypeError for the own identity.
   */
  call(identity: string, options: CallOptions): SessionKey {
    if (identity === this.identity) throw new TypeError("call: a person cannot call their own identity");
    this.connect();
    return this.#wiring.calls.call(identity, this.identity ?? "", options);
  }

  /** Takes a call. Does nothing when it no longer rings. */
  accept(key: SessionKey): void {
    this.#wiring.calls.accept(key);
  }

  /** Declines a call. */
  reject(key: SessionKey, reason: EndReason = "declined"): void {
    this.#wiring.calls.reject(key, reason);
  }

  /** Ends a call or gives up calling. */
  hangup(key: SessionKey, reason: EndReason = "hangup"): void {
    this.#wiring.calls.hangup(key, reason);
  }

  /**
   * Says what this end sends in a call, whole: what its person wants of each source that has a track, and whether packets
   * leave. The other end expects what is `live`. Until it is first said, all that the call was asked for is.
   */
  setCallSends(key: SessionKey, sends: readonly CallSent[]): void {
    this.#wiring.calls.sends(key, sends);
  }

  /** The ledger of a call: what each end means to send, and whether the other hears and sees it. Empty without media. */
  callRows(key: SessionKey): readonly CallRow[] {
    return this.#wiring.calls.truth(key)?.rows ?? [];
  }

  /** Negotiates one session anew, e.g. after transceivers were added. */
  renegotiate(key: SessionKey, why: string, iceRestart = false): void {
    this.#wiring.table.get(key)?.running.feed({ kind: "renegotiate", why, iceRestart });
  }

  /** Tells what the edge saw of media. */
  observe(observation: Observation): void {
    this.#wiring.reception.observe(observation);
    this.#wiring.seat.report();
  }

  /**
   * Ends everything: calls, room, link. `closed` is told once the last session has run its stop plan.
   *
   * @param reason - `page-closed` when nothing can be awaited: sessions begin every step of their teardown at once, the
   * place in the room is kept for a reload, and the link says bye.
   */
  close(reason: "left" | "page-closed" = "left"): void {
    if (this.#closing || this.#closed) return;
    const { endingMs } = this.#wiring.timers;
    const giveUp = this.#clock.at(this.#clock.now() + 2 * endingMs, () => this[Symbol.dispose]());
    this.#closing = { reason, giveUp };
    if (reason === "page-closed") {
      for (const line of this.#wiring.table.lines()) line.running.feed({ kind: "end", reason });
      this[Symbol.dispose]();
      return;
    }
    this.#wiring.calls.endAll("hangup");
    this.#wiring.seat.leave();
    this.#settle();
  }

  /** Drops everything at once: drivers are closed, the link says bye, nothing is told any more. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing?.giveUp.cancel();
    this.#wiring.table[Symbol.dispose]();
    this.#wiring.seat[Symbol.dispose]();
    this.#wiring.calls[Symbol.dispose]();
    this.#wiring.reception[Symbol.dispose]();
    this.#wiring.link.close(this.#closing?.reason ?? "disposed");
    this.#wiring.link[Symbol.dispose]();
    this.#events.emit("closed", {});
    this.#events.clear();
  }

  on<Name extends keyof ParticipantEvents>(
    name: Name,
    listener: (event: ParticipantEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#events.on(name, listener, options);
  }

  /** State of the link. */
  get linkState(): LinkStateName {
    return this.#wiring.clientLink.state;
  }

  /** The last measured round trip to the server, ms; undefined before the first. */
  get linkRttMs(): number | undefined {
    return this.#wiring.clientLink.rttMs;
  }

  /** Who the server says this is; undefined before the first welcome. */
  get identity(): string | undefined {
    return this.#wiring.clientLink.identity;
  }

  /** Whether in a room. */
  get membership(): Membership {
    return this.#wiring.seat.membership;
  }

  /** The own place in the room, as a reload needs it; undefined outside. */
  get place(): RoomPlace | undefined {
    return this.#wiring.seat.place;
  }

  /** The own sources: what this participant wants, under what a moderator muted; ahead of the server's answer. */
  get ownSources(): Sources {
    return ownSources(this.#wiring.seat.state);
  }

  /** The room as the authority told it; undefined outside. */
  get room(): RoomSnapshot | undefined {
    return this.#mirror?.room;
  }

  /** The ledger rows this participant is part of. */
  get ledger(): readonly LedgerRow[] {
    return Object.values(this.#mirror?.ledger ?? {});
  }

  /** The last slot table; undefined outside of sfu rooms. */
  get slots(): Slots | undefined {
    const mirror = this.#mirror;
    return mirror?.room.topology === "sfu" ? mirror.slots : undefined;
  }

  /** Every session there is. */
  get sessions(): readonly SessionView[] {
    return this.#wiring.table
      .lines()
      .filter((line) => line.running.state.kind !== "Idle")
      .map(viewOf);
  }

  /** One session; undefined when there is none under this key. */
  session(key: SessionKey): SessionView | undefined {
    const line = this.#wiring.table.get(key);
    return line && line.running.state.kind !== "Idle" ? viewOf(line) : undefined;
  }

  /** The publication that is in a receiving section; undefined when none is. */
  publicationIn(key: SessionKey, mid: string): string | undefined {
    return this.#wiring.reception.publicationIn(key, mid);
  }

  /** What the local reconciler says of a publication; `off` when it is not expected. */
  standing(publication: string): Standing {
    return this.#wiring.reception.standing(publication);
  }

  /**
   * What a tile says of a publication. Of an own one: whether all others receive it, by the ledger. Of another's the
   * reconciler decides; until it has seen media the ledger may know better, because an announcement was lost.
   */
  words(publication: string): StandingWords {
    const mirror = this.#mirror;
    const here = this.standing(publication);
    if (!mirror) return wordsFor(undefined, publication, here);
    const isOwn = parsePublicationId(publication)?.participant === mirror.participant;
    const rows = Object.values(mirror.ledger).filter((row) => row.publication === publication);
    const held = rows.find((row) => isOwn || row.to === mirror.participant)?.held;
    if (isOwn) return wordsFor(mirror.room, publication, worstOf(rows.map((row) => row.standing)), { held });
    const unreadable = this.unreadable(publication);
    const isMissing = !unreadable && rows.some((row) => row.to === mirror.participant && row.standing === "missing");
    return (here === "off" || here === "pending") && isMissing
      ? "missing: asking again"
      : wordsFor(mirror.room, publication, here, { held, unreadable });
  }

  /** Why what comes of a publication cannot be read here: by the edge's word, or because there are no keys at all. */
  unreadable(publication: string): Unreadable | undefined {
    return this.#wiring.seat.unreadable(publication);
  }

  /**
   * Says whether what comes of a publication can be decrypted.
   *
   * @param anew - It could not be, and that may have changed: the room sends some more of it to find out.
   */
  setUnreadable(publication: string, why: Unreadable | undefined, anew = false): void {
    this.#wiring.seat.setUnreadable(publication, why, anew);
  }

  /** True when closed and nothing is left: no session, socket or timer. */
  get closed(): boolean {
    return this.#closed;
  }

  get #mirror(): Mirror | undefined {
    const { phase } = this.#wiring.seat.state;
    return phase.kind === "in" || phase.kind === "leaving" ? phase.mirror : undefined;
  }

  /** While closing: done when no session is under way and the room has let go. */
  #settle(): void {
    if (this.#closing && !this.#wiring.table.busy && this.#wiring.seat.membership === "outside") this[Symbol.dispose]();
  }
}

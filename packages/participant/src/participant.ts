import {
  type Clock,
  Emitter,
  isErrorCode,
  type Listenable,
  type ListenOptions,
  LodelineError,
  type Random,
  type Timer,
} from "@lodeline/base";
import {
  DEFAULT_TIMERS,
  type EndReason,
  type LedgerRow,
  type Moderation,
  type NumberedEvent,
  parsePublicationId,
  type RoomSnapshot,
  type ServerMessage,
  type Slots,
  type Source,
  type Sources,
  type Standing,
  type Timers,
  type View,
} from "@lodeline/protocol";
import { type Intent, type Mirror, ownSources } from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import { ClientLink, type ClientLinkState } from "@lodeline/signaling";
import { CallDesk, type CallOptions } from "./call-desk.ts";
import { LinkDriver } from "./link-driver.ts";
import type {
  LinkStateName,
  Membership,
  ParticipantEvents,
  RoomPlace,
  SessionView,
  StandingWords,
} from "./participant-events.ts";
import type { ParticipantPorts, SessionKey, SessionUse } from "./ports.ts";
import { type Observation, Reception } from "./reception.ts";
import { type JoinOptions, RoomSeat } from "./room-seat.ts";
import { type SessionLine, SessionTable, viewOf } from "./session-table.ts";
import { wordsFor, worstOf } from "./words.ts";

/** What a participant is made of. */
export interface ParticipantOptions {
  readonly clock: Clock;
  /** Must be cryptographic outside tests: session ids and secrets come of it. */
  readonly random: Random;
  readonly ports: ParticipantPorts;
  /** Every wait, by name. What is not named is as in `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /** The name that others read. */
  readonly name: string;
  /** A JWT; not needed where the server is open. See {@link Participant.setToken}. */
  readonly token?: string | undefined;
  /** Whether sessions carry a data channel. Default: true. */
  readonly dataChannel?: boolean | undefined;
  /**
   * Which sessions open and release devices within their own plans. Default: calls do; in a room the devices belong to
   * the participant, outlive a session that is replaced, and steps 2 to 4 are skipped.
   */
  readonly captures?: Partial<Record<SessionUse, boolean>> | undefined;
  /**
   * Begins the id of every command, and must be a secret of at least 16 signs. A page that is reloaded before its join
   * was answered hands in the same one again: the same join gives the same place, and nobody is left behind. Default: a
   * new one.
   */
  readonly commandPrefix?: string | undefined;
}

/**
 * One participant, whole: link, membership of a room, sessions, reconciler, wired together without touching the world.
 * The browser SDK, bots and the simulation run this same class; they differ in the clock and the ports.
 *
 * Everything is told by events and read by getters; no method waits.
 */
export class Participant implements Listenable<ParticipantEvents>, Disposable {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #events = new Emitter<ParticipantEvents>();
  readonly #clientLink: ClientLink;
  readonly #link: LinkDriver;
  readonly #table: SessionTable;
  readonly #reception: Reception;
  readonly #seat: RoomSeat;
  readonly #calls: CallDesk;
  #token: string | undefined;
  #closing: { reason: "left" | "page-closed"; giveUp: Timer } | undefined;
  #closed = false;

  constructor(options: ParticipantOptions) {
    const { clock, random, ports, name } = options;
    const timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#clock = clock;
    this.#timers = timers;
    this.#token = options.token;
    this.#clientLink = new ClientLink({ timers, random, credentials: () => ({ token: this.#token, name }) });
    this.#link = new LinkDriver({
      clock,
      socket: ports.socket,
      link: this.#clientLink,
      listener: this.#linkListener(),
    });
    this.#table = new SessionTable({
      clock,
      timers,
      dataChannel: options.dataChannel ?? true,
      captures: { sfu: false, pair: false, call: true, ...options.captures },
      peers: ports.peers,
      listener: {
        opened: (line) => this.#reception.restart(line.key, (publication) => carries(line, publication)),
        offered: (line, sends) => this.#offered(line, sends),
        signal: (line, signal) => (line.use === "call" ? this.#calls : this.#seat).signal(line, signal),
        event: (line, event) => this.#sessionEvent(line, event),
      },
    });
    this.#reception = new Reception({
      clock,
      timers,
      standing: (publication, standing) => this.#standingChanged(publication, standing),
      requestReplay: (publication, why) => {
        if (!this.#calls.requestReplay(publication, why)) this.#seat.requestReplay(publication, why);
      },
    });
    const shared = {
      clock,
      random,
      timers,
      name,
      table: this.#table,
      reception: this.#reception,
      send: (message: Parameters<LinkDriver["send"]>[0]) => this.#link.send(message),
      emit: <Name extends keyof ParticipantEvents>(event: Name, value: ParticipantEvents[Name]) =>
        this.#events.emit(event, value),
    };
    this.#seat = new RoomSeat({ ...shared, commandPrefix: options.commandPrefix });
    this.#calls = new CallDesk(shared);
  }

  /** Opens the link. Does nothing when it is open or opening. */
  connect(): void {
    if (!this.#closed && !this.#closing) this.#link.open();
  }

  /** The token of the next hello; set it before an older one expires or after `auth/token-expired`. */
  setToken(token: string | undefined): void {
    this.#token = token;
  }

  /** The network came back or the page is shown again: reconnect at once. */
  wake(): void {
    this.#link.wake();
  }

  /**
   * Enters a room: `joined` or `join-failed` follows. Opens the link if need be.
   *
   * @throws TypeError when in a room already.
   */
  join(options: JoinOptions): void {
    if (this.#closing || this.#closed) throw new TypeError("join: this participant is closed");
    this.connect();
    this.#seat.join(options);
  }

  /** Leaves the room; its sessions end with `left`, then `left` is told. Does nothing outside. */
  leave(): void {
    this.#seat.leave();
  }

  /** Says what others should receive of an own source. Shown at once, confirmed or corrected by `source`. */
  setSource(source: Source, intent: Intent): void {
    this.#seat.setSource(source, intent);
  }

  /** Acts as a moderator. @returns The command's id, answered by a `command` event. */
  moderate(action: Moderation): string {
    return this.#seat.moderate(action);
  }

  /** Says what is shown, and how large; whatever is not named is visible at default size. */
  setViews(views: readonly View[]): void {
    this.#seat.setViews(views);
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
    return this.#calls.call(identity, this.identity ?? "", options);
  }

  /** Takes a call. Does nothing when it no longer rings. */
  accept(key: SessionKey): void {
    this.#calls.accept(key);
  }

  /** Declines a call. */
  reject(key: SessionKey, reason: EndReason = "declined"): void {
    this.#calls.reject(key, reason);
  }

  /** Ends a call or gives up calling. */
  hangup(key: SessionKey, reason: EndReason = "hangup"): void {
    this.#calls.hangup(key, reason);
  }

  /** Negotiates one session anew, e.g. after transceivers were added. */
  renegotiate(key: SessionKey, why: string, iceRestart = false): void {
    this.#table.get(key)?.running.feed({ kind: "renegotiate", why, iceRestart });
  }

  /** Tells what the edge saw of media. */
  observe(observation: Observation): void {
    this.#reception.observe(observation);
    this.#seat.report();
  }

  /**
   * Ends everything: calls, room, link. `closed` is told once the last session has run its stop plan.
   *
   * @param reason - `page-closed` when nothing can be awaited: sessions begin every step of their teardown at once, the
   * place in the room is kept for a reload, and the link says bye.
   */
  close(reason: "left" | "page-closed" = "left"): void {
    if (this.#closing || this.#closed) return;
    const { endingMs } = this.#timers;
    const giveUp = this.#clock.at(this.#clock.now() + 2 * endingMs, () => this[Symbol.dispose]());
    this.#closing = { reason, giveUp };
    if (reason === "page-closed") {
      for (const line of this.#table.lines()) line.running.feed({ kind: "end", reason });
      this[Symbol.dispose]();
      return;
    }
    this.#calls.endAll("hangup");
    this.#seat.leave();
    this.#settle();
  }

  /** Drops everything at once: drivers are closed, the link says bye, nothing is told any more. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing?.giveUp.cancel();
    this.#table[Symbol.dispose]();
    this.#seat[Symbol.dispose]();
    this.#reception[Symbol.dispose]();
    this.#link.close(this.#closing?.reason ?? "disposed");
    this.#link[Symbol.dispose]();
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
    return this.#clientLink.state;
  }

  /** The last measured round trip to the server, ms; undefined before the first. */
  get linkRttMs(): number | undefined {
    return this.#clientLink.rttMs;
  }

  /** Who the server says this is; undefined before the first welcome. */
  get identity(): string | undefined {
    return this.#clientLink.identity;
  }

  /** Whether in a room. */
  get membership(): Membership {
    return this.#seat.membership;
  }

  /** The own place in the room, as a reload needs it; undefined outside. */
  get place(): RoomPlace | undefined {
    return this.#seat.place;
  }

  /** The own sources: what this participant wants, under what a moderator muted; ahead of the server's answer. */
  get ownSources(): Sources {
    return ownSources(this.#seat.state);
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
    return this.#table
      .lines()
      .filter((line) => line.running.state.kind !== "Idle")
      .map(viewOf);
  }

  /** One session; undefined when there is none under this key. */
  session(key: SessionKey): SessionView | undefined {
    const line = this.#table.get(key);
    return line && line.running.state.kind !== "Idle" ? viewOf(line) : undefined;
  }

  /** The publication that is in a receiving section; undefined when none is. */
  publicationIn(key: SessionKey, mid: string): string | undefined {
    return this.#reception.publicationIn(key, mid);
  }

  /** What the local reconciler says of a publication; `off` when it is not expected. */
  standing(publication: string): Standing {
    return this.#reception.standing(publication);
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
    if (isOwn) return wordsFor(mirror.room, publication, worstOf(rows.map((row) => row.standing)));
    const isMissing = rows.some((row) => row.to === mirror.participant && row.standing === "missing");
    return (here === "off" || here === "pending") && isMissing
      ? "missing: asking again"
      : wordsFor(mirror.room, publication, here);
  }

  /** True when closed and nothing is left: no session, socket or timer. */
  get closed(): boolean {
    return this.#closed;
  }

  get #mirror(): Mirror | undefined {
    const { phase } = this.#seat.state;
    return phase.kind === "in" || phase.kind === "leaving" ? phase.mirror : undefined;
  }

  #linkListener(): ConstructorParameters<typeof LinkDriver>[0]["listener"] {
    return {
      message: (message) => this.#message(message),
      state: (state, reason) => this.#linkState(state, reason),
      renewed: () => {
        // The other end of a call is told by the server; what is said on the new link cannot reach this call's end.
        this.#calls.endAll("link-lost");
        this.#seat.renewed();
      },
      refused: (error) => this.#events.emit("refused", { error }),
      rejected: (error) => this.#events.emit("error", { error }),
    };
  }

  #linkState(state: ClientLinkState, reason: Parameters<typeof isErrorCode>[0] | undefined): void {
    this.#seat.linkOpen(state === "open");
    const error = reason !== undefined && isErrorCode(reason) ? new LodelineError(reason) : undefined;
    this.#events.emit("link", { state, error });
  }

  #message(message: ServerMessage): void {
    if (message.type === "signal") {
      if (message.scope === "call") this.#calls.heard(message.from, this.identity ?? "", message.signal);
      else this.#seat.heard(message.from, message.signal);
      return;
    }
    if (message.type === "room-event") this.#tellDepartures(message.events);
    this.#seat.message(message);
    if (message.type === "error" && message.id === undefined && isErrorCode(message.code)) {
      const error = new LodelineError(message.code, { detail: message.reason, field: message.field });
      this.#events.emit("error", { error });
    }
  }

  #tellDepartures(events: readonly NumberedEvent[]): void {
    for (const { event } of events) {
      if (event.kind !== "peer-left") continue;
      this.#events.emit("peer-left", { participant: event.participant, reason: event.reason });
    }
  }

  #offered(line: SessionLine, sends: Parameters<Reception["setSections"]>[2]): void {
    if (line.use !== "sfu") this.#reception.setSections(line.key, line.remote, sends);
  }

  #sessionEvent(line: SessionLine, event: SessionEvent): void {
    (line.use === "call" ? this.#calls : this.#seat).sessionEvent(line, event);
    this.#events.emit("session", { key: line.key, session: event.session, event });
    if (event.kind === "stateChanged" && event.state === "Idle") this.#settle();
  }

  #standingChanged(publication: string, standing: Standing): void {
    this.#events.emit("standing", { publication, standing });
    this.#seat.report();
  }

  /** While closing: done when no session is under way and the room has let go. */
  #settle(): void {
    if (this.#closing && !this.#table.busy && this.#seat.membership === "outside") this[Symbol.dispose]();
  }
}

/** Whether a publication comes by the sessions of a line. Identities and participants are told apart by their use. */
function carries(line: SessionLine, publication: string): boolean {
  const owner = parsePublicationId(publication)?.participant;
  return line.use === "sfu" ? owner !== undefined : owner === line.remote;
}

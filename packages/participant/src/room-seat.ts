import { type Clock, createId, createSecret, drive, LodelineError, type Random, type Running } from "@lodeline/base";
import {
  type ClientMessage,
  type EndReason,
  type Moderation,
  parsePublicationId,
  type ReceivedReceipt,
  type ServerMessage,
  type Signal,
  type Source,
  type Sources,
  type Timers,
  type Unreadable,
  type View,
} from "@lodeline/protocol";
import {
  createMember,
  type Intent,
  type MemberEffect,
  type MemberInput,
  type MemberState,
  nextCommandId,
  ownSources,
} from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import { type JoinOptions, joinRequest, sourceNews } from "./join-options.ts";
import type { Membership, ParticipantEvents, RoomPlace } from "./participant-events.ts";
import type { Reception } from "./reception.ts";
import { RoomSessions } from "./room-sessions.ts";
import { isOfCall, type SessionLine, type SessionTable } from "./session-table.ts";

/** What {@link RoomSeat} needs. */
export interface RoomSeatOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly name: string;
  readonly table: SessionTable;
  readonly reception: Reception;
  send(message: ClientMessage): void;
  emit<Name extends keyof ParticipantEvents>(name: Name, event: ParticipantEvents[Name]): void;
}

/** Why the sessions of a room end, by the code with which the place was lost. */
const END_REASONS: Partial<Record<string, EndReason>> = {
  "link/closed": "left",
  "room/removed": "removed",
  "room/ended": "room-ended",
  "room/replaced": "replaced",
};

/** A participant's part in one room: runs the member that mirrors it, and tells the app what it needs to know. */
export class RoomSeat implements Disposable {
  readonly #options: RoomSeatOptions;
  readonly #member: Running<MemberState, MemberInput>;
  readonly #sessions: RoomSessions;
  #room = "";
  #place: RoomPlace | undefined;
  #joinCommand: string | undefined;
  /** Whether the join is for a place that an earlier page has or may have. */
  #claims = false;
  /** Whether that place is to be left as soon as it is taken. */
  #givesBack = false;
  #told: Sources | undefined;
  /** Whether this participant has keys. */
  #hasKeys = false;
  /** What the edge found unreadable. `anew`: the room is not told, so that it sends some more of it to find out. */
  readonly #unreadable = new Map<string, { readonly why: Unreadable; readonly anew: boolean }>();

  constructor(options: RoomSeatOptions) {
    this.#options = options;
    const { clock, random, timers, table, send } = options;
    const machine = createMember({ timers, commandPrefix: createSecret(random, 16) });
    this.#member = drive(machine, { clock, perform: (effect) => this.#perform(effect) });
    this.#sessions = new RoomSessions({
      clock,
      table,
      newSession: () => createId(random, "s"),
      send,
      feed: (input) => this.#member.feed(input),
      failed: (reason) => this.#joinFailed(reason),
      self: () => this.#place?.participant,
    });
  }

  get state(): MemberState {
    return this.#member.state;
  }

  get membership(): Membership {
    if (this.#sessions.offers.waitingJoin) return "joining";
    if (this.#givesBack) return "leaving";
    return MEMBERSHIPS[this.#member.state.phase.kind];
  }

  get place(): RoomPlace | undefined {
    return this.#place;
  }

  join(options: JoinOptions): void {
    if (this.membership !== "outside") throw new TypeError("join: this participant is in a room already");
    this.#room = options.room;
    this.#told = undefined;
    this.#hasKeys = options.encryption !== undefined;
    this.#unreadable.clear();
    this.#claims = options.command !== undefined || options.rejoin !== undefined;
    // A new command gets its id when it goes out: while it waits for its offer, another command may take the next one.
    this.#joinCommand = options.command;
    const request = joinRequest(options, this.#options.name);
    if (options.topology === "mesh") this.#member.feed(request);
    else this.#sessions.offers.beginJoin(request);
  }

  leave(): void {
    const { waitingJoin } = this.#sessions.offers;
    if (waitingJoin) this.#giveUp(waitingJoin);
    else if (this.#member.state.phase.kind === "joining" && this.#claims) this.#giveBack();
    else if (this.membership !== "outside") this.#member.feed({ kind: "leave" });
  }

  /** Left before the join was sent. */
  #giveUp(join: Extract<MemberInput, { kind: "join" }>): void {
    this.#sessions.offers.stop("left");
    if (this.#claims) {
      this.#member.feed(join);
      this.#giveBack();
    } else {
      this.#out("left");
      this.#options.emit("left", { room: this.#room });
    }
  }

  /** The server keeps the place of an earlier page, and only who takes it can give it back: once the join is out. */
  #giveBack(): void {
    this.#givesBack = !this.#member.state.linkOpen;
    if (!this.#givesBack) this.#member.feed({ kind: "leave" });
  }

  setSource(source: Source, intent: Intent): void {
    const { offers } = this.#sessions;
    if (!offers.waitingJoin) this.#member.feed({ kind: "set-source", source, intent });
    else offers.reviseJoin((join) => ({ ...join, intents: { ...join.intents, [source]: intent } }));
  }

  moderate(action: Moderation): string {
    const id = nextCommandId(this.#member.state);
    this.#member.feed({ kind: "moderate", action });
    return id;
  }

  setViews(views: readonly View[]): void {
    this.#member.feed({ kind: "view", views });
  }

  message(message: ServerMessage): void {
    this.#member.feed({ kind: "message", message });
  }

  linkOpen(open: boolean): void {
    this.#member.feed({ kind: "link", open });
    if (open && this.#givesBack) this.#giveBack();
  }

  renewed(): void {
    this.#member.feed({ kind: "renewed", keeps: this.#sessions.working() });
  }

  /** Tells the room what the reception knows. */
  report(): void {
    const { phase } = this.#member.state;
    if (phase.kind !== "in") return;
    // Read when the member takes it, behind the effects of its present step: several rows may begin anew in one step,
    // and a report from between would still call some of them received.
    const seat = this;
    this.#member.feed({
      kind: "observed",
      get published() {
        return seat.#options.reception.published;
      },
      get received() {
        return seat.#received();
      },
      get pairs() {
        return seat.#sessions.transports();
      },
    });
  }

  #received(): ReceivedReceipt[] {
    const { phase } = this.#member.state;
    const expected = phase.kind === "in" ? phase.mirror.expected : {};
    const rows = this.#options.reception.received((publication) => expected[publication]?.held === false);
    return rows.map((row) => {
      if (!this.#unreadable.get(row.publication)?.anew) return row;
      const { unreadable: _why, ...asked } = row;
      return asked;
    });
  }

  /** The edge found out whether what comes can be read, or asks for some more of it. */
  setUnreadable(publication: string, why: Unreadable | undefined, anew = false): void {
    const known = this.#unreadable.get(publication);
    if (known?.why === why && (known?.anew ?? false) === anew) return;
    if (why) this.#unreadable.set(publication, { why, anew });
    else this.#unreadable.delete(publication);
    this.report();
    this.#options.emit("changed", { what: "ledger" });
  }

  unreadable(publication: string): Unreadable | undefined {
    if (this.#hasKeys) return this.#unreadable.get(publication)?.why;
    const { phase } = this.#member.state;
    const named = parsePublicationId(publication);
    const members = phase.kind === "in" ? phase.mirror.room.participants : [];
    const owner = members.find(({ id }) => id === named?.participant);
    return named && owner?.media.sources[named.source].encryption ? "missing-key" : undefined;
  }

  requestReplay(publication: string, why: string): void {
    this.#member.feed({ kind: "request-replay", publication, why });
  }

  /** A session of the room wants to say something to its remote. */
  signal(line: SessionLine, signal: Signal): void {
    const { phase } = this.#member.state;
    this.#sessions.signal(line, signal, phase.kind === "in" ? phase.mirror.room : undefined);
  }

  /** The remote of a session of the room says something. */
  heard(from: string, signal: Signal): void {
    const { kind } = this.#member.state.phase;
    // The end of the session whose offer rides in a join: its server is gone, and what answers the join has no answer.
    const endsOffer = kind === "joining" && from === "sfu" && signal.body.kind === "hangup";
    if (kind === "in" || endsOffer) this.#sessions.heard(from, signal);
  }

  sessionEvent(line: SessionLine, event: SessionEvent): void {
    this.#sessions.event(line, event);
  }

  [Symbol.dispose](): void {
    this.#sessions[Symbol.dispose]();
    this.#member[Symbol.dispose]();
  }

  #perform(effect: MemberEffect): void {
    const { reception, send, emit } = this.#options;
    switch (effect.kind) {
      case "send":
        // Before it leaves, so that the page can keep it: from here on there may be a place.
        if (effect.message.type === "join") this.#joining(effect.message);
        send(effect.message);
        break;
      case "changed":
        this.#changed(effect.what.join(" "));
        break;
      case "joined":
        this.#joined(effect);
        break;
      case "removed":
        this.#removed(effect);
        break;
      case "place-lost": {
        const { participant, code, reason } = effect;
        emit("place-lost", { room: this.#room, participant, code, reason });
        break;
      }
      case "command-done":
        this.#commandDone(effect);
        break;
      case "expect":
        reception.expect(effect.publication, effect.track);
        break;
      case "forget":
        reception.forget(effect.publication);
        break;
      case "slots":
        reception.setSlots(effect.table);
        emit("slots", { table: effect.table });
        break;
      default:
        this.#sessions.connect(effect);
    }
  }

  #joined(effect: Extract<MemberEffect, { kind: "joined" }>): void {
    const { participant, incarnation, rejoinToken, room, iceServers, rejoined } = effect;
    this.#place = { room: room.room, participant, token: rejoinToken };
    if (room.topology === "mesh") this.#sessions.offers.stop("aborted");
    else this.#sessions.offers.admitted();
    this.#options.emit("joined", { place: this.#place, incarnation, room, iceServers, again: rejoined });
  }

  /** A join whose place is gone goes on as another one: the last is the one whose answer counts. */
  #joining({ room, id }: Extract<ClientMessage, { type: "join" }>): void {
    this.#joinCommand = id;
    this.#options.emit("joining", { room, command: id });
  }

  #removed(effect: Extract<MemberEffect, { kind: "removed" }>): void {
    const { code, reason } = effect;
    this.#joinCommand = undefined;
    this.#out(END_REASONS[code] ?? "left");
    if (code === "link/closed") this.#options.emit("left", { room: this.#room });
    else this.#options.emit("removed", { code, reason });
  }

  /** The place is gone: so are the room's sessions and expectations. */
  #out(reason: EndReason): void {
    const { table, reception } = this.#options;
    this.#place = undefined;
    this.#told = undefined;
    this.#sessions.end(reason);
    reception.forgetWhere((publication) => !isOfCall(table, publication));
  }

  #joinFailed(reason: EndReason): void {
    const detail = `No connection could be prepared (${reason}).`;
    this.#options.emit("join-failed", { error: new LodelineError("session/plan-failed", { detail }) });
  }

  #commandDone(effect: Extract<MemberEffect, { kind: "command-done" }>): void {
    const { id, error } = effect;
    const failure = error && new LodelineError(error.code, { detail: error.reason, field: error.field });
    // Given up by `leave`, which tells `left`.
    const givenUp = failure?.code === "link/closed";
    if (failure && !givenUp && id === this.#joinCommand && this.#place === undefined) {
      this.#out("refused");
      this.#options.emit("join-failed", { error: failure });
    }
    this.#options.emit("command", { id, error: failure });
  }

  #changed(what: string): void {
    if (this.#member.state.phase.kind === "in") {
      const own = ownSources(this.#member.state);
      for (const news of sourceNews(this.#told, own)) this.#options.emit("source", news);
      this.#told = own;
    }
    this.#options.emit("changed", { what });
  }
}

const MEMBERSHIPS: Readonly<Record<MemberState["phase"]["kind"], Membership>> = {
  out: "outside",
  removed: "outside",
  joining: "joining",
  in: "joined",
  leaving: "leaving",
};

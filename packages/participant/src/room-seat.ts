import {
  type Clock,
  createId,
  createSecret,
  drive,
  type ErrorCode,
  isErrorCode,
  LodelineError,
  type Random,
  type Running,
} from "@lodeline/base";
import {
  type ClientMessage,
  type EndReason,
  type Moderation,
  parsePublicationId,
  type ServerMessage,
  type Signal,
  SOURCES,
  type Source,
  type Sources,
  type Timers,
  type Topology,
  type View,
} from "@lodeline/protocol";
import {
  createMember,
  type Intent,
  type Intents,
  type MemberEffect,
  type MemberInput,
  type MemberState,
  nextCommandId,
} from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import type { Membership, ParticipantEvents, RoomPlace } from "./participant-events.ts";
import type { Reception } from "./reception.ts";
import { type SessionLine, type SessionTable, sessionOf } from "./session-table.ts";
import { SfuOffers } from "./sfu-offers.ts";

/** Which room, and how. */
export interface JoinOptions {
  readonly room: string;
  /** Wanted if the room is new. Default: the server's. With `mesh` no offer to the sfu is made beforehand. */
  readonly topology?: Topology | undefined;
  /** What this participant starts with. A source that is not named is unpublished. */
  readonly sources?: Partial<Record<Source, Intent>> | undefined;
  /** The place to take again, after a reload. When the server knows it no more, the join is made as new. */
  readonly rejoin?: RoomPlace | undefined;
}

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
const END_REASONS: Partial<Record<ErrorCode, EndReason>> = {
  "link/closed": "left",
  "room/removed": "removed",
  "room/ended": "room-ended",
  "room/replaced": "replaced",
};

/**
 * A participant's part in one room: runs the member that mirrors it, and turns what the room wants into sessions. An
 * sfu room has one, whose first offer rides in the join; a mesh room has one for each pair.
 */
export class RoomSeat implements Disposable {
  readonly #options: RoomSeatOptions;
  readonly #member: Running<MemberState, MemberInput>;
  readonly #offers: SfuOffers;
  #room = "";
  #place: RoomPlace | undefined;
  #own: Sources | undefined;

  constructor(options: RoomSeatOptions) {
    this.#options = options;
    const { clock, random, timers } = options;
    const machine = createMember({ timers, commandPrefix: createSecret(random, 8) });
    this.#member = drive(machine, { clock, perform: (effect) => this.#perform(effect) });
    this.#offers = new SfuOffers({
      clock,
      table: options.table,
      newSession: () => createId(random, "s"),
      send: (signal) => options.send({ type: "signal", scope: "room", to: "sfu", signal }),
      feed: (input) => this.#member.feed(input),
      failed: (error) => options.emit("join-failed", { error }),
    });
  }

  get state(): MemberState {
    return this.#member.state;
  }

  get membership(): Membership {
    if (this.#offers.joining) return "joining";
    switch (this.#member.state.phase.kind) {
      case "joining":
        return "joining";
      case "in":
        return "joined";
      case "leaving":
        return "leaving";
      default:
        return "outside";
    }
  }

  get place(): RoomPlace | undefined {
    return this.#place;
  }

  join(options: JoinOptions): void {
    if (this.membership !== "outside") throw new TypeError("join: this participant is in a room already");
    this.#room = options.room;
    this.#own = undefined;
    const request = {
      kind: "join",
      room: options.room,
      name: this.#options.name,
      topology: options.topology,
      intents: intentsOf(options.sources),
      rejoin: options.rejoin && { participant: options.rejoin.participant, token: options.rejoin.token },
    } as const;
    if (options.topology === "mesh") this.#member.feed(request);
    else this.#offers.beginJoin(request);
  }

  leave(): void {
    if (this.#offers.joining) {
      this.#out("left");
      this.#options.emit("left", { room: this.#room });
    } else if (this.membership !== "outside") {
      this.#member.feed({ kind: "leave" });
    }
  }

  setSource(source: Source, intent: Intent): void {
    this.#member.feed({ kind: "set-source", source, intent });
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
  }

  renewed(): void {
    this.#member.feed({ kind: "renewed" });
  }

  /** Tells the room what the reception knows now. */
  report(): void {
    if (this.#member.state.phase.kind !== "in") return;
    const { reception } = this.#options;
    const received = reception.received((publication) => this.#isOfRoom(publication));
    this.#member.feed({ kind: "observed", published: reception.published, received });
  }

  requestReplay(publication: string, why: string): void {
    this.#member.feed({ kind: "request-replay", publication, why });
  }

  /** A session of the room wants to say something to its remote. */
  signal(line: SessionLine, signal: Signal): void {
    if (line.use === "sfu") this.#offers.signal(signal, this.#member.state.phase.kind === "in");
    else this.#options.send({ type: "signal", scope: "room", to: line.remote, signal });
  }

  /** The remote of a session of the room says something. */
  heard(from: string, signal: Signal): void {
    const { table } = this.#options;
    if (this.#member.state.phase.kind !== "in") return;
    // A signal may come before the event that assigns its pair; the machine keeps it until then.
    const line = from === "sfu" ? table.get("sfu") : table.line("pair", from, this.#place?.participant ?? "");
    line?.running.feed({ kind: "signal", signal });
  }

  sessionEvent(line: SessionLine, event: SessionEvent): void {
    if (line.use !== "sfu") return;
    if (event.kind === "ended") this.#offers.ended(event.session, event.reason);
    if (event.kind === "negotiated") this.#offers.negotiated(event.epoch);
  }

  [Symbol.dispose](): void {
    this.#offers[Symbol.dispose]();
    this.#member[Symbol.dispose]();
  }

  #isOfRoom(publication: string): boolean {
    const { phase } = this.#member.state;
    return phase.kind === "in" && Object.hasOwn(phase.mirror.expected, publication);
  }

  #perform(effect: MemberEffect): void {
    switch (effect.kind) {
      case "send":
        this.#options.send(effect.message);
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
      case "command-done":
        this.#commandDone(effect);
        break;
      case "expect":
        this.#options.reception.expect(effect.publication, effect.track);
        break;
      case "forget":
        this.#options.reception.forget(effect.publication);
        break;
      case "slots":
        this.#options.reception.setSlots(effect.table);
        this.#options.emit("slots", { table: effect.table });
        break;
      default:
        this.#connect(effect);
    }
  }

  /** Effects that are about sessions. */
  #connect(effect: Extract<MemberEffect, { kind: SessionEffectKind }>): void {
    switch (effect.kind) {
      case "sfu-answer":
        this.#offers.answered(effect.session, effect.sdp);
        break;
      case "need-offer":
        this.#offers.beginAnew();
        break;
      case "need-slots":
        this.#offers.growSlots(effect.audio, effect.video);
        break;
      case "pair":
        this.#pair(effect.remote, effect.pair.session, effect.role);
        break;
      case "pair-over":
        this.#pairOver(effect);
        break;
      case "repair":
        this.#repair(effect);
        break;
    }
  }

  #joined(effect: Extract<MemberEffect, { kind: "joined" }>): void {
    const { participant, incarnation, rejoinToken, room, iceServers, rejoined } = effect;
    this.#place = { room: room.room, participant, token: rejoinToken };
    if (room.topology === "mesh") this.#offers.stop("aborted");
    else this.#offers.admitted();
    this.#options.emit("joined", { place: this.#place, incarnation, room, iceServers, again: rejoined });
  }

  #removed(effect: Extract<MemberEffect, { kind: "removed" }>): void {
    const code = isErrorCode(effect.code) ? effect.code : undefined;
    this.#out((code && END_REASONS[code]) ?? "left");
    if (code === "link/closed") this.#options.emit("left", { room: this.#room });
    else this.#options.emit("removed", { code: effect.code, reason: effect.reason });
  }

  /** The place is gone: so are the room's sessions. */
  #out(reason: EndReason): void {
    const { table, reception } = this.#options;
    this.#place = undefined;
    this.#own = undefined;
    this.#offers.stop(reason);
    reception.forgetWhere((publication) => !isOfCall(table, publication));
    for (const line of table.lines()) if (line.use === "pair") line.running.feed({ kind: "end", reason });
    table.dropIdle("pair");
  }

  #commandDone(effect: Extract<MemberEffect, { kind: "command-done" }>): void {
    const { id, error } = effect;
    const failure = error && new LodelineError(error.code, { detail: error.reason, field: error.field });
    const { phase } = this.#member.state;
    if (failure && this.#place === undefined && (phase.kind === "out" || phase.kind === "removed")) {
      this.#out("refused");
      this.#options.emit("join-failed", { error: failure });
    }
    this.#options.emit("command", { id, error: failure });
  }

  #changed(what: string): void {
    const { emit } = this.#options;
    const { phase } = this.#member.state;
    if (phase.kind === "in") this.#tellOwnSources(ownSources(phase.mirror), emit);
    emit("changed", { what });
  }

  #tellOwnSources(now: Sources | undefined, emit: RoomSeatOptions["emit"]): void {
    const before = this.#own;
    this.#own = now;
    if (!now || before === now) return;
    for (const source of SOURCES) {
      const { intent, mutedBy } = now[source];
      if (before?.[source].intent === intent && before[source].mutedBy === mutedBy) continue;
      emit("source", { source, intent, mutedBy });
    }
  }

  #pair(remote: string, session: string, role: "offerer" | "answerer"): void {
    const line = this.#options.table.line("pair", remote, this.#place?.participant ?? "");
    line.running.feed({ kind: "assign", session, role });
  }

  #pairOver(effect: Extract<MemberEffect, { kind: "pair-over" }>): void {
    // A renewed pair is assigned anew at once, and the machine replaces the session by itself.
    if (effect.reason === "renewed") return;
    const { table } = this.#options;
    table.get(`pair:${effect.remote}`)?.running.feed({ kind: "end", reason: "remote-gone" });
    table.dropIdle("pair");
  }

  #repair(effect: Extract<MemberEffect, { kind: "repair" }>): void {
    const line = this.#lineOf(effect.publication, effect.subscription);
    if (!line) return;
    const { step, publication, why } = effect;
    if (step === "renegotiate" || step === "restart-ice") {
      line.running.feed({ kind: "renegotiate", why, iceRestart: step === "restart-ice" });
    } else if (step === "republish") {
      const source = parsePublicationId(publication)?.source;
      const session = sessionOf(line.running.state);
      if (source && session) line.drivers.get(session)?.republish(source);
    }
  }

  /** Whose session carries a subscription: the sfu's, or the pair's with the other end of it. */
  #lineOf(publication: string, subscription: string): SessionLine | undefined {
    const { table } = this.#options;
    const sfu = table.get("sfu");
    if (sfu && sessionOf(sfu.running.state) !== undefined) return sfu;
    const from = parsePublicationId(publication)?.participant;
    const receiver = subscription.slice(publication.length + 1);
    const remote = from === this.#place?.participant ? receiver : from;
    return remote === undefined ? undefined : table.get(`pair:${remote}`);
  }
}

type SessionEffectKind = "sfu-answer" | "need-offer" | "need-slots" | "pair" | "pair-over" | "repair";

function ownSources(mirror: {
  participant: string;
  room: { participants: readonly { id: string; media: { sources: Sources } }[] };
}) {
  return mirror.room.participants.find((one) => one.id === mirror.participant)?.media.sources;
}

function intentsOf(sources: JoinOptions["sources"] = {}): Intents {
  const intents: Record<Source, Intent> = {
    microphone: "unpublished",
    camera: "unpublished",
    screen: "unpublished",
    "screen-audio": "unpublished",
  };
  return { ...intents, ...sources };
}

function isOfCall(table: SessionTable, publication: string): boolean {
  const owner = parsePublicationId(publication)?.participant;
  return owner !== undefined && table.get(`call:${owner}`) !== undefined;
}

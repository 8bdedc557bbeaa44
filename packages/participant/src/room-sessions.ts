import type { Clock } from "@lodeline/base";
import {
  type ClientMessage,
  type EndReason,
  type PairReceipt,
  parsePublicationId,
  type RoomSnapshot,
  type Signal,
} from "@lodeline/protocol";
import type { MemberEffect, MemberInput } from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import { type SessionLine, type SessionTable, sessionIdOf } from "./session-table.ts";
import { SfuOffers } from "./sfu-offers.ts";

/** The effects of a member that are about sessions. */
export type ConnectEffect = Extract<
  MemberEffect,
  { kind: "sfu-answer" | "need-offer" | "need-slots" | "pair" | "pair-over" | "repair" }
>;

/** What {@link RoomSessions} needs. */
export interface RoomSessionsOptions {
  readonly clock: Clock;
  readonly table: SessionTable;
  newSession(): string;
  send(message: ClientMessage): void;
  /** To the member. */
  feed(input: MemberInput): void;
  /** A join came to nothing before it was sent. */
  failed(reason: EndReason): void;
  /** The own participant id; undefined without a place. */
  self(): string | undefined;
}

/** The sessions of one room: one with the sfu, or one with each other member. Does with them what the room wants. */
export class RoomSessions implements Disposable {
  readonly offers: SfuOffers;
  readonly #options: RoomSessionsOptions;

  constructor(options: RoomSessionsOptions) {
    this.#options = options;
    const { clock, table, newSession, feed, failed, send } = options;
    this.offers = new SfuOffers({
      clock,
      table,
      newSession,
      feed,
      failed,
      send: (signal) => send({ type: "signal", scope: "room", to: "sfu", signal }),
    });
  }

  /** Performs one effect of the member. */
  connect(effect: ConnectEffect): void {
    switch (effect.kind) {
      case "sfu-answer":
        this.offers.answered(effect.session, effect.sdp);
        break;
      case "need-offer":
        this.offers.beginAnew();
        break;
      case "need-slots":
        this.offers.growSlots(effect.audio, effect.video);
        break;
      case "pair":
        this.#pairLine(effect.remote).running.feed({ kind: "assign", session: effect.pair.session, role: effect.role });
        break;
      case "pair-over":
        this.#pairOver(effect);
        break;
      case "repair":
        this.#repair(effect);
        break;
    }
  }

  /**
   * A session wants to say something to its remote.
   *
   * @param room - The room, while the place is held. Who is not in it cannot be told anything, and need not.
   */
  signal(line: SessionLine, signal: Signal, room: RoomSnapshot | undefined): void {
    if (line.use === "sfu") {
      this.offers.signal(signal, room !== undefined);
    } else if (room?.participants.some((one) => one.id === line.remote)) {
      this.#options.send({ type: "signal", scope: "room", to: line.remote, signal });
    }
  }

  /** A remote says something. It may come before the event that assigns its pair; the machine keeps it until then. */
  heard(from: string, signal: Signal): void {
    const line = from === "sfu" ? this.#options.table.get("sfu") : this.#pairLine(from);
    line?.running.feed({ kind: "signal", signal });
  }

  /** A session tells something. */
  event(line: SessionLine, event: SessionEvent): void {
    if (line.use !== "sfu") return;
    if (event.kind === "ended") this.offers.ended(event.session, event.reason);
    if (event.kind === "negotiated") this.offers.negotiated(event.epoch);
  }

  /** Mesh: the state of each pair's transport. */
  transports(): PairReceipt[] {
    return this.#options.table.lines().flatMap(({ use, running: { state } }) => {
      const isUp = use === "pair" && (state.kind === "Negotiating" || state.kind === "Active");
      return isUp ? [{ session: state.session, state: state.connection }] : [];
    });
  }

  /** The sessions of the room that work and are settled: what a new link need not disturb. */
  working(): string[] {
    return this.#options.table.lines().flatMap(({ use, running: { state } }) => {
      const works = state.kind === "Active" && !state.interrupted && state.connection === "connected";
      return use !== "call" && works && state.negotiation.phase === "stable" ? [state.session] : [];
    });
  }

  /** The place is gone: so are the sessions. */
  end(reason: EndReason): void {
    const { table } = this.#options;
    this.offers.stop(reason);
    for (const line of table.lines()) if (line.use === "pair") line.running.feed({ kind: "end", reason });
    table.dropIdle("pair");
  }

  [Symbol.dispose](): void {
    this.offers[Symbol.dispose]();
  }

  #pairLine(remote: string): SessionLine {
    return this.#options.table.line("pair", remote, this.#options.self() ?? "");
  }

  #pairOver(effect: Extract<ConnectEffect, { kind: "pair-over" }>): void {
    // A renewed pair is assigned anew at once, and the machine replaces the session by itself.
    if (effect.reason === "renewed") return;
    const { table } = this.#options;
    table.get(`pair:${effect.remote}`)?.running.feed({ kind: "end", reason: "remote-gone" });
    table.dropIdle("pair");
  }

  #repair(effect: Extract<ConnectEffect, { kind: "repair" }>): void {
    const { step, publication, subscription, why } = effect;
    const line = this.#lineOf(publication, subscription);
    if (!line) return;
    if (step === "renegotiate" || step === "restart-ice") {
      line.running.feed({ kind: "renegotiate", why, iceRestart: step === "restart-ice" });
    } else if (step === "republish") {
      const source = parsePublicationId(publication)?.source;
      const session = sessionIdOf(line.running.state);
      if (source && session) line.drivers.get(session)?.republish(source);
    }
  }

  /** Whose session carries a subscription: the sfu's, or the pair's with the other end of it. */
  #lineOf(publication: string, subscription: string): SessionLine | undefined {
    const { table } = this.#options;
    const sfu = table.get("sfu");
    if (sfu && sessionIdOf(sfu.running.state) !== undefined) return sfu;
    const from = parsePublicationId(publication)?.participant;
    const receiver = subscription.slice(publication.length + 1);
    const remote = from === this.#options.self() ? receiver : from;
    return remote === undefined ? undefined : table.get(`pair:${remote}`);
  }
}

import { type Emitter, type ErrorCode, isErrorCode, LodelineError } from "@lodeline/base";
import {
  DEFAULT_TIMERS,
  type NumberedEvent,
  type Offer,
  parsePublicationId,
  type ServerMessage,
  type Standing,
  type Timers,
} from "@lodeline/protocol";
import type { SessionEvent } from "@lodeline/session";
import { ClientLink, type ClientLinkState } from "@lodeline/signaling";
import { CallDesk } from "./call-desk.ts";
import { LinkDriver, type LinkListener } from "./link-driver.ts";
import type { ParticipantEvents } from "./participant-events.ts";
import type { ParticipantOptions } from "./participant-options.ts";
import { Reception } from "./reception.ts";
import { RoomSeat, type RoomSeatOptions } from "./room-seat.ts";
import { isOfCall, type SessionLine, SessionTable } from "./session-table.ts";

/**
 * The parts of a participant and who tells whom: the link brings messages to the seat in the room and to the call desk,
 * these begin and end sessions, the sessions' negotiations tell the reception what is where, and what the reception
 * finds goes to the seat, to be reported.
 */
export class Wiring {
  readonly timers: Timers;
  readonly clientLink: ClientLink;
  readonly link: LinkDriver;
  readonly table: SessionTable;
  readonly reception: Reception;
  readonly seat: RoomSeat;
  readonly calls: CallDesk;
  /** Read at each hello. */
  token: string | undefined;
  readonly #events: Emitter<ParticipantEvents>;
  readonly #idle: () => void;

  /** @param idle - A session is over. */
  constructor(options: ParticipantOptions, events: Emitter<ParticipantEvents>, idle: () => void) {
    const { clock, random, ports, name } = options;
    const timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.timers = timers;
    this.token = options.token;
    this.#events = events;
    this.#idle = idle;
    this.clientLink = new ClientLink({ timers, random, credentials: () => ({ token: this.token, name }), spare: true });
    this.link = new LinkDriver({
      clock,
      socket: ports.socket,
      link: this.clientLink,
      listener: this.#linkListener(),
    });
    this.table = this.#makeTable(options);
    this.reception = new Reception({
      clock,
      timers,
      standing: (publication, standing) => this.#standingChanged(publication, standing),
      requestReplay: (publication, why) => {
        if (!this.calls.standing(publication, undefined)) this.seat.requestReplay(publication, why);
      },
      unreadable: (publication) => this.seat.unreadable(publication),
    });
    const shared: RoomSeatOptions = {
      clock,
      random,
      timers,
      name,
      table: this.table,
      reception: this.reception,
      send: (message) => this.link.send(message),
      emit: (event, value) => events.emit(event, value),
    };
    this.seat = new RoomSeat(shared);
    this.calls = new CallDesk(shared);
  }

  #makeTable(options: ParticipantOptions): SessionTable {
    return new SessionTable({
      clock: options.clock,
      timers: this.timers,
      dataChannel: options.dataChannel ?? true,
      captures: { sfu: false, pair: false, call: true, ...options.captures },
      peers: options.ports.peers,
      listener: {
        opened: (line) => this.reception.restart(line.key, (publication) => this.#carries(line, publication)),
        offered: (line, sends) => this.#offered(line, sends),
        signal: (line, signal) => (line.use === "call" ? this.calls : this.seat).signal(line, signal),
        event: (line, event) => this.#sessionEvent(line, event),
        transport: ({ use }) => use === "pair" && this.seat.report(),
      },
    });
  }

  #linkListener(): LinkListener {
    return {
      message: (message) => this.#message(message),
      state: (state, reason) => this.#linkState(state, reason),
      renewed: () => {
        // The other end of a call is told by the server; what is said on the new link cannot reach this call's end.
        this.calls.endAll("link-lost");
        this.seat.renewed();
      },
      refused: (error) => this.#events.emit("refused", { error }),
      rejected: (error) => this.#events.emit("error", { error }),
    };
  }

  #linkState(state: ClientLinkState, reason: ErrorCode | undefined): void {
    this.seat.linkOpen(state === "open");
    this.#events.emit("link", { state, error: reason && new LodelineError(reason) });
  }

  #message(message: ServerMessage): void {
    if (message.type === "signal") {
      if (message.scope === "call") this.calls.heard(message.from, this.clientLink.identity ?? "", message.signal);
      else this.seat.heard(message.from, message.signal);
      return;
    }
    if (message.type === "room-event") this.#tellDepartures(message.events);
    this.seat.message(message);
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

  #offered(line: SessionLine, sends: Offer["sends"]): void {
    if (line.use !== "sfu") this.reception.setSections(line.key, line.remote, sends);
  }

  /** Whether a publication comes by the sessions of a line. */
  #carries(line: SessionLine, publication: string): boolean {
    if (line.use === "sfu") return !isOfCall(this.table, publication);
    return parsePublicationId(publication)?.participant === line.remote;
  }

  #sessionEvent(line: SessionLine, event: SessionEvent): void {
    (line.use === "call" ? this.calls : this.seat).sessionEvent(line, event);
    this.#events.emit("session", { key: line.key, session: event.session, event });
    if (event.kind === "stateChanged" && event.state === "Idle") this.#idle();
  }

  #standingChanged(publication: string, standing: Standing): void {
    this.#events.emit("standing", { publication, standing });
    if (!this.calls.standing(publication, standing)) this.seat.report();
  }
}

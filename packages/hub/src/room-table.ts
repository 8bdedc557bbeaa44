import { type Clock, LodelineError, type Timer } from "@lodeline/base";
import type { ClientMessage, Timers, Topology } from "@lodeline/protocol";
import { defaultRoomSettings, type RoomSettings, type RoomState } from "@lodeline/room";
import type { HubEvents, HubOptions } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";
import { publishRefusal } from "./publish-grant.ts";
import { DEFINED_ROOM_MS, type RoomDefinition, settingsOf } from "./room-definition.ts";
import { RoomHost } from "./room-host.ts";
import { emptyRoomView, type RoomView } from "./room-view.ts";

type Join = Extract<ClientMessage, { type: "join" }>;

/** What a {@link RoomTable} needs of the hub. */
export interface RoomTableOptions {
  readonly hub: HubOptions;
  readonly clock: Clock;
  readonly timers: Timers;
  link(id: string): LinkHost | undefined;
  /** The links of one identity. */
  linksOf(identity: string): readonly LinkHost[];
  /** Whether a call has a session of this id. */
  isCall(session: string): boolean;
  emit<Name extends keyof HubEvents>(name: Name, event: HubEvents[Name]): void;
  /** A room is another than before, and may have to be kept. */
  touched(room: string): void;
  /** A media session is down, or a room is gone. */
  changed(): void;
}

/** Every room, who may join it, and the session ids of all of them. */
export class RoomTable implements Disposable {
  readonly #options: RoomTableOptions;
  readonly #rooms = new Map<string, RoomHost>();
  /** Closed rooms whose media sessions are on their way down. */
  readonly #closing = new Set<RoomHost>();
  /** Ids of media sessions in use, by whatever room. */
  readonly #sessions = new Set<string>();
  /** Rooms that were made and that nobody has entered yet. */
  readonly #defined = new Map<string, { readonly definition: RoomDefinition; readonly timer: Timer }>();
  readonly #settings: RoomSettings;

  constructor(options: RoomTableOptions) {
    this.#options = options;
    this.#settings = { ...defaultRoomSettings(options.timers), ...options.hub.roomSettings };
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Media sessions that are not down yet, those of closed rooms too. */
  get sessions(): number {
    return this.#sessions.size;
  }

  get participants(): number {
    let sum = 0;
    for (const room of this.#rooms.values()) sum += room.participants;
    return sum;
  }

  get(room: string): RoomHost | undefined {
    return this.#rooms.get(room);
  }

  /** Smallest name first. */
  all(): readonly RoomHost[] {
    return [...this.#rooms.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What there is to see of every room, made or entered, smallest name first. */
  views(): readonly RoomView[] {
    const names = [...this.#rooms.keys(), ...this.#defined.keys()];
    return names.sort((a, b) => (a < b ? -1 : 1)).flatMap((room) => this.view(room) ?? []);
  }

  view(room: string): RoomView | undefined {
    const host = this.#rooms.get(room);
    if (host) return host.view;
    const definition = this.#defined.get(room)?.definition;
    return definition && emptyRoomView(definition, this.#topology(definition), settingsOf(definition, this.#settings));
  }

  /** Makes a room before anybody enters it. @throws LodelineError as `Hub.createRoom` says. */
  define(definition: RoomDefinition): RoomView {
    const { room } = definition;
    const { clock, hub } = this.#options;
    const topology = this.#topology(definition);
    const view = emptyRoomView(definition, topology, settingsOf(definition, this.#settings));
    if (this.#rooms.has(room) || this.#defined.has(room)) throw new LodelineError("room/exists", { field: "room" });
    if (topology === "sfu" && !hub.ports.media) throw new LodelineError("room/topology", { field: "topology" });
    const timer = clock.at(clock.now() + DEFINED_ROOM_MS, () => {
      this.#defined.delete(room);
      this.#options.touched(room);
    });
    this.#defined.set(room, { definition, timer });
    this.#options.touched(room);
    return view;
  }

  /** Names of every room, entered or only made. */
  names(): readonly string[] {
    return [...this.#rooms.keys(), ...this.#defined.keys()];
  }

  /** How a room was made before anybody entered it. */
  definitionOf(room: string): RoomDefinition | undefined {
    return this.#rooms.get(room)?.definition ?? this.#defined.get(room)?.definition;
  }

  /** A room of an earlier process goes on. */
  restore(state: RoomState, definition: RoomDefinition | undefined): RoomHost {
    const { room, topology } = state.snapshot;
    this.#options.touched(room);
    return this.#make(room, topology, definition, state);
  }

  hasSession(session: string): boolean {
    return this.#sessions.has(session);
  }

  /**
   * A link asks for a place in a room, which is opened for it when there is none.
   *
   * @returns Why not, before the room was asked; what the room itself refuses, it says itself.
   */
  join(host: LinkHost, join: Join): LodelineError | undefined {
    const refusal = this.#refusal(host, join);
    if (refusal) return refusal;
    const room = this.#rooms.get(join.room) ?? this.#open(join);
    room.join(host, join);
    // Nobody was let in: the room never was.
    if (!room.isOpen && this.#rooms.get(join.room) === room) this.#forget(room);
    else this.#entered(join.room);
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const room of [...this.#rooms.values(), ...this.#closing]) room[Symbol.dispose]();
    for (const { timer } of this.#defined.values()) timer.cancel();
    this.#defined.clear();
    this.#rooms.clear();
    this.#closing.clear();
    this.#sessions.clear();
  }

  #refusal(host: LinkHost, join: Join): LodelineError | undefined {
    const { grants } = host.authorization;
    const { membership } = host;
    if (!grants.join || (grants.room !== undefined && grants.room !== join.room)) {
      return new LodelineError("auth/room-denied", { field: "room" });
    }
    if (membership && membership.room !== join.room) return new LodelineError("room/already-member", { field: "room" });
    if (!membership && host.isSpent(join.id)) {
      // Said again before its answer was heard, and overtaken by a removal: done twice, it would make a place of which
      // its sender knows nothing.
      const detail = "This join has had its answer, and its place is gone again.";
      return new LodelineError("room/not-member", { detail, field: "id" });
    }
    if (this.#isOvertaken(host, join)) {
      // An earlier page said it, was held up on its way, and says goodbye next: the place is the later page's.
      return new LodelineError("room/replaced", { detail: "A later socket has said this join.", field: "id" });
    }
    const topology = this.#rooms.get(join.room)?.topology ?? this.#topologyOf(join);
    if (topology === "sfu" && !this.#options.hub.ports.media) {
      return new LodelineError("room/topology", { detail: "This server has no sfu.", field: "topology" });
    }
    return publishRefusal(grants, join.sources);
  }

  /** Whether this very join has given its place to a link of the same identity on a later socket. */
  #isOvertaken(host: LinkHost, join: Join): boolean {
    return this.#options.linksOf(host.identity).some((other) => {
      const isPlaced = other.membership?.room === join.room && other.membership.command === join.id;
      return (isPlaced || other.isSpent(join.id)) && other.socketOrder > host.socketOrder;
    });
  }

  #topologyOf(join: Join): Topology {
    return this.#topology(this.#defined.get(join.room)?.definition ?? join);
  }

  #topology(wish: { readonly topology?: Topology | undefined }): Topology {
    const { topology, ports } = this.#options.hub;
    return wish.topology ?? topology ?? (ports.media ? "sfu" : "mesh");
  }

  #open(join: Join): RoomHost {
    return this.#make(join.room, this.#topologyOf(join), this.#defined.get(join.room)?.definition);
  }

  #make(name: string, topology: Topology, definition: RoomDefinition | undefined, restored?: RoomState): RoomHost {
    const { hub, clock, timers, link, emit, touched } = this.#options;
    const room: RoomHost = new RoomHost({
      room: name,
      topology,
      clock,
      random: hub.random,
      timers,
      settings: definition ? settingsOf(definition, this.#settings) : this.#settings,
      definition,
      ports: hub.ports,
      observe: hub.observe,
      link,
      takeSession: (session) => this.#takeSession(session),
      giveSession: (session) => {
        this.#sessions.delete(session);
        this.#forgetClosed();
      },
      emit,
      touched: () => touched(name),
      restored,
      digest: hub.digest,
      closed: () => this.#forget(room),
    });
    this.#rooms.set(name, room);
    return room;
  }

  /** A room that was made has been entered: from now on it lives as every other. */
  #entered(room: string): void {
    this.#defined.get(room)?.timer.cancel();
    this.#defined.delete(room);
  }

  #takeSession(session: string): boolean {
    if (this.#sessions.has(session) || this.#options.isCall(session)) return false;
    this.#sessions.add(session);
    return true;
  }

  /** A closed room goes at once; its object stays until its last media session is down. */
  #forget(room: RoomHost): void {
    if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id);
    this.#closing.add(room);
    this.#forgetClosed();
  }

  #forgetClosed(): void {
    for (const room of this.#closing) {
      if (room.sessions > 0) continue;
      this.#closing.delete(room);
      room[Symbol.dispose]();
    }
    this.#options.changed();
  }
}

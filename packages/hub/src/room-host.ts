import { type Clock, createId, createSecret, drive, type Random, type Running } from "@lodeline/base";
import type { ClientMessage, Timers, Topology } from "@lodeline/protocol";
import {
  createRoom,
  type MediaOp,
  type RoomEffect,
  type RoomInput,
  type RoomMessage,
  type RoomSettings,
  type RoomState,
} from "@lodeline/room";
import type { HubEvents, RoomObserver, SessionObserver } from "./hub-types.ts";
import { JoinDesk, type Joined } from "./join-desk.ts";
import type { LinkHost } from "./link-host.ts";
import type { HubPorts, MediaFacts } from "./ports.ts";
import type { RoomDefinition } from "./room-definition.ts";
import { RoomSessions } from "./room-sessions.ts";
import { type RoomView, roomView } from "./room-view.ts";
import { SFU } from "./sfu-session.ts";

/** What a {@link RoomHost} needs of the hub. */
export interface RoomHostOptions {
  readonly room: string;
  readonly topology: Topology;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly settings: RoomSettings;
  /** How the room was made, where it was before anybody entered it. */
  readonly definition?: RoomDefinition | undefined;
  readonly ports: HubPorts;
  readonly observe?: { readonly session?: SessionObserver; readonly room?: RoomObserver } | undefined;
  link(id: string): LinkHost | undefined;
  /** Takes a session id for the whole hub; `false` when it is in use. */
  takeSession(session: string): boolean;
  giveSession(session: string): void;
  emit<Name extends keyof HubEvents>(name: Name, event: HubEvents[Name]): void;
  /** Its state is another than before, and may have to be kept. */
  touched(): void;
  /** A state that was kept, to go on from: see {@link RoomHost.goOn}. */
  readonly restored?: RoomState | undefined;
  /** With which the secrets of that state were digested. */
  readonly digest?: ((secret: string) => string) | undefined;
  /** Nobody is left: the hub forgets the room. Sessions may still be on their way down. */
  closed(): void;
}

type Join = Extract<ClientMessage, { type: "join" }>;
type Replay = Extract<RoomEffect, { kind: "replay" }>;

/** One room in motion: its machine, the server's ends of its media sessions, and what is told to whom. */
export class RoomHost implements Disposable {
  readonly id: string;
  readonly #options: RoomHostOptions;
  readonly #running: Running<RoomState, RoomInput>;
  readonly #joins: JoinDesk;
  readonly #sessions: RoomSessions;
  #wasOpen = false;
  /** The join that is being fed. */
  #joining: Join | undefined;

  constructor(options: RoomHostOptions) {
    const { room, topology, timers, clock, settings, definition, observe, ports } = options;
    this.id = room;
    this.#options = options;
    this.#joins = new JoinDesk({
      clock,
      timers,
      settings,
      link: options.link,
      iceServers: (identity) => ports.iceServers?.(identity) ?? [],
    });
    this.#sessions = new RoomSessions({
      ...options,
      joins: this.#joins,
      state: () => this.#running.state,
      feed: (input) => this.#running.feed(input),
    });
    const wallAt = (now: number) => clock.wall() - clock.now() + now;
    const { restored, digest } = options;
    const locked = definition?.locked;
    const machine = createRoom({ room, topology, timers, settings, locked, wallAt, restored, digest });
    this.#wasOpen = restored !== undefined;
    this.#running = drive(machine, {
      clock,
      perform: (effect) => this.#perform(effect),
      observe: (previous, input, next) => {
        if (previous !== next) options.touched();
        observe?.room?.(room, previous, input, next);
      },
    });
  }

  /** Whether anybody holds a place. */
  get isOpen(): boolean {
    return this.#running.state.phase === "open";
  }

  get topology(): Topology {
    return this.#running.state.snapshot.topology;
  }

  get participants(): number {
    return this.#running.state.snapshot.participants.length;
  }

  /** Media sessions that are not down yet. */
  get sessions(): number {
    return this.#sessions.size;
  }

  get view(): RoomView {
    return roomView(this.id, this.#running.state, this.#options.settings);
  }

  get state(): RoomState {
    return this.#running.state;
  }

  /** How the room was made, where it was before anybody entered it. */
  get definition(): RoomDefinition | undefined {
    return this.#options.definition;
  }

  /** After a restore: every member is told what of it is over. */
  goOn(): void {
    this.#running.feed({ kind: "restored" });
  }

  /** After a restore: a link is told `joined` for the place that it holds, once more or for the first time. */
  tellAgain(host: LinkHost): void {
    const { membership } = host;
    const place = membership && this.#running.state.places[membership.participant];
    const info =
      membership && this.#running.state.snapshot.participants.find(({ id }) => id === membership.participant);
    if (!place || !info) return;
    this.#running.feed({
      kind: "join",
      link: host.id,
      command: membership.command,
      identity: host.identity,
      name: info.name,
      role: info.role,
      sources: info.media.sources,
      fresh: this.#fresh(),
    });
  }

  /** A link asks for a place. */
  join(host: LinkHost, join: Join): void {
    const { identity, name, grants } = host.authorization;
    this.#joining = join;
    this.#running.feed({
      kind: "join",
      link: host.id,
      command: join.id,
      identity,
      name: join.name || name,
      role: grants.role,
      maxRole: grants.maxRole,
      sources: join.sources,
      rejoin: join.rejoin,
      keeps: join.keeps,
      session: this.topology === "sfu" ? join.session?.session : undefined,
      fresh: this.#fresh(),
    });
    this.#joining = undefined;
  }

  #fresh(): { readonly participant: string; readonly rejoinToken: string } {
    const { random } = this.#options;
    return { participant: createId(random, "p"), rejoinToken: createSecret(random) };
  }

  /** A member says something to the room, to another member, or to the server's end of its media session. */
  message(host: LinkHost, participant: string, message: RoomMessage): void {
    if (message.type === "signal" && message.to === SFU) this.#sessions.signal(host, participant, message.signal);
    else this.#running.feed({ kind: "message", participant, link: host.id, message });
  }

  /** @param bye - Its page said goodbye. */
  linkLost(host: LinkHost, participant: string, bye: boolean): void {
    this.#running.feed({ kind: "link-lost", participant, link: host.id, heardAt: host.heardAt, bye });
  }

  linkBack(host: LinkHost, participant: string): void {
    this.#running.feed({ kind: "link-back", participant, link: host.id });
  }

  mediaFacts(facts: MediaFacts): void {
    this.#running.feed({ kind: "media-facts", ...facts });
  }

  drain(reason: string): void {
    this.#running.feed({ kind: "drain", reason });
  }

  [Symbol.dispose](): void {
    this.#running[Symbol.dispose]();
    this.#joins[Symbol.dispose]();
    this.#sessions[Symbol.dispose]();
  }

  #perform(effect: RoomEffect): void {
    const { link, emit } = this.#options;
    switch (effect.kind) {
      case "joined":
        return this.#joined(effect);
      case "event":
        return this.#event(effect);
      case "tell":
        return link(effect.link)?.deliver(effect.message);
      case "forward":
        return link(effect.link)?.deliver({
          type: "signal",
          scope: "room",
          from: effect.from,
          signal: effect.signal,
        });
      case "unbind":
        return this.#unbind(effect.link, effect.participant);
      case "media":
        return this.#operate(effect.op);
      case "replay":
        return this.#replay(effect);
      case "replay-over":
        return;
      case "closed":
        emit("room", { room: this.id, what: "closed" });
        return this.#options.closed();
    }
  }

  #joined(joined: Joined): void {
    const { link, emit } = this.#options;
    const { participant, incarnation, session, again } = joined;
    const host = link(joined.link);
    if (!host) return;
    host.seat({ room: this.id, participant, command: joined.command });
    if (!this.#wasOpen) emit("room", { room: this.id, what: "opened" });
    this.#wasOpen = true;
    if (!again) emit("joined", { room: this.id, participant, identity: host.identity, incarnation });
    const offer = this.#joining?.session?.offer;
    if (again || session === undefined || offer === undefined) this.#joins.say(host, joined);
    else this.#sessions.join(host, joined, session, offer);
  }

  #event({ event, to }: Extract<RoomEffect, { kind: "event" }>): void {
    const { link, emit } = this.#options;
    const message = { type: "room-event" as const, room: this.id, events: [event] };
    // One text for all: an event of a large room would be written out a hundred times.
    const json = to.length > 0 ? JSON.stringify(message) : "";
    for (const id of to) link(id)?.deliver(message, json);
    emit("event", { room: this.id, event });
    if (event.event.kind !== "peer-left") return;
    const { participant, reason } = event.event;
    this.#joins.forget(participant);
    emit("left", { room: this.id, participant, reason });
  }

  #unbind(id: string, participant: string): void {
    this.#joins.unbound(participant, id);
    const host = this.#options.link(id);
    if (host?.membership?.participant === participant) host.unseat();
  }

  #operate(op: MediaOp): void {
    this.#options.ports.media?.operate(this.id, op);
    if (op.op === "close-session") this.#sessions.end(op.session);
  }

  #replay({ subscription, step, attempt, why }: Replay): void {
    this.#options.emit("replay", { room: this.id, subscription, step, attempt, why });
  }
}

import { type Clock, createId, createSecret, drive, LodelineError, type Random, type Running } from "@lodeline/base";
import type { ClientMessage, Signal, Timers, Topology } from "@lodeline/protocol";
import {
  createRoom,
  type MediaOp,
  type RoomEffect,
  type RoomInput,
  type RoomMessage,
  type RoomSettings,
  type RoomState,
} from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import { errorMessage } from "@lodeline/signaling";
import type { HubEvents, RoomObserver, SessionObserver } from "./hub-types.ts";
import { JoinDesk, type Joined } from "./join-desk.ts";
import type { LinkHost } from "./link-host.ts";
import type { HubPorts, MediaFacts } from "./ports.ts";
import type { RoomDefinition } from "./room-definition.ts";
import { type RoomView, roomView } from "./room-view.ts";
import { tellSession } from "./session-told.ts";
import { SFU, SfuSession } from "./sfu-session.ts";

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
  readonly #sessions = new Map<string, SfuSession>();
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
    if (message.type === "signal" && message.to === SFU) this.#toSfu(host, participant, message.signal);
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
    for (const session of this.#sessions.values()) session[Symbol.dispose]();
    this.#sessions.clear();
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
    if (again || session === undefined || offer === undefined) return this.#joins.say(host, joined);
    this.#joins.wait(host, joined, session);
    const made = this.#openSession(host, participant, session);
    if (!made) this.#refuseSession(participant, session);
    // Number 0: the offer rode in the join and stands outside the participant's own count.
    else made.signal({ session, epoch: 1, seq: 0, body: { kind: "offer", offer } });
  }

  /**
   * The session of a join cannot be: mostly its own earlier one, of a join that is said again over a new link, which is on
   * its way down. Its client is told that it is over, and makes another.
   */
  #refuseSession(participant: string, session: string): void {
    this.#joins.release(participant, taken());
    this.#say(participant, { session, epoch: 0, seq: 0, body: { kind: "hangup", reason: "remote-gone" } });
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
    if (op.op === "close-session") this.#sessions.get(op.session)?.end("left");
  }

  #replay({ subscription, step, attempt, why }: Replay): void {
    this.#options.emit("replay", { room: this.id, subscription, step, attempt, why });
  }

  #toSfu(host: LinkHost, participant: string, signal: Signal): void {
    const { session, body } = signal;
    const known = this.#sessions.get(session);
    const place = this.#running.state.places[participant];
    if (place?.link !== host.id) return host.deliver(errorMessage(new LodelineError("room/not-member")));
    if (known?.key.participant === participant) return known.signal(signal);
    if (this.topology !== "sfu") return host.deliver(errorMessage(new LodelineError("room/topology", { field: "to" })));
    if (body.kind !== "offer" && body.kind !== "negotiation-needed") return;
    // A member that joined without an offer may make one later; any other session is over by now, and that is said.
    if (body.kind === "offer" && place.media.session === undefined) {
      const made = this.#openSession(host, participant, session);
      if (made) made.signal(signal);
      else host.deliver(errorMessage(taken()));
    } else this.#say(participant, { session, epoch: 0, seq: 0, body: { kind: "hangup", reason: "remote-gone" } });
  }

  #openSession(host: LinkHost, participant: string, session: string): SfuSession | undefined {
    const { clock, timers, ports, observe, takeSession } = this.#options;
    if (!ports.media || !takeSession(session)) return undefined;
    const made = new SfuSession({
      key: { room: this.id, participant, session },
      clock,
      timers,
      port: ports.media,
      observe: observe?.session,
      send: (signal) => this.#fromSfu(participant, signal),
      answered: ({ sends, receives }) =>
        this.#running.feed({ kind: "connection", participant, session, sends, receives }),
      failed: (error) => this.#failed(host, participant, session, error),
      transport: (state) => this.#running.feed({ kind: "connection", participant, session, state }),
      event: (event) => this.#sessionEvent(participant, event),
      over: () => this.#sessionOver(participant, session),
    });
    this.#sessions.set(session, made);
    made.begin();
    return made;
  }

  /** The first answer goes with the `joined` that waits for it; everything else is a signal. */
  #fromSfu(participant: string, signal: Signal): void {
    const { session, body } = signal;
    if (body.kind !== "answer" || !this.#joins.answered(participant, session, body.sdp)) this.#say(participant, signal);
  }

  #say(participant: string, signal: Signal): void {
    const place = this.#running.state.places[participant];
    const host = place && this.#options.link(place.link);
    host?.deliver({ type: "signal", scope: "room", from: SFU, signal });
  }

  /** The participant is in the room all the same, listening to nothing; the error names what could not be used. */
  #failed(host: LinkHost, participant: string, session: string, error: LodelineError): void {
    this.#options.emit("refused", { link: host.id, identity: host.identity, error });
    if (this.#joins.failed(participant, session, error)) return;
    if (host.membership?.participant === participant) host.deliver(errorMessage(error));
  }

  #sessionEvent(participant: string, event: SessionEvent): void {
    tellSession(this.#options.emit, { room: this.id, participant }, event);
  }

  #sessionOver(participant: string, session: string): void {
    this.#sessions.delete(session);
    this.#options.giveSession(session);
    this.#joins.failed(participant, session, undefined);
    this.#running.feed({ kind: "connection", participant, session, state: "closed" });
  }
}

function taken(): LodelineError {
  return new LodelineError("protocol/out-of-turn", {
    detail: "This session id is in use.",
    field: "session.session",
  });
}

import type { ErrorCode, Timer } from "@lodeline/base";
import {
  type JoinOptions,
  Participant,
  type ParticipantEvents,
  type PeerDriver,
  type PeerSpec,
  type RoomPlace,
  type SessionKey,
} from "@lodeline/participant";
import { kindOf, type Source } from "@lodeline/protocol";
import type { SessionInput } from "@lodeline/session";
import type { FakeDevices } from "./fake-devices.ts";
import { peerOfPage, reaching } from "./page-edge.ts";
import { type Driven, see } from "./page-sight.ts";
import { isBarred, PageViews } from "./page-views.ts";
import { RoomDevices } from "./room-devices.ts";
import type { Intent, SimulatedPersonOptions, WantedRoom } from "./simulated-person-options.ts";

const EVENTS: readonly (keyof ParticipantEvents)[] = [
  "link",
  "changed",
  "joining",
  "joined",
  "join-failed",
  "left",
  "removed",
  "slots",
  "source",
  "standing",
  "incoming",
  "session",
  "refused",
  "error",
  "closed",
];

/** A person at a page: the app around a participant, as small as it can be, on fake devices and connections. */
export class SimulatedPerson {
  /** Where the page runs; unique. */
  readonly host: string;
  readonly identity: string;
  readonly devices: FakeDevices;
  readonly sources: Record<Source, Intent> = {
    microphone: "unpublished",
    camera: "unpublished",
    screen: "unpublished",
    "screen-audio": "unpublished",
  };
  /** Sources that a moderator has acted on: here the room's word is taken for the person's wish. */
  readonly moderated = new Set<Source>();
  /** The room this person wants to be in now. */
  wanted: WantedRoom | undefined;
  /** Counts the pages there were, from 1. */
  page = 0;
  participant: Participant | undefined;
  /** Why the last join was refused; undefined since a join has succeeded. */
  refusedBy: ErrorCode | undefined;
  /** What this page does not show. */
  readonly views = new PageViews();
  readonly #options: SimulatedPersonOptions;
  readonly #peers = new Map<string, Driven>();
  readonly #devices: RoomDevices;
  /** What sessionStorage keeps over a reload. */
  #place: RoomPlace | undefined;
  #joining: { readonly room: string; readonly command: string } | undefined;
  #poll: Timer | undefined;
  #again: Timer | undefined;
  #token: string;

  constructor(options: SimulatedPersonOptions) {
    this.#options = options;
    this.host = options.host;
    this.identity = options.identity;
    this.#token = options.token;
    this.devices = options.devices;
    this.#devices = new RoomDevices(options.devices, (source) => this.setSource(source, "unpublished"));
  }

  /** Opens the page: a participant, a link, and the wanted room if there is one. */
  open(): void {
    this.page += 1;
    const { clock, chance, timers, identity, captures } = this.#options;
    const participant = new Participant({
      clock,
      random: chance.fork(`page ${this.page}`),
      timers,
      name: identity,
      token: this.#token,
      captures: { sfu: captures, pair: captures },
      ports: {
        socket: reaching(this.#options.socket, this.#options.run),
        peers: { open: (spec, feed) => this.#driver(spec, feed) },
      },
    });
    this.participant = participant;
    for (const name of EVENTS) participant.on(name, (event) => this.#event(participant, name, event as never));
    participant.connect();
    if (this.wanted) this.#join();
    this.#look();
  }

  /** Wants to be in a room. */
  enter(wanted: WantedRoom): void {
    this.wanted = wanted;
    if (this.participant?.membership === "outside") this.#join();
  }

  /** No longer wants to be in a room. */
  exit(): void {
    this.wanted = undefined;
    this.participant?.leave();
    this.#tendDevices();
  }

  setSource(source: Source, intent: Intent): void {
    this.sources[source] = intent;
    if (this.participant?.membership !== "outside") this.participant?.setSource(source, intent);
    this.#tendDevices();
  }

  /**
   * The page goes away. `pagehide`: it has a moment to say so; `crash`: it has none, and its sockets are cut by whoever
   * calls. The place stays in the page's storage.
   */
  vanish(how: "pagehide" | "crash"): void {
    const { participant } = this;
    this.participant = undefined;
    this.#poll?.cancel();
    this.#again?.cancel();
    if (how === "pagehide") participant?.close("page-closed");
    else participant?.[Symbol.dispose]();
    this.#devices.drop(this.#holder);
  }

  /** The page runs again after a sleep, or the machine is online again: browsers tell, and the SDK asks at once. */
  wake(): void {
    this.participant?.wake();
  }

  /** Shows or hides one source of another person, and says so. */
  show(identity: string, source: Source, visible: boolean): void {
    this.views.show(identity, source, visible);
    this.views.tell(this.participant);
  }

  /** Closes for good, in order. */
  close(): void {
    this.wanted = undefined;
    this.#again?.cancel();
    this.participant?.close("left");
    this.#tendDevices();
  }

  /** Whether this person's media of a source leaves to `remote`: `sfu`, a participant, or an identity. */
  sends(source: Source, key: SessionKey): boolean {
    for (const { spec, peer } of this.#peers.values()) if (spec.key === key && peer.leaves(source)) return true;
    return false;
  }

  /** Whether media of a publication arrives here, by what flows in truth. */
  hears(publication: string): boolean {
    const { participant } = this;
    if (!participant) return false;
    for (const { spec, peer } of this.#peers.values()) {
      for (const mid of peer.receiving) {
        if (participant.publicationIn(spec.key, mid) === publication && peer.arrives(mid)) return true;
      }
    }
    return false;
  }

  /** Every connection of this person, or the one with a participant, runs into a black hole until ICE restarts. */
  swallow(remote?: string): boolean {
    let any = false;
    for (const { spec, peer } of this.#peers.values()) {
      if (!peer.connection || (remote !== undefined && spec.remote !== remote)) continue;
      peer.connection.swallows = true;
      any = true;
    }
    return any;
  }

  /** Packets of a source leave and vanish, whatever is repaired, until this is taken back. */
  silence(source: Source, silent: boolean): void {
    for (const { peer } of this.#peers.values()) {
      for (const track of peer.connection?.tracks.values() ?? []) if (track.source === source) track.silent = silent;
    }
  }

  /**
   * Makes a track ill on every connection of the room that sends it: nothing flows until this step of a replay was
   * taken. Calls have no ledger, so nobody would tell their sender.
   */
  afflict(source: Source, ailment: "republish" | "renegotiate"): boolean {
    let any = false;
    for (const { spec, peer } of this.#peers.values()) {
      if (spec.use === "call") continue;
      for (const track of peer.connection?.tracks.values() ?? []) {
        if (track.source !== source) continue;
        track.ailment = ailment;
        any = true;
      }
    }
    return any;
  }

  /** Whether this page sends what it wants, whatever the room says. */
  get stubborn(): boolean {
    return this.#options.stubborn;
  }

  /** Drivers that are not closed. */
  get openPeers(): number {
    return this.#peers.size;
  }

  get #holder(): string {
    return `${this.host}-${this.page}`;
  }

  #join(): void {
    const { wanted, participant } = this;
    if (!wanted || !participant || participant.membership !== "outside") return;
    const rejoin = this.#place?.room === wanted.room ? this.#place : undefined;
    const { room, topology } = wanted;
    const command = this.#joining?.room === room ? this.#joining.command : undefined;
    this.views.beginAnew();
    const options: JoinOptions = { room, topology, sources: { ...this.sources }, rejoin, command };
    participant.join(options);
    this.#tendDevices();
  }

  #event<Name extends keyof ParticipantEvents>(from: Participant, name: Name, event: ParticipantEvents[Name]): void {
    if (from !== this.participant) return;
    this.#options.event(name, event);
    if (name === "source") this.#heedRoom(event as ParticipantEvents["source"]);
    if (name === "joining") this.#joining = event as ParticipantEvents["joining"];
    if (name === "joined") {
      this.#place = (event as ParticipantEvents["joined"]).place;
      this.#joining = this.refusedBy = undefined;
      this.views.beginAnew();
    }
    if (name === "joined" || name === "changed") this.views.tell(from);
    if (name === "refused") this.#refused((event as ParticipantEvents["refused"]).error.code);
    if (name === "join-failed") this.#joinFailed((event as ParticipantEvents["join-failed"]).error.code);
    if (name === "left") this.#place = this.#joining = undefined;
    if (isBarred(name, event)) this.wanted = undefined;
    if (name === "left" || name === "removed" || name === "join-failed") this.#outside(name);
  }

  #joinFailed(code: ErrorCode): void {
    this.refusedBy = code;
    // Without a connection nothing was asked: what an earlier page asked for may have been given.
    if (code !== "session/plan-failed") this.#joining = undefined;
  }

  /** A token that has run out is replaced, as an app does that asks its own server for another. */
  #refused(code: ErrorCode): void {
    if (code !== "auth/token-expired") return;
    const { clock, token } = this.#options;
    const { participant } = this;
    this.#token = `${token}#${clock.wall()}`;
    clock.at(clock.now() + 100, () => {
      if (!participant || participant !== this.participant) return;
      participant.setToken(this.#token);
      participant.connect();
    });
  }

  #heedRoom({ source, intent }: ParticipantEvents["source"]): void {
    if (this.stubborn || !this.moderated.has(source) || this.sources[source] === intent) return;
    this.sources[source] = intent;
    this.#tendDevices();
  }

  /** Out of the room although it is wanted: tries again, as an app would. */
  #outside(how: "left" | "removed" | "join-failed"): void {
    if (how === "removed") this.#place = undefined;
    this.#tendDevices();
    const { clock } = this.#options;
    this.#again?.cancel();
    this.#again = this.wanted && clock.at(clock.now() + 500, () => this.#join());
  }

  #tendDevices(): void {
    const inRoom = this.wanted !== undefined && this.participant !== undefined;
    this.#devices.tend(this.#holder, (source) => inRoom && this.sources[source] !== "unpublished");
  }

  #isLive(spec: PeerSpec, holder: string, source: Source): boolean {
    if (spec.use === "call") return this.devices.heldBy(kindOf(source), holder);
    return this.#means(source) && this.#captures(source);
  }

  /** Whether this page means a source to be sent: by the room's word, unless it is a page that heeds nobody. */
  #means(source: Source): boolean {
    const own = this.#options.stubborn ? undefined : this.participant?.ownSources[source];
    return own === undefined ? this.sources[source] === "live" : own.intent === "live" && own.mutedBy === null;
  }

  #driver(spec: PeerSpec, feed: (input: SessionInput) => void): PeerDriver {
    const { host, violation } = this.#options;
    const holder = `${this.#holder}, ${spec.session}`;
    const peer = peerOfPage(this.#options, spec, feed, holder, (source) => this.#isLive(spec, holder, source));
    if (this.#peers.has(spec.session)) violation(`session ${spec.session} of ${host} has two drivers`);
    this.#peers.set(spec.session, { spec, peer, counts: new Map() });
    return {
      perform: (effect) => peer.perform(effect),
      republish: (source) => peer.republish(source),
      growSlots: (audio, video) => peer.growSlots(audio, video),
      close: () => {
        this.#peers.delete(spec.session);
        peer.close();
      },
    };
  }

  #look(): void {
    const { clock, pollMs } = this.#options;
    this.#poll = clock.at(clock.now() + pollMs, () => {
      if (!this.participant || this.participant.closed) return;
      this.#observe(this.participant);
      this.#look();
    });
  }

  #observe(participant: Participant): void {
    const captured = (source: Source) => this.#means(source) && this.#captures(source);
    participant.observe(see(this.#peers.values(), captured, this.#options.counts));
  }

  #captures(source: Source): boolean {
    return source === "screen" || source === "screen-audio" || this.devices.heldBy(kindOf(source), this.#holder);
  }
}

import { Emitter, isErrorCode, type Listenable, LodelineError } from "@lodeline/base";
import type { Participant, SessionKey } from "@lodeline/participant";
import {
  type EndReason,
  type LedgerRow,
  type Moderation,
  type RoomSnapshot,
  SOURCES,
  type Source,
  type Topology,
} from "@lodeline/protocol";
import type { SessionEvent } from "@lodeline/session";
import type { Decryption } from "../api/encryption-api.ts";
import type { DeviceChoice, ShownSize } from "../api/media-api.ts";
import type { TeardownReceipt } from "../api/receipt.ts";
import type {
  ActivePath,
  PlanStep,
  RemoteParticipant,
  Room,
  RoomConnection,
  RoomEvents,
  SelfParticipant,
} from "../api/room-api.ts";
import type { OwnMedia } from "../devices/own-media.ts";
import type { CountingClock } from "../edge/browser-clock.ts";
import type { EncryptionHandle } from "../encryption/room-encryption.ts";
import type { BrowserPeers } from "../peer/browser-peers.ts";
import { Observer, type Pace } from "../stats/observer.ts";
import { Commands } from "./commands.ts";
import { roomConnection, sameConnection } from "./connection-state.ts";
import { Members } from "./members.ts";
import type { LocalControl, ScreenControl } from "./own-controls.ts";
import { OwnPart } from "./own-part.ts";
import type { RemoteHandle } from "./remote-participant.ts";
import { RoomSessions } from "./room-sessions.ts";
import { writeReceipt } from "./teardown-receipt.ts";
import { Views } from "./views.ts";

/** What a {@link RoomHandle} is made of. */
export interface RoomHandleOptions {
  readonly participant: Participant;
  readonly peers: BrowserPeers;
  readonly media: OwnMedia;
  readonly clock: CountingClock;
  readonly endingMs: number;
  readonly commandMs: number;
  /** The room is over and its receipt written: forget it. */
  over(reason: EndReason): void;
}

/** Why a room is over for us, by the code with which the place was lost. */
const REASONS: Readonly<Record<string, EndReason>> = {
  "room/removed": "removed",
  "room/ended": "room-ended",
  "room/replaced": "replaced",
  "room/lease-expired": "link-lost",
  "server/draining": "link-lost",
};

/** A room one is in: keeps what a page shows in line with the participant, and ends everything in order. */
export class RoomHandle implements Room {
  /** One's own sources. */
  readonly own: OwnPart;
  /** Set before there is a place, where the room is joined encrypted. */
  encryption: EncryptionHandle | undefined;
  readonly #options: RoomHandleOptions;
  readonly #events = new Emitter<RoomEvents>();
  readonly #members: Members;
  readonly #views: Views;
  readonly #commands: Commands;
  readonly #observer: Observer;
  readonly #listening = new AbortController();
  readonly #sessions: RoomSessions;
  #snapshot: RoomSnapshot | undefined;
  #selfId = "";
  #connection: RoomConnection = { link: "connecting", media: "connecting" };
  #updating = false;
  #ending: Promise<TeardownReceipt> | undefined;
  #phase: "joining" | "joined" | "ending" | "over" = "joining";

  constructor(options: RoomHandleOptions) {
    this.#options = options;
    const { participant, media, clock } = options;
    media.hold();
    this.own = new OwnPart(
      {
        participant,
        media,
        assertMayPublish: () => this.#assertMayPublish(),
        device: (source, problem) => this.#events.emit("device", { source, problem }),
        changed: () => this.#later(),
      },
      this.#listening,
    );
    this.#sessions = new RoomSessions(participant, options.peers);
    this.#members = new Members(participant, this.#membersListener(), this.#listening);
    this.#views = new Views((views) => participant.setViews(views));
    this.#commands = new Commands(participant, clock, options.commandMs);
    this.#observer = new Observer({
      clock,
      connections: () => this.#sessions.connections(),
      pace: () => this.#pace(),
      observe: (observation) => participant.observe(observation),
    });
    this.#listen();
  }

  on: Listenable<RoomEvents>["on"] = (name, listener, options) => this.#events.on(name, listener, options);

  get microphone(): LocalControl {
    return this.own.microphone;
  }
  get camera(): LocalControl {
    return this.own.camera;
  }
  get screen(): ScreenControl {
    return this.own.screen;
  }
  get id(): string {
    return this.#snapshot?.room ?? "";
  }
  get topology(): Topology {
    return this.#snapshot?.topology ?? "sfu";
  }
  get locked(): boolean {
    return this.#snapshot?.locked ?? false;
  }
  get joined(): boolean {
    return this.#phase === "joined";
  }
  get steps(): readonly PlanStep[] {
    return this.#sessions.steps;
  }
  get connection(): RoomConnection {
    return this.#connection;
  }
  get participants(): ReadonlyMap<string, RemoteParticipant> {
    return this.#members.handles;
  }
  get self(): SelfParticipant {
    const { media } = this.#options;
    const info = this.#snapshot?.participants.find((one) => one.id === this.#selfId);
    return {
      id: this.#selfId,
      identity: info?.identity ?? "",
      name: info?.name ?? "",
      role: info?.role ?? "viewer",
      stream: media.stream,
      screenStream: media.screenStream,
    };
  }

  async setDevice(source: "microphone" | "camera", choice: DeviceChoice): Promise<void> {
    await this[source].setDevice(choice);
  }

  async moderate(action: Moderation): Promise<void> {
    this.#assertJoined();
    await this.#commands.answered(this.#options.participant.moderate(action));
  }

  show(participantId: string, source: Source, size: ShownSize): void {
    if (this.joined && this.#members.handles.has(participantId)) this.#views.show(participantId, source, size);
  }

  ledger(): readonly LedgerRow[] {
    return this.#options.participant.ledger;
  }

  activePath(participantId?: string): Promise<ActivePath | undefined> {
    return this.#sessions.activePath(participantId);
  }

  stats(): Promise<ReadonlyMap<string, RTCStatsReport>> {
    return this.#sessions.stats();
  }

  leave(): Promise<TeardownReceipt> {
    return this.end("left");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  /** The place was given, for the first time or again after a lost link. */
  admitted(participantId: string): void {
    const { participant } = this.#options;
    this.#selfId = participantId;
    if (this.#phase === "joining") this.#phase = "joined";
    const own = participant.room?.participants.find((one) => one.id === participantId);
    if (own) this.own.publishing.admitted(own.media.sources);
    this.#update();
  }

  /** It is known whether something can be read. */
  decryption(participantId: string, source: Source, decryption: Decryption): void {
    const participant = this.#members.handles.get(participantId);
    if (participant) this.#events.emit("decryption", { participant, source, decryption });
  }

  /** A connection or its sections changed. */
  connectionChanged(): void {
    this.#later();
  }

  /** Ends it: once, whatever the reason, and always with a receipt. */
  end(reason: EndReason): Promise<TeardownReceipt> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  /** The page is being left: what has no time to be awaited is begun. */
  drop(): void {
    this.#observer[Symbol.dispose]();
    void this.#options.media.close();
  }

  async #end(reason: EndReason): Promise<TeardownReceipt> {
    const { participant, media, clock, endingMs } = this.#options;
    const began = clock.now();
    this.#phase = "ending";
    const peers = this.#sessions.peers();
    this.#observer[Symbol.dispose]();
    // Nothing of the end happens within the listener or the click that caused it.
    await Promise.resolve();
    // The room's own hold goes first; the last session's stop plan then releases the devices, in its order.
    const released = media.release();
    participant.leave();
    // A server that is not there cannot say goodbye: its lease ends the place.
    await this.#sessions.allOver(clock, participant.linkState === "open" ? began + endingMs : began);
    await Promise.all(peers.map((peer) => peer.closed()));
    await released;
    await media.close();
    const receipt = writeReceipt({
      reason,
      durationMs: clock.now() - began,
      media,
      peers,
      sessions: this.#sessions.receipts,
      timers: this.#observer.armed ? 1 : 0,
    });
    for (const peer of peers) this.#options.peers.forget(peer.spec.session);
    this.encryption?.[Symbol.dispose]();
    this.#phase = "over";
    this.#connection = { link: this.#connection.link, media: "ended" };
    this.#listening.abort();
    this.#options.over(reason);
    this.#events.emit("changed", { room: this });
    this.#events.emit("ended", { reason, receipt });
    return receipt;
  }

  #listen(): void {
    const { participant } = this.#options;
    const { signal } = this.#listening;
    const changed = () => this.#later();
    participant.on("changed", changed, { signal });
    participant.on("slots", changed, { signal });
    participant.on("standing", changed, { signal });
    participant.on("link", changed, { signal });
    participant.on("left", () => this.#sessions.recheck(), { signal });
    participant.on("closed", () => this.#sessions.recheck(), { signal });
    participant.on("removed", ({ code, reason }) => this.#removed(code, reason), { signal });
    participant.on("place-lost", ({ code, reason }) => this.#placeLost(code, reason), { signal });
    participant.on("join-failed", ({ error }) => this.#notAgain(error), { signal });
    participant.on("session", ({ key, event }) => this.#session(key, event), { signal });
  }

  /** What is newly sent waits for its proof as well: until the room hears of it others read it as not there. */
  #pace(): Pace {
    const { media } = this.#options;
    const wanted = SOURCES.filter((source) => media.sources[source].audible && media.sources[source].track).length;
    const pace = this.#members.pace();
    return pace === "calm" && this.#observer.proven < wanted ? "busy" : pace;
  }

  #removed(code: string, reason: string): void {
    const error = new LodelineError(isErrorCode(code) ? code : "room/removed", { detail: reason });
    if (this.#phase === "joined") this.#events.emit("removed", { error });
    void this.end(REASONS[code] ?? "refused");
  }

  #placeLost(code: string, reason: string): void {
    // A reload that comes too late is told so before there is a room to listen to: its join goes on as a first one.
    if (this.#phase !== "joined") return;
    const error = new LodelineError(isErrorCode(code) ? code : "room/lease-expired", { detail: reason });
    this.#events.emit("place-lost", { error });
  }

  /** Another place was asked for, and refused. */
  #notAgain(error: LodelineError): void {
    if (this.#phase === "joined") this.#removed(error.code, error.detail);
  }

  #session(key: SessionKey, event: SessionEvent): void {
    if (key.startsWith("call:")) return;
    if (event.kind === "step") this.#events.emit("step", this.#sessions.noteStep(event));
    if (event.kind === "ended") this.#sessions.ended(event.receipt);
    if (event.kind === "media" || event.kind === "negotiated") this.#observer.nudge();
    this.#sessions.recheck();
    this.#later();
  }

  /** Plans an update: many things change within one turn, and a page draws once. */
  #later(): void {
    if (this.#updating || this.#phase === "over") return;
    this.#updating = true;
    queueMicrotask(() => {
      this.#updating = false;
      this.#update();
    });
  }

  #update(): void {
    const { participant } = this.#options;
    if (this.#phase === "over" || this.#phase === "joining") return;
    const { room } = participant;
    if (room) {
      this.#snapshot = room;
      const routes = this.#sessions.routes();
      this.encryption?.update(room, this.#selfId, routes);
      this.#members.update(room, this.#selfId, routes);
    }
    const connection = roomConnection(participant, this.topology, this.#members.handles.size);
    if (!sameConnection(connection, this.#connection)) {
      this.#connection = connection;
      this.#events.emit("connection", connection);
    }
    if (this.#sessions.connections().length > 0) this.#observer.quicken();
    this.#events.emit("changed", { room: this });
  }

  #membersListener(): ConstructorParameters<typeof Members>[1] {
    const track = (participant: RemoteHandle, source: Source) =>
      this.#events.emit("track", {
        participant,
        source,
        track: participant.trackOf(source),
        stream: participant.streamOf(source),
      });
    return {
      joined: (participant) => this.#events.emit("participant-joined", { participant }),
      left: (participant, reason) => {
        this.#views.forget(participant.id);
        this.#events.emit("participant-left", { participant, reason });
      },
      track,
      standing: (participant, truth) => this.#events.emit("standing", { participant, truth }),
    };
  }

  #assertJoined(): void {
    if (this.#phase !== "joined") throw new LodelineError("room/not-member");
  }

  #assertMayPublish(): void {
    if (this.#phase === "ending" || this.#phase === "over") throw new LodelineError("room/not-member");
    if (this.#phase === "joined" && this.self.role === "viewer") {
      throw new LodelineError("auth/forbidden", { detail: "Viewers publish nothing in this room." });
    }
  }
}

import { Emitter, isErrorCode, type Listenable, LodelineError } from "@lodeline/base";
import type { Participant, SessionKey } from "@lodeline/participant";
import type { EndReason, LedgerRow, Moderation, RoomSnapshot, Source, Topology } from "@lodeline/protocol";
import type { SessionEvent, TeardownReceipt as SessionReceipt } from "@lodeline/session";
import type { DeviceChoice, DeviceProblem, ShownSize } from "../api/media-api.ts";
import type { TeardownReceipt } from "../api/receipt.ts";
import type {
  ActivePath,
  RemoteParticipant,
  Room,
  RoomConnection,
  RoomEvents,
  SelfParticipant,
} from "../api/room-api.ts";
import type { OwnMedia } from "../devices/own-media.ts";
import type { CountingClock } from "../edge/browser-clock.ts";
import type { BrowserPeer } from "../peer/browser-peer.ts";
import type { BrowserPeers } from "../peer/browser-peers.ts";
import type { SessionConnection } from "../peer/session-connection.ts";
import { activePath } from "../stats/active-path.ts";
import { Observer, type Pace } from "../stats/observer.ts";
import { readable } from "../stats/stats-report.ts";
import { Commands } from "./commands.ts";
import { roomConnection, sameConnection } from "./connection-state.ts";
import { Members } from "./members.ts";
import { LocalControl, ScreenControl } from "./own-controls.ts";
import { OwnPublishing } from "./own-publishing.ts";
import type { RemoteHandle } from "./remote-participant.ts";
import { writeReceipt } from "./teardown-receipt.ts";
import { pairRoutes, slotRoutes, type TrackRoute } from "./track-routes.ts";
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
  over(room: RoomHandle, reason: EndReason): void;
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
  readonly microphone: LocalControl;
  readonly camera: LocalControl;
  readonly screen: ScreenControl;
  /** What the room is told of own sources. */
  readonly publishing: OwnPublishing;
  readonly #options: RoomHandleOptions;
  readonly #events = new Emitter<RoomEvents>();
  readonly #members: Members;
  readonly #views: Views;
  readonly #commands: Commands;
  readonly #observer: Observer;
  readonly #listening = new AbortController();
  readonly #sessionReceipts: SessionReceipt[] = [];
  #snapshot: RoomSnapshot | undefined;
  #selfId = "";
  #connection: RoomConnection = { link: "connecting", media: "connecting" };
  #problems = new Map<Source, DeviceProblem | undefined>();
  #updating = false;
  #ending: Promise<TeardownReceipt> | undefined;
  #phase: "joining" | "joined" | "ending" | "over" = "joining";
  /** Whoever waits for the room's sessions to be over. */
  #settled: (() => void) | undefined;

  constructor(options: RoomHandleOptions) {
    this.#options = options;
    const { participant, media, clock } = options;
    media.hold();
    this.publishing = new OwnPublishing(media, (source, intent) => participant.setSource(source, intent));
    const context = {
      media,
      publish: (source: Source) => this.publishing.update(source),
      assertMayPublish: () => this.#assertMayPublish(),
    };
    this.microphone = new LocalControl("microphone", context);
    this.camera = new LocalControl("camera", context);
    this.screen = new ScreenControl(context);
    this.#members = new Members(participant, this.#membersListener());
    this.#views = new Views((views) => participant.setViews(views));
    this.#commands = new Commands(participant, clock, options.commandMs);
    this.#observer = new Observer({
      clock,
      connections: () => this.#connections(),
      pace: () => this.#pace(),
      observe: (observation) => participant.observe(observation),
    });
    this.#listen();
  }

  on: Listenable<RoomEvents>["on"] = (name, listener, options) => this.#events.on(name, listener, options);

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

  async activePath(participantId?: string): Promise<ActivePath | undefined> {
    const pairs = this.#connections().filter(([key]) => !participantId || key === `pair:${participantId}`);
    const [found] = this.topology === "sfu" ? this.#connections() : pairs;
    return found && activePath(readable(await found[1].connection.getStats()));
  }

  async stats(): Promise<ReadonlyMap<string, RTCStatsReport>> {
    const reports = this.#connections().map(
      async ([, connection]) => [connection.session, await connection.connection.getStats()] as const,
    );
    return new Map(await Promise.all(reports));
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
    if (own) this.publishing.admitted(own.media.sources);
    this.#update();
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
    const peers = this.#peers();
    this.#observer[Symbol.dispose]();
    // Nothing of the end happens within the listener or the click that caused it.
    await Promise.resolve();
    // The room's own hold goes first; the last session's stop plan then releases the devices, in its order.
    const released = media.release();
    participant.leave();
    await this.#allSessionsOver(began + endingMs);
    for (const peer of peers) peer.close();
    await released;
    await media.close();
    const receipt = writeReceipt({
      reason,
      durationMs: clock.now() - began,
      media,
      peers,
      sessions: this.#sessionReceipts,
      timers: this.#observer.armed ? 1 : 0,
    });
    for (const peer of peers) this.#options.peers.forget(peer.spec.session);
    this.#phase = "over";
    this.#connection = { link: this.#connection.link, media: "ended" };
    this.#listening.abort();
    this.#options.over(this, reason);
    this.#events.emit("changed", { room: this });
    this.#events.emit("ended", { reason, receipt });
    return receipt;
  }

  #allSessionsOver(dueAt: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.at(dueAt, () => done());
      const done = () => {
        timer.cancel();
        this.#settled = undefined;
        resolve();
      };
      this.#settled = () => {
        if (this.#sessionsOver()) done();
      };
      this.#settled();
    });
  }

  #sessionsOver(): boolean {
    const { participant } = this.#options;
    if (participant.closed) return true;
    const inRoom = participant.membership !== "outside";
    return !inRoom && participant.sessions.every(({ use, state }) => use === "call" || state.kind === "Ended");
  }

  #listen(): void {
    const { participant, media } = this.#options;
    const { signal } = this.#listening;
    const changed = () => this.#later();
    participant.on("changed", changed, { signal });
    participant.on("slots", changed, { signal });
    participant.on("standing", changed, { signal });
    participant.on("link", changed, { signal });
    participant.on("left", () => this.#settled?.(), { signal });
    participant.on("closed", () => this.#settled?.(), { signal });
    participant.on("removed", ({ code, reason }) => this.#removed(code, reason), { signal });
    participant.on("source", ({ source, intent, mutedBy }) => this.#sourceHeard(source, intent, mutedBy), { signal });
    participant.on("session", ({ key, event }) => this.#session(key, event), { signal });
    media.on("change", ({ source, change }) => this.#ownChanged(source.source, change), { signal });
  }

  #sourceHeard(source: Source, intent: "unpublished" | "live" | "muted", mutedBy: string | null): void {
    void this.publishing.heard(source, intent, mutedBy);
    this.#later();
  }

  #removed(code: string, reason: string): void {
    const error = new LodelineError(isErrorCode(code) ? code : "room/removed", { detail: reason });
    if (this.#phase === "joined") this.#events.emit("removed", { error });
    void this.end(REASONS[code] ?? "refused");
  }

  #session(key: SessionKey, event: SessionEvent): void {
    if (key.startsWith("call:")) return;
    if (event.kind === "step") {
      const { session, plan, step, outcome, durationMs } = event;
      this.#events.emit("step", { session, plan, step, outcome, durationMs });
    }
    if (event.kind === "ended") {
      if (this.#phase === "ending") this.#sessionReceipts.push(event.receipt);
      else this.#options.peers.forget(event.session);
    }
    if (event.kind === "media" || event.kind === "negotiated") this.#observer.nudge();
    this.#settled?.();
    this.#later();
  }

  #ownChanged(source: Source, change: "state" | "track" | "ended"): void {
    const own = this.#options.media.sources[source];
    if (change === "ended") {
      own.want("unpublished");
      // The sound of a screen goes with its picture.
      if (source === "screen" && this.#phase === "joined") void this.screen.stop();
    }
    if (change === "ended" || (change === "track" && own.track)) this.publishing.update(source);
    if (this.#problems.get(source) !== own.problem) {
      this.#problems.set(source, own.problem);
      this.#events.emit("device", { source, problem: own.problem });
    }
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
      this.#members.update(room, this.#selfId, this.#routes());
    }
    const connection = roomConnection(participant, this.topology, this.#members.handles.size);
    if (!sameConnection(connection, this.#connection)) {
      this.#connection = connection;
      this.#events.emit("connection", connection);
    }
    if (this.#connections().length > 0) this.#observer.quicken();
    this.#events.emit("changed", { room: this });
  }

  #routes(): TrackRoute[] {
    const { slots } = this.#options.participant;
    return this.#connections().flatMap(([key, connection]) => {
      if (key !== "sfu") return pairRoutes(key, connection);
      return slots ? slotRoutes(connection, slots) : [];
    });
  }

  #pace(): Pace {
    const truths = [...this.#members.handles.values()].flatMap((handle) => Object.values(handle.sources));
    if (truths.some(({ standing }) => standing === "pending")) return "eager";
    return truths.some(({ standing }) => standing === "missing") ? "busy" : "calm";
  }

  #peers(): BrowserPeer[] {
    return this.#options.peers.all().filter(({ spec }) => spec.use !== "call");
  }

  #connections(): (readonly [SessionKey, SessionConnection])[] {
    const newest = new Map<SessionKey, SessionConnection>();
    for (const { spec, connection } of this.#peers()) {
      if (connection && connection.connection.signalingState !== "closed") newest.set(spec.key, connection);
    }
    return [...newest];
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
      left: (participant) => {
        this.#views.forget(participant.id);
        this.#events.emit("participant-left", { participant, reason: undefined });
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

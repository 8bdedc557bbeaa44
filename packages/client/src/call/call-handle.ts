import { Emitter, type Listenable, LodelineError } from "@lodeline/base";
import type { CallRow, Participant, SessionKey, SessionView } from "@lodeline/participant";
import { type EndReason, publicationId, SOURCES, type Source } from "@lodeline/protocol";
import { ActiveGate, type SessionEvent, type TeardownReceipt as SessionReceipt } from "@lodeline/session";
import type { ActiveCall, Call, CallEvents, CallOptions, CallState } from "../api/call-api.ts";
import type { DeviceChoice, DeviceWish } from "../api/media-api.ts";
import type { TeardownReceipt } from "../api/receipt.ts";
import type { ActivePath, PlanStep } from "../api/room-api.ts";
import { OwnMedia } from "../devices/own-media.ts";
import { openWishes } from "../devices/wishes.ts";
import type { CountingClock } from "../edge/browser-clock.ts";
import type { BrowserPeer } from "../peer/browser-peer.ts";
import type { BrowserPeers, PeerMedia } from "../peer/browser-peers.ts";
import { LocalControl, ScreenControl } from "../room/own-controls.ts";
import { writeReceipt } from "../room/teardown-receipt.ts";
import { activePath } from "../stats/active-path.ts";
import { Observer } from "../stats/observer.ts";
import { readable } from "../stats/stats-report.ts";

/** What a {@link CallHandle} is made of. */
export interface CallHandleOptions {
  readonly key: SessionKey;
  readonly participant: Participant;
  readonly peers: BrowserPeers;
  readonly clock: CountingClock;
  readonly deviceWaitMs: number;
  /** It has ended and its receipt is written: forget it. */
  over(call: CallHandle): void;
}

/** More than this waits unsent on the channel: the other side does not read. */
const QUEUE_BYTES = 1024 * 1024;

/** A call, from its first ring to its receipt. */
export class CallHandle implements Call {
  readonly key: SessionKey;
  readonly microphone: LocalControl;
  readonly camera: LocalControl;
  readonly screen: ScreenControl;
  readonly remoteStream = new MediaStream();
  readonly steps: PlanStep[] = [];
  /** The devices of this call; its session opens and releases them. */
  readonly devices: PeerMedia;
  readonly #options: CallHandleOptions;
  readonly #media = new OwnMedia();
  readonly #events = new Emitter<CallEvents>();
  readonly #gate = new ActiveGate<ActiveCall, AbortSignal>({
    createAbort: () => new AbortController(),
    // A page's callback that throws is reported like any other uncaught error, and the call goes on.
    onError: (error) => reportError(error),
  });
  readonly #observer: Observer;
  readonly #listening = new AbortController();
  readonly #view: SessionView;
  #wishes: { readonly audio: DeviceWish; readonly video: DeviceWish };
  #id: string;
  #state: CallState;
  #reason: EndReason | undefined;
  #receipt: TeardownReceipt | undefined;
  #interrupted = false;
  /** Whether packets of each source leave, as last read. */
  #sent: ReadonlyMap<Source, boolean> = new Map();

  constructor(view: SessionView, wishes: { audio: DeviceWish; video: DeviceWish }, options: CallHandleOptions) {
    this.key = options.key;
    this.#options = options;
    this.#view = view;
    this.#wishes = wishes;
    this.#state = view.state.kind;
    this.#id = view.state.kind === "Idle" ? "" : view.state.session;
    const context = { media: this.#media, publish: () => {}, assertMayPublish: () => this.#assertGoing() };
    this.microphone = new LocalControl("microphone", context);
    this.camera = new LocalControl("camera", context);
    this.screen = new ScreenControl(context);
    this.devices = {
      media: this.#media,
      open: () => openWishes(this.#media, this.#wishes.audio, this.#wishes.video, options.clock, options.deviceWaitMs),
    };
    this.#observer = new Observer({
      clock: options.clock,
      connections: () => {
        const connection = this.#peer?.connection;
        return connection && this.#state === "Active" ? [[this.key, connection]] : [];
      },
      pace: () => {
        const { audio, video } = this.receiving;
        return (audio || !this.wants.audio) && (video || !this.wants.video) ? "calm" : "busy";
      },
      // What is sent in a call concerns no room's ledger: the other end is told.
      observe: ({ published, received }) => {
        options.participant.observe({ published: [], received });
        this.#sent = new Map(published.map(({ source, sent }) => [source, sent]));
        this.#tellSends();
      },
    });
    this.#listen();
  }

  on: Listenable<CallEvents>["on"] = (name, listener, options) => this.#events.on(name, listener, options);

  get id(): string {
    return this.#id;
  }
  get direction(): "outgoing" | "incoming" {
    return this.#view.direction ?? "outgoing";
  }
  get identity(): string {
    return this.#view.remote;
  }
  get name(): string {
    return this.#view.name ?? this.#view.remote;
  }
  get state(): CallState {
    return this.#state;
  }
  get interrupted(): boolean {
    return this.#interrupted;
  }
  get wants(): { readonly audio: boolean; readonly video: boolean } {
    return { audio: this.#view.audio, video: this.#view.video };
  }
  get reason(): EndReason | undefined {
    return this.#reason;
  }
  get receiving(): { readonly audio: boolean; readonly video: boolean } {
    const { participant } = this.#options;
    const received = (source: "microphone" | "camera") =>
      participant.standing(publicationId(this.identity, source)) === "received";
    return { audio: received("microphone"), video: received("camera") };
  }

  ledger(): readonly CallRow[] {
    return this.#options.participant.callRows(this.key);
  }

  accept(options: CallOptions = {}): void {
    this.#wishes = { audio: options.audio ?? true, video: options.video ?? false };
    options.signal?.addEventListener("abort", () => void this.hangup(), { once: true });
    this.#options.participant.accept(this.key);
  }

  reject(reason: "declined" | "busy" = "declined"): void {
    this.#options.participant.reject(this.key, reason);
  }

  // biome-ignore lint/suspicious/noConfusingVoidType: a callback that returns nothing must fit as well
  onActive(start: (active: ActiveCall) => void | (() => void)): Disposable {
    return this.#gate.onActive((scope) => start(scope.media));
  }

  send(data: string | ArrayBuffer): void {
    const channel = this.#peer?.connection?.channel;
    if (channel?.readyState !== "open") throw new LodelineError("data/not-open");
    if (channel.bufferedAmount > QUEUE_BYTES) throw new LodelineError("data/queue-full");
    if (typeof data === "string") channel.send(data);
    else channel.send(data);
  }

  async activePath(): Promise<ActivePath | undefined> {
    const report = await this.stats();
    return report && activePath(readable(report));
  }

  async stats(): Promise<RTCStatsReport | undefined> {
    const connection = this.#peer?.connection;
    return connection?.connection.signalingState === "closed" ? undefined : connection?.stats();
  }

  async hangup(): Promise<TeardownReceipt> {
    if (this.#receipt) return this.#receipt;
    const ended = new Promise<TeardownReceipt>((resolve) => {
      this.on("ended", ({ receipt }) => resolve(receipt));
    });
    this.#options.participant.hangup(this.key);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangup();
  }

  /** A device was chosen before there was a call to use it in. */
  choose(source: "microphone" | "camera", choice: DeviceChoice): void {
    this.#media.sources[source].choice = choice;
  }

  /** Something came in on the data channel. */
  heard(data: string | ArrayBuffer): void {
    this.#events.emit("message", data);
  }

  /** Its sections or its connection changed: takes over what can be played. */
  connectionChanged(): void {
    for (const { track } of this.#peer?.connection?.sections.receivers() ?? []) {
      // Screen sections exist in every call; a stream plays its first picture, so they wait for their own use.
      if (this.remoteStream.getTracks().some((one) => one.kind === track.kind)) continue;
      this.remoteStream.addTrack(track);
      this.remoteStream.dispatchEvent(new MediaStreamTrackEvent("addtrack", { track }));
      this.#events.emit("track", { track, stream: this.remoteStream });
    }
    this.#changed();
  }

  /** The page is being left. */
  drop(): void {
    this.#observer[Symbol.dispose]();
    void this.#media.close();
  }

  /** What the session's machine says. */
  sessionEvent(event: SessionEvent): void {
    switch (event.kind) {
      case "stateChanged":
        this.#stateChanged(event);
        break;
      case "merged":
        this.#id = event.session;
        break;
      case "step":
        this.steps.push(event);
        this.#events.emit("step", event);
        break;
      case "interrupted":
      case "recovered":
        this.#interrupted = event.kind === "interrupted";
        this.#events.emit("interrupted", this.#interrupted);
        break;
      case "media":
        if (event.ready) this.#active(event.session);
        break;
      case "ended":
        void this.#ended(event.reason, event.receipt);
        break;
      default:
        break;
    }
    this.#changed();
  }

  get #peer(): BrowserPeer | undefined {
    return this.#options.peers.newest(this.key);
  }

  #listen(): void {
    const { participant } = this.#options;
    const { signal } = this.#listening;
    participant.on("changed", ({ what }) => (what === "call" ? this.#changed() : undefined), { signal });
    participant.on(
      "standing",
      ({ publication }) => {
        if (publication.startsWith(`${this.identity}:`)) this.#changed();
      },
      { signal },
    );
    this.#media.on(
      "change",
      ({ source, change }) => {
        if (change === "ended") source.want("unpublished");
        this.#tellSends();
        this.#changed();
      },
      { signal },
    );
  }

  #stateChanged(event: Extract<SessionEvent, { kind: "stateChanged" }>): void {
    if (event.state === "Idle") return;
    const previous = this.#state;
    this.#state = event.state;
    this.#id = event.session;
    if (event.state === "Ending" || event.state === "Ended") this.#gate.leave(event.reason);
    this.#events.emit("state", { state: event.state, previous, reason: this.#reason });
  }

  #active(session: string): void {
    const connection = this.#peer?.connection;
    if (!connection) return;
    this.connectionChanged();
    this.#gate.enter(session, {
      signal: this.#listening.signal,
      remoteStream: this.remoteStream,
      localStream: this.#media.stream,
      data: connection.channel,
    });
    this.#observer.nudge();
  }

  async #ended(reason: EndReason, sessionReceipt: SessionReceipt): Promise<void> {
    const { peers, over } = this.#options;
    this.#reason = reason;
    const peer = this.#peer;
    this.#observer[Symbol.dispose]();
    this.#gate.leave(reason);
    this.#listening.abort(reason);
    await this.#media.close();
    const receipt = writeReceipt({
      reason,
      durationMs: sessionReceipt.durationMs,
      media: this.#media,
      peers: peer ? [peer] : [],
      sessions: [sessionReceipt],
      timers: this.#observer.armed ? 1 : 0,
    });
    this.#receipt = receipt;
    if (peer) peers.forget(peer.spec.session);
    over(this);
    this.#changed();
    this.#events.emit("ended", { reason, receipt });
  }

  /** What has a track, whether it is meant to be heard or seen, and whether it leaves. */
  #tellSends(): void {
    if (this.#state !== "Active") return;
    const { sources } = this.#media;
    const sends = SOURCES.filter((source) => sources[source].track).map((source) => {
      const intent = sources[source].audible ? ("live" as const) : ("muted" as const);
      return { source, intent, sent: this.#sent.get(source) };
    });
    this.#options.participant.setCallSends(this.key, sends);
  }

  #changed(): void {
    this.#events.emit("changed", { call: this });
  }

  #assertGoing(): void {
    if (this.#state === "Ending" || this.#state === "Ended") throw new LodelineError("session/not-active");
  }
}

import {
  createSecret,
  cryptoRandom,
  Emitter,
  type Listenable,
  LodelineError,
  type Logger,
  silentLogger,
  type Timer,
} from "@lodeline/base";
import { Participant, type SessionKey } from "@lodeline/participant";
import { DEFAULT_TIMERS, type EndReason, type Timers } from "@lodeline/protocol";
import type { Call, CallOptions } from "./api/call-api.ts";
import type { ClientEvents, ClientOptions, LinkState, LodelineClient, PlaceStorage } from "./api/client-api.ts";
import type { JoinOptions, Room } from "./api/room-api.ts";
import { CallHandle } from "./call/call-handle.ts";
import { OwnMedia } from "./devices/own-media.ts";
import { openWishes } from "./devices/wishes.ts";
import { browserClock } from "./edge/browser-clock.ts";
import { browserSocketPort, linkUrl } from "./edge/browser-socket.ts";
import { watchPage } from "./page/page-life.ts";
import { PlaceStore } from "./page/place-store.ts";
import { BrowserPeers, type PeerMedia } from "./peer/browser-peers.ts";
import { RoomHandle } from "./room/room-handle.ts";

/** Receive slots of each kind in a first offer: enough for most rooms, and small. */
const SLOTS = 6;
/** The default of {@link ClientOptions.deviceWaitMs}. */
const DEVICE_WAIT_MS = 800;
/** A token that is refused is asked for anew this many times before the person is told. */
const TOKEN_ATTEMPTS = 2;

/** Ends after which there is no place to come back to. */
const FINAL: ReadonlySet<EndReason> = new Set(["left", "removed", "room-ended", "replaced"]);

/** A join under way or done: the room, its devices, and what it was joined with. */
interface Stay {
  readonly room: RoomHandle;
  readonly media: OwnMedia;
  readonly peerMedia: PeerMedia;
  readonly id: string;
}

/** The client: owns the one participant, hands its events to the room and the calls, and watches the page. */
export class ClientHandle implements LodelineClient {
  readonly #options: ClientOptions;
  readonly #logger: Logger;
  readonly #timers: Timers;
  readonly #url: string;
  readonly #clock = browserClock();
  readonly #events = new Emitter<ClientEvents>();
  readonly #places: PlaceStore;
  readonly #calls = new Map<SessionKey, CallHandle>();
  readonly #page: Disposable;
  #participant: Participant | undefined;
  #peers: BrowserPeers | undefined;
  #name: string;
  #stay: Stay | undefined;
  #tokenAttempts = 0;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#url = linkUrl(options.url, globalThis.location?.href);
    this.#name = options.name ?? "";
    this.#places = new PlaceStore(options.storage === undefined ? pageStorage() : options.storage, this.#url);
    this.#page = watchPage({
      leaving: () => this.#leaving(),
      awake: () => this.#participant?.wake(),
    });
  }

  on: Listenable<ClientEvents>["on"] = (name, listener, options) => this.#events.on(name, listener, options);

  get link(): LinkState {
    return this.#participant?.linkState ?? "idle";
  }
  get identity(): string | undefined {
    return this.#participant?.identity;
  }
  get room(): Room | undefined {
    return this.#stay?.room.joined ? this.#stay.room : undefined;
  }
  get calls(): ReadonlyMap<string, Call> {
    // A session's id changes when two who call each other become one call.
    return new Map([...this.#calls.values()].map((call) => [call.id, call]));
  }

  async connect(): Promise<void> {
    await this.#linked(await this.#ready(this.#name));
  }

  async join(options: JoinOptions): Promise<Room> {
    options.signal?.throwIfAborted();
    if (this.#stay) throw new LodelineError("room/already-member");
    const stay = this.#enter(options);
    const abort = () => void stay.room.end("aborted");
    options.signal?.addEventListener("abort", abort, { once: true });
    stay.room.on("ended", () => options.signal?.removeEventListener("abort", abort));
    try {
      await this.#join(stay, options);
    } catch (error) {
      await stay.room.end("refused");
      throw error;
    }
    return stay.room;
  }

  async call(identity: string, options: CallOptions = {}): Promise<Call> {
    const participant = await this.#ready(options.name ?? this.#name);
    await this.#linked(participant);
    if (identity === participant.identity) throw new LodelineError("call/self");
    const wishes = { audio: options.audio ?? true, video: options.video ?? false };
    const key: SessionKey = `call:${identity}`;
    const known = this.#calls.get(key);
    // Whom one calls while they call: that is taking their call.
    if (known?.state === "IncomingInit") known.accept(options);
    if (known) return known;
    participant.call(identity, { audio: wishes.audio !== false, video: wishes.video !== false });
    const call = this.#track(key, wishes);
    if (!call) throw new LodelineError("call/unreachable");
    options.signal?.addEventListener("abort", () => void call.hangup(), { once: true });
    return call;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#stay?.room.end("left"), ...[...this.#calls.values()].map((call) => call.hangup())]);
    this.#participant?.close("left");
    this.#page[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enter(options: JoinOptions): Stay {
    const media = new OwnMedia();
    const microphone = options.microphone ?? false;
    const camera = options.camera ?? false;
    const waitMs = this.#options.deviceWaitMs ?? DEVICE_WAIT_MS;
    if (microphone && options.startMuted) media.sources.microphone.want("muted");
    let opening: Promise<void> | undefined;
    const peerMedia: PeerMedia = {
      media,
      open: () => {
        opening ??= openWishes(media, microphone, camera, this.#clock, waitMs);
        return opening;
      },
    };
    const { participant, peers } = this.#make(options.name, options.room);
    const room = new RoomHandle({
      participant,
      peers,
      media,
      clock: this.#clock,
      endingMs: this.#timers.endingMs,
      commandMs: this.#timers.commandMs,
      over: (_, reason) => this.#left(options.room, reason),
    });
    this.#stay = { room, media, peerMedia, id: options.room };
    return this.#stay;
  }

  async #join(stay: Stay, options: JoinOptions): Promise<void> {
    // Devices, token and earlier place at once: whatever is slowest decides, not their sum. The link opens meanwhile and
    // is not waited for: the join goes out with its first frame.
    const devices = stay.peerMedia.open().catch(() => {});
    const place = this.#places.take(options.room);
    const participant = await this.#ready(options.name);
    await devices;
    const rejoin = await place;
    if (!this.#stay || options.signal?.aborted) throw new LodelineError("aborted");
    const joined = this.#admission(participant);
    participant.join({
      room: options.room,
      topology: options.topology,
      sources: stay.room.publishing.begin(),
      rejoin,
    });
    await joined;
  }

  /** Settles with the server's answer to a join. */
  #admission(participant: Participant): Promise<void> {
    return this.#outcome((resolve, reject, signal) => {
      participant.on("joined", resolve, { signal });
      participant.on("join-failed", ({ error }) => reject(error), { signal });
      participant.on("refused", ({ error }) => reject(error), { signal });
      participant.on("left", () => reject(new LodelineError("aborted")), { signal });
      participant.on("closed", () => reject(new LodelineError("link/closed")), { signal });
      participant.on("removed", ({ reason }) => reject(new LodelineError("room/removed", { detail: reason })), {
        signal,
      });
    }, participant);
  }

  #left(room: string, reason: EndReason): void {
    this.#stay = undefined;
    // A join that came to nothing, and a page that goes, leave the earlier place as it was.
    if (FINAL.has(reason)) this.#places.drop(room);
    const participant = this.#participant;
    // A leave that the server could not confirm in time: this participant's state is of no use any more.
    if (participant && participant.membership !== "outside" && this.#calls.size === 0) this.#discard();
  }

  #leaving(): void {
    this.#stay?.room.drop();
    for (const call of this.#calls.values()) call.drop();
    this.#participant?.close("page-closed");
    this.#participant = undefined;
    this.#places.release();
  }

  #discard(): void {
    this.#participant?.close("page-closed");
    this.#participant = undefined;
    this.#peers = undefined;
  }

  /** The participant with a fresh token, its link opening. */
  async #ready(name: string): Promise<Participant> {
    if (this.#closed) throw new LodelineError("link/closed");
    const { participant } = this.#make(name);
    if (participant.linkState === "idle" || participant.linkState === "closed") {
      await this.#refreshToken(participant);
      participant.connect();
    }
    return participant;
  }

  async #refreshToken(participant: Participant): Promise<void> {
    const { getToken } = this.#options;
    if (!getToken) return;
    try {
      participant.setToken(await getToken());
    } catch (cause) {
      throw new LodelineError("auth/token-missing", { cause });
    }
  }

  /** Settles when the link is open. */
  #linked(participant: Participant): Promise<void> {
    if (participant.linkState === "open") return Promise.resolve();
    return this.#outcome((resolve, reject, signal) => {
      participant.on("link", ({ state }) => (state === "open" ? resolve() : undefined), { signal });
      participant.on("refused", ({ error }) => reject(error), { signal });
      participant.on("closed", () => reject(new LodelineError("link/closed")), { signal });
    }, participant);
  }

  /** The first of several events, within the command wait; listeners and timer are gone afterwards. */
  async #outcome(
    listen: (resolve: () => void, reject: (error: LodelineError) => void, signal: AbortSignal) => void,
    participant: Participant,
  ): Promise<void> {
    const done = new AbortController();
    let timer: Timer | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = this.#clock.at(this.#clock.now() + this.#timers.commandMs, () => {
          const code = participant.linkState === "open" ? "timeout" : "link/lost";
          reject(new LodelineError(code, { detail: "The server does not answer." }));
        });
        listen(resolve, reject, done.signal);
      });
    } finally {
      timer?.cancel();
      done.abort();
    }
  }

  #make(name: string, room?: string): { participant: Participant; peers: BrowserPeers } {
    // The name is part of the hello: with another one, and nothing going on, another participant begins.
    if (this.#participant && name !== this.#name && !this.#stay && this.#calls.size === 0) this.#discard();
    this.#name = name || this.#name;
    if (this.#participant && this.#peers) return { participant: this.#participant, peers: this.#peers };
    const peers = this.#makePeers();
    const random = cryptoRandom((into) => crypto.getRandomValues(into));
    const secret = createSecret(random);
    const participant = new Participant({
      clock: this.#clock,
      random,
      commandPrefix: room === undefined ? secret : this.#places.beginJoin(room, secret),
      ports: { socket: browserSocketPort(this.#url, this.#logger), peers },
      timers: this.#options.timers,
      name: this.#name,
      token: this.#options.token,
      captures: { sfu: true, pair: true, call: true },
    });
    this.#peers = peers;
    this.#participant = participant;
    this.#listen(participant, peers);
    return { participant, peers };
  }

  #makePeers(): BrowserPeers {
    const slots = this.#options.slots ?? { audio: SLOTS, video: SLOTS };
    return new BrowserPeers({
      logger: this.#logger,
      slots,
      iceServers: this.#options.iceServers ?? [],
      iceTransportPolicy: this.#options.iceTransportPolicy ?? "all",
      mediaOf: ({ use, key }) => (use === "call" ? this.#calls.get(key)?.devices : this.#stay?.peerMedia),
      roleOf: (key) => {
        const state = this.#participant?.session(key)?.state;
        return state && "role" in state ? state.role : undefined;
      },
      changed: ({ spec }) => {
        if (spec.use === "call") this.#calls.get(spec.key)?.connectionChanged();
        else this.#stay?.room.connectionChanged();
      },
      message: (key, data) => this.#calls.get(key)?.heard(data),
    });
  }

  #listen(participant: Participant, peers: BrowserPeers): void {
    participant.on("link", ({ state }) => this.#events.emit("link", { state }));
    participant.on("error", ({ error }) => this.#events.emit("error", error));
    participant.on("refused", ({ error }) => void this.#refused(participant, error));
    participant.on("joined", ({ place, iceServers }) => {
      peers.useIceServers(iceServers);
      void this.#places.keep(place);
      this.#stay?.room.admitted(place.participant);
    });
    participant.on("incoming", ({ call }) => {
      const handle = this.#track(call.key, { audio: true, video: false });
      if (handle) this.#events.emit("incoming", handle);
    });
    participant.on("session", ({ key, event }) => this.#calls.get(key)?.sessionEvent(event));
  }

  async #refused(participant: Participant, error: LodelineError): Promise<void> {
    const stale = error.code === "auth/token-expired" && this.#options.getToken !== undefined;
    if (stale && this.#stay?.room.joined && this.#tokenAttempts < TOKEN_ATTEMPTS) {
      this.#tokenAttempts += 1;
      try {
        await this.#refreshToken(participant);
        participant.connect();
        return;
      } catch {
        // No new token either: the person is told of the refusal itself.
      }
    }
    this.#events.emit("error", error);
    if (this.#stay?.room.joined) await this.#stay.room.end("refused");
  }

  #track(key: SessionKey, wishes: { audio: CallOptions["audio"] & {}; video: CallOptions["video"] & {} }) {
    const participant = this.#participant;
    const view = participant?.session(key);
    if (!participant || !this.#peers || !view) return undefined;
    const call = new CallHandle(view, wishes, {
      key,
      participant,
      peers: this.#peers,
      clock: this.#clock,
      deviceWaitMs: this.#options.deviceWaitMs ?? DEVICE_WAIT_MS,
      endingMs: this.#timers.endingMs,
      over: (ended) => {
        if (this.#calls.get(key) === ended) this.#calls.delete(key);
      },
    });
    this.#calls.set(key, call);
    return call;
  }
}

function pageStorage(): PlaceStorage | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    // A page whose storage is blocked may not even look at it.
    return null;
  }
}

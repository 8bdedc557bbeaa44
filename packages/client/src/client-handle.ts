import { Emitter, type Listenable, LodelineError, silentLogger, toLodelineError } from "@lodeline/base";
import type { SessionKey } from "@lodeline/participant";
import { DEFAULT_TIMERS, type EndReason, type Timers } from "@lodeline/protocol";
import type { Call, CallOptions } from "./api/call-api.ts";
import type { ClientEvents, ClientOptions, LinkState, LodelineClient, PlaceStorage } from "./api/client-api.ts";
import type { EncryptionOptions } from "./api/encryption-api.ts";
import type { DeviceWish } from "./api/media-api.ts";
import type { JoinOptions, Room } from "./api/room-api.ts";
import type { CallHandle } from "./call/call-handle.ts";
import { OwnMedia } from "./devices/own-media.ts";
import { openWishes } from "./devices/wishes.ts";
import { browserClock } from "./edge/browser-clock.ts";
import { linkUrl } from "./edge/browser-socket.ts";
import { watchPage } from "./page/page-life.ts";
import { PlaceStore } from "./page/place-store.ts";
import { type Hosted, ParticipantHost } from "./participant-host.ts";
import type { PeerMedia } from "./peer/browser-peers.ts";
import { RoomHandle } from "./room/room-handle.ts";

/** The default of {@link ClientOptions.deviceWaitMs}. */
const DEVICE_WAIT_MS = 800;

/** A token that is refused while in a room is asked for anew this many times in a row before the person is told. */
const TOKEN_ATTEMPTS = 2;

/** Ends after which there is no place to come back to. */
const FINAL: ReadonlySet<EndReason> = new Set(["left", "removed", "room-ended", "replaced"]);

/** A join under way or done: the room and its devices. */
interface Stay {
  readonly room: RoomHandle;
  readonly devices: PeerMedia;
  readonly hosted: Hosted;
}

/** The client: hands the participant's events to the room and the calls, and watches the page. */
export class ClientHandle implements LodelineClient {
  readonly #timers: Timers;
  readonly #deviceWaitMs: number;
  readonly #clock = browserClock();
  readonly #events = new Emitter<ClientEvents>();
  readonly #host: ParticipantHost;
  readonly #places: PlaceStore;
  readonly #calls = new Map<SessionKey, CallHandle>();
  readonly #page: Disposable;
  readonly #canRenewToken: boolean;
  #stay: Stay | undefined;
  #tokenAttempts = 0;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#deviceWaitMs = options.deviceWaitMs ?? DEVICE_WAIT_MS;
    this.#canRenewToken = options.getToken !== undefined;
    const url = linkUrl(options.url, globalThis.location?.href);
    this.#places = new PlaceStore(options.storage === undefined ? pageStorage() : options.storage, url);
    this.#host = this.#makeHost(options, url);
    this.#page = watchPage({
      leaving: () => this.#leaving(),
      awake: () => this.#awake(),
      networkChanged: () => this.#host.participant?.networkChanged(),
    });
  }

  on: Listenable<ClientEvents>["on"] = (name, listener, options) => this.#events.on(name, listener, options);

  get link(): LinkState {
    return this.#host.participant?.linkState ?? "idle";
  }
  get identity(): string | undefined {
    return this.#host.participant?.identity;
  }
  get room(): Room | undefined {
    return this.#stay?.room.joined ? this.#stay.room : undefined;
  }
  get calls(): ReadonlyMap<string, Call> {
    // A session's id changes when two who call each other become one call.
    return new Map([...this.#calls.values()].map((call) => [call.id, call]));
  }

  async connect(): Promise<void> {
    await this.#linked(this.#host.name);
  }

  async join(options: JoinOptions): Promise<Room> {
    this.#assertOpen();
    if (options.signal?.aborted) throw new LodelineError("aborted");
    if (this.#stay) throw new LodelineError("room/already-member");
    const stay = this.#enter(options);
    const abort = () => void stay.room.end("aborted");
    options.signal?.addEventListener("abort", abort, { once: true });
    stay.room.on("ended", () => options.signal?.removeEventListener("abort", abort));
    try {
      await this.#join(stay, options);
    } catch (error) {
      await stay.room.end(isUnasked(error) ? "plan-failed" : "refused");
      throw error;
    }
    return stay.room;
  }

  async call(identity: string, options: CallOptions = {}): Promise<Call> {
    const [{ participant }, calls] = await Promise.all([this.#linked(options.name ?? this.#host.name), loadCalls()]);
    if (identity === participant.identity) throw new LodelineError("call/self");
    const key: SessionKey = `call:${identity}`;
    // Whom one calls while they call: that is taking their call, even one that rang before its code was there.
    const known = this.#calls.get(key) ?? this.#track(calls, key, true, false);
    if (known?.state === "IncomingInit") known.accept(options);
    if (known) return known;
    const { audio = true, video = false, signal } = options;
    participant.call(identity, { audio: audio !== false, video: video !== false });
    const call = this.#track(calls, key, audio, video);
    if (!call) throw new LodelineError("call/unreachable");
    signal?.addEventListener("abort", () => void call.hangup(), { once: true });
    return call;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#stay?.room.end("left"), ...[...this.#calls.values()].map((call) => call.hangup())]);
    this.#host.participant?.close("left");
    this.#page[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enter(options: JoinOptions): Stay {
    const media = new OwnMedia();
    const { microphone = false, camera = false, room: id, name } = options;
    if (microphone && options.startMuted) media.sources.microphone.want("muted");
    let opening: Promise<void> | undefined;
    const devices: PeerMedia = {
      media,
      open: () => {
        opening ??= openWishes(media, microphone, camera, this.#clock, this.#deviceWaitMs);
        return opening;
      },
    };
    const hosted = this.#host.get(name, this.#calls.size === 0);
    const room = new RoomHandle({
      ...hosted,
      media,
      clock: this.#clock,
      endingMs: this.#timers.endingMs,
      commandMs: this.#timers.commandMs,
      over: (reason) => this.#left(id, reason),
    });
    this.#stay = { room, devices, hosted };
    return this.#stay;
  }

  async #join(stay: Stay, options: JoinOptions): Promise<void> {
    const { room, topology, encryption, signal } = options;
    // Devices, token and earlier place at once: whatever is slowest decides, not their sum. The link opens meanwhile and
    // is not waited for: the join goes out with its first frame.
    const prepared = Promise.all([
      stay.devices.open().catch(() => {}),
      this.#encrypt(stay, room, encryption),
      layer(stay.devices.media, options),
    ]);
    prepared.catch(() => {});
    const place = this.#places.take(room);
    await this.#host.open(stay.hosted);
    await prepared;
    const rejoin = await place;
    if (!this.#stay || signal?.aborted) throw new LodelineError("aborted");
    const admission = this.#host.admission(stay.hosted);
    const command = this.#places.unheardJoin(room);
    const sources = stay.room.own.publishing.begin();
    const method = stay.room.encryption?.method;
    stay.hosted.participant.join({ room, topology, encryption: method, sources, rejoin, command });
    await admission;
  }

  async #encrypt({ room, devices, hosted }: Stay, id: string, options: EncryptionOptions | undefined): Promise<void> {
    if (!options) return;
    const { EncryptionHandle } = await import("./encryption/room-encryption.ts");
    const encryption = new EncryptionHandle({
      options,
      room: id,
      clock: this.#clock,
      unreadable: (publication, why, anew) => hosted.participant.setUnreadable(publication, why, anew),
      decryption: (participant, source, decryption) => room.decryption(participant, source, decryption),
      trouble: (error) => this.#events.emit("error", error),
    });
    room.encryption = encryption;
    devices.encrypt = encryption.section;
    await encryption.prepare();
  }

  #left(room: string, reason: EndReason): void {
    this.#stay = undefined;
    // A join that came to nothing, and a page that goes, leave the earlier place as it was.
    if (FINAL.has(reason)) this.#places.drop(room);
    // Given up by the person, its command is used up: the next join of this page is another one.
    else if (reason !== "page-closed" && reason !== "plan-failed") this.#places.endJoin(room);
    // A leave that the server could not confirm in time: this participant's state is of no use any more.
    const { participant } = this.#host;
    if (participant && participant.membership !== "outside" && this.#calls.size === 0) this.#host.discard();
  }

  #leaving(): void {
    this.#stay?.room.drop();
    for (const call of this.#calls.values()) call.drop();
    this.#host.discard();
    this.#places.release();
  }

  #awake(): void {
    const { participant } = this.#host;
    if (participant) participant.wake();
    // The page was put away and is shown again as it was: what ended then is told now.
    else void this.#stay?.room.end("page-closed");
  }

  async #linked(name: string): Promise<Hosted> {
    this.#assertOpen();
    const hosted = this.#host.get(name, this.#stay === undefined && this.#calls.size === 0);
    await this.#host.open(hosted);
    await this.#host.linked(hosted);
    return hosted;
  }

  #assertOpen(): void {
    if (this.#closed) throw new LodelineError("link/closed");
  }

  #makeHost(client: ClientOptions, url: string): ParticipantHost {
    return new ParticipantHost({
      client,
      url,
      clock: this.#clock,
      logger: client.logger ?? silentLogger,
      commandMs: this.#timers.commandMs,
      made: (hosted) => this.#listen(hosted),
      peers: {
        mediaOf: ({ use, key }) => (use === "call" ? this.#calls.get(key)?.devices : this.#stay?.devices),
        changed: ({ spec }) => {
          if (spec.use === "call") this.#calls.get(spec.key)?.connectionChanged();
          else this.#stay?.room.connectionChanged();
        },
        message: (key, data) => this.#calls.get(key)?.heard(data),
      },
    });
  }

  #listen(hosted: Hosted): void {
    const { participant, peers } = hosted;
    participant.on("link", ({ state }) => {
      if (state === "open") this.#tokenAttempts = 0;
      this.#events.emit("link", { state });
    });
    participant.on("error", ({ error }) => this.#events.emit("error", error));
    participant.on("refused", ({ error }) => void this.#refused(hosted, error));
    participant.on("joining", ({ room, command }) => this.#places.beginJoin(room, command));
    participant.on("join-failed", ({ error }) => {
      if (!isUnasked(error) && this.#stay) this.#places.endJoin(this.#stay.room.id);
    });
    participant.on("joined", ({ place, iceServers }) => {
      peers.useIceServers(iceServers);
      void this.#places.keep(place);
      this.#stay?.room.admitted(place.participant);
    });
    participant.on("slots", ({ table }) => peers.newest("sfu")?.encode(table));
    participant.on("incoming", ({ call }) => {
      void this.#incoming(call.key).catch((error) => this.#events.emit("error", toLodelineError(error, "link/lost")));
    });
    participant.on("session", ({ key, event }) => {
      if (event.kind === "step") this.#events.emit("step", event);
      this.#calls.get(key)?.sessionEvent(event);
    });
  }

  async #refused(hosted: Hosted, error: LodelineError): Promise<void> {
    const joined = this.#stay?.room.joined;
    const renewable = this.#canRenewToken && error.code.startsWith("auth/token-");
    if (joined && renewable && this.#tokenAttempts < TOKEN_ATTEMPTS) {
      this.#tokenAttempts += 1;
      try {
        return await this.#host.open(hosted);
      } catch {
        // No new token either: the person is told of the refusal itself.
      }
    }
    this.#events.emit("error", error);
    if (joined) await this.#stay?.room.end("refused");
  }

  /** Somebody calls. It may be over before the code for calls is there: then nobody is told. */
  async #incoming(key: SessionKey): Promise<void> {
    const calls = await loadCalls();
    const call = this.#closed || this.#calls.has(key) ? undefined : this.#track(calls, key, true, false);
    if (call) this.#events.emit("incoming", call);
  }

  #track(
    { CallHandle }: Awaited<ReturnType<typeof loadCalls>>,
    key: SessionKey,
    audio: DeviceWish,
    video: DeviceWish,
  ): CallHandle | undefined {
    const hosted = this.#host.get("", false);
    const view = hosted.participant.session(key);
    if (!view) return undefined;
    const call = new CallHandle(
      view,
      { audio, video },
      {
        ...hosted,
        key,
        clock: this.#clock,
        deviceWaitMs: this.#deviceWaitMs,
        over: (ended) => {
          if (this.#calls.get(key) === ended) this.#calls.delete(key);
        },
      },
    );
    this.#calls.set(key, call);
    return call;
  }
}

/** Has the camera sent in layers inside one stream, where that was asked for and can be done. */
async function layer({ sources }: OwnMedia, { scalabilityMode, encryption }: JoinOptions): Promise<void> {
  if (!scalabilityMode) return;
  const { layeredEncodings } = await import("./peer/layered-encodings.ts");
  sources.camera.encodings = layeredEncodings(scalabilityMode, encryption !== undefined);
}

/** The code for calls is loaded with the first one. */
function loadCalls() {
  return import("./call/call-handle.ts");
}

/** Without a connection no join was sent: what an earlier page asked for may have been given, under the same command. */
function isUnasked(error: unknown): boolean {
  return error instanceof LodelineError && error.code === "session/plan-failed";
}

function pageStorage(): PlaceStorage | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    // A page whose storage is blocked may not even look at it.
    return null;
  }
}

import type { Clock, Timer } from "@lodeline/base";
import { isErrorCode, LodelineError } from "@lodeline/base";
import { type Encryption, publicationId, type RoomSnapshot, type Source, type Unreadable } from "@lodeline/protocol";
import { workerCode } from "#encryption-worker";
import type { Decryption, EncryptionOptions, RoomEncryption } from "../api/encryption-api.ts";
import type { TrackRoute } from "../room/track-routes.ts";
import { WhoEncrypts } from "./who-encrypts.ts";
import { type UnaskedNews, WorkerPort } from "./worker-port.ts";

/** What cannot be read is asked for again after this long: its owner may have taken another key meanwhile. */
const ASK_AGAIN_MS = 5_000;

/** What an {@link EncryptionHandle} needs of its room. */
export interface EncryptionHandleOptions {
  readonly options: EncryptionOptions;
  readonly room: string;
  readonly clock: Clock;
  /** Why a publication cannot be read, if so; `anew`: whatever was said, it is to be sent once more to find out. */
  unreadable(publication: string, why: Unreadable | undefined, anew: boolean): void;
  /** Whether a publication can be read. */
  decryption(participant: string, source: Source, decryption: Decryption): void;
  /** Something went wrong that nobody waits for. */
  trouble(error: LodelineError): void;
}

/** What a receiver plays. */
type Played = Pick<TrackRoute, "participant" | "source"> & { readonly clear: boolean };

/** The encryption of one room: owns the worker, tells it whose frames are where, and keeps what it says of them. */
export class EncryptionHandle implements RoomEncryption, Disposable {
  readonly #options: EncryptionHandleOptions;
  readonly #worker: WorkerPort;
  readonly #ids = new WeakMap<RTCRtpReceiver, number>();
  readonly #played = new Map<number, Played>();
  /** By publication. */
  readonly #states = new Map<string, { readonly id: number; readonly state: Decryption }>();
  /** Numbers of keys that the provider was asked for, until the next time that all is asked for again. */
  readonly #asked = new Set<number>();
  readonly #whoEncrypts = new WhoEncrypts();
  #keyId: number;
  #self = "";
  #lastId = 0;
  #timer: Timer | undefined;

  /** @throws LodelineError `encryption/unsupported`. TypeError unless exactly one of passphrase and keys is given. */
  constructor(options: EncryptionHandleOptions) {
    const { passphrase, keys, cipherSuite, workerUrl } = options.options;
    if ((passphrase === undefined) === (keys === undefined)) {
      throw new TypeError("options.encryption: a passphrase or keys, one of them");
    }
    this.#options = options;
    this.#keyId = keys?.keyId ?? 0;
    const script = workerUrl === undefined ? { code: workerCode } : { url: workerUrl };
    this.#worker = new WorkerPort(script, (news) => this.#heard(news));
    if (cipherSuite) this.#worker.say({ do: "suite", suite: cipherSuite });
  }

  /** What the room is told of all that is sent. */
  readonly method: Encryption = "sframe";

  get keyId(): number {
    return this.#keyId;
  }

  /** Brings the first key. @throws LodelineError `encryption/missing-key` when the provider has none. */
  async prepare(): Promise<void> {
    const { passphrase = "", keys } = this.#options.options;
    if (!keys) return this.#derive(passphrase);
    const key = await keys.getKey(this.#keyId);
    if (!key) throw new LodelineError("encryption/missing-key");
    await this.#worker.ask({ do: "key", keyId: this.#keyId, key });
  }

  async setPassphrase(passphrase: string): Promise<void> {
    await this.#derive(passphrase);
    await this.useKey(0);
  }

  async setKey(keyId: number, key: Uint8Array, { use = true } = {}): Promise<void> {
    await this.#worker.ask({ do: "key", keyId, key });
    this.#askAnew();
    if (use) await this.useKey(keyId);
  }

  async useKey(keyId: number): Promise<void> {
    await this.#worker.ask({ do: "use", keyId, participant: this.#self });
    this.#keyId = keyId;
  }

  removeKey(keyId: number): Promise<void> {
    return this.#worker.ask({ do: "forget-key", keyId });
  }

  ratchet(): Promise<void> {
    return this.#worker.ask({ do: "ratchet" });
  }

  /** Whether a publication can be read; `undefined` while nothing came of it. */
  decryptionOf(publication: string): Decryption | undefined {
    return this.#states.get(publication)?.state;
  }

  /** Has what goes out and comes in on a section pass through the worker. */
  readonly section = (transceiver: RTCRtpTransceiver, source: Source | undefined, receives: boolean): void => {
    const { sender, receiver } = transceiver;
    const kind = receiver.track.kind as "audio" | "video";
    if (source) this.#worker.transform(sender, { direction: "send", kind, label: source });
    if (!receives || this.#ids.has(receiver)) return;
    this.#lastId += 1;
    this.#ids.set(receiver, this.#lastId);
    this.#worker.transform(receiver, { direction: "receive", kind, id: this.#lastId });
  };

  /** Takes over who is in the room and where their publications play. */
  update(room: RoomSnapshot, self: string, routes: readonly TrackRoute[]): void {
    if (self !== this.#self) this.#begin(self);
    this.#whoEncrypts.update(room);
    const now = new Map<number, Played>();
    for (const { receiver, participant, source } of routes) {
      const id = this.#ids.get(receiver);
      const clear = this.#whoEncrypts.isClear(room, participant, source);
      if (id !== undefined) now.set(id, { participant, source, clear });
    }
    for (const id of this.#played.keys()) if (!now.has(id)) this.#assign(id, undefined);
    for (const [id, played] of now) this.#assign(id, played);
    this.#forgetGone(room);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#worker[Symbol.dispose]();
  }

  /** A place is had, the first or another: frames are this participant's from now on. */
  #begin(self: string): void {
    this.#self = self;
    this.#say(this.useKey(this.#keyId));
  }

  async #derive(passphrase: string): Promise<void> {
    await this.#worker.ask({ do: "passphrase", keyId: 0, passphrase, room: this.#options.room });
    this.#askAnew();
  }

  #assign(id: number, played: Played | undefined): void {
    const before = this.#played.get(id);
    const { participant, source: label, clear } = played ?? {};
    if (before?.participant === participant && before?.source === label && before?.clear === clear) return;
    if (played) this.#played.set(id, played);
    else this.#played.delete(id);
    this.#worker.say({ do: "assign", id, participant, label, clear });
  }

  #forgetGone({ participants }: RoomSnapshot): void {
    for (const publication of [...this.#states.keys()]) {
      const owner = participants.find(({ id }) => publication.startsWith(`${id}:`));
      const source = publication.slice(publication.lastIndexOf(":") + 1) as Source;
      if (owner && owner.media.sources[source].intent !== "unpublished") continue;
      this.#states.delete(publication);
      this.#options.unreadable(publication, undefined, false);
      if (!owner) this.#worker.say({ do: "gone", participant: publication.slice(0, publication.lastIndexOf(":")) });
    }
  }

  #heard(news: UnaskedNews): void {
    if (news.tell === "missing-key") return this.#say(this.#fetch(news.keyId));
    if (news.tell === "unsupported") {
      const detail = `The codec of ${news.label} cannot be encrypted: nothing of it is sent.`;
      return this.#options.trouble(new LodelineError("encryption/unsupported", { detail }));
    }
    if (news.tell === "trouble") {
      const { code, detail } = news;
      return this.#options.trouble(new LodelineError(isErrorCode(code) ? code : "encryption/malformed", { detail }));
    }
    const { id, participant, label, state } = news;
    const source = label as Source;
    const publication = publicationId(participant, source);
    // Of what the receiver played before: it says nothing of where that is by now.
    const played = this.#played.get(id);
    if (played?.participant !== participant || played.source !== source) return;
    const isNews = this.#states.get(publication)?.state !== state;
    this.#states.set(publication, { id, state });
    this.#options.unreadable(publication, state === "ok" ? undefined : state, false);
    if (isNews) this.#options.decryption(participant, source, state);
    if (state !== "ok") this.#askLater();
  }

  /** A key that frames come under, from the application. */
  async #fetch(keyId: number): Promise<void> {
    const { keys } = this.#options.options;
    if (!keys || this.#asked.has(keyId)) return;
    this.#asked.add(keyId);
    const key = await keys.getKey(keyId);
    if (key) await this.setKey(keyId, key, { use: false });
  }

  #askLater(): void {
    const { clock } = this.#options;
    this.#timer ??= clock.at(clock.now() + ASK_AGAIN_MS, () => {
      this.#timer = undefined;
      this.#asked.clear();
      this.#askAnew();
    });
  }

  /** Nothing more is forwarded of what could not be read: it is asked for, to find out whether it can be by now. */
  #askAnew(): void {
    for (const [publication, { id, state }] of this.#states) {
      if (state === "ok") continue;
      this.#worker.say({ do: "judge", id });
      this.#options.unreadable(publication, state, true);
      this.#askLater();
    }
  }

  #say(done: Promise<void>): void {
    void done.catch((error: unknown) => {
      if (error instanceof LodelineError) this.#options.trouble(error);
    });
  }
}

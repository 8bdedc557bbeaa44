import { Emitter, type Listenable, type ListenOptions, LodelineError, type MonoMs } from "@lodeline/base";
import type { DataChannel } from "./data-channel.ts";
import { DataChannels, SCTP_PORT } from "./data-channels.ts";
import type { DownlinkStats } from "./downlink.ts";
import type { DtlsCertificate } from "./dtls/certificate.ts";
import { DtlsLink, type DtlsRole } from "./dtls/dtls-link.ts";
import type { Forwarder } from "./forwarder.ts";
import type { IcePath } from "./ice/ice-types.ts";
import type { TransportIce } from "./ice/transport-ice.ts";
import { MediaPlane } from "./media-plane.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import { type CandidateInit, RemoteCandidates } from "./remote-candidates.ts";
import type { DataChannelInit } from "./sctp/data-channel-protocol.ts";
import type { Offer } from "./sdp/offer.ts";
import type { Section } from "./sdp/section.ts";
import type { TransportHost } from "./transport-host.ts";
import { connectionState, type TransportState } from "./transport-state.ts";

/** Events of a {@link BundledTransport}. */
export interface TransportEvents {
  readonly state: TransportState;
  readonly datachannel: DataChannel;
}

/**
 * A bundled connection, whoever offered it: DTLS, SRTP and SCTP over one path of ICE. What is negotiated, and how, is its
 * subclasses': {@link MediaTransport} answers, {@link ClientTransport} offers.
 */
export abstract class BundledTransport implements PlaneOwner, Listenable<TransportEvents>, AsyncDisposable {
  readonly id: string;
  /** Media sections, streams, slots and their feedback. */
  readonly media: MediaPlane;
  protected readonly host: TransportHost;
  protected readonly candidates = new RemoteCandidates();
  protected readonly sessionId: string;
  protected abstract readonly ice: TransportIce | undefined;
  /** Whether this side begins the association for data. */
  protected abstract readonly connects: boolean;
  /** Why DTLS failed, in words. */
  protected dtlsReason: string | undefined;
  readonly #emitter = new Emitter<TransportEvents>();
  #dtls: DtlsLink | undefined;
  #data: DataChannels | undefined;
  #sections: readonly Section[] = [];
  #closed = false;
  #released: Promise<void> = Promise.resolve();
  #lastState: TransportState = { ice: "new", dtls: "new", connection: "new" };

  constructor(id: string, host: TransportHost) {
    this.id = id;
    this.host = host;
    this.sessionId = String(host.random.u32());
    this.media = new MediaPlane({
      transport: this,
      host: { ...host, wake: (at) => this.wake(at) },
      send: (bytes) => this.ice?.path?.send(bytes),
      onHeard: (number, now) => {
        const path = this.pathOf(number);
        if (path) this.ice?.mediaHeard(path, now);
      },
    });
  }

  /** The path that the packet kernel names by a number. */
  protected abstract pathOf(number: number): IcePath | undefined;

  /** There is a session in the packet kernel: media on the transport's paths is for that. */
  protected abstract routed(): void;

  /** Lets go of what is the subclass's, at the very end. */
  protected async release(): Promise<void> {}

  /** ICE, DTLS and both together. */
  get state(): TransportState {
    const ice = this.ice?.state ?? (this.#closed ? "closed" : "new");
    const dtls = this.#dtls?.state ?? (this.#closed ? "closed" : "new");
    return { ice, dtls, connection: connectionState(ice, dtls, this.#closed) };
  }

  /** The number of its session in the packet kernel, once it has one. */
  get kernelSession(): number | undefined {
    return this.media.session?.id;
  }

  /** Sockets and paths of its own, beside the engine's. */
  get held(): { readonly sockets: number; readonly paths: number } {
    return { sockets: 0, paths: 0 };
  }

  /** The sections as negotiated last. */
  get sections(): readonly Section[] {
    return this.#sections;
  }

  /** Data channels that are not closed. */
  get dataChannels(): readonly DataChannel[] {
    return this.#data?.channels ?? [];
  }

  /** Smoothed round trip of consent checks, in ms. */
  get roundTripMs(): number | undefined {
    return this.ice?.roundTripMs;
  }

  /** What is known of the way to the other side: how much it carries, and why. */
  get downlink(): DownlinkStats {
    return this.media.downlink.stats(this.now());
  }

  on<Name extends keyof TransportEvents>(
    name: Name,
    listener: (event: TransportEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  /** The engine's clock. */
  now(): MonoMs {
    return this.host.now();
  }

  protected wake(at: MonoMs | undefined): void {
    if (at !== undefined) this.host.wake(this, at);
  }

  /** Something is due at once. */
  wakeNow(): void {
    this.wake(this.now());
  }

  protected checkOpen(): void {
    if (this.#closed) throw new LodelineError("media/closed", { detail: `the transport ${this.id} is closed` });
  }

  /** The role in DTLS, once there is one. */
  protected get dtlsRole(): DtlsRole | undefined {
    return this.#dtls?.role;
  }

  /**
   * Both descriptions are there.
   *
   * @param remote - Theirs.
   * @param role - Ours in DTLS, for the first time.
   */
  protected negotiated(
    remote: Offer,
    sections: readonly Section[],
    { certificate, role }: { readonly certificate: DtlsCertificate; readonly role: DtlsRole },
  ): void {
    this.#sections = sections;
    this.media.negotiated(sections);
    this.#dtls ??= this.#createDtls(certificate, remote, role);
    this.#openData(remote, this.#dtls);
  }

  #createDtls(certificate: DtlsCertificate, { fingerprints }: Offer, role: DtlsRole): DtlsLink {
    return new DtlsLink({
      role,
      certificate,
      fingerprints,
      events: {
        onState: (state, reason) => {
          this.dtlsReason = reason;
          if (reason !== undefined) this.host.logger.warn("dtls", { transport: this.id, state, reason });
          if (state === "connected") this.#data?.start(this.connects);
          if (state === "connected") this.wakeNow();
          this.stateChanged();
        },
        onKeys: (keys) => {
          this.media.secure(keys);
          this.routed();
        },
        onData: (bytes) => this.#data?.handle(bytes),
        send: (bytes) => this.ice?.path?.send(bytes),
      },
    });
  }

  #openData(remote: Offer, dtls: DtlsLink): void {
    const section = remote.sections.find(({ kind, rejected }) => kind === "application" && !rejected);
    if (section === undefined || this.#data !== undefined) return;
    this.#data = new DataChannels({
      role: dtls.role,
      remotePort: section.sctpPort ?? SCTP_PORT,
      remoteLimitBytes: section.maxMessageSizeBytes,
      now: () => this.now(),
      wake: (at) => this.wake(at),
      send: (bytes) => dtls.send(bytes),
      onChannel: (channel) => this.#emitter.emit("datachannel", channel),
      onEnd: (reason) => {
        if (reason !== undefined) this.host.logger.info("data channels ended", { transport: this.id, reason });
      },
    });
    if (dtls.state === "connected") this.#data.start(this.connects);
  }

  /**
   * Opens a data channel to the other side, with which a section for data must have been agreed on.
   *
   * @returns The caller's to close. It tells `open` when it may be sent on.
   * @throws LodelineError `data/not-open` where no data section was agreed on, `data/too-many`, `media/closed`.
   */
  openDataChannel(label: string, options: Partial<Omit<DataChannelInit, "label">> = {}): DataChannel {
    this.checkOpen();
    if (!this.#data) throw new LodelineError("data/not-open", { detail: "no section for data was agreed on" });
    const { protocol = "", ordered = true, maxRetransmits, maxPacketLifeTimeMs } = options;
    return this.#data.open({ label, protocol, ordered, maxRetransmits, maxPacketLifeTimeMs });
  }

  /**
   * Takes a trickled candidate, early ones too; `null` ends them.
   *
   * @throws LodelineError `candidate/refused`, `candidate/too-many`, `media/closed`.
   */
  async addCandidate(candidate: CandidateInit | null): Promise<void> {
    this.checkOpen();
    await this.candidates.add(candidate);
  }

  /** A datagram from an authenticated path. For the engine only. */
  handleDatagram(bytes: Buffer, path: IcePath): void {
    const first = bytes[0] ?? 0;
    // RFC 7983 section 7.
    if (first >= 20 && first <= 63) this.#handleDtls(bytes);
    else this.handleMedia(bytes, path);
  }

  #handleDtls(bytes: Buffer): void {
    this.#dtls?.handle(bytes, this.now());
    this.wake(this.#dtls?.deadlineMs);
  }

  /** @returns Whether it was authentic media of this connection. */
  protected handleMedia(bytes: Buffer, path: IcePath): boolean {
    if (!isMedia(bytes[0] ?? 0) || !this.media.handle(bytes, this.now())) return false;
    this.ice?.mediaHeard(path, this.now());
    return true;
  }

  /** Packets go another way, or none. */
  protected pathChanged(path: IcePath | undefined): void {
    this.media.pathChanged(path?.kernelPath);
    if (path === undefined) return;
    this.host.logger.debug("ice path", { transport: this.id, port: path.port });
    this.#dtls?.start(this.now());
    this.wake(this.#dtls?.deadlineMs);
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    const isConnected = this.#dtls?.state === "connected";
    const upper = isConnected ? earlier(this.media.deadlineMs, this.#data?.deadlineMs) : this.#dtls?.deadlineMs;
    return earlier(this.ice?.deadlineMs, upper);
  }

  /** Does what is due. For the engine only. */
  tick(now: MonoMs): void {
    this.ice?.tick(now);
    this.#dtls?.tick(now);
    if (this.#dtls?.state !== "connected") return;
    this.media.tick(now);
    this.#data?.tick(now);
  }

  protected stateChanged(): void {
    const before = this.#lastState;
    const state = this.state;
    if (state.ice === before.ice && state.dtls === before.dtls && state.connection === before.connection) return;
    this.#lastState = state;
    // Consent has ended: nothing may be sent there any more, by the packet kernel neither. RFC 7675 section 5.1.
    if (state.ice === "failed") this.pathChanged(undefined);
    this.host.logger.info("transport", { transport: this.id, ...state });
    this.#emitter.emit("state", state);
  }

  /** For {@link Forwarder} only. */
  forwarderClosed(forwarder: Forwarder): void {
    this.media.release(forwarder);
  }

  /** Ends everything on it: publications, forwarders both ways, channels, keys. Idempotent. */
  close(): Promise<void> {
    if (!this.#closed) this.#end();
    return this.#released;
  }

  #end(): void {
    this.#closed = true;
    this.media.close();
    this.candidates.close();
    this.#data?.close();
    this.#dtls?.close();
    this.ice?.close();
    this.#released = this.release();
    this.host.closed(this);
    this.stateChanged();
    this.#emitter.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function earlier(a: MonoMs | undefined, b: MonoMs | undefined): MonoMs | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

/** RFC 7983 section 7. */
function isMedia(first: number): boolean {
  return first >= 128 && first <= 191;
}

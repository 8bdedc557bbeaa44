import { Emitter, type Listenable, type ListenOptions, LodelineError, type MonoMs } from "@lodeline/base";
import type { DataChannel } from "./data-channel.ts";
import { DataChannels, SCTP_PORT } from "./data-channels.ts";
import type { DownlinkStats } from "./downlink.ts";
import type { DtlsCertificate } from "./dtls/certificate.ts";
import { DtlsLink } from "./dtls/dtls-link.ts";
import type { Forwarder } from "./forwarder.ts";
import { IceAgent } from "./ice/ice-agent.ts";
import type { IcePath } from "./ice/ice-types.ts";
import type { StunMessage } from "./ice/stun-message.ts";
import { MediaPlane } from "./media-plane.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import { type CandidateInit, RemoteCandidates } from "./remote-candidates.ts";
import type { DataChannelInit } from "./sctp/data-channel-protocol.ts";
import { answerSections, writeAnswer } from "./sdp/answer.ts";
import { type Offer, readOffer } from "./sdp/offer.ts";
import type { Section } from "./sdp/section.ts";
import type { TransportHost } from "./transport-host.ts";
import { connectionState, type TransportState } from "./transport-state.ts";

/** Events of a {@link MediaTransport}. */
export interface TransportEvents {
  readonly state: TransportState;
  readonly datachannel: DataChannel;
}

/**
 * One browser's bundled connection: ICE, DTLS, SRTP and SCTP over one path. The browser always offers and this side
 * always answers.
 */
export class MediaTransport implements PlaneOwner, Listenable<TransportEvents>, AsyncDisposable {
  readonly id: string;
  /** Media sections, streams, slots and their feedback. */
  readonly media: MediaPlane;
  readonly #host: TransportHost;
  readonly #emitter = new Emitter<TransportEvents>();
  readonly #ice: IceAgent;
  readonly #candidates = new RemoteCandidates();
  readonly #sessionId: string;
  #dtls: DtlsLink | undefined;
  #data: DataChannels | undefined;
  #sections: readonly Section[] = [];
  #fingerprints: string | undefined;
  #answering: Promise<unknown> = Promise.resolve();
  #version = 0;
  #closed = false;
  #lastState: TransportState = { ice: "new", dtls: "new", connection: "new" };

  constructor(id: string, host: TransportHost) {
    this.id = id;
    this.#host = host;
    this.#sessionId = String(host.random.u32());
    this.media = new MediaPlane({
      transport: this,
      host: { ...host, wake: (at) => this.#wake(at) },
      send: (bytes) => this.#ice.path?.send(bytes),
      onHeard: (number, now) => {
        const path = host.pathOf(number);
        if (path) this.#ice.mediaHeard(path, now);
      },
    });
    this.#ice = new IceAgent({
      random: host.random,
      timings: host.iceTimings,
      events: {
        onState: () => this.#stateChanged(),
        onPath: (path) => this.#pathChanged(path),
        onCredentials: (added, removed) => host.register(this, added, removed),
      },
    });
  }

  /** ICE, DTLS and both together. */
  get state(): TransportState {
    const ice = this.#ice.state;
    const dtls = this.#dtls?.state ?? (this.#closed ? "closed" : "new");
    return { ice, dtls, connection: connectionState(ice, dtls, this.#closed) };
  }

  /** The number of its session in the packet kernel, once it has one. */
  get kernelSession(): number | undefined {
    return this.media.session?.id;
  }

  /** The sections as answered last. */
  get sections(): readonly Section[] {
    return this.#sections;
  }

  /** Data channels that the browser opened and that are not closed. */
  get dataChannels(): readonly DataChannel[] {
    return this.#data?.channels ?? [];
  }

  /** Smoothed round trip of consent checks, in ms. */
  get roundTripMs(): number | undefined {
    return this.#ice.roundTripMs;
  }

  /** What is known of the way to the browser: how much it carries, and why. */
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
    return this.#host.now();
  }

  #wake(at: MonoMs): void {
    this.#host.wake(this, at);
  }

  /** Something is due at once. */
  wakeNow(): void {
    this.#wake(this.now());
  }

  /**
   * Answers an offer: the first, one with more sections, or one that restarts ICE.
   *
   * @returns The answer, with all our candidates in it, and what each section became.
   * @throws LodelineError `sdp/unusable` (with the line) or `media/closed`; what was negotiated before stands.
   */
  answer(offerSdp: string): Promise<{ readonly sdp: string; readonly sections: readonly Section[] }> {
    const answered = this.#answering.then(() => this.#answer(offerSdp));
    this.#answering = answered.catch(() => {});
    return answered;
  }

  async #answer(offerSdp: string): Promise<{ sdp: string; sections: readonly Section[] }> {
    this.#checkOpen();
    const offer = readOffer(offerSdp);
    this.#checkContinues(offer, offerSdp);
    const { certificate, candidates } = await this.#host.ready();
    this.#checkOpen();
    const { videoCodecs } = this.#host;
    const sections = answerSections(offer, { videoCodecs, ssrcsOf: (mid) => this.media.ssrcsOf(mid) });
    this.#sections = sections;
    this.media.negotiated(sections);
    this.#dtls ??= this.#createDtls(certificate, offer);
    const { role: dtlsRole } = this.#dtls;
    this.#openData(offer);
    const restarted = this.#ice.accept(offer.ice, this.now());
    this.#candidates.negotiated(
      offer.ice.usernameFragment,
      sections.map(({ mid }) => mid),
    );
    this.wakeNow();
    this.#version++;
    this.#host.logger.debug("answered", {
      transport: this.id,
      sections: sections.length,
      version: this.#version,
      restarted,
    });
    const sdp = writeAnswer({
      offer,
      sections,
      sessionId: this.#sessionId,
      version: this.#version,
      ice: this.#ice.local,
      fingerprint: certificate.fingerprint,
      dtlsRole,
      candidates,
      cname: this.media.cname,
    });
    return { sdp, sections };
  }

  #checkOpen(): void {
    if (this.#closed) throw new LodelineError("media/closed", { detail: `the transport ${this.id} is closed` });
  }

  /** A later offer must be of the same browser connection. RFC 8829 section 5.8. */
  #checkContinues(offer: Offer, offerSdp: string): void {
    const fingerprints = offer.fingerprints.map(({ hash, value }) => `${hash} ${value}`).join(",");
    const line = (prefix: string) => {
      const lines = offerSdp.split(/\r?\n/);
      const at = lines.findIndex((text) => text.startsWith(prefix));
      return { field: `sdp:${at + 1}`, text: (lines[at] ?? "").slice(0, 120) };
    };
    if (this.#fingerprints !== undefined && fingerprints !== this.#fingerprints) {
      const { field, text } = line("a=fingerprint:");
      throw new LodelineError("sdp/unusable", {
        field,
        detail: `the certificate changed, which needs a new connection; ${JSON.stringify(text)}`,
      });
    }
    if (offer.sections.length < this.#sections.length) {
      const { field, text } = line("m=");
      throw new LodelineError("sdp/unusable", {
        field,
        detail: `the offer has fewer sections than the one before; ${JSON.stringify(text)}`,
      });
    }
    this.#fingerprints = fingerprints;
  }

  #createDtls(certificate: DtlsCertificate, offer: Offer): DtlsLink {
    return new DtlsLink({
      role: offer.dtlsRole ?? this.#host.dtlsRole,
      certificate,
      fingerprints: offer.fingerprints,
      events: {
        onState: (state, reason) => {
          if (reason !== undefined) this.#host.logger.warn("dtls", { transport: this.id, state, reason });
          if (state === "connected") this.#data?.start(false);
          if (state === "connected") this.wakeNow();
          this.#stateChanged();
        },
        onKeys: (keys) => {
          this.media.secure(keys);
          this.#host.routed(this);
        },
        onData: (bytes) => this.#data?.handle(bytes),
        send: (bytes) => this.#ice.path?.send(bytes),
      },
    });
  }

  #openData(offer: Offer): void {
    const section = offer.sections.find(({ kind, rejected }) => kind === "application" && !rejected);
    if (section === undefined || this.#data !== undefined) return;
    this.#data = new DataChannels({
      role: this.#dtls?.role ?? this.#host.dtlsRole,
      remotePort: section.sctpPort ?? SCTP_PORT,
      remoteLimitBytes: section.maxMessageSizeBytes,
      now: () => this.now(),
      wake: (at) => this.#wake(at),
      send: (bytes) => this.#dtls?.send(bytes),
      onChannel: (channel) => this.#emitter.emit("datachannel", channel),
      onEnd: (reason) => {
        if (reason !== undefined) this.#host.logger.info("data channels ended", { transport: this.id, reason });
      },
    });
    if (this.#dtls?.state === "connected") this.#data.start(false);
  }

  /**
   * Opens a data channel to the browser, which must have offered a section for data.
   *
   * @returns The caller's to close. It tells `open` when it may be sent on.
   * @throws LodelineError `data/not-open` where no data section was agreed on, `data/too-many`, `media/closed`.
   */
  openDataChannel(label: string, options: Partial<Omit<DataChannelInit, "label">> = {}): DataChannel {
    this.#checkOpen();
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
    this.#checkOpen();
    await this.#candidates.add(candidate);
  }

  /** A STUN message for this transport. For the engine only. @returns Whether it was authentic. */
  handleStun(message: StunMessage, path: IcePath): boolean {
    const authentic = this.#ice.handle(message, path, this.now());
    if (authentic && this.#ice.deadlineMs !== undefined) this.#wake(this.#ice.deadlineMs);
    return authentic;
  }

  /** A datagram from an authenticated path. For the engine only. */
  handleDatagram(bytes: Buffer, path: IcePath): void {
    const first = bytes[0] ?? 0;
    // RFC 7983 section 7.
    if (first >= 20 && first <= 63) this.#handleDtls(bytes);
    else if (isMedia(first) && this.media.handle(bytes, this.now())) this.#ice.mediaHeard(path, this.now());
  }

  #handleDtls(bytes: Buffer): void {
    this.#dtls?.handle(bytes, this.now());
    this.#wakeForDtls();
  }

  #wakeForDtls(): void {
    const at = this.#dtls?.deadlineMs;
    if (at !== undefined) this.#wake(at);
  }

  /**
   * A datagram from an address that is nobody's. For the engine only.
   *
   * @returns Whether it is authentic media of this connection, so that the address is now this transport's.
   */
  handleStray(bytes: Buffer, path: IcePath): boolean {
    if (!isMedia(bytes[0] ?? 0) || !this.media.claims(bytes) || !this.media.handle(bytes, this.now())) return false;
    this.#ice.mediaHeard(path, this.now());
    return true;
  }

  #pathChanged(path: IcePath): void {
    this.#host.logger.debug("ice path", { transport: this.id, port: path.port });
    this.media.pathChanged(path.kernelPath);
    this.#dtls?.start(this.now());
    this.#wakeForDtls();
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    const isConnected = this.#dtls?.state === "connected";
    const upper = isConnected ? earlier(this.media.deadlineMs, this.#data?.deadlineMs) : this.#dtls?.deadlineMs;
    return earlier(this.#ice.deadlineMs, upper);
  }

  /** Does what is due. For the engine only. */
  tick(now: MonoMs): void {
    this.#ice.tick(now);
    this.#dtls?.tick(now);
    if (this.#dtls?.state !== "connected") return;
    this.media.tick(now);
    this.#data?.tick(now);
  }

  #stateChanged(): void {
    const before = this.#lastState;
    const state = this.state;
    if (state.ice === before.ice && state.dtls === before.dtls && state.connection === before.connection) return;
    this.#lastState = state;
    this.#host.logger.info("transport", { transport: this.id, ...state });
    this.#emitter.emit("state", state);
  }

  /** For {@link Forwarder} only. */
  forwarderClosed(forwarder: Forwarder): void {
    this.media.release(forwarder);
  }

  /** Ends everything on it: publications, forwarders both ways, channels, keys. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.media.close();
    this.#candidates.close();
    this.#data?.close();
    this.#dtls?.close();
    this.#ice.close();
    this.#host.closed(this);
    this.#stateChanged();
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

import { LodelineError, type Logger, silentLogger } from "@lodeline/base";
import type { BundledTransport } from "./bundled-transport.ts";
import { ClientTransport } from "./client-transport.ts";
import { createDtlsCertificate, type DtlsCertificate } from "./dtls/certificate.ts";
import type { MediaEngineOptions } from "./engine-options.ts";
import { type EnginePath, EnginePorts } from "./engine-ports.ts";
import type { Forwarder } from "./forwarder.ts";
import type { IceCredentials } from "./ice/ice-types.ts";
import { localFragmentOf, parseStun } from "./ice/stun-message.ts";
import { type KernelCounters, PacketKernel } from "./kernel/packet-kernel.ts";
import type { MediaPlane } from "./media-plane.ts";
import { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { Publication } from "./publication.ts";
import type { HostCandidate } from "./sdp/description.ts";
import { SpeakerGroup } from "./speaker-group.ts";
import { MediaTransport } from "./transport.ts";
import type { TransportHost } from "./transport-host.ts";
import { TransportSchedule } from "./transport-schedule.ts";

/** What an engine holds, for a leak test. */
export interface EngineResources {
  readonly transports: number;
  readonly sockets: number;
  readonly paths: number;
  readonly timers: number;
}

/** Sockets, certificate and timer of all media of one process (or worker), and the transports on them. */
export class MediaEngine implements AsyncDisposable {
  readonly #options: MediaEngineOptions;
  readonly #logger: Logger;
  readonly #host: TransportHost;
  readonly #transports: TransportSchedule<BundledTransport>;
  readonly #groups = new Map<string, SpeakerGroup>();
  readonly #byFragment = new Map<string, MediaTransport>();
  readonly #ports: EnginePorts<MediaTransport>;
  readonly #kernel: PacketKernel | undefined;
  #certificate: Promise<DtlsCertificate> | undefined;
  #ready: Promise<{ certificate: DtlsCertificate; candidates: readonly HostCandidate[] }> | undefined;
  #closed = false;

  constructor(options: MediaEngineOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    const { clock, random } = options;
    this.#kernel = options.native === false ? undefined : this.#openKernel();
    // What the kernel has to tell may be about what is due.
    this.#transports = new TransportSchedule(clock, () => this.#kernel?.settle());
    this.#ports = new EnginePorts(this.#kernel, options.tcp === true && options.announce === undefined, (bytes, path) =>
      this.#handle(bytes, path),
    );
    this.#host = {
      random,
      logger: this.#logger,
      buffers: new OutgoingBuffers(),
      kernel: this.#kernel,
      videoCodecs: options.videoCodecs ?? [],
      iceTimings: options.iceTimings,
      dtlsRole: options.dtlsRole ?? "client",
      bitrates: {
        simulcastBps: options.simulcastBitrateBps,
        singleBps: options.singleBitrateBps,
      },
      now: () => clock.now(),
      wallMs: () => clock.wall(),
      addresses: this.#addresses,
      certificate: () => this.#makeCertificate(),
      ready: () => this.ready(),
      wake: (transport, at) => this.#transports.wake(transport, at),
      register: (transport, added, removed) => this.#register(transport, added, removed),
      closed: (transport) => this.#forget(transport),
      routed: (transport) => this.#ports.reroute(transport),
      pathOf: (number) => this.#ports.pathOf(number),
    };
  }

  get #addresses(): readonly string[] {
    return this.#options.addresses ?? ["127.0.0.1"];
  }

  #makeCertificate(): Promise<DtlsCertificate> {
    this.#certificate ??= createDtlsCertificate();
    return this.#certificate;
  }

  #openKernel(): PacketKernel | undefined {
    const { kernel, why } = PacketKernel.open(this.#options.clock.now());
    if (kernel === undefined) this.#logger.info("packets are moved in TypeScript", { why });
    return kernel;
  }

  /** `kernel` where C moves the packets, `typescript` where TypeScript does. */
  get packetPath(): "kernel" | "typescript" {
    return this.#kernel === undefined ? "typescript" : "kernel";
  }

  /** What the packet kernel did so far; `undefined` where TypeScript moves the packets. */
  get kernelCounters(): KernelCounters | undefined {
    return this.#kernel?.counters();
  }

  /**
   * Opens the sockets and makes the certificate, once; the first answer does it too. To call it early saves that
   * first answer some ms and shows a wrong address at start.
   *
   * @throws LodelineError `media/bind-failed`, `media/closed`.
   */
  ready(): Promise<{ readonly certificate: DtlsCertificate; readonly candidates: readonly HostCandidate[] }> {
    if (this.#closed) return Promise.reject(new LodelineError("media/closed", { detail: "the engine is closed" }));
    this.#ready ??= this.#open();
    return this.#ready;
  }

  async #open(): Promise<{ certificate: DtlsCertificate; candidates: readonly HostCandidate[] }> {
    const addresses = this.#addresses;
    const range = this.#options.portRange ?? { min: 0, max: 0 };
    const certificate = this.#makeCertificate();
    // All of them, so that none opens after a failure of another has closed the rest.
    const opened = await Promise.allSettled([
      certificate,
      ...addresses.map((address) => this.#ports.open(address, range)),
    ]);
    const failed = opened.find((result) => result.status === "rejected");
    if (failed || this.#closed) {
      this.#ready = undefined;
      await this.#ports.close();
      throw failed?.reason ?? new LodelineError("media/closed", { detail: "the engine is closed" });
    }
    const candidates = this.#ports.candidates(addresses);
    for (const { address, port } of candidates) this.#logger.info("media socket", { address, port });
    const { announce } = this.#options;
    const announced = announce ? await Promise.all(candidates.map((candidate) => announce(candidate))) : candidates;
    const streams = this.#ports.hasTcp ? candidates.map((each) => ({ ...each, transport: "tcp" as const })) : [];
    return { certificate: await certificate, candidates: [...announced, ...streams] };
  }

  /**
   * Makes the transport of one browser connection.
   *
   * @returns The caller's to close.
   */
  createTransport(options: { readonly id: string }): MediaTransport {
    return this.#added(new MediaTransport(options.id, this.#host));
  }

  /**
   * Makes the transport of a connection to another WebRTC server, whose client this engine is. It has sockets of its own.
   *
   * @returns The caller's to close.
   */
  createClientTransport(options: { readonly id: string }): ClientTransport {
    return this.#added(new ClientTransport(options.id, this.#host));
  }

  #added<Transport extends BundledTransport>(transport: Transport): Transport {
    if (this.#closed) throw new LodelineError("media/closed", { detail: "the engine is closed" });
    this.#transports.add(transport);
    return transport;
  }

  /**
   * Binds an incoming section, before or after its first packet. A publication the section had before is closed.
   *
   * @throws LodelineError `media/unknown-section`, `media/closed`.
   */
  publish(options: {
    readonly id: string;
    /** A connection, or the trunk that it comes over. */
    readonly transport: { readonly media: MediaPlane };
    readonly mid: string;
    readonly kind: "audio" | "video";
    /** The group of microphones, e.g. a room, of which only so many are forwarded. The last number given holds. */
    readonly loudest?: { readonly group: string; readonly most: number } | undefined;
  }): Publication {
    const { id, mid, kind, loudest, transport } = options;
    if (kind !== "audio" || loudest === undefined) return transport.media.publish(id, mid, kind);
    const { group, most } = loudest;
    const speakers = this.#groups.get(group) ?? new SpeakerGroup(() => this.#groups.delete(group));
    speakers.most = most;
    try {
      return transport.media.publish(id, mid, kind, speakers);
    } finally {
      // The publication that it replaces may have been the last of the group.
      if (speakers.isEmpty) this.#groups.delete(group);
      else this.#groups.set(group, speakers);
    }
  }

  /**
   * Moves a publication into a receive slot, and asks for a key frame. A slot that was another's goes on with the
   * same SSRC.
   *
   * @throws LodelineError `media/unknown-section`, `media/no-slot` while the slot has a forwarder, `media/closed`.
   */
  forward(options: {
    readonly id: string;
    readonly publication: Publication;
    readonly transport: BundledTransport;
    readonly mid: string;
  }): Forwarder {
    return options.transport.media.forward(options.id, options.publication, options.mid);
  }

  get transports(): readonly BundledTransport[] {
    return [...this.#transports];
  }

  /** What is held now. */
  resources(): EngineResources {
    const own = [...this.#transports].map(({ held }) => held);
    return {
      transports: this.#transports.size,
      sockets: own.reduce((sum, { sockets }) => sum + sockets, this.#ports.count),
      paths: own.reduce((sum, { paths }) => sum + paths, this.#ports.pathCount),
      timers: this.#transports.isArmed ? 1 : 0,
    };
  }

  /** RFC 7983: STUN begins with 0 .. 3. Of an unknown sender only that is listened to, and media of a known source. */
  #handle(bytes: Buffer, path: EnginePath<MediaTransport>): void {
    if ((bytes[0] ?? 0xff) > 3) {
      if (path.owner) path.owner.handleDatagram(bytes, path);
      else this.#handleStray(bytes, path);
      return;
    }
    const message = parseStun(bytes);
    if (message === undefined) return;
    const named = this.#byFragment.get(localFragmentOf(message)) ?? path.owner;
    if (named === undefined || path.owner === named) {
      named?.handleStun(message, path);
      return;
    }
    // A new address, or one that another connection had: it changes hands only when the message is authentic.
    const before = path.owner;
    path.owner = named;
    if (named.handleStun(message, path)) path.keep();
    else path.owner = before;
  }

  /**
   * Behind a NAT that lost its mapping a browser goes on from another port and does not know it. Its next check would tell,
   * up to 2.5 s later; its media is authentic as well and comes at once.
   */
  #handleStray(bytes: Buffer, path: EnginePath<MediaTransport>): void {
    for (const transport of new Set(this.#byFragment.values())) {
      if (!transport.handleStray(bytes, path)) continue;
      path.owner = transport;
      path.keep();
      this.#logger.info("media from another address", { transport: transport.id });
      return;
    }
  }

  #register(transport: MediaTransport, added: IceCredentials | undefined, removed: IceCredentials | undefined): void {
    if (removed) this.#byFragment.delete(removed.usernameFragment);
    if (added) this.#byFragment.set(added.usernameFragment, transport);
  }

  #forget(transport: BundledTransport): void {
    this.#transports.delete(transport);
    if (transport instanceof MediaTransport) this.#ports.release(transport);
  }

  /** Closes every transport and every socket. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#transports].map((transport) => transport.close()));
    await this.#ready?.catch(() => {});
    await this.#ports.close();
    this.#kernel?.close();
    this.#transports.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Makes an engine. It opens nothing until the first answer, or until {@link MediaEngine.ready} is called.
 *
 * @returns The caller's to close.
 */
export function createMediaEngine(options: MediaEngineOptions): MediaEngine {
  return new MediaEngine(options);
}

import type { Clock, MonoMs, Random, Timer } from "@lodeline/base";
import type { LayerState } from "@lodeline/rtp";
import { type DatagramListener, type DatagramSocket, openNodeSocket } from "./datagram-socket.ts";
import type { Forwarder } from "./forwarder.ts";
import { MediaPlane } from "./media-plane.ts";
import { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import type { Publication } from "./publication.ts";
import type { HostCandidate } from "./sdp/description.ts";
import { SRTP_PROFILE, type SrtpMaster } from "./srtp/srtp-keys.ts";
import { type Carried, TrunkSections } from "./trunk-sections.ts";

/** How often layers and needs are compared with what was told. */
const COMPARE_INTERVAL_MS = 100;

/** Datagrams that may wait in this process for the kernel; beyond, the newest are dropped and asked for again by NACK. */
const QUEUE_LIMIT = 512;

/** Upper bounds that never bind: what goes over a trunk was chosen already. */
const UNBOUNDED = { simulcastBps: 1_000_000_000, singleBps: 1_000_000_000 };

/** Options of {@link Trunk}. */
export interface TrunkOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: a UDP socket. */
  readonly openSocket?: OpenTrunkSocket | undefined;
  /** The layers of a carried publication are others than told: told to whoever takes it at the other end. */
  onLayers(relay: string, layers: readonly LayerState[]): void;
  /** Forwarders at this end need other layers of a taken publication than told. */
  onNeeds(relay: string, rids: readonly string[]): void;
}

/** What a trunk sends by. */
export type TrunkSocket = Pick<DatagramSocket, "localPort" | "queuedDatagrams" | "send" | "close">;

/** Opens a {@link TrunkSocket} on a loopback address. */
export type OpenTrunkSocket = (address: string, port: number, listener: DatagramListener) => Promise<TrunkSocket>;

/** Both keys of a trunk, as this end uses them. */
export interface TrunkKeys {
  readonly local: SrtpMaster;
  readonly remote: SrtpMaster;
}

interface Outgoing {
  readonly publication: Publication;
  readonly carried: Carried;
  readonly forwarders: Map<string, Forwarder>;
  told: string;
}

interface Incoming {
  readonly publication: Publication;
  readonly mid: string;
  told: string;
}

/**
 * One end of a relay between two engines: a transport without ICE and DTLS on a loopback socket of its own, whose keys
 * were agreed on by whoever made both ends. A publication goes over it once, whoever receives it at the other end, and
 * only in the layers that somebody there needs. Repairs, reports and key frame requests are those of any transport.
 */
export class Trunk implements PlaneOwner, AsyncDisposable {
  readonly id: string;
  readonly media: MediaPlane;
  readonly roundTripMs = undefined;
  readonly #options: TrunkOptions;
  readonly #sections = new TrunkSections();
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #incoming = new Map<string, Incoming>();
  #port: TrunkSocket | undefined;
  #remote: HostCandidate | undefined;
  #timer: Timer | undefined;
  #armedAtMs: MonoMs = Infinity;
  #compareAtMs: MonoMs = 0;
  #closed = false;
  /** Datagrams dropped because too many waited for the kernel. */
  dropped = 0;

  constructor(options: TrunkOptions) {
    const { id, clock, random } = options;
    this.id = id;
    this.#options = options;
    this.media = new MediaPlane({
      transport: this,
      host: {
        random,
        // A socket of its own and few packets: TypeScript moves them.
        kernel: undefined,
        buffers: new OutgoingBuffers(QUEUE_LIMIT * 2),
        bitrates: UNBOUNDED,
        wallMs: () => clock.wall(),
        wake: (at) => this.#arm(at),
      },
      send: (bytes) => this.#send(bytes),
    });
  }

  /**
   * Opens the socket, on loopback.
   *
   * @throws LodelineError `media/bind-failed`.
   */
  async open(): Promise<HostCandidate> {
    const address = "127.0.0.1";
    const port = await (this.#options.openSocket ?? openNodeSocket)(address, 0, (bytes, from, host) =>
      this.#handle(bytes, from, host),
    );
    this.#port = port;
    if (this.#closed) await port.close();
    return { address, port: port.localPort };
  }

  /** Says where the other end is. From now on packets flow. */
  connect(remote: HostCandidate, keys: TrunkKeys): void {
    this.#remote = remote;
    this.media.secure({ profile: SRTP_PROFILE.aeadAes128Gcm, ...keys });
    this.wakeNow();
  }

  /** Carries a publication of this end's to the other, as soon as {@link Trunk.need} says which layers. */
  carry(
    relay: string,
    publication: Publication,
  ): { readonly carried: Carried; readonly layers: readonly LayerState[] } {
    this.drop(relay);
    const carried = this.#sections.carry(publication, (mid) => this.media.ssrcsOf(mid));
    this.media.negotiated(this.#sections.all);
    const layers = publication.streamLayers(this.now());
    this.#outgoing.set(relay, { publication, carried, forwarders: new Map(), told: JSON.stringify(layers) });
    this.wakeNow();
    return { carried, layers };
  }

  /** The other end needs these layers of a carried publication, and no others. */
  need(relay: string, rids: readonly string[]): void {
    const one = this.#outgoing.get(relay);
    if (!one || one.publication.closed) return;
    for (const [rid, forwarder] of one.forwarders) {
      if (rids.includes(rid)) continue;
      forwarder.close();
      one.forwarders.delete(rid);
    }
    for (const { rid, mid } of one.carried.layers) {
      if (!rids.includes(rid) || one.forwarders.has(rid)) continue;
      const only = one.carried.kind === "audio" ? undefined : rid;
      one.forwarders.set(rid, this.media.forward(`${relay}/${rid}`, one.publication, mid, only));
    }
  }

  /**
   * Takes what the other end carries: a publication like any other, for forwarders of this end.
   *
   * @param publish - Publishes the section of this mid, on this trunk.
   */
  take(
    relay: string,
    carried: Carried,
    layers: readonly LayerState[],
    publish: (mid: string) => Publication,
  ): Publication {
    this.drop(relay);
    const mid = this.#sections.take(carried);
    this.media.negotiated(this.#sections.all);
    const publication = publish(mid);
    for (const layer of carried.layers) this.media.expect(mid, layer);
    publication.describe(layers);
    this.#incoming.set(relay, { publication, mid, told: "[]" });
    this.wakeNow();
    return publication;
  }

  /** The layers of a taken publication are others now. */
  describe(relay: string, layers: readonly LayerState[]): void {
    this.#incoming.get(relay)?.publication.describe(layers);
    this.wakeNow();
  }

  /** Ends carrying or taking. */
  drop(relay: string): void {
    const outgoing = this.#outgoing.get(relay);
    for (const forwarder of outgoing?.forwarders.values() ?? []) forwarder.close();
    if (outgoing) this.#sections.release(outgoing.carried.layers.map(({ mid }) => mid));
    this.#outgoing.delete(relay);
    const incoming = this.#incoming.get(relay);
    incoming?.publication.close();
    if (incoming) {
      this.media.expectNothing(incoming.mid);
      this.#sections.release([incoming.mid]);
    }
    this.#incoming.delete(relay);
  }

  /** What goes over it, either way. */
  get relays(): number {
    return this.#outgoing.size + this.#incoming.size;
  }

  now(): MonoMs {
    return this.#options.clock.now();
  }

  wakeNow(): void {
    this.#compareAtMs = 0;
    this.#arm(this.now());
  }

  forwarderClosed(forwarder: Forwarder): void {
    this.media.release(forwarder);
  }

  /** Ends everything on it and closes its socket. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const relay of [...this.#outgoing.keys(), ...this.#incoming.keys()]) this.drop(relay);
    this.media.close();
    this.#timer?.cancel();
    await this.#port?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(bytes: Buffer): void {
    if (!this.#remote || !this.#port) return;
    if (this.#port.queuedDatagrams >= QUEUE_LIMIT) this.dropped++;
    else this.#port.send(bytes, this.#remote.port, this.#remote.address);
  }

  #handle(bytes: Buffer, port: number, address: string): void {
    // Whoever else on this machine writes here is not listened to; what is forged by the address fails at the keys.
    if (port !== this.#remote?.port || address !== this.#remote.address) return;
    this.media.handle(bytes, this.now());
  }

  #arm(at: MonoMs): void {
    if (at >= this.#armedAtMs || this.#closed) return;
    this.#timer?.cancel();
    this.#armedAtMs = at;
    this.#timer = this.#options.clock.at(at, () => this.#tick());
  }

  #tick(): void {
    this.#armedAtMs = Infinity;
    this.#timer = undefined;
    const now = this.now();
    if (this.#remote && this.media.deadlineMs <= now) this.media.tick(now);
    if (now >= this.#compareAtMs) this.#compare(now);
    const due = this.#remote ? this.media.deadlineMs : Infinity;
    const next = this.relays > 0 ? Math.min(due, this.#compareAtMs) : Infinity;
    // Never the same moment again: something that is due and does not go away must not spin.
    if (next < Infinity) this.#arm(Math.max(next, now + 1));
  }

  #compare(now: MonoMs): void {
    this.#compareAtMs = now + COMPARE_INTERVAL_MS;
    for (const [relay, one] of this.#outgoing) {
      const layers = one.publication.streamLayers(now);
      const told = JSON.stringify(layers.map(coarse));
      if (told === one.told) continue;
      one.told = told;
      this.#options.onLayers(relay, layers);
    }
    for (const [relay, one] of this.#incoming) {
      const needed = one.publication.layersNeeded();
      const told = JSON.stringify(needed);
      if (told === one.told) continue;
      one.told = told;
      this.#options.onNeeds(relay, needed);
    }
  }
}

/** A layer as it is compared: a bitrate that wavers is no news. */
function coarse({ bitrateBps, ...layer }: LayerState): object {
  return { ...layer, steps: Math.round(Math.log2(1 + bitrateBps) * 2) };
}

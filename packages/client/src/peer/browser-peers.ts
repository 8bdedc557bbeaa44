import { LodelineError, type Logger } from "@lodeline/base";
import type { PeerPort, PeerSpec, SessionKey } from "@lodeline/participant";
import { type IceServer, SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import type { SessionInput, SessionRole } from "@lodeline/session";
import type { OwnMedia } from "../devices/own-media.ts";
import { BrowserPeer } from "./browser-peer.ts";
import type { StepContext } from "./plan-steps.ts";
import type { EncryptSection } from "./sections.ts";

/** The devices of one use, and how they are opened when its session starts. */
export interface PeerMedia {
  readonly media: OwnMedia;
  /** Opens what is wished for. Settles within the device wait; rejects when nothing wished for could be opened. */
  open(): Promise<void>;
  /** What the sections of its sessions pass through, where it is encrypted end to end. */
  encrypt?: EncryptSection | undefined;
}

/** What {@link BrowserPeers} needs. */
export interface BrowserPeersOptions {
  readonly logger: Logger;
  readonly slots: { readonly audio: number; readonly video: number };
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  /** See ClientOptions. */
  readonly followRoutes: boolean;
  /** Whose devices a session uses. */
  mediaOf(spec: PeerSpec): PeerMedia | undefined;
  /** Which end of its session this one is. */
  roleOf(key: SessionKey): SessionRole | undefined;
  /** A connection was made, connected or closed, or its sections changed. */
  changed(peer: BrowserPeer): void;
  message(key: SessionKey, data: string | ArrayBuffer): void;
}

/** Makes peer connections in a browser, and knows all there are. */
export class BrowserPeers implements PeerPort {
  readonly #options: BrowserPeersOptions;
  /** By session, in the order in which they were opened. */
  readonly #peers = new Map<string, BrowserPeer>();
  #iceServers: readonly IceServer[];
  /** Whether sessions with the server go by the machine's route; no longer once that led nowhere. */
  #onRoute: boolean;

  constructor(options: BrowserPeersOptions) {
    this.#options = options;
    this.#iceServers = options.iceServers;
    this.#onRoute = options.followRoutes;
  }

  open(spec: PeerSpec, feed: (input: SessionInput) => void): BrowserPeer {
    const { mediaOf, logger, changed, message } = this.#options;
    const own = mediaOf(spec);
    if (!own) throw new LodelineError("session/unknown", { detail: spec.key });
    const peer = new BrowserPeer({
      spec,
      feed,
      logger,
      connectionOptions: () => ({
        media: own.media,
        encrypt: own.encrypt,
        configuration: this.#configuration(),
        onRoute: this.#onRoute && isWithServer(spec),
      }),
      stepContext: () => this.#stepContext(spec, own),
      changed: (one) => {
        if (one.connection?.noRoute) this.#onRoute = false;
        changed(one);
      },
      message: (data) => message(spec.key, data),
    });
    this.#peers.set(spec.session, peer);
    return peer;
  }

  /** The newest session with a remote. */
  newest(key: SessionKey): BrowserPeer | undefined {
    return this.all().findLast((peer) => peer.spec.key === key);
  }

  /** Every session that was opened and not forgotten. */
  all(): readonly BrowserPeer[] {
    return [...this.#peers.values()];
  }

  /** Drops a session that is over, when its receipt is written. */
  forget(session: string): void {
    this.#peers.delete(session);
  }

  /** Servers for ICE that the server named, beside one's own; for connections there are and to come. */
  useIceServers(named: readonly IceServer[]): void {
    if (named.length === 0) return;
    this.#iceServers = [...this.#options.iceServers, ...named];
    for (const { connection } of this.#peers.values()) {
      if (connection && connection.connection.signalingState !== "closed")
        connection.connection.setConfiguration(this.#configuration());
    }
  }

  #configuration(): RTCConfiguration {
    return {
      bundlePolicy: "max-bundle",
      iceTransportPolicy: this.#options.iceTransportPolicy,
      iceServers: this.#iceServers.map(({ urls, username, credential }) => ({
        urls,
        ...(username === undefined ? {} : { username }),
        ...(credential === undefined ? {} : { credential }),
      })),
    };
  }

  #stepContext(spec: PeerSpec, own: PeerMedia): StepContext {
    const sfu = spec.use === "sfu";
    return {
      openDevices: () => own.open(),
      offerer: sfu || this.#options.roleOf(spec.key) === "offerer",
      slots: sfu ? this.#options.slots : { audio: 0, video: 0 },
    };
  }
}

/** People find each other by their addresses; the server is where its address says and needs none of theirs. */
function isWithServer({ use, key }: PeerSpec): boolean {
  return use === "sfu" || key === `call:${SERVER_PEER_IDENTITY}`;
}

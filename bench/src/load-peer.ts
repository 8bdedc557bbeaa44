import type { Socket } from "node:dgram";
import { RTCPeerConnection, RtpHeader, type SrtpSession, useVP8 } from "werift";
import { type Sinks, sendTogether } from "./sinks.ts";

/** Bytes of each packet before protection. */
export const PACKET_BYTES = 1_100;

/** Brings an offer to whoever is measured, and its answer back. */
export type Signal = (offerSdp: string) => Promise<string>;

/** What werift knows of the path in use. */
interface NominatedPair {
  readonly remoteAddr: readonly [address: string, port: number];
  readonly protocol: { readonly transport: { readonly socket: Socket } };
}

/** One peer of the load: negotiates as a browser does, then only sends or only takes in. */
export class LoadPeer {
  readonly #peer: RTCPeerConnection;
  readonly #ssrc: number;
  readonly #keyFrame = vp8Payload(true);
  readonly #interframe = vp8Payload(false);
  #sequence = 0;

  private constructor(peer: RTCPeerConnection, ssrc: number) {
    this.#peer = peer;
    this.#ssrc = ssrc;
  }

  /** Offers one video section and waits until it is connected. */
  static async offer(direction: "sendonly" | "recvonly", address: string, signal: Signal): Promise<LoadPeer> {
    const peer = newPeer(address);
    const { sender } = peer.addTransceiver("video", { direction });
    const offer = await peer.createOffer();
    stayInside(peer);
    await peer.setLocalDescription(offer);
    await peer.setRemoteDescription({ type: "answer", sdp: await signal(peer.localDescription?.sdp ?? offer.sdp) });
    await connected(peer);
    return new LoadPeer(peer, sender.ssrc);
  }

  /** Answers an offer of whoever is measured, and waits until it is connected. */
  static async answer(
    offerSdp: string,
    address: string,
    signal: (answerSdp: string) => Promise<unknown>,
  ): Promise<LoadPeer> {
    const peer = newPeer(address);
    await peer.setRemoteDescription({ type: "offer", sdp: offerSdp });
    const answer = await peer.createAnswer();
    stayInside(peer);
    await peer.setLocalDescription(answer);
    await signal(peer.localDescription?.sdp ?? answer.sdp);
    await connected(peer);
    return new LoadPeer(peer, 0);
  }

  get #dtls() {
    const [dtls] = this.#peer.dtlsTransports;
    if (!dtls) throw new Error("no transport");
    return dtls;
  }

  /** Sends packets without a pause; the first is of a key frame where that is wanted, since nobody here is asked for one. */
  burst(packets: number, keyFrame: boolean): void {
    const { srtp, iceTransport } = this.#dtls as unknown as {
      readonly srtp: SrtpSession;
      readonly iceTransport: { readonly connection: { readonly nominated?: NominatedPair } };
    };
    const { nominated } = iceTransport.connection;
    if (nominated === undefined) throw new Error("the publisher has no path");
    const [address, port] = nominated.remoteAddr;
    const burst = Array.from({ length: packets }, (_, at) => this.#next(srtp, keyFrame && at === 0));
    sendTogether(nominated.protocol.transport.socket, address, port, burst);
  }

  #next(srtp: SrtpSession, keyFrame: boolean): Buffer {
    const header = new RtpHeader({
      payloadType: 96,
      ssrc: this.#ssrc,
      sequenceNumber: this.#sequence & 0xffff,
      timestamp: (this.#sequence * 90) >>> 0,
      marker: true,
    });
    const payload = keyFrame ? this.#keyFrame : this.#interframe;
    this.#sequence++;
    return srtp.encrypt(payload, header);
  }

  /** From now on media is only counted. */
  sinkInto(sinks: Sinks): void {
    for (const socket of socketsOf(this.#dtls.iceTransport.connection)) sinks.take(socket);
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}

function newPeer(address: string): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: [address],
    iceUseIpv6: false,
    codecs: { video: [useVP8()], audio: [] },
  });
}

/** werift asks a public STUN server where none is configured; nothing here leaves the machine. */
function stayInside(peer: RTCPeerConnection): void {
  for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
}

async function connected(peer: RTCPeerConnection): Promise<void> {
  while (peer.connectionState !== "connected") await peer.connectionStateChange.asPromise();
}

function socketsOf(connection: object): Socket[] {
  const { protocols = [] } = connection as {
    readonly protocols?: readonly { readonly transport?: { readonly socket?: Socket } }[];
  };
  return protocols.flatMap(({ transport }) => transport?.socket ?? []);
}

/** A VP8 payload that begins a frame. RFC 7741 section 4.2, RFC 6386 section 9.1. */
function vp8Payload(keyFrame: boolean): Buffer {
  const payload = Buffer.alloc(PACKET_BYTES - 12, 0x5a);
  payload[0] = 0x10;
  payload[1] = keyFrame ? 0x10 : 0x11;
  if (keyFrame) payload.set([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01], 4);
  return payload;
}

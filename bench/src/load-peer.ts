import type { Socket } from "node:dgram";
import { RTCPeerConnection, RtpHeader, type SrtpSession, useVP8 } from "werift";
import { type Sinks, sendTogether } from "./sinks.ts";

/** Bytes of each packet before protection. */
export const PACKET_BYTES = 1_100;

/** Brings an offer to whoever is measured, and its answer back. */
export type Signal = (offerSdp: string) => Promise<string>;

/** One peer of the load: negotiates as a browser does, then only sends or only takes in. */
export class LoadPeer {
  readonly #peer: RTCPeerConnection;
  readonly #ssrc: number;
  readonly #payload = vp8Payload();
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

  /** Sends packets without a pause, each of a key frame, so that every receiver is served from the first one on. */
  burst(packets: number): void {
    const { connection } = this.#dtls.iceTransport;
    const { srtp } = this.#dtls as unknown as { readonly srtp: SrtpSession };
    const [socket] = socketsOf(connection);
    const [address = "", port = 0] = connection.nominated?.remoteAddr ?? [];
    if (socket)
      sendTogether(
        socket,
        address,
        port,
        Array.from({ length: packets }, () => this.#next(srtp)),
      );
  }

  #next(srtp: SrtpSession): Buffer {
    const header = new RtpHeader({
      payloadType: 96,
      ssrc: this.#ssrc,
      sequenceNumber: this.#sequence & 0xffff,
      timestamp: (this.#sequence * 90) >>> 0,
      marker: true,
    });
    this.#sequence++;
    return srtp.encrypt(this.#payload, header);
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

/** A VP8 payload that says key frame at its start. */
function vp8Payload(): Buffer {
  const payload = Buffer.alloc(PACKET_BYTES - 12, 0x5a);
  payload[0] = 0x10;
  payload[1] = 0x10;
  payload.set([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01], 4);
  return payload;
}

import type { Socket } from "node:dgram";
import {
  RTCPeerConnection,
  RTCRtpCodecParameters,
  type RTCRtpSender,
  RtpHeader,
  type SrtcpSession,
  type SrtpSession,
  useNACK,
  usePLI,
  useREMB,
  useTransportWideCC,
  useTWCC,
  useVP8,
} from "werift";
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

/** As werift has the way out of a connected peer. */
interface WayOut {
  readonly srtp: SrtpSession;
  readonly srtcp: SrtcpSession;
  readonly iceTransport: { readonly connection: { readonly nominated?: NominatedPair } };
}

/** The header extension with the transport-wide number, as browsers name it. */
const TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/** One peer of the load: negotiates as a browser does, then only sends or only takes in. */
export class LoadPeer {
  readonly #peer: RTCPeerConnection;
  readonly #ssrc: number;
  readonly #keyFrame = vp8Payload(true);
  readonly #interframe = vp8Payload(false);
  #sequence = 0;
  #transportSequenceId = 0;
  #sink = -1;
  /** Whoever is measured wants one. */
  #keyFrameWanted = false;
  #closed = false;

  private constructor(peer: RTCPeerConnection, sender?: RTCRtpSender) {
    this.#peer = peer;
    this.#ssrc = sender?.ssrc ?? 0;
    sender?.onPictureLossIndication.subscribe(() => {
      this.#keyFrameWanted = true;
    });
    this.#transportSequenceId = extensionId(peer.remoteDescription?.sdp ?? "", TRANSPORT_SEQUENCE);
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
    return new LoadPeer(peer, sender);
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
    return new LoadPeer(peer);
  }

  get #dtls() {
    const [dtls] = this.#peer.dtlsTransports;
    if (!dtls) throw new Error("no transport");
    return dtls;
  }

  /**
   * Sends packets without a pause.
   *
   * @param keyFrame - The first is of a key frame; so it is when one was asked for since the last burst.
   * @returns How many the system took.
   */
  burst(packets: number, keyFrame: boolean): number {
    const { srtp } = this.#way;
    const begins = keyFrame || this.#keyFrameWanted;
    if (packets > 0) this.#keyFrameWanted = false;
    return this.#send(Array.from({ length: packets }, (_, at) => this.#next(srtp, begins && at === 0)));
  }

  /** Sends an RTCP compound; nothing once it is closed. */
  report(compound: Uint8Array): void {
    if (this.#closed) return;
    this.#send([this.#way.srtcp.encrypt(Buffer.from(compound))]);
  }

  #send(packets: readonly Buffer[]): number {
    const { nominated } = this.#way.iceTransport.connection;
    if (nominated === undefined) throw new Error("the peer has no path");
    const [address, port] = nominated.remoteAddr;
    return sendTogether(nominated.protocol.transport.socket, address, port, packets);
  }

  get #way(): WayOut {
    return this.#dtls as unknown as WayOut;
  }

  #next(srtp: SrtpSession, keyFrame: boolean): Buffer {
    const id = this.#transportSequenceId;
    const number = Buffer.from([(this.#sequence >> 8) & 0xff, this.#sequence & 0xff]);
    const header = new RtpHeader({
      payloadType: 96,
      ssrc: this.#ssrc,
      sequenceNumber: this.#sequence & 0xffff,
      timestamp: (this.#sequence * 90) >>> 0,
      marker: true,
      extension: id > 0,
      extensionProfile: 0xbede,
      extensions: id > 0 ? [{ id, payload: number }] : [],
    });
    const payload = keyFrame ? this.#keyFrame : this.#interframe;
    this.#sequence++;
    return srtp.encrypt(payload, header);
  }

  /** From now on media is only counted. */
  sinkInto(sinks: Sinks): void {
    const used = this.#way.iceTransport.connection.nominated?.protocol.transport.socket;
    for (const socket of socketsOf(this.#dtls.iceTransport.connection)) {
      const at = sinks.take(socket, this.#transportSequenceId);
      if (socket === used || this.#sink < 0) this.#sink = at;
    }
  }

  /** The UDP port that it sends to; 0 without a path. */
  get remotePort(): number {
    return this.#way.iceTransport.connection.nominated?.remoteAddr[1] ?? 0;
  }

  /** Its number among the sinks, -1 when it is in none. */
  get sink(): number {
    return this.#sink;
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#peer.close();
  }
}

function newPeer(address: string): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: [address],
    iceUseIpv6: false,
    codecs: {
      video: [
        useVP8({ rtcpFeedback: [useNACK(), usePLI(), useREMB(), useTWCC()] }),
        new RTCRtpCodecParameters({ mimeType: "video/rtx", clockRate: 90_000 }),
      ],
      audio: [],
    },
    headerExtensions: { video: [useTransportWideCC()], audio: [] },
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

/** The id of a header extension in a description, 0 when it was not agreed. RFC 8285 section 5. */
function extensionId(sdp: string, uri: string): number {
  const line = sdp.split(/\r?\n/).find((one) => one.startsWith("a=extmap:") && one.endsWith(uri));
  return Number(/^a=extmap:(\d+)/.exec(line ?? "")?.[1] ?? 0);
}

/** A VP8 payload that begins a frame. RFC 7741 section 4.2, RFC 6386 section 9.1. */
function vp8Payload(keyFrame: boolean): Buffer {
  const payload = Buffer.alloc(PACKET_BYTES - 12, 0x5a);
  payload[0] = 0x10;
  payload[1] = keyFrame ? 0x10 : 0x11;
  if (keyFrame) payload.set([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01], 4);
  return payload;
}

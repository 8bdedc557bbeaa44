import { type MonoMs, type Random, seededRandom } from "@lodeline/base";
import { ExtensionWriter, RTP_HEADER_BYTES, writeRtpHeader } from "@lodeline/rtp";
import { MediaPlane } from "./media-plane.ts";
import { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { PlaneHost, PlaneOwner } from "./plane-owner.ts";
import type { Section } from "./sdp/section.ts";
import { SRTP_PROFILE } from "./srtp/srtp-keys.ts";
import { SrtpSender } from "./srtp/srtp-sender.ts";

/** Options of {@link createForwardingRig}. */
export interface ForwardingRigOptions {
  /** Receivers of the one video. */
  readonly receivers: number;
  /** Bytes of VP8 payload in each packet, at least 16. */
  readonly payloadBytes: number;
  /** Takes each protected packet, as a socket would; the bytes are reused afterwards. */
  readonly send: (bytes: Buffer, receiver: number) => void;
}

/** The packet path of the engine without ICE, DTLS and sockets: for measuring it alone. */
export interface ForwardingRig {
  /**
   * The next packets of the publisher, protected. Made ahead, so that making them is not measured. Each can be handled
   * once.
   */
  prepare(count: number): Buffer[];
  /** Unprotects, forwards, rewrites and protects one packet. */
  handle(datagram: Buffer, now: MonoMs): void;
}

const MID_EXTENSION = 3;
const SSRC = 7;

const KEYS = { key: Buffer.alloc(16, 3), salt: Buffer.alloc(12, 4) };

/** Makes a rig: one publisher of VP8, forwarded to each receiver by AES-128-GCM, as in a room. */
export function createForwardingRig(options: ForwardingRigOptions): ForwardingRig {
  const buffers = new OutgoingBuffers();
  let now: MonoMs = 0;
  const plane = (index: number, section: Section, send: (bytes: Buffer) => void) => {
    const made = createPlane({ random: seededRandom(index + 1), buffers, now: () => now, send });
    made.negotiated([section]);
    made.secure({ profile: SRTP_PROFILE.aeadAes128Gcm, local: KEYS, remote: KEYS });
    return made;
  };
  const publisher = plane(0, videoSection("0", "recvonly"), () => {});
  const publication = publisher.publish("video", "0", "video");
  for (let index = 0; index < options.receivers; index++) {
    const receiver = plane(index + 1, videoSection("0", "sendonly"), (bytes) => options.send(bytes, index));
    receiver.forward(`to-${index}`, publication, "0");
  }
  const source = new PacketSource(options.payloadBytes);
  return {
    prepare: (count) => Array.from({ length: count }, () => source.next()),
    handle: (datagram, at) => {
      now = at;
      publisher.handle(datagram, at);
    },
  };
}

/** The packet path of one transport, by itself: for this rig and others. */
export function createPlane(options: {
  random: Random;
  buffers: OutgoingBuffers;
  now: () => MonoMs;
  send: (bytes: Buffer) => void;
}): MediaPlane {
  const host: PlaneHost = {
    random: options.random,
    buffers: options.buffers,
    kernel: undefined,
    bitrates: { simulcastBps: undefined, singleBps: undefined },
    wallMs: options.now,
    wake: () => {},
  };
  const owner: PlaneOwner = {
    id: "rig",
    roundTripMs: undefined,
    now: options.now,
    wakeNow: () => {},
    forwarderClosed: (forwarder) => made.release(forwarder),
    get media() {
      return made;
    },
  };
  const made: MediaPlane = new MediaPlane({ transport: owner, host, send: options.send });
  return made;
}

function videoSection(mid: string, direction: "recvonly" | "sendonly"): Section {
  return {
    mid,
    kind: "video",
    direction,
    rids: [],
    sendSsrc: direction === "sendonly" ? 100 : undefined,
    rtxSsrc: direction === "sendonly" ? 101 : undefined,
    codecs: [{ name: "vp8", payloadType: 96, rtxPayloadType: 97, clockRate: 90_000, fmtp: "", feedback: ["nack"] }],
    extensions: { mid: MID_EXTENSION },
    remoteSsrcs: [],
    rejected: false,
  };
}

/** A browser that sends one frame of five packets every 33 ms of its own clock, a key frame first. */
class PacketSource {
  readonly #sender = new SrtpSender(SRTP_PROFILE.aeadAes128Gcm, KEYS);
  readonly #payloadBytes: number;
  #count = 0;

  constructor(payloadBytes: number) {
    this.#payloadBytes = payloadBytes;
  }

  next(): Buffer {
    const index = this.#count++;
    const frame = Math.floor(index / 5);
    const out = Buffer.alloc(64 + this.#payloadBytes + 16);
    const extensions = new ExtensionWriter();
    extensions.open(out, RTP_HEADER_BYTES);
    extensions.add(MID_EXTENSION, Buffer.from("0"));
    const at = extensions.close();
    const sequenceNumber = index & 0xffff;
    const fields = {
      marker: index % 5 === 4,
      payloadType: 96,
      sequenceNumber,
      timestamp: (3000 * frame) >>> 0,
      ssrc: SSRC,
    };
    writeRtpHeader(out, fields, true);
    const start = index % 5 === 0;
    // Descriptor with a 15-bit picture id and TL0PICIDX; then a frame tag, whose lowest bit says "not a key frame".
    out.set([start ? 0x90 : 0x80, 0xc0, 0x80 | ((frame >> 8) & 0x7f), frame & 0xff, frame & 0xff], at);
    out[at + 5] = index === 0 ? 0x10 : 0x11;
    const end = at + this.#payloadBytes;
    return out.subarray(0, this.#sender.protectRtp(out, at, end, SSRC, sequenceNumber));
  }
}

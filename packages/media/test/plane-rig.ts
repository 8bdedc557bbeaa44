import assert from "node:assert/strict";
import { seededRandom } from "@lodeline/base";
import { loadKernel } from "@lodeline/native";
import {
  ExtensionWriter,
  findExtension,
  isRtcp,
  parseRtcp,
  type RtcpPacket,
  RtpPacket,
  readTextExtension,
  readTransportSequence,
  writeRtpHeader,
} from "@lodeline/rtp";
import type { Forwarder } from "../src/forwarder.ts";
import { PacketKernel } from "../src/kernel/packet-kernel.ts";
import { MediaPlane } from "../src/media-plane.ts";
import { OutgoingBuffers } from "../src/outgoing-buffers.ts";
import type { BitrateBounds, PlaneHost, PlaneOwner } from "../src/plane-owner.ts";
import type { SectionCodec } from "../src/sdp/codecs.ts";
import type { Section } from "../src/sdp/section.ts";
import { SRTP_PROFILE } from "../src/srtp/srtp-keys.ts";
import { SrtpReceiver } from "../src/srtp/srtp-receiver.ts";
import { SrtpSender } from "../src/srtp/srtp-sender.ts";

/** Header extension ids that all browsers of the rig agree on. */
export const IDS = { mid: 3, rid: 4, repairedRid: 5, audioLevel: 1, transportSequence: 7, dependencyDescriptor: 8 };

const NO_RTX: SectionCodec = {
  name: "opus",
  payloadType: 111,
  rtxPayloadType: undefined,
  clockRate: 48_000,
  fmtp: "",
  feedback: [],
};

/** A video codec with RTX. */
export function video(name: "vp8" | "vp9" | "av1", payloadType: number): SectionCodec {
  return {
    name,
    payloadType,
    rtxPayloadType: payloadType + 1,
    clockRate: 90_000,
    fmtp: "",
    feedback: ["nack", "nack pli", "goog-remb"],
  };
}

/** A section as an answer would have made it. */
export function section(
  mid: string,
  kind: "audio" | "video",
  direction: Section["direction"],
  more: Partial<Section> = {},
): Section {
  const base = 10_000 + 10 * Number(mid);
  return {
    mid,
    kind,
    direction,
    rids: [],
    sendSsrc: direction === "sendonly" || direction === "sendrecv" ? base : undefined,
    rtxSsrc: kind === "video" && direction !== "recvonly" ? base + 1 : undefined,
    codecs: kind === "audio" ? [NO_RTX] : [video("vp8", 96)],
    extensions:
      kind === "audio"
        ? { mid: IDS.mid, audioLevel: IDS.audioLevel }
        : { mid: IDS.mid, rid: IDS.rid, repairedRid: IDS.repairedRid },
    remoteSsrcs: [],
    rejected: false,
    ...more,
  };
}

/** A receiver's video codecs under payload types of its own. */
export const OTHER_TYPES = [video("vp8", 120)];

/** Time for everything in a rig, and what moves its packets. */
export class RigClock {
  now = 1000;
  /** `undefined`: TypeScript. */
  readonly kernel: PacketKernel | undefined;

  constructor(path: PacketPath) {
    this.kernel = path === "kernel" ? openKernel(this.now) : undefined;
  }
}

/** What can move packets: each suite of forwarding runs over all of them. */
export type PacketPath = "typescript" | "kernel";

const kernels: PacketKernel[] = [];

function openKernel(now: number): PacketKernel {
  const { kernel, why } = PacketKernel.open(now);
  assert.ok(kernel, why);
  kernels.push(kernel);
  return kernel;
}

/** The paths there are: the kernel's only where set-up has built it. */
export const PACKET_PATHS: readonly PacketPath[] =
  loadKernel().binding === undefined ? ["typescript"] : ["typescript", "kernel"];

/** Closes what the rigs opened. */
export function closeKernels(): void {
  for (const kernel of kernels.splice(0)) kernel.close();
}

/** A packet as a browser got it. */
export interface Got {
  readonly ssrc: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly mid: string | undefined;
  /** -1 without one. */
  readonly transportSequence: number;
  /** The dependency descriptor, where it has one. */
  readonly descriptor: Buffer | undefined;
  readonly payload: Buffer;
}

/** What a browser sends. */
export interface Sent {
  readonly ssrc: number;
  readonly sequenceNumber: number;
  readonly timestamp?: number;
  readonly payloadType?: number;
  readonly mid?: string;
  readonly rid?: string;
  readonly repairedRid?: string;
  readonly transportSequence?: number;
  readonly descriptor?: Uint8Array | undefined;
  /** Default true. */
  readonly marker?: boolean;
  readonly payload?: Buffer;
}

const UNBOUNDED: BitrateBounds = { simulcastBps: undefined, singleBps: undefined };

/** The keys of what browsers send. */
export const PEER_KEYS = { key: Buffer.alloc(16, 3), salt: Buffer.alloc(12, 4) };
const OURS = { key: Buffer.alloc(16, 5), salt: Buffer.alloc(12, 6) };

/** One browser at the other end of a plane: it has the other half of the keys, and remembers what reached it. */
export class RigBrowser {
  readonly plane: MediaPlane;
  readonly got: Got[] = [];
  readonly feedback: RtcpPacket[] = [];
  readonly #clock: RigClock;
  readonly #sender = new SrtpSender(SRTP_PROFILE.aeadAes128Gcm, PEER_KEYS);
  readonly #receiver = new SrtpReceiver(SRTP_PROFILE.aeadAes128Gcm, OURS);

  constructor(
    clock: RigClock,
    sections: readonly Section[],
    seed = 1,
    connected = true,
    bitrates: BitrateBounds = UNBOUNDED,
  ) {
    this.#clock = clock;
    const random = seededRandom(seed);
    const host: PlaneHost = {
      random,
      buffers: new OutgoingBuffers(16),
      kernel: clock.kernel,
      bitrates,
      wallMs: () => 1_700_000_000_000 + clock.now,
      wake: () => {},
    };
    const transport: PlaneOwner = {
      id: `transport-${seed}`,
      roundTripMs: undefined,
      now: () => clock.now,
      wakeNow: () => {},
      forwarderClosed: (forwarder) => plane.release(forwarder),
      get media() {
        return plane;
      },
    };
    const plane: MediaPlane = new MediaPlane({ transport, host, send: (bytes) => this.#arrive(Buffer.from(bytes)) });
    this.plane = plane;
    plane.negotiated(sections);
    if (connected) this.connect();
  }

  /** DTLS is connected: both have each other's keys. */
  connect(): void {
    this.plane.secure({ profile: SRTP_PROFILE.aeadAes128Gcm, local: OURS, remote: PEER_KEYS });
  }

  /** Sends a packet to the server. */
  send(sent: Sent): void {
    this.plane.handle(this.protect(sent), this.#clock.now);
  }

  /** A packet as it goes over the wire. */
  protect(sent: Sent): Buffer {
    const payload = sent.payload ?? vp8(sent.sequenceNumber);
    const out = Buffer.alloc(320 + payload.length + 16);
    const writer = new ExtensionWriter();
    writer.open(out, 12, (sent.descriptor?.length ?? 0) > 16);
    const texts = [
      [IDS.mid, sent.mid],
      [IDS.rid, sent.rid],
      [IDS.repairedRid, sent.repairedRid],
    ] as const;
    for (const [id, text] of texts) if (text !== undefined) writer.add(id, Buffer.from(text));
    if (sent.transportSequence !== undefined) writer.addU16(IDS.transportSequence, sent.transportSequence);
    if (sent.payloadType === 111) writer.addByte(IDS.audioLevel, 0x80 | 20);
    if (sent.descriptor) writer.add(IDS.dependencyDescriptor, sent.descriptor);
    const at = writer.close();
    const { ssrc, sequenceNumber, timestamp = 3000 * sent.sequenceNumber, payloadType = 96, marker = true } = sent;
    writeRtpHeader(out, { marker, payloadType, sequenceNumber, timestamp: timestamp >>> 0, ssrc }, at > 12);
    payload.copy(out, at);
    const length = this.#sender.protectRtp(out, at, at + payload.length, ssrc, sequenceNumber);
    return out.subarray(0, length);
  }

  /** Sends RTCP to the server. */
  report(compound: Uint8Array): void {
    this.plane.handle(this.#sender.protectRtcp(compound), this.#clock.now);
  }

  /** Lets the plane do what is due after `ms`, in steps of 5 ms. */
  pass(ms: number, ...others: RigBrowser[]): void {
    for (const end = this.#clock.now + ms; this.#clock.now < end; ) {
      this.#clock.now += 5;
      for (const browser of [this, ...others])
        if (browser.plane.deadlineMs <= this.#clock.now) browser.plane.tick(this.#clock.now);
    }
  }

  /** Takes what came of one SSRC, and forgets it. */
  take(ssrc: number): Got[] {
    const taken = this.got.filter((one) => one.ssrc === ssrc);
    for (const one of taken) this.got.splice(this.got.indexOf(one), 1);
    return taken;
  }

  /** Takes feedback of one kind, and forgets it. */
  takeFeedback<Kind extends RtcpPacket["kind"]>(kind: Kind): (RtcpPacket & { kind: Kind })[] {
    const taken = this.feedback.filter((one) => one.kind === kind);
    for (const one of taken) this.feedback.splice(this.feedback.indexOf(one), 1);
    return taken as (RtcpPacket & { kind: Kind })[];
  }

  #arrive(bytes: Buffer): void {
    if (isRtcp(bytes)) {
      this.feedback.push(...parseRtcp(this.#receiver.unprotectRtcp(bytes) ?? assert.fail("RTCP that cannot be read")));
      return;
    }
    const packet = new RtpPacket();
    assert.ok(packet.parseHeader(bytes));
    const length = this.#receiver.unprotectRtp(bytes, packet);
    assert.ok(length > 0, "RTP that cannot be read, or a number used twice");
    assert.ok(packet.parse(bytes, length));
    const place = { offset: 0, lengthBytes: 0 };
    const described = findExtension(packet, IDS.dependencyDescriptor, place);
    this.got.push({
      ssrc: packet.ssrc,
      sequenceNumber: packet.sequenceNumber,
      timestamp: packet.timestamp,
      payloadType: packet.payloadType,
      marker: packet.marker,
      mid: readTextExtension(packet, IDS.mid, { offset: 0, lengthBytes: 0 }),
      transportSequence: readTransportSequence(packet, IDS.transportSequence, { offset: 0, lengthBytes: 0 }),
      descriptor: described
        ? Buffer.from(packet.bytes.subarray(place.offset, place.offset + place.lengthBytes))
        : undefined,
      payload: Buffer.from(packet.bytes.subarray(packet.payloadOffset, packet.payloadOffset + packet.payloadBytes)),
    });
  }
}

/** A VP8 payload with picture id and TL0PICIDX; a key frame of 640x360 or an interframe. */
export function vp8(pictureId: number, keyFrame = false, width = 640, height = 360): Buffer {
  const head = Buffer.from([0x90, 0xe0, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff, pictureId & 0xff, 0x20]);
  const key = Buffer.from([0x10, 2, 0, 0x9d, 1, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8, 1, 2, 3]);
  return Buffer.concat([head, keyFrame ? key : Buffer.from([0x11, 2, 3, 4])]);
}

/** Counts the packets that come to TypeScript for a forwarder. */
export function countHandled(forwarder: Forwarder): { count: number } {
  const counted = { count: 0 };
  const handle = forwarder.handle.bind(forwarder);
  forwarder.handle = (...packet) => {
    counted.count++;
    handle(...packet);
  };
  return counted;
}

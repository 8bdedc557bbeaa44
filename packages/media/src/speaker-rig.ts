import { type MonoMs, seededRandom } from "@lodeline/base";
import { ExtensionWriter, RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from "@lodeline/rtp";
import { createPlane } from "./forwarding-rig.ts";
import { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { Section } from "./sdp/section.ts";
import { SpeakerGroup } from "./speaker-group.ts";
import { SRTP_PROFILE } from "./srtp/srtp-keys.ts";
import { SrtpReceiver } from "./srtp/srtp-receiver.ts";
import { SrtpSender } from "./srtp/srtp-sender.ts";

/** Options of {@link createSpeakerRig}. */
export interface SpeakerRigOptions {
  /** Microphones that send, each on a connection of its own. */
  readonly speakers: number;
  /** How many of them are forwarded. */
  readonly most: number;
  /** Takes each protected packet to the one receiver, as a socket would; the bytes are reused afterwards. */
  readonly send: (bytes: Buffer) => void;
}

/** A packet as the receiver read it. */
export interface ReadSpeech {
  readonly speaker: number;
  /** Which of that speaker's packets it is, from 0. */
  readonly index: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
}

/** A room of microphones and one receiver, without ICE, DTLS and sockets. */
export interface SpeakerRig {
  /** The next packet of a speaker, protected: 20 ms of sound at a level. */
  packet(speaker: number, levelDbov: number): Buffer;
  /** Takes a packet from a speaker's connection. */
  handle(speaker: number, datagram: Buffer, now: MonoMs): void;
  /** Reads a packet that was sent to the receiver. */
  read(datagram: Buffer): ReadSpeech;
}

const KEYS = { key: Buffer.alloc(16, 3), salt: Buffer.alloc(12, 4) };
const MID_EXTENSION = 3;
const LEVEL_EXTENSION = 1;
const PAYLOAD_TYPE = 111;
/** Of 20 ms at 48 kHz. */
const TICKS = 960;
const PAYLOAD_BYTES = 80;
const FIRST_SSRC = 1000;

/** Makes a rig: each speaker's microphone in a receive slot of its own at the one receiver. */
export function createSpeakerRig(options: SpeakerRigOptions): SpeakerRig {
  const buffers = new OutgoingBuffers();
  let now: MonoMs = 0;
  const plane = (seed: number, sections: readonly Section[], send: (bytes: Buffer) => void) => {
    const made = createPlane({ random: seededRandom(seed), buffers, now: () => now, send });
    made.negotiated(sections);
    made.secure({ profile: SRTP_PROFILE.aeadAes128Gcm, local: KEYS, remote: KEYS });
    return made;
  };
  const numbers = Array.from({ length: options.speakers }, (_, speaker) => speaker);
  const slots = numbers.map((speaker) => audioSection(`${speaker}`, "sendonly", FIRST_SSRC + speaker));
  const receiver = plane(1, slots, options.send);
  const group = new SpeakerGroup(() => {});
  group.most = options.most;
  const planes = numbers.map((speaker) => {
    const made = plane(speaker + 2, [audioSection("0", "recvonly", undefined)], () => {});
    receiver.forward(`to-${speaker}`, made.publish(`mic-${speaker}`, "0", "audio", group), `${speaker}`);
    return made;
  });
  const sources = numbers.map((speaker) => new SpeechSource(speaker));
  const reader = new SrtpReceiver(SRTP_PROFILE.aeadAes128Gcm, KEYS);
  return {
    packet: (speaker, levelDbov) => at(sources, speaker).next(levelDbov),
    handle: (speaker, datagram, when) => {
      now = when;
      at(planes, speaker).handle(datagram, when);
    },
    read: (datagram) => read(reader, datagram),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new TypeError(`speaker ${index} does not exist`);
  return found;
}

function audioSection(mid: string, direction: "recvonly" | "sendonly", sendSsrc: number | undefined): Section {
  return {
    mid,
    kind: "audio",
    direction,
    rids: [],
    sendSsrc,
    rtxSsrc: undefined,
    codecs: [
      { name: "opus", payloadType: PAYLOAD_TYPE, rtxPayloadType: undefined, clockRate: 48_000, fmtp: "", feedback: [] },
    ],
    extensions: { mid: MID_EXTENSION, audioLevel: LEVEL_EXTENSION },
    remoteSsrcs: [],
    rejected: false,
  };
}

function read(receiver: SrtpReceiver, datagram: Buffer): ReadSpeech {
  const packet = new RtpPacket();
  const isRtp = packet.parseHeader(datagram);
  const length = isRtp ? receiver.unprotectRtp(datagram, packet) : -1;
  if (length < 0 || !packet.parse(datagram, length)) throw new Error("a packet that the receiver cannot read");
  const payload = new DataView(datagram.buffer, datagram.byteOffset + packet.payloadOffset, packet.payloadBytes);
  const { sequenceNumber, timestamp } = packet;
  return { speaker: payload.getUint32(0), index: payload.getUint32(4), sequenceNumber, timestamp };
}

/** A microphone that sends a packet of 20 ms, whose payload says whose it is and which. */
class SpeechSource {
  readonly #sender = new SrtpSender(SRTP_PROFILE.aeadAes128Gcm, KEYS);
  readonly #extensions = new ExtensionWriter();
  readonly #speaker: number;
  #count = 0;

  constructor(speaker: number) {
    this.#speaker = speaker;
  }

  next(levelDbov: number): Buffer {
    const index = this.#count++;
    const out = Buffer.alloc(64 + PAYLOAD_BYTES + 16);
    this.#extensions.open(out, RTP_HEADER_BYTES);
    this.#extensions.add(MID_EXTENSION, Buffer.from("0"));
    this.#extensions.addByte(LEVEL_EXTENSION, -levelDbov);
    const start = this.#extensions.close();
    const ssrc = this.#speaker + 1;
    const sequenceNumber = index & 0xffff;
    const timestamp = (index * TICKS) >>> 0;
    writeRtpHeader(out, { marker: false, payloadType: PAYLOAD_TYPE, sequenceNumber, timestamp, ssrc }, true);
    out.writeUInt32BE(this.#speaker, start);
    out.writeUInt32BE(index, start + 4);
    const end = start + PAYLOAD_BYTES;
    return out.subarray(0, this.#sender.protectRtp(out, start, end, ssrc, sequenceNumber));
  }
}

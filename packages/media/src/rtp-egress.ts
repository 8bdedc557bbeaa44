import type { MonoMs } from "@lodeline/base";
import { Pacer, type PacketUrgency } from "@lodeline/rtp";
import type { KernelSession } from "./kernel/kernel-session.ts";
import type { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { SrtpSender } from "./srtp/srtp-sender.ts";

/** Room that protecting may need: the longest tag of SRTP. */
const TAG_ROOM_BYTES = 16;

/** Who is told what left with a transport-wide number. */
export interface SentSink {
  /**
   * Packets left at one moment with numbers that follow each other: mostly one, a burst from the kernel.
   *
   * @param transportSequence - Of the first, 0 .. 65535, counted for each transport.
   * @param sizeBytes - Of each datagram, SRTP included, UDP and IP not.
   * @param count - How many they are, 1 or more.
   */
  sent(transportSequence: number, sizeBytes: number, atMs: MonoMs, count: number): void;
}

/** A packet as it was built, before it has its transport-wide number and is protected. */
export interface BuiltPacket {
  /** With room for the tag after `lengthBytes`. */
  readonly bytes: Buffer;
  readonly payloadOffset: number;
  readonly lengthBytes: number;
  readonly ssrc: number;
  readonly sequenceNumber: number;
  /** Where its two bytes of transport-wide number stand, 0 when it has none. */
  readonly transportSequenceAt: number;
}

/**
 * Where all RTP of one transport leaves, whoever built it: paces, gives the transport-wide number, protects, sends, and tells
 * whoever estimates bandwidth. Nothing else may give numbers or protect RTP, because both count for each transport.
 */
export class RtpEgress {
  readonly #buffers: OutgoingBuffers;
  readonly #send: (bytes: Buffer) => void;
  readonly #pacer = new Pacer<BuiltPacket>();
  #srtp: SrtpSender | undefined;
  #session: KernelSession | undefined;
  #transportSequence = 0;
  #paced = false;
  /** Told of the packets that have a transport-wide number; set before the keys are there. */
  sink: SentSink | undefined;
  /** Told that a packet waits until {@link deadlineMs}. */
  onWaiting: ((until: MonoMs) => void) | undefined;

  constructor(options: { readonly buffers: OutgoingBuffers; readonly send: (bytes: Buffer) => void }) {
    this.#buffers = options.buffers;
    this.#send = options.send;
  }

  /** DTLS is connected. */
  secure(srtp: SrtpSender): void {
    this.#srtp = srtp;
  }

  /** DTLS is connected, and the packet kernel has the keys: it numbers, protects and sends. */
  secureByKernel(session: KernelSession): void {
    this.#session = session;
    session.sink = this.sink;
  }

  /** Whether the receiver's keys are there: before that nothing can be sent, and nothing may be used up. */
  get isSecured(): boolean {
    return this.#srtp !== undefined || this.#session !== undefined;
  }

  /** Longest payload that can be sent. */
  get payloadLimitBytes(): number {
    return this.#buffers.payloadLimitBytes;
  }

  /** Whether bursts are spread out here: then every packet has to come through {@link send}. */
  get isPaced(): boolean {
    return this.#paced;
  }

  /** What waits here, in bytes. */
  get waitingBytes(): number {
    return this.#pacer.queuedBytes;
  }

  /** When {@link release} has something to send; `Infinity` while nothing waits. */
  get deadlineMs(): MonoMs {
    return this.#pacer.deadlineMs;
  }

  /**
   * Spreads bursts out from now on, or lets all leave at once.
   *
   * @param rateBps - For everything but sound, which never waits; `undefined`: at once.
   */
  pace(rateBps: number | undefined, now: MonoMs): void {
    this.#paced = rateBps !== undefined;
    this.#pacer.rateBps = rateBps ?? Infinity;
    if (rateBps === undefined) for (const packet of this.#pacer.drain()) this.#leave(packet, now);
  }

  /** Sends what waited until now. */
  release(now: MonoMs): void {
    for (let packet = this.#pacer.poll(now); packet; packet = this.#pacer.poll(now)) this.#leave(packet, now);
  }

  /** What waits is let go: the transport ends. */
  close(): void {
    this.#pacer.drain();
  }

  /** A buffer to build the next packet in, with room for the tag. */
  next(): Buffer {
    return this.#buffers.next();
  }

  /**
   * Sends a packet built in {@link next}'s buffer, now or when its turn has come.
   *
   * @returns Bytes sent or to be sent, 0 when the keys are not there.
   */
  send(packet: BuiltPacket, urgency: PacketUrgency, now: MonoMs): number {
    if (!this.isSecured) return 0;
    const { lengthBytes } = packet;
    if (!this.#paced || this.#pacer.admit(lengthBytes, urgency, now)) return this.#leave(packet, now);
    // The buffer is a ring's and is filled again before this packet leaves.
    const bytes = Buffer.allocUnsafe(lengthBytes + TAG_ROOM_BYTES);
    packet.bytes.copy(bytes, 0, 0, lengthBytes);
    this.#pacer.push({ ...packet, bytes }, lengthBytes, urgency);
    this.onWaiting?.(this.#pacer.deadlineMs);
    return lengthBytes + TAG_ROOM_BYTES;
  }

  #leave(packet: BuiltPacket, now: MonoMs): number {
    const { bytes, payloadOffset, lengthBytes, ssrc, sequenceNumber, transportSequenceAt } = packet;
    if (this.#session)
      return this.#session.sendRtp(bytes.subarray(0, lengthBytes), payloadOffset, transportSequenceAt, now);
    const srtp = this.#srtp;
    if (srtp === undefined) return 0;
    const transportSequence = this.#transportSequence;
    if (transportSequenceAt > 0) {
      bytes.writeUInt16BE(transportSequence, transportSequenceAt);
      this.#transportSequence = (transportSequence + 1) & 0xffff;
    }
    const sizeBytes = srtp.protectRtp(bytes, payloadOffset, lengthBytes, ssrc, sequenceNumber);
    // Told first: what is sent is on its way, and an answer may be quicker than the next line.
    if (transportSequenceAt > 0) this.sink?.sent(transportSequence, sizeBytes, now, 1);
    this.#send(bytes.subarray(0, sizeBytes));
    return sizeBytes;
  }
}

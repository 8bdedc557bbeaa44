import type { MonoMs } from "@lodeline/base";
import type { KernelSession } from "./kernel/kernel-session.ts";
import type { OutgoingBuffers } from "./outgoing-buffers.ts";
import type { SrtpSender } from "./srtp/srtp-sender.ts";

/** A packet that left with a transport-wide number. */
export interface SentRecord {
  /** 0 .. 65535, counted for each transport. */
  readonly transportSequence: number;
  readonly ssrc: number;
  /** Of the datagram, SRTP included, UDP and IP not. */
  readonly sizeBytes: number;
  readonly atMs: MonoMs;
}

/**
 * Where all RTP of one transport leaves, whoever built it: gives the transport-wide number, protects, sends, and tells
 * whoever estimates bandwidth. Nothing else may give numbers or protect RTP, because both count for each transport.
 */
export class RtpEgress {
  readonly #buffers: OutgoingBuffers;
  readonly #send: (bytes: Buffer) => void;
  #srtp: SrtpSender | undefined;
  #session: KernelSession | undefined;
  #transportSequence = 0;
  /** Told of each packet that has a transport-wide number. */
  onSent: ((sent: SentRecord) => void) | undefined;

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
  }

  /** Whether the receiver's keys are there: before that nothing can be sent, and nothing may be used up. */
  get isSecured(): boolean {
    return this.#srtp !== undefined || this.#session !== undefined;
  }

  /** Longest payload that can be sent. */
  get payloadLimitBytes(): number {
    return this.#buffers.payloadLimitBytes;
  }

  /** A buffer to build the next packet in, with room for the tag. */
  next(): Buffer {
    return this.#buffers.next();
  }

  /**
   * Protects and sends a packet built in {@link next}'s buffer.
   *
   * @param transportSequenceAt - Where its two bytes of transport-wide number stand, 0 when it has none.
   * @returns Bytes sent, 0 when the keys are not there.
   */
  send(
    out: Buffer,
    payloadOffset: number,
    lengthBytes: number,
    ssrc: number,
    sequenceNumber: number,
    now: MonoMs,
    transportSequenceAt = 0,
  ): number {
    if (this.#session)
      return this.#session.sendRtp(out.subarray(0, lengthBytes), payloadOffset, transportSequenceAt, now);
    const srtp = this.#srtp;
    if (srtp === undefined) return 0;
    const transportSequence = this.#transportSequence;
    if (transportSequenceAt > 0) {
      out.writeUInt16BE(transportSequence, transportSequenceAt);
      this.#transportSequence = (transportSequence + 1) & 0xffff;
    }
    const sizeBytes = srtp.protectRtp(out, payloadOffset, lengthBytes, ssrc, sequenceNumber);
    this.#send(out.subarray(0, sizeBytes));
    if (transportSequenceAt > 0) this.onSent?.({ transportSequence, ssrc, sizeBytes, atMs: now });
    return sizeBytes;
  }
}

import type { MonoMs } from "@lodeline/base";
import { DTLS_CONTENT, type DtlsRecords, RECORD_HEADER_BYTES, RECORD_OVERHEAD_BYTES } from "./dtls-records.ts";
import { encodeHandshake, HANDSHAKE_HEADER_BYTES, type HandshakeMessage } from "./handshake-messages.ts";

/** One piece of a flight. */
export type FlightPart =
  | { readonly kind: "message"; readonly message: HandshakeMessage; readonly isProtected: boolean }
  | { readonly kind: "change-cipher-spec" };

/** Bytes of one datagram: fits every path that browsers use, with room for a relay's header. */
const DATAGRAM_BYTES = 1200;

/** First wait for an answer; RFC 6347 section 4.2.4.1 says 1 s, real-time peers cannot wait for that. */
export const FLIGHT_FIRST_WAIT_MS = 50;
const FLIGHT_LONGEST_WAIT_MS = 3000;

/** A repeated flight of the other side is answered at most this often: it must not make us send without end. */
const ANSWER_REPEAT_EVERY_MS = 20;

/** The flight that was sent last, and when it is sent again. RFC 6347 section 4.2.4. */
export class HandshakeFlight {
  readonly #records: DtlsRecords;
  readonly #send: (datagram: Buffer) => void;
  #parts: readonly FlightPart[] = [];
  #waitMs = FLIGHT_FIRST_WAIT_MS;
  #sentAtMs: MonoMs = -Infinity;
  #again = false;
  /** How often a flight was sent again. */
  retransmissions = 0;

  constructor(records: DtlsRecords, send: (datagram: Buffer) => void) {
    this.#records = records;
    this.#send = send;
  }

  /** When {@link tick} sends the flight again. */
  get deadlineMs(): MonoMs | undefined {
    return this.#again ? this.#sentAtMs + this.#waitMs : undefined;
  }

  /**
   * Sends a flight in place of the last one.
   *
   * @param again - Whether an answer is expected, so that it is sent again without one.
   */
  send(parts: readonly FlightPart[], now: MonoMs, again: boolean): void {
    this.#parts = parts;
    this.#again = again;
    this.#waitMs = FLIGHT_FIRST_WAIT_MS;
    this.#transmit(now);
  }

  /** The answer has come: nothing is sent again on our own account. */
  answered(): void {
    this.#again = false;
  }

  /** The other side repeats the flight before: ours was lost. */
  peerRepeats(now: MonoMs): void {
    if (this.#parts.length === 0 || now < this.#sentAtMs + ANSWER_REPEAT_EVERY_MS) return;
    this.retransmissions++;
    this.#transmit(now);
  }

  tick(now: MonoMs): void {
    const deadlineMs = this.deadlineMs;
    if (deadlineMs === undefined || now < deadlineMs) return;
    this.#waitMs = Math.min(2 * this.#waitMs, FLIGHT_LONGEST_WAIT_MS);
    this.retransmissions++;
    this.#transmit(now);
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#parts = [];
    this.#again = false;
  }

  #transmit(now: MonoMs): void {
    this.#sentAtMs = now;
    let datagram: Buffer[] = [];
    let lengthBytes = 0;
    for (const record of this.#parts.flatMap((part) => this.#recordsOf(part))) {
      if (lengthBytes + record.length > DATAGRAM_BYTES) {
        this.#send(Buffer.concat(datagram));
        datagram = [];
        lengthBytes = 0;
      }
      datagram.push(record);
      lengthBytes += record.length;
    }
    if (datagram.length > 0) this.#send(Buffer.concat(datagram));
  }

  /** New record numbers each time, as RFC 6347 section 4.2.4 asks; the message numbers stay. */
  #recordsOf(part: FlightPart): Buffer[] {
    if (part.kind === "change-cipher-spec") return [this.#records.clear(DTLS_CONTENT.changeCipherSpec, Buffer.of(1))];
    const { message, isProtected } = part;
    const room = DATAGRAM_BYTES - HANDSHAKE_HEADER_BYTES - (isProtected ? RECORD_OVERHEAD_BYTES : RECORD_HEADER_BYTES);
    const records: Buffer[] = [];
    let from = 0;
    do {
      const to = Math.min(from + room, message.body.length);
      const content = encodeHandshake(message, from, to);
      const { handshake } = DTLS_CONTENT;
      records.push(isProtected ? this.#records.seal(handshake, content) : this.#records.clear(handshake, content));
      from = to;
    } while (from < message.body.length);
    return records;
  }
}

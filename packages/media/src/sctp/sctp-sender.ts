import type { MonoMs } from "@lodeline/base";
import { CongestionWindow } from "./congestion-window.ts";
import { OutgoingQueue, type StartedMessage } from "./outgoing-queue.ts";
import { RetransmissionTimeout } from "./retransmission-timeout.ts";
import { CHUNK, CHUNK_HEADER_BYTES, DATA_HEADER_BYTES, type PacketBuilder } from "./sctp-packet.ts";
import { type SentChunk, SentChunks } from "./sent-chunks.ts";
import { ahead16, ahead32, step32 } from "./serial.ts";

/** A SACK, read. RFC 9260 section 3.3.4. */
export interface Sack {
  readonly cumulative: number;
  readonly windowBytes: number;
  /** Distances from {@link cumulative}. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** After so many timeouts without a sign of life the association is given up. RFC 9260 section 16. */
const TIMEOUT_LIMIT = 10;

/** A chunk that is missing in so many SACKs is sent again. Section 7.2.4. */
const MISSING_LIMIT = 3;

/** Less than this is not worth a chunk of its own at the end of a packet. */
const LEAST_PIECE_BYTES = 128;

/** The sending half of an association: what is under way, what is lost, and how fast. RFC 9260 sections 6 and 7, RFC 3758. */
export class SctpSender {
  readonly queue = new OutgoingQueue();
  readonly #sent: SentChunks;
  readonly #window: CongestionWindow;
  readonly #timeout = new RetransmissionTimeout();
  readonly #canAbandon: boolean;
  #peerWindowBytes: number;
  /** Chunks that wait to be sent again; some were acknowledged meanwhile. */
  #due: SentChunk[] = [];
  #gapAcked = 0;
  /** The latest transmission that is known to have come. */
  #arrivedOrder = 0;
  /** Until this number is acknowledged, one loss is one loss. */
  #recoveryEnd: number | undefined;
  /** The first packet of a fast retransmission does not wait for the window. */
  #urgent = false;
  /** Everything up to here was acknowledged or given up. RFC 3758 section 3.5. */
  #advanced = 0;
  #tellAdvanced = false;
  /** What the other side was told of it last; again after a timeout. */
  #told: number | undefined;
  #timeoutAtMs: MonoMs | undefined;
  #timeouts = 0;
  /** Chunks that were sent again. */
  retransmissions = 0;
  /** Messages that were given up. */
  abandoned = 0;

  constructor(options: {
    readonly initialTsn: number;
    readonly peerWindowBytes: number;
    readonly peerForwardTsn: boolean;
  }) {
    this.#sent = new SentChunks(options.initialTsn);
    this.#peerWindowBytes = options.peerWindowBytes;
    this.#window = new CongestionWindow(options.peerWindowBytes);
    this.#canAbandon = options.peerForwardTsn;
  }

  /** The last number that was used. */
  get lastTsn(): number {
    return step32(this.#sent.nextTsn, -1);
  }

  get congestionWindowBytes(): number {
    return this.#window.bytes;
  }

  get roundTripMs(): number | undefined {
    return this.#timeout.roundTripMs;
  }

  /** How long an answer may take. */
  get timeoutMs(): number {
    return this.#timeout.ms;
  }

  get deadlineMs(): MonoMs | undefined {
    return this.#timeoutAtMs;
  }

  /** Nothing waits and everything was acknowledged. */
  get isIdle(): boolean {
    return this.#sent.count === 0 && this.queue.bufferedBytes === 0;
  }

  /** Puts what may be sent now into a packet. */
  fill(packet: PacketBuilder, now: MonoMs): void {
    if (this.#tellAdvanced) this.#writeForwardTsn(packet);
    this.#writeDue(packet, now);
    if (this.#due.length === 0) this.#writeNew(packet, now);
    if (this.#sent.count > 0) this.#timeoutAtMs ??= now + this.#timeout.ms;
  }

  #writeDue(packet: PacketBuilder, now: MonoMs): void {
    while (this.#due.length > 0) {
      const chunk = this.#due[0] as SentChunk;
      const bytes = chunk.to - chunk.from;
      if (chunk.due) {
        if (DATA_HEADER_BYTES + bytes > packet.room) break;
        if (!this.#urgent && this.#sent.flightBytes > 0 && this.#sent.flightBytes + bytes > this.#window.bytes) break;
        this.#sent.again(chunk, now);
        this.retransmissions++;
        writeData(packet, chunk);
      }
      this.#due.shift();
    }
    this.#urgent = false;
  }

  #writeNew(packet: PacketBuilder, now: MonoMs): void {
    for (;;) {
      const { flightBytes } = this.#sent;
      // One chunk may always be under way, to find out when the other side's window opens. Section 6.1 rule A.
      if (flightBytes > 0 && flightBytes >= Math.min(this.#window.bytes, this.#peerWindowBytes)) return;
      const message = this.queue.current(now);
      if (message === undefined) return;
      const left = message.bytes.length - message.cutBytes;
      const room = packet.room - DATA_HEADER_BYTES;
      if (room < Math.min(left, LEAST_PIECE_BYTES)) return;
      const from = message.cutBytes;
      this.queue.cut(message, Math.min(left, room));
      writeData(packet, this.#sent.add(message, from, message.cutBytes, now));
    }
  }

  /** A SACK arrived. @returns False when it acknowledges what was never sent. */
  handleSack({ cumulative, windowBytes, ranges }: Sack, now: MonoMs): boolean {
    const sent = this.#sent;
    if (ahead32(cumulative, this.lastTsn) > 0) return false;
    const advance = ahead32(cumulative, sent.firstTsn) + 1;
    // Overtaken by a later one.
    if (advance < 0) return true;
    const wasFull = sent.flightBytes + DATA_HEADER_BYTES >= this.#window.bytes || this.queue.bufferedBytes > 0;
    const ackedBytes = this.#acknowledge(advance, now);
    const newest = this.#markRanges(cumulative, ranges, now);
    const recovers = this.#recoveryEnd !== undefined && advance > 0;
    // While a loss is being mended, progress counts against everything that the SACK shows as missing. Section 7.2.4.
    const until = recovers ? step32(cumulative, ranges.at(-1)?.[1] ?? 0) : newest;
    this.#timeouts = 0;
    if (advance > 0) {
      this.#timeout.answered();
      this.#timeoutAtMs = sent.count > 0 ? now + this.#timeout.ms : undefined;
      if (this.#recoveryEnd !== undefined && ahead32(cumulative, this.#recoveryEnd) >= 0) this.#recoveryEnd = undefined;
      if (this.#recoveryEnd === undefined) this.#window.acknowledged(ackedBytes, wasFull);
      if (sent.count === 0) this.#window.idle();
    }
    if (until !== undefined) this.#findMissing(until, now);
    this.#peerWindowBytes = windowBytes;
    this.#advance();
    return true;
  }

  /** @returns The payload bytes that were acknowledged for good. */
  #acknowledge(count: number, now: MonoMs): number {
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const chunk = this.#sent.shift();
      if (chunk === undefined) break;
      bytes += chunk.to - chunk.from;
      this.#arrivedOrder = Math.max(this.#arrivedOrder, chunk.message.abandoned ? 0 : chunk.order);
      if (chunk.acked) this.#gapAcked--;
      else if (i === count - 1) this.#measure(chunk, now);
    }
    return bytes;
  }

  /** Of what was sent twice nobody knows which one was acknowledged. Karn's rule, section 6.3.1 C5. */
  #measure(chunk: SentChunk, now: MonoMs): void {
    if (chunk.transmits === 1 && !chunk.message.abandoned) this.#timeout.measured(now - chunk.sentAtMs);
  }

  /** @returns The newest number that was not known to have come, if any. */
  #markRanges(cumulative: number, ranges: Sack["ranges"], now: MonoMs): number | undefined {
    let newest: number | undefined;
    let covered = 0;
    let before = 1;
    for (const [first, last] of ranges) {
      // In order and apart from each other, or the rest means nothing.
      if (first <= before || last < first) break;
      before = last;
      for (let distance = first; distance <= last; distance++) {
        const chunk = this.#sent.at(step32(cumulative, distance));
        if (chunk === undefined) break;
        covered++;
        if (chunk.acked) continue;
        chunk.acked = true;
        chunk.due = false;
        this.#gapAcked++;
        this.#sent.landed(chunk);
        this.#arrivedOrder = Math.max(this.#arrivedOrder, chunk.order);
        newest = chunk.tsn;
      }
    }
    const chunk = newest === undefined ? undefined : this.#sent.at(newest);
    if (chunk) this.#measure(chunk, now);
    if (covered < this.#gapAcked) this.#takeBack(cumulative, ranges);
    return newest;
  }

  /** The other side dropped what it had acknowledged but not delivered, as it may. Section 6.2.1 D iii. */
  #takeBack(cumulative: number, ranges: Sack["ranges"]): void {
    for (const chunk of this.#sent) {
      if (!chunk.acked) continue;
      const distance = ahead32(chunk.tsn, cumulative);
      if (ranges.some(([first, last]) => distance >= first && distance <= last)) continue;
      chunk.acked = false;
      this.#gapAcked--;
      this.#makeDue(chunk);
    }
  }

  /** Section 7.2.4: whatever is older than what has come and is missing for the third time is lost. */
  #findMissing(until: number, now: MonoMs): void {
    let isLost = false;
    for (const chunk of this.#sent) {
      if (ahead32(chunk.tsn, until) >= 0) break;
      if (chunk.acked || !chunk.inFlight || chunk.message.abandoned) continue;
      // What was sent again is missing again only when something sent later has come.
      if (chunk.order > this.#arrivedOrder) continue;
      chunk.missing++;
      if (chunk.missing < MISSING_LIMIT) continue;
      this.#sent.landed(chunk);
      isLost = true;
      if (!this.#giveUp(chunk, now)) this.#makeDue(chunk);
    }
    if (!isLost || this.#recoveryEnd !== undefined) return;
    this.#window.lost();
    this.#recoveryEnd = this.lastTsn;
    this.#urgent = true;
  }

  #makeDue(chunk: SentChunk): void {
    if (chunk.due || chunk.message.abandoned) return;
    chunk.due = true;
    this.#due.push(chunk);
  }

  /** Whether a message is not worth another transmission; it is then given up whole. */
  #giveUp({ message, transmits }: SentChunk, now: MonoMs): boolean {
    if (message.abandoned) return true;
    const { maxRetransmits, expiresAtMs } = message;
    const spent = maxRetransmits !== undefined && transmits > maxRetransmits;
    const tooOld = expiresAtMs !== undefined && expiresAtMs <= now;
    if (!this.#canAbandon || !(spent || tooOld)) return false;
    this.abandoned++;
    this.queue.abandon(message);
    for (const chunk of this.#sent) {
      if (chunk.message !== message) continue;
      chunk.due = false;
      this.#sent.landed(chunk);
    }
    return true;
  }

  /** RFC 3758 section 3.5 C1 to C3. */
  #advance(): void {
    let advanced: number | undefined;
    for (const chunk of this.#sent) {
      if (!chunk.message.abandoned) break;
      advanced = chunk.tsn;
    }
    if (advanced === undefined || advanced === this.#told) return;
    this.#advanced = advanced;
    this.#tellAdvanced = true;
  }

  #writeForwardTsn(packet: PacketBuilder): void {
    const last = new Map<number, number>();
    for (const { tsn, message } of this.#sent) {
      if (ahead32(tsn, this.#advanced) > 0) break;
      const known = last.get(message.stream);
      if (message.ordered && (known === undefined || ahead16(message.ssn, known) > 0))
        last.set(message.stream, message.ssn);
    }
    const valueBytes = 4 + 4 * last.size;
    // Beside a long SACK there may be no room: in the next packet, then.
    if (CHUNK_HEADER_BYTES + valueBytes > packet.room) return;
    const value = packet.chunk(CHUNK.forwardTsn, 0, valueBytes);
    value.writeUInt32BE(this.#advanced, 0);
    for (const [index, [stream, ssn]] of [...last].entries()) {
      value.writeUInt16BE(stream, 4 + 4 * index);
      value.writeUInt16BE(ssn, 6 + 4 * index);
    }
    this.#tellAdvanced = false;
    this.#told = this.#advanced;
  }

  /** @returns False when the other side has been silent for too long. */
  tick(now: MonoMs): boolean {
    if (this.#timeoutAtMs === undefined || now < this.#timeoutAtMs) return true;
    this.#timeouts++;
    if (this.#timeouts > TIMEOUT_LIMIT) return false;
    this.#timeout.backOff();
    this.#window.timedOut();
    this.#recoveryEnd = undefined;
    this.#due = [];
    for (const chunk of this.#sent) {
      chunk.missing = 0;
      if (chunk.acked || chunk.message.abandoned) continue;
      this.#sent.landed(chunk);
      chunk.due = false;
      if (!this.#giveUp(chunk, now)) this.#makeDue(chunk);
    }
    this.#told = undefined;
    this.#advance();
    this.#timeoutAtMs = now + this.#timeout.ms;
    return true;
  }

  /** The messages that are under way, for tests: what is held. */
  get heldChunks(): number {
    return this.#sent.count;
  }
}

function writeData(packet: PacketBuilder, { tsn, message, from, to }: SentChunk): void {
  const value = packet.chunk(
    CHUNK.data,
    flagsOf(message, from, to),
    DATA_HEADER_BYTES - CHUNK_HEADER_BYTES + to - from,
  );
  value.writeUInt32BE(tsn, 0);
  value.writeUInt16BE(message.stream, 4);
  value.writeUInt16BE(message.ssn, 6);
  value.writeUInt32BE(message.ppid, 8);
  message.bytes.copy(value, 12, from, to);
}

/** Ends, begins, unordered. RFC 9260 section 3.3.1. */
function flagsOf({ ordered, bytes }: StartedMessage, from: number, to: number): number {
  return (to === bytes.length ? 1 : 0) | (from === 0 ? 2 : 0) | (ordered ? 0 : 4);
}

import type { MonoMs } from "@lodeline/base";
import type { OutgoingMessage } from "./outgoing-queue.ts";
import { encodeInit, parseInit, type SctpInit, StateCookies } from "./sctp-init.ts";
import {
  CHUNK,
  CHUNK_HEADER_BYTES,
  type Chunk,
  encodeParameter,
  PACKET_BYTES,
  PacketBuilder,
  parseSctp,
  type SctpPacket,
  type SctpPorts,
} from "./sctp-packet.ts";
import type { SctpMessage } from "./sctp-reassembly.ts";
import { type Overrun, parseData, parseSack, RECEIVE_WINDOW_BYTES, SctpReceiver } from "./sctp-receiver.ts";
import { SctpSender } from "./sctp-sender.ts";
import { StreamResets } from "./stream-resets.ts";

/** Where an association is in its life. RFC 9260 section 4. */
export type SctpState = "new" | "cookie-wait" | "cookie-echoed" | "established" | "closed";

/** What {@link SctpAssociation} tells its owner. */
export interface SctpEvents {
  readonly onState: (state: SctpState, reason?: string) => void;
  readonly onMessage: (message: SctpMessage) => void;
  /** The other side closed these streams of its; an empty list means all. */
  readonly onIncomingReset: (streams: readonly number[]) => void;
  /** These streams of ours are closed. */
  readonly onOutgoingReset: (streams: readonly number[]) => void;
}

/** Streams each way. Data channels are numbered from 0; more than {@link STREAM_LIMIT} nobody has. */
export const STREAM_LIMIT = 1024;

/** How often an INIT or a cookie is sent again. RFC 9260 section 16. */
const SETUP_LIMIT = 8;
const SETUP_WAIT_MS = 500;
const SETUP_LONGEST_WAIT_MS = 4000;

/** An idle association asks this often whether the other side is there. RFC 9260 section 16. */
const HEARTBEAT_MS = 30_000;
const HEARTBEAT_LIMIT = 5;

/** Control chunks that wait to be sent; a peer that provokes more gets no answer to the rest. */
const CONTROL_LIMIT = 16;

/** Causes of an error. RFC 9260 section 3.3.10. */
const CAUSE = { invalidStream: 1, staleCookie: 3, unrecognizedChunk: 6, userAbort: 12, protocolViolation: 13 } as const;

/** The T bit: the packet carries its receiver's tag, since the sender has none. */
const TAG_REFLECTED = 1;

interface Established {
  readonly sender: SctpSender;
  readonly receiver: SctpReceiver;
  readonly resets: StreamResets;
  readonly peerTag: number;
  readonly peerReconfig: boolean;
  readonly zeroChecksum: boolean;
}

/**
 * One SCTP association over DTLS: several streams, ordered or not, reliable or not. RFC 9260 with RFC 3758 and RFC 6525,
 * as RFC 8831 uses them. Pure: packets and time go in, packets come out of {@link poll}.
 */
export class SctpAssociation {
  readonly #ports: SctpPorts;
  readonly #events: SctpEvents;
  readonly #own: SctpInit;
  readonly #cookies: StateCookies;
  readonly #messageLimitBytes: number;
  readonly #control: { readonly packet: PacketBuilder; readonly tag: number; readonly checksum: boolean }[] = [];
  #state: SctpState = "new";
  #live: Established | undefined;
  #waiting: OutgoingMessage[] = [];
  #setup: { readonly type: number; readonly value: Buffer; readonly tag: number } | undefined;
  #setupAtMs: MonoMs = Infinity;
  #setupTries = 0;
  #heartbeatAtMs: MonoMs = Infinity;
  #heartbeatsUnanswered = 0;
  /** Was filled with nothing the last time. */
  #spare: PacketBuilder | undefined;
  /** Packets and chunks that could not be understood. */
  malformed = 0;

  /** @param options.random - 40 random bytes: tag, first number, and the key of cookies. */
  constructor(options: {
    readonly ports: SctpPorts;
    readonly random: Buffer;
    readonly messageLimitBytes: number;
    readonly events: SctpEvents;
  }) {
    const { random } = options;
    this.#ports = options.ports;
    this.#events = options.events;
    this.#messageLimitBytes = options.messageLimitBytes;
    this.#own = {
      tag: random.readUInt32BE(0) || 1,
      windowBytes: RECEIVE_WINDOW_BYTES,
      outgoingStreams: STREAM_LIMIT,
      incomingStreams: STREAM_LIMIT,
      initialTsn: random.readUInt32BE(4),
      forwardTsn: true,
      reconfig: true,
      zeroChecksum: true,
    };
    this.#cookies = new StateCookies(random.subarray(8));
  }

  get state(): SctpState {
    return this.#state;
  }

  /** The sending half, once the association is established. */
  get sender(): SctpSender | undefined {
    return this.#live?.sender;
  }

  /** The receiving half, once the association is established. */
  get receiver(): SctpReceiver | undefined {
    return this.#live?.receiver;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    if (this.#state === "closed" || this.#state === "new") return undefined;
    const live = this.#live;
    const at = Math.min(
      this.#setupAtMs,
      this.#heartbeatAtMs,
      live?.sender.deadlineMs ?? Infinity,
      live?.receiver.deadlineMs ?? Infinity,
      live?.resets.deadlineMs ?? Infinity,
    );
    return at === Infinity ? undefined : at;
  }

  /** Begins the association. Both sides may: it becomes one. Section 5.2.1. */
  connect(now: MonoMs): void {
    if (this.#state !== "new") return;
    this.#startSetup(CHUNK.init, encodeInit(this.#own), 0, now);
    this.#setState("cookie-wait");
  }

  #startSetup(type: number, value: Buffer, tag: number, now: MonoMs): void {
    this.#setup = { type, value, tag };
    this.#setupTries = 0;
    this.#setupAtMs = now;
    this.#sendSetup(now);
  }

  #sendSetup(now: MonoMs): void {
    if (this.#setup === undefined) return;
    const { type, value, tag } = this.#setup;
    this.#say(type, value, tag, 0, true);
    this.#setupAtMs = now + Math.min(SETUP_LONGEST_WAIT_MS, SETUP_WAIT_MS * 2 ** this.#setupTries);
    this.#setupTries++;
  }

  /** Queues a message. Before the association is established it waits; after its end it is dropped. */
  send(message: OutgoingMessage): void {
    if (this.#live) this.#live.sender.queue.push(message);
    else if (this.#state !== "closed") this.#waiting.push(message);
  }

  /** Closes a stream of ours, after all that waits in it. */
  resetStream(stream: number): void {
    const live = this.#live;
    if (live?.peerReconfig) live.resets.want(stream);
    else this.#events.onOutgoingReset([stream]);
  }

  /** Ends it at once, and says so. */
  abort(): void {
    if (this.#state === "closed") return;
    if (this.#live) this.#say(CHUNK.abort, cause(CAUSE.userAbort), this.#live.peerTag);
    this.#end();
  }

  /** A packet arrived. Nothing in it makes this throw. */
  handle(bytes: Buffer, now: MonoMs): void {
    const packet = parseSctp(bytes, this.#own.zeroChecksum);
    if (packet === undefined) return void this.malformed++;
    if (!this.#isForUs(packet)) return void this.malformed++;
    const live = this.#live;
    let hasData = false;
    let immediately = false;
    for (const chunk of packet.chunks) {
      if (chunk.type === CHUNK.data) {
        hasData = true;
        // The I bit: whoever sent it waits for the answer. Section 3.3.1.
        immediately ||= (chunk.flags & 8) !== 0;
      }
      if (!this.#handleChunk(chunk, now)) break;
    }
    if (hasData) (this.#live ?? live)?.receiver.packetHandled(immediately, now);
    if (this.#live) this.#heartbeatAtMs = now + HEARTBEAT_MS;
    this.#heartbeatsUnanswered = 0;
  }

  /** Section 8.5. */
  #isForUs({ verificationTag, chunks }: SctpPacket): boolean {
    const [first] = chunks;
    if (first?.type === CHUNK.init) return verificationTag === 0 && chunks.length === 1;
    const reflects = first?.type === CHUNK.abort || first?.type === CHUNK.shutdownComplete;
    if (reflects && ((first?.flags ?? 0) & TAG_REFLECTED) !== 0)
      return this.#live !== undefined && verificationTag === this.#live.peerTag;
    return verificationTag === this.#own.tag;
  }

  /** @returns Whether the rest of the packet counts. */
  #handleChunk(chunk: Chunk, now: MonoMs): boolean {
    if (this.#state === "closed") return false;
    switch (chunk.type) {
      case CHUNK.init:
        this.#handleInit(chunk.value, now);
        return false;
      case CHUNK.initAck:
        this.#handleInitAck(chunk.value, now);
        return true;
      case CHUNK.cookieEcho:
        return this.#handleCookie(chunk.value, now);
      case CHUNK.cookieAck:
        if (this.#state === "cookie-echoed") this.#established(now);
        return true;
      case CHUNK.abort:
        this.#end("the other side aborted");
        return false;
      case CHUNK.error:
        // A stale cookie: once more from the beginning. Section 5.2.6.
        if (
          this.#state === "cookie-echoed" &&
          chunk.value.length >= 2 &&
          chunk.value.readUInt16BE(0) === CAUSE.staleCookie
        )
          this.#restart(now);
        return true;
      default:
        return this.#live ? this.#handleLive(this.#live, chunk, now) : true;
    }
  }

  #restart(now: MonoMs): void {
    this.#state = "cookie-wait";
    this.#startSetup(CHUNK.init, encodeInit(this.#own), 0, now);
  }

  #handleInit(value: Buffer, now: MonoMs): void {
    const theirs = parseInit(value);
    if (theirs === undefined) return void this.malformed++;
    // The same tag and number in every state, so that an INIT of either side leads to one association. Section 5.2.1.
    this.#say(CHUNK.initAck, encodeInit(this.#own, this.#cookies.encode(theirs, now)), theirs.tag, 0, true);
  }

  #handleInitAck(value: Buffer, now: MonoMs): void {
    if (this.#state !== "cookie-wait") return;
    const theirs = parseInit(value);
    if (theirs?.cookie === undefined || theirs.cookie.length > PACKET_BYTES / 2) return void this.malformed++;
    this.#make(theirs);
    this.#setState("cookie-echoed");
    this.#startSetup(CHUNK.cookieEcho, theirs.cookie, theirs.tag, now);
  }

  #handleCookie(cookie: Buffer, now: MonoMs): boolean {
    const theirs = this.#cookies.decode(cookie, now);
    if (theirs === undefined) {
      this.malformed++;
      return false;
    }
    if (theirs === "stale") {
      // How stale is not measured: 0 microseconds. Section 3.3.10.3.
      this.#say(CHUNK.error, cause(CAUSE.staleCookie, Buffer.alloc(4)), this.#live?.peerTag ?? 0);
      return false;
    }
    if (this.#state === "established" && this.#live?.peerTag !== theirs.tag) {
      // DTLS has not begun anew, so a peer that has forgotten its association is none that we can go on with.
      this.#say(CHUNK.abort, cause(CAUSE.protocolViolation), theirs.tag);
      this.#end("the other side began anew");
      return false;
    }
    if (this.#state !== "established") {
      if (this.#live?.peerTag !== theirs.tag) this.#make(theirs);
      this.#say(CHUNK.cookieAck, Buffer.alloc(0), theirs.tag);
      this.#established(now);
    } else this.#say(CHUNK.cookieAck, Buffer.alloc(0), theirs.tag);
    return true;
  }

  #make(theirs: SctpInit): void {
    const sender = new SctpSender({
      initialTsn: this.#own.initialTsn,
      peerWindowBytes: theirs.windowBytes,
      peerForwardTsn: theirs.forwardTsn,
    });
    const receiver = new SctpReceiver({
      initialTsn: theirs.initialTsn,
      messageLimitBytes: this.#messageLimitBytes,
      deliver: (message) => this.#events.onMessage(message),
    });
    const resets = new StreamResets(
      {
        receivedTsn: () => receiver.cumulative,
        sentTsn: () => sender.lastTsn,
        isDrained: (stream) => sender.queue.isDrained(stream),
        timeoutMs: () => sender.timeoutMs,
        onIncoming: (streams) => {
          receiver.reset(streams);
          this.#events.onIncomingReset(streams);
        },
        onOutgoing: (streams) => {
          for (const stream of streams) sender.queue.reset(stream);
          this.#events.onOutgoingReset(streams);
        },
      },
      this.#own.initialTsn,
      theirs.initialTsn,
    );
    const { tag: peerTag, reconfig: peerReconfig, zeroChecksum } = theirs;
    this.#live = { sender, receiver, resets, peerTag, peerReconfig, zeroChecksum };
  }

  #established(now: MonoMs): void {
    this.#setup = undefined;
    this.#setupAtMs = Infinity;
    this.#heartbeatAtMs = now + HEARTBEAT_MS;
    this.#setState("established");
    for (const message of this.#waiting.splice(0)) this.#live?.sender.queue.push(message);
  }

  #handleLive(live: Established, { type, flags, value }: Chunk, now: MonoMs): boolean {
    switch (type) {
      case CHUNK.data:
        return this.#handleData(live, flags, value, now);
      case CHUNK.sack: {
        const sack = parseSack(value);
        if (sack === undefined || !live.sender.handleSack(sack, now)) this.malformed++;
        return true;
      }
      case CHUNK.forwardTsn:
        this.#handleForwardTsn(live, value, now);
        return true;
      case CHUNK.reconfig:
        live.resets.handle(value, now);
        return true;
      case CHUNK.heartbeat:
        if (value.length <= PACKET_BYTES / 2) this.#say(CHUNK.heartbeatAck, value, live.peerTag);
        return true;
      case CHUNK.shutdown:
        this.#say(CHUNK.shutdownAck, Buffer.alloc(0), live.peerTag);
        this.#end("the other side shut down");
        return false;
      case CHUNK.shutdownAck:
        this.#say(CHUNK.shutdownComplete, Buffer.alloc(0), live.peerTag);
        this.#end("the other side shut down");
        return false;
      case CHUNK.heartbeatAck:
      case CHUNK.shutdownComplete:
        return true;
      default:
        return this.#unknown(live, type, value);
    }
  }

  /** The two highest bits say what to do with a chunk that one does not know. Section 3.2. */
  #unknown(live: Established, type: number, value: Buffer): boolean {
    this.malformed++;
    const head = Buffer.from([type, 0, 0, 0]);
    head.writeUInt16BE(CHUNK_HEADER_BYTES + value.length, 2);
    if ((type & 0x40) !== 0)
      this.#say(
        CHUNK.error,
        cause(CAUSE.unrecognizedChunk, Buffer.concat([head, value.subarray(0, 64)])),
        live.peerTag,
      );
    return (type & 0x80) !== 0;
  }

  #handleData(live: Established, flags: number, value: Buffer, now: MonoMs): boolean {
    const chunk = parseData(flags, value);
    if (chunk === undefined) {
      this.malformed++;
      return true;
    }
    if (chunk.stream >= STREAM_LIMIT) {
      const stream = Buffer.alloc(4);
      stream.writeUInt16BE(chunk.stream);
      this.#say(CHUNK.error, cause(CAUSE.invalidStream, stream), live.peerTag);
      return true;
    }
    const overrun = live.receiver.handleData(chunk, now);
    if (overrun === undefined) return true;
    this.#violated(live, overrun);
    return false;
  }

  #violated(live: Established, overrun: Overrun): void {
    this.#say(CHUNK.abort, cause(CAUSE.protocolViolation), live.peerTag);
    this.#end(overrun === "message-too-long" ? "a message longer than we take" : "more than our window");
  }

  #handleForwardTsn({ receiver }: Established, value: Buffer, now: MonoMs): void {
    if (value.length < 4) return void this.malformed++;
    const skipped: { stream: number; ssn: number }[] = [];
    for (let at = 4; at + 4 <= value.length; at += 4) {
      const stream = value.readUInt16BE(at);
      if (stream < STREAM_LIMIT) skipped.push({ stream, ssn: value.readUInt16BE(at + 2) });
    }
    receiver.skip(value.readUInt32BE(0), skipped, now);
  }

  /** Does what is due. Call at {@link deadlineMs}, then drain {@link poll}. */
  tick(now: MonoMs): void {
    if (this.#state === "closed") return;
    if (now >= this.#setupAtMs) {
      if (this.#setupTries > SETUP_LIMIT) return this.#end("no answer to the set-up");
      this.#sendSetup(now);
    }
    if (this.#live && !this.#live.sender.tick(now)) return this.#end("no acknowledgement");
    if (this.#live && now >= this.#heartbeatAtMs) this.#heartbeat(this.#live, now);
  }

  #heartbeat(live: Established, now: MonoMs): void {
    if (this.#heartbeatsUnanswered >= HEARTBEAT_LIMIT) return this.#end("no answer to heartbeats");
    this.#heartbeatsUnanswered++;
    this.#heartbeatAtMs = now + HEARTBEAT_MS;
    // The one parameter that a HEARTBEAT has; what is in it is ours alone. Section 3.3.5.
    this.#say(CHUNK.heartbeat, encodeParameter(1, Buffer.of(this.#heartbeatsUnanswered)), live.peerTag);
  }

  /** The next packet to send, if any. Call until there is none, after everything else. */
  poll(now: MonoMs): Buffer | undefined {
    const control = this.#control.shift();
    if (control) return control.packet.finish(this.#ports, control.tag, !control.checksum && this.#isUnchecked());
    if (this.#state !== "established" || this.#live === undefined) return undefined;
    const { sender, receiver, resets, peerTag } = this.#live;
    const packet = this.#spare ?? new PacketBuilder();
    receiver.writeSack(packet, now, sender.queue.bufferedBytes > 0);
    resets.write(packet, now);
    sender.fill(packet, now);
    this.#spare = packet.isEmpty ? packet : undefined;
    return packet.isEmpty ? undefined : packet.finish(this.#ports, peerTag, this.#isUnchecked());
  }

  /** Whether the other side takes packets without a checksum: DTLS has checked them. RFC 9653 section 5.2. */
  #isUnchecked(): boolean {
    return this.#live?.zeroChecksum ?? false;
  }

  #say(type: number, value: Uint8Array, tag: number, flags = 0, checksum = false): void {
    if (this.#control.length >= CONTROL_LIMIT) return;
    const packet = new PacketBuilder();
    packet.chunk(type, flags, value.length).set(value);
    // Before the other side has said that it can do without one, and with a cookie, a checksum is a must. RFC 9653.
    this.#control.push({ packet, tag, checksum: checksum || type === CHUNK.cookieEcho });
  }

  #end(reason?: string): void {
    this.#waiting = [];
    this.#setup = undefined;
    this.#setState("closed", reason);
  }

  #setState(state: SctpState, reason?: string): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state, reason);
  }
}

/** One error cause. RFC 9260 section 3.3.10. */
function cause(code: number, value: Uint8Array = Buffer.alloc(0)): Buffer {
  return encodeParameter(code, value);
}

import type { MonoMs } from "@lodeline/base";
import { CAUSE, ControlPackets, encodeCause } from "./control-packets.ts";
import { EstablishedEnd, STREAM_LIMIT } from "./established.ts";
import type { OutgoingMessage } from "./outgoing-queue.ts";
import { encodeInit, parseInit, type SctpInit, StateCookies } from "./sctp-init.ts";
import { CHUNK, type Chunk, PACKET_BYTES, parseSctp, type SctpPacket, type SctpPorts } from "./sctp-packet.ts";
import type { SctpMessage } from "./sctp-reassembly.ts";
import { RECEIVE_WINDOW_BYTES, type SctpReceiver } from "./sctp-receiver.ts";
import type { SctpSender } from "./sctp-sender.ts";

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

/** How often an INIT or a cookie is sent again. RFC 9260 section 16. */
const SETUP_LIMIT = 8;
const SETUP_WAIT_MS = 500;
const SETUP_LONGEST_WAIT_MS = 4000;

/** The T bit: the packet carries its receiver's tag, since the sender has none. */
const TAG_REFLECTED = 1;

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
  readonly #control = new ControlPackets();
  #state: SctpState = "new";
  #live: EstablishedEnd | undefined;
  #waiting: OutgoingMessage[] = [];
  #setup: { readonly type: number; readonly value: Buffer; readonly tag: number } | undefined;
  #setupAtMs: MonoMs = Infinity;
  #setupTries = 0;
  #malformed = 0;

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

  /** Packets and chunks that could not be understood. */
  get malformed(): number {
    return this.#malformed + (this.#live?.malformed ?? 0);
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    if (this.#state === "closed" || this.#state === "new") return undefined;
    const at = Math.min(this.#setupAtMs, this.#live?.deadlineMs ?? Infinity);
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
    this.#control.say(type, value, tag, true);
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
    if (this.#live) this.#control.say(CHUNK.abort, encodeCause(CAUSE.userAbort), this.#live.peerTag);
    this.#end();
  }

  /** A packet arrived. Nothing in it makes this throw. */
  handle(bytes: Buffer, now: MonoMs): void {
    const packet = parseSctp(bytes, this.#own.zeroChecksum);
    if (packet === undefined) return void this.#malformed++;
    if (!this.#isForUs(packet)) return void this.#malformed++;
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
    this.#live?.heard(now);
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
        return this.#live?.handle(chunk, now) ?? true;
    }
  }

  #restart(now: MonoMs): void {
    this.#state = "cookie-wait";
    this.#startSetup(CHUNK.init, encodeInit(this.#own), 0, now);
  }

  #handleInit(value: Buffer, now: MonoMs): void {
    const theirs = parseInit(value);
    if (theirs === undefined) return void this.#malformed++;
    // The same tag and number in every state, so that an INIT of either side leads to one association. Section 5.2.1.
    this.#control.say(CHUNK.initAck, encodeInit(this.#own, this.#cookies.encode(theirs, now)), theirs.tag, true);
  }

  #handleInitAck(value: Buffer, now: MonoMs): void {
    if (this.#state !== "cookie-wait") return;
    const theirs = parseInit(value);
    if (theirs?.cookie === undefined || theirs.cookie.length > PACKET_BYTES / 2) return void this.#malformed++;
    this.#make(theirs);
    this.#setState("cookie-echoed");
    this.#startSetup(CHUNK.cookieEcho, theirs.cookie, theirs.tag, now);
  }

  #handleCookie(cookie: Buffer, now: MonoMs): boolean {
    const theirs = this.#cookies.decode(cookie, now);
    if (theirs === undefined) {
      this.#malformed++;
      return false;
    }
    if (theirs === "stale") {
      // How stale is not measured: 0 microseconds. Section 3.3.10.3.
      this.#control.say(CHUNK.error, encodeCause(CAUSE.staleCookie, Buffer.alloc(4)), this.#live?.peerTag ?? 0);
      return false;
    }
    if (this.#state === "established" && this.#live?.peerTag !== theirs.tag) {
      // DTLS has not begun anew, so a peer that has forgotten its association is none that we can go on with.
      this.#control.say(CHUNK.abort, encodeCause(CAUSE.protocolViolation), theirs.tag);
      this.#end("the other side began anew");
      return false;
    }
    if (this.#state !== "established") {
      if (this.#live?.peerTag !== theirs.tag) this.#make(theirs);
      this.#control.say(CHUNK.cookieAck, Buffer.alloc(0), theirs.tag);
      this.#established(now);
    } else this.#control.say(CHUNK.cookieAck, Buffer.alloc(0), theirs.tag);
    return true;
  }

  #make(theirs: SctpInit): void {
    this.#malformed = this.malformed;
    const { onMessage, onIncomingReset, onOutgoingReset } = this.#events;
    this.#live = new EstablishedEnd({
      own: this.#own,
      theirs,
      control: this.#control,
      messageLimitBytes: this.#messageLimitBytes,
      onMessage,
      onIncomingReset,
      onOutgoingReset,
      end: (reason) => this.#end(reason),
    });
  }

  #established(now: MonoMs): void {
    this.#setup = undefined;
    this.#setupAtMs = Infinity;
    this.#live?.heard(now);
    this.#setState("established");
    for (const message of this.#waiting.splice(0)) this.#live?.sender.queue.push(message);
  }

  /** Does what is due. Call at {@link deadlineMs}, then drain {@link poll}. */
  tick(now: MonoMs): void {
    if (this.#state === "closed") return;
    if (now >= this.#setupAtMs) {
      if (this.#setupTries > SETUP_LIMIT) return this.#end("no answer to the set-up");
      this.#sendSetup(now);
    }
    this.#live?.tick(now);
  }

  /** The next packet to send, if any. Call until there is none, after everything else. */
  poll(now: MonoMs): Buffer | undefined {
    const unchecked = this.#live?.zeroChecksum ?? false;
    const control = this.#control.next(this.#ports, unchecked);
    if (control || this.#state !== "established") return control;
    return this.#live?.fill(now)?.finish(this.#ports, this.#live.peerTag, unchecked);
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

import { Emitter, type Listenable, type ListenOptions, LodelineError, type MonoMs } from "@lodeline/base";
import { type DataChannelInit, PPID } from "./sctp/data-channel-protocol.ts";
import type { OutgoingMessage } from "./sctp/outgoing-queue.ts";

/** Largest message taken from a browser, as descriptions say, and sent to one that takes as much. */
export const DATA_MESSAGE_LIMIT_BYTES = 262_144;

/** Bytes that may wait in one channel. */
export const DATA_QUEUE_LIMIT_BYTES: number = 4 * 1024 * 1024;

/** Events of a {@link DataChannel}. */
export interface DataChannelEvents {
  /** It may be sent on. Only for a channel that this side opened; one that the browser opened is open already. */
  readonly open: undefined;
  /** Text arrives as a string, binary as bytes. */
  readonly message: string | Uint8Array;
  /** What waits to be sent fell to {@link DataChannel.bufferedLowBytes} or below: go on sending. */
  readonly bufferedamountlow: undefined;
  readonly close: undefined;
}

/** As `RTCDataChannelState`. */
export type DataChannelState = "connecting" | "open" | "closing" | "closed";

/** What a channel needs of the association it is on. */
export interface DataChannelHost {
  readonly now: () => MonoMs;
  readonly send: (message: OutgoingMessage) => void;
  readonly bufferedBytesOf: (stream: number) => number;
  /** Bytes that wait in all channels together may not be more than the limit. */
  readonly hasRoomFor: (bytes: number) => boolean;
  /** The longest message that the other side takes. */
  readonly messageLimitBytes: () => number;
  readonly close: (channel: DataChannel) => void;
}

/** One data channel. RFC 8831, W3C WebRTC section 6.2. */
export class DataChannel implements Listenable<DataChannelEvents> {
  /** The number of its stream, the same both ways. */
  readonly id: number;
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  readonly maxRetransmits: number | undefined;
  readonly maxPacketLifeTimeMs: number | undefined;
  /** From which amount down `bufferedamountlow` is told. Default 0. */
  bufferedLowBytes = 0;
  readonly #host: DataChannelHost;
  readonly #emitter = new Emitter<DataChannelEvents>();
  #state: DataChannelState;
  /** Until the other side has acknowledged the channel, what is sent must not overtake its opening. RFC 8832 section 6. */
  #isAcknowledged: boolean;
  #wasHigh = false;

  /** @param isOurs - Whether this side opened it. */
  constructor(id: number, init: DataChannelInit, isOurs: boolean, host: DataChannelHost) {
    this.id = id;
    this.label = init.label;
    this.protocol = init.protocol;
    this.ordered = init.ordered;
    this.maxRetransmits = init.maxRetransmits;
    this.maxPacketLifeTimeMs = init.maxPacketLifeTimeMs;
    this.#host = host;
    this.#state = isOurs ? "connecting" : "open";
    this.#isAcknowledged = !isOurs;
  }

  get state(): DataChannelState {
    return this.#state;
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#host.bufferedBytesOf(this.id);
  }

  on<Name extends keyof DataChannelEvents>(
    name: Name,
    listener: (event: DataChannelEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  /**
   * Sends one message.
   *
   * @param message - At most {@link DATA_MESSAGE_LIMIT_BYTES}, and what the browser takes; bytes are copied.
   * @throws LodelineError `data/not-open`, or `data/queue-full` when more than 4 MiB wait: go on at `bufferedamountlow`.
   */
  send(message: string | Uint8Array): void {
    if (this.#state !== "open")
      throw new LodelineError("data/not-open", {
        detail: `the data channel ${JSON.stringify(this.label)} is ${this.#state}`,
      });
    const bytes = typeof message === "string" ? Buffer.from(message, "utf8") : Buffer.from(message);
    const limitBytes = this.#host.messageLimitBytes();
    if (bytes.length > limitBytes) throw new TypeError(`message: ${bytes.length} bytes are more than ${limitBytes}`);
    const waitsBytes = this.bufferedBytes;
    if (waitsBytes > DATA_QUEUE_LIMIT_BYTES || !this.#host.hasRoomFor(bytes.length))
      throw new LodelineError("data/queue-full");
    const isEmpty = bytes.length === 0;
    const kinds = typeof message === "string" ? [PPID.text, PPID.emptyText] : [PPID.bytes, PPID.emptyBytes];
    this.#host.send({
      stream: this.id,
      ppid: kinds[isEmpty ? 1 : 0] as number,
      ordered: this.ordered || !this.#isAcknowledged,
      // SCTP has no empty messages: one byte stands for none. RFC 8831 section 6.6.
      bytes: isEmpty ? Buffer.alloc(1) : bytes,
      maxRetransmits: this.maxRetransmits,
      expiresAtMs: this.maxPacketLifeTimeMs === undefined ? undefined : this.#host.now() + this.maxPacketLifeTimeMs,
    });
    this.#wasHigh ||= this.bufferedBytes > this.bufferedLowBytes;
  }

  /** Closes it once all that waits was sent. Idempotent. */
  close(): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#host.close(this);
  }

  /** For {@link DataChannels} only: the other side acknowledged the channel. */
  acknowledged(): void {
    this.#isAcknowledged = true;
  }

  /** For {@link DataChannels} only: the association is there. */
  opened(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#emitter.emit("open", undefined);
  }

  /** For {@link DataChannels} only: a message arrived. @returns Whether it was one. */
  received(ppid: number, bytes: Buffer): boolean {
    if (this.#state === "closed") return true;
    if (ppid === PPID.text) this.#emitter.emit("message", bytes.toString("utf8"));
    else if (ppid === PPID.bytes) this.#emitter.emit("message", new Uint8Array(bytes));
    else if (ppid === PPID.emptyText) this.#emitter.emit("message", "");
    else if (ppid === PPID.emptyBytes) this.#emitter.emit("message", new Uint8Array(0));
    else return false;
    return true;
  }

  /** For {@link DataChannels} only: something may have left the queue. */
  drained(): void {
    if (!this.#wasHigh || this.bufferedBytes > this.bufferedLowBytes) return;
    this.#wasHigh = false;
    this.#emitter.emit("bufferedamountlow", undefined);
  }

  /** For {@link DataChannels} only: it is over. */
  ended(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#emitter.emit("close", undefined);
    this.#emitter.clear();
  }
}

import { randomBytes } from "node:crypto";
import { LodelineError, type MonoMs } from "@lodeline/base";
import { DATA_MESSAGE_LIMIT_BYTES, DataChannel, type DataChannelHost } from "./data-channel.ts";
import {
  DATA_CHANNEL_ACK,
  type DataChannelInit,
  encodeOpen,
  PPID,
  parseControl,
} from "./sctp/data-channel-protocol.ts";
import { STREAM_LIMIT } from "./sctp/established.ts";
import { SctpAssociation, type SctpState } from "./sctp/sctp-association.ts";
import type { SctpMessage } from "./sctp/sctp-reassembly.ts";

/** Channels of one transport; more are closed as they open. */
export const CHANNEL_LIMIT = 64;

/** Bytes that may wait in all channels of one transport. */
const QUEUE_LIMIT_BYTES = 16 * 1024 * 1024;

/** Options of {@link DataChannels}. */
export interface DataChannelsOptions {
  readonly now: () => MonoMs;
  /** Takes an SCTP packet to DTLS. */
  readonly send: (bytes: Buffer) => void;
  /** Told of each channel that the other side opens. */
  readonly onChannel: (channel: DataChannel) => void;
  /** Something is to be done at this time: see {@link DataChannels.tick}. */
  readonly wake: (at: MonoMs) => void;
  readonly onEnd?: ((reason: string | undefined) => void) | undefined;
  /** Ours in DTLS: the client numbers its channels evenly. RFC 8832 section 6. */
  readonly role: "client" | "server";
  /** The port in the other side's description. */
  readonly remotePort: number;
  /** The longest message that the other side takes; 65536 when it did not say. RFC 8841 section 6. */
  readonly remoteLimitBytes?: number | undefined;
}

/** Our port in descriptions. RFC 8841 section 5. */
export const SCTP_PORT = 5000;

/** The SCTP association of a transport and its channels. RFC 8831, RFC 8832, RFC 8841. */
export class DataChannels {
  readonly #options: DataChannelsOptions;
  readonly #association: SctpAssociation;
  readonly #channels = new Map<number, DataChannel>();
  /** Streams of channels that are over on our side, whose numbers may not be used again yet. */
  readonly #closing = new Map<number, { ours: boolean; theirs: boolean }>();
  readonly #host: DataChannelHost;
  #started = false;
  #opening: DataChannel[] = [];
  #willFlush = false;
  #willFlushBatch = false;
  #malformed = 0;

  constructor(options: DataChannelsOptions) {
    this.#options = options;
    this.#association = new SctpAssociation({
      ports: { local: SCTP_PORT, remote: options.remotePort },
      random: randomBytes(40),
      messageLimitBytes: DATA_MESSAGE_LIMIT_BYTES,
      events: {
        onState: (state, reason) => this.#stateChanged(state, reason),
        onMessage: (message) => this.#received(message),
        onIncomingReset: (streams) => this.#theirsReset(streams),
        onOutgoingReset: (streams) => this.#oursReset(streams),
      },
    });
    // RFC 8841 section 6: 0 is without a limit.
    const remote = options.remoteLimitBytes ?? 65_536;
    const limitBytes = remote === 0 ? DATA_MESSAGE_LIMIT_BYTES : Math.min(remote, DATA_MESSAGE_LIMIT_BYTES);
    this.#host = {
      now: options.now,
      send: (message) => {
        this.#association.send(message);
        this.#flushSoon();
      },
      bufferedBytesOf: (stream) => this.#association.sender?.queue.bufferedBytesOf(stream) ?? 0,
      hasRoomFor: (bytes) => (this.#association.sender?.queue.bufferedBytes ?? 0) + bytes <= QUEUE_LIMIT_BYTES,
      messageLimitBytes: () => limitBytes,
      close: (channel) => this.#close(channel),
    };
  }

  get channels(): readonly DataChannel[] {
    return [...this.#channels.values()];
  }

  get state(): SctpState {
    return this.#association.state;
  }

  /** Packets and messages that could not be understood. */
  get malformed(): number {
    return this.#malformed + this.#association.malformed;
  }

  /** Chunks that were sent again. */
  get retransmissions(): number {
    return this.#association.sender?.retransmissions ?? 0;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    return this.#association.deadlineMs;
  }

  /**
   * DTLS is connected.
   *
   * @param connects - Whether to begin the association, or to wait for the browser, which always begins it.
   */
  start(connects: boolean): void {
    if (this.#started) return;
    this.#started = true;
    if (connects) this.#association.connect(this.#options.now());
    this.#flush();
  }

  /**
   * Opens a channel. It may be called before there is a connection; then it opens with it.
   *
   * @throws LodelineError `data/too-many` beyond 64 channels, `data/not-open` when the association has ended.
   */
  open(init: DataChannelInit): DataChannel {
    if (this.state === "closed") throw new LodelineError("data/not-open", { detail: "the association has ended" });
    if (this.#channels.size >= CHANNEL_LIMIT)
      throw new LodelineError("data/too-many", { detail: `more than ${CHANNEL_LIMIT} data channels` });
    const id = this.#freeId();
    const channel = new DataChannel(id, init, true, this.#host);
    this.#channels.set(id, channel);
    if (this.#association.state === "established") this.#announce(channel);
    else this.#opening.push(channel);
    return channel;
  }

  #freeId(): number {
    let id = this.#options.role === "client" ? 0 : 1;
    while (this.#channels.has(id) || this.#closing.has(id)) id += 2;
    return id;
  }

  #announce(channel: DataChannel): void {
    const bytes = encodeOpen(channel);
    this.#control(channel.id, bytes);
    // Not at once: whoever opened it has to listen first.
    queueMicrotask(() => channel.opened());
  }

  #control(stream: number, bytes: Buffer): void {
    const reliable = { maxRetransmits: undefined, expiresAtMs: undefined };
    this.#association.send({ stream, ppid: PPID.control, ordered: true, bytes, ...reliable });
    this.#flushSoon();
  }

  /** Application data arrived by DTLS. What is malformed is dropped and counted. */
  handle(bytes: Buffer): void {
    this.#association.handle(bytes, this.#options.now());
    this.#flushAfterBatch();
  }

  /** Does what is due. Call at {@link deadlineMs}. */
  tick(now: MonoMs): void {
    const at = this.deadlineMs;
    if (at === undefined || at > now) return;
    this.#association.tick(now);
    this.#flush();
  }

  /** After the turn in which something was sent: what belongs together goes in one packet. */
  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => {
      this.#willFlush = false;
      this.#flush();
    });
  }

  /**
   * After all that the socket had: node:dgram reads up to 32 datagrams in a turn, and one acknowledgement for them costs a
   * tenth of one for every second.
   */
  #flushAfterBatch(): void {
    if (this.#willFlushBatch) return;
    this.#willFlushBatch = true;
    setImmediate(() => {
      this.#willFlushBatch = false;
      this.#flush();
    });
  }

  #flush(): void {
    const now = this.#options.now();
    for (let packet = this.#association.poll(now); packet; packet = this.#association.poll(now))
      this.#options.send(packet);
    for (const channel of this.#channels.values()) channel.drained();
    const at = this.deadlineMs;
    if (at !== undefined) this.#options.wake(at);
  }

  #stateChanged(state: SctpState, reason: string | undefined): void {
    if (state === "established") for (const channel of this.#opening.splice(0)) this.#announce(channel);
    if (state !== "closed") return;
    for (const channel of this.#channels.values()) channel.ended();
    this.#channels.clear();
    this.#options.onEnd?.(reason);
  }

  #received({ stream, ppid, bytes }: SctpMessage): void {
    const channel = this.#channels.get(stream);
    if (ppid !== PPID.control) {
      if (!channel?.received(ppid, bytes) && !this.#closing.has(stream)) this.#malformed++;
      return;
    }
    const control = parseControl(bytes);
    if (control === "ack" && channel) channel.acknowledged();
    else if (control === undefined || control === "ack" || channel || this.#closing.has(stream)) this.#malformed++;
    else this.#opened(stream, control);
  }

  #opened(stream: number, init: DataChannelInit): void {
    if (this.#channels.size >= CHANNEL_LIMIT) {
      this.#closing.set(stream, { ours: false, theirs: false });
      this.#association.resetStream(stream);
      return;
    }
    const channel = new DataChannel(stream, init, false, this.#host);
    this.#channels.set(stream, channel);
    this.#control(stream, DATA_CHANNEL_ACK);
    this.#options.onChannel(channel);
  }

  #close(channel: DataChannel): void {
    if (this.#association.state !== "established") {
      this.#opening = this.#opening.filter((one) => one !== channel);
      this.#channels.delete(channel.id);
      channel.ended();
      return;
    }
    this.#closing.set(channel.id, this.#closing.get(channel.id) ?? { ours: false, theirs: false });
    this.#association.resetStream(channel.id);
    this.#flushSoon();
  }

  /** The other side closed a channel: ours follows. RFC 8831 section 6.7. */
  #theirsReset(streams: readonly number[]): void {
    const all = streams.length === 0 ? [...this.#channels.keys()] : streams;
    for (const id of all) {
      if (id >= STREAM_LIMIT) continue;
      const channel = this.#channels.get(id);
      channel?.close();
      const closing = this.#closing.get(id);
      if (closing) closing.theirs = true;
      this.#closed(id);
    }
  }

  #oursReset(streams: readonly number[]): void {
    for (const id of streams) {
      const closing = this.#closing.get(id);
      if (closing) closing.ours = true;
      this.#closed(id);
    }
  }

  #closed(id: number): void {
    const closing = this.#closing.get(id);
    if (!closing?.ours || !closing.theirs) return;
    this.#closing.delete(id);
    const channel = this.#channels.get(id);
    this.#channels.delete(id);
    channel?.ended();
  }

  /** Ends the association and every channel. */
  close(): void {
    this.#association.abort();
    this.#flush();
  }
}

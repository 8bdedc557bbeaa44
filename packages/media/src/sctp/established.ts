import type { MonoMs } from "@lodeline/base";
import { CAUSE, type ControlPackets, encodeCause } from "./control-packets.ts";
import type { SctpInit } from "./sctp-init.ts";
import { CHUNK, CHUNK_HEADER_BYTES, type Chunk, encodeParameter, PACKET_BYTES, PacketBuilder } from "./sctp-packet.ts";
import type { SctpMessage } from "./sctp-reassembly.ts";
import { parseData, parseSack, SctpReceiver } from "./sctp-receiver.ts";
import { SctpSender } from "./sctp-sender.ts";
import { StreamResets } from "./stream-resets.ts";

/** Streams each way. Data channels are numbered from 0; more than {@link STREAM_LIMIT} nobody has. */
export const STREAM_LIMIT = 1024;

/** An idle association asks this often whether the other side is there. RFC 9260 section 16. */
const HEARTBEAT_MS = 30_000;
const HEARTBEAT_LIMIT = 5;

/** What an {@link EstablishedEnd} is made of. */
export interface EstablishedOptions {
  readonly own: SctpInit;
  readonly theirs: SctpInit;
  readonly control: ControlPackets;
  readonly messageLimitBytes: number;
  readonly onMessage: (message: SctpMessage) => void;
  readonly onIncomingReset: (streams: readonly number[]) => void;
  readonly onOutgoingReset: (streams: readonly number[]) => void;
  /** The association is over. */
  readonly end: (reason: string) => void;
}

/** Our end of an association whose two ends know each other: what is sent and received, and its chunks. */
export class EstablishedEnd {
  readonly sender: SctpSender;
  readonly receiver: SctpReceiver;
  readonly resets: StreamResets;
  /** Verification tag of what we send. */
  readonly peerTag: number;
  /** Whether the other side can close single streams. RFC 6525. */
  readonly peerReconfig: boolean;
  /** Whether the other side takes packets without a checksum: DTLS has checked them. RFC 9653 section 5.2. */
  readonly zeroChecksum: boolean;
  /** Chunks that could not be understood. */
  malformed = 0;
  readonly #control: ControlPackets;
  readonly #end: (reason: string) => void;
  #heartbeatAtMs: MonoMs = Infinity;
  #heartbeatsUnanswered = 0;
  /** Was filled with nothing the last time. */
  #spare: PacketBuilder | undefined;

  constructor(options: EstablishedOptions) {
    const { own, theirs, control, messageLimitBytes, onMessage, onIncomingReset, onOutgoingReset, end } = options;
    this.#control = control;
    this.#end = end;
    this.peerTag = theirs.tag;
    this.peerReconfig = theirs.reconfig;
    this.zeroChecksum = theirs.zeroChecksum;
    const sender = new SctpSender({
      initialTsn: own.initialTsn,
      peerWindowBytes: theirs.windowBytes,
      peerForwardTsn: theirs.forwardTsn,
    });
    const receiver = new SctpReceiver({
      initialTsn: theirs.initialTsn,
      messageLimitBytes,
      deliver: onMessage,
    });
    this.sender = sender;
    this.receiver = receiver;
    this.resets = new StreamResets(
      {
        receivedTsn: () => receiver.cumulative,
        sentTsn: () => sender.lastTsn,
        isDrained: (stream) => sender.queue.isDrained(stream),
        timeoutMs: () => sender.timeoutMs,
        onIncoming: (streams) => {
          receiver.reset(streams);
          onIncomingReset(streams);
        },
        onOutgoing: (streams) => {
          for (const stream of streams) sender.queue.reset(stream);
          onOutgoingReset(streams);
        },
      },
      own.initialTsn,
      theirs.initialTsn,
    );
  }

  /** When {@link tick} has something to do, or a packet can be sent; infinite: never. */
  get deadlineMs(): MonoMs {
    return Math.min(
      this.#heartbeatAtMs,
      this.sender.deadlineMs ?? Infinity,
      this.receiver.deadlineMs ?? Infinity,
      this.resets.deadlineMs ?? Infinity,
    );
  }

  /** The other side was heard. */
  heard(now: MonoMs): void {
    this.#heartbeatAtMs = now + HEARTBEAT_MS;
    this.#heartbeatsUnanswered = 0;
  }

  /** A chunk of an association that is up. @returns Whether the rest of its packet counts. */
  handle({ type, flags, value }: Chunk, now: MonoMs): boolean {
    switch (type) {
      case CHUNK.data:
        return this.#handleData(flags, value, now);
      case CHUNK.sack: {
        const sack = parseSack(value);
        if (sack === undefined || !this.sender.handleSack(sack, now)) this.malformed++;
        return true;
      }
      case CHUNK.forwardTsn:
        this.#handleForwardTsn(value, now);
        return true;
      case CHUNK.reconfig:
        this.resets.handle(value, now);
        return true;
      case CHUNK.heartbeat:
        if (value.length <= PACKET_BYTES / 2) this.#control.say(CHUNK.heartbeatAck, value, this.peerTag);
        return true;
      case CHUNK.shutdown:
        return this.#shutDown(CHUNK.shutdownAck);
      case CHUNK.shutdownAck:
        return this.#shutDown(CHUNK.shutdownComplete);
      case CHUNK.heartbeatAck:
      case CHUNK.shutdownComplete:
        return true;
      default:
        return this.#unknown(type, value);
    }
  }

  #shutDown(answer: number): boolean {
    this.#control.say(answer, Buffer.alloc(0), this.peerTag);
    this.#end("the other side shut down");
    return false;
  }

  /** The two highest bits say what to do with a chunk that one does not know. Section 3.2. */
  #unknown(type: number, value: Buffer): boolean {
    this.malformed++;
    if ((type & 0x40) !== 0) {
      const head = Buffer.from([type, 0, 0, 0]);
      head.writeUInt16BE(CHUNK_HEADER_BYTES + value.length, 2);
      const unrecognized = Buffer.concat([head, value.subarray(0, 64)]);
      this.#control.say(CHUNK.error, encodeCause(CAUSE.unrecognizedChunk, unrecognized), this.peerTag);
    }
    return (type & 0x80) !== 0;
  }

  #handleData(flags: number, value: Buffer, now: MonoMs): boolean {
    const chunk = parseData(flags, value);
    if (chunk === undefined) {
      this.malformed++;
      return true;
    }
    if (chunk.stream >= STREAM_LIMIT) {
      const stream = Buffer.alloc(4);
      stream.writeUInt16BE(chunk.stream);
      this.#control.say(CHUNK.error, encodeCause(CAUSE.invalidStream, stream), this.peerTag);
      return true;
    }
    const overrun = this.receiver.handleData(chunk, now);
    if (overrun === undefined) return true;
    this.#control.say(CHUNK.abort, encodeCause(CAUSE.protocolViolation), this.peerTag);
    this.#end(overrun === "message-too-long" ? "a message longer than we take" : "more than our window");
    return false;
  }

  #handleForwardTsn(value: Buffer, now: MonoMs): void {
    if (value.length < 4) return void this.malformed++;
    const skipped: { stream: number; ssn: number }[] = [];
    for (let at = 4; at + 4 <= value.length; at += 4) {
      const stream = value.readUInt16BE(at);
      if (stream < STREAM_LIMIT) skipped.push({ stream, ssn: value.readUInt16BE(at + 2) });
    }
    this.receiver.skip(value.readUInt32BE(0), skipped, now);
  }

  /** Does what is due. */
  tick(now: MonoMs): void {
    if (!this.sender.tick(now)) return this.#end("no acknowledgement");
    if (now < this.#heartbeatAtMs) return;
    if (this.#heartbeatsUnanswered >= HEARTBEAT_LIMIT) return this.#end("no answer to heartbeats");
    this.#heartbeatsUnanswered++;
    this.#heartbeatAtMs = now + HEARTBEAT_MS;
    // The one parameter that a HEARTBEAT has; what is in it is ours alone. Section 3.3.5.
    this.#control.say(CHUNK.heartbeat, encodeParameter(1, Buffer.of(this.#heartbeatsUnanswered)), this.peerTag);
  }

  /** The next packet of acknowledgements, resets and data, if there is any; it has to be finished. */
  fill(now: MonoMs): PacketBuilder | undefined {
    const packet = this.#spare ?? new PacketBuilder();
    this.receiver.writeSack(packet, now, this.sender.queue.bufferedBytes > 0);
    this.resets.write(packet, now);
    this.sender.fill(packet, now);
    this.#spare = packet.isEmpty ? packet : undefined;
    return packet.isEmpty ? undefined : packet;
  }
}

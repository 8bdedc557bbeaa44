import type { MonoMs } from "@lodeline/base";
import { KERNEL_EVENT, NO_ID } from "@lodeline/native";
import { PayloadInspector, RtpPacket, unwrapRtx } from "@lodeline/rtp";
import type { IncomingStream } from "../incoming-stream.ts";
import type { Publication } from "../publication.ts";
import type { RtpDemux } from "../rtp-demux.ts";
import type { KernelSession } from "./kernel-session.ts";
import type { KernelEvent } from "./packet-kernel.ts";

/** What an intake needs of its plane. */
export interface IntakeHost {
  publicationOf(mid: string): Publication | undefined;
  /** Extension id of the audio level in a section. */
  audioLevelId(mid: string): number | undefined;
  /** Extension id of the dependency descriptor in a section. */
  descriptorId(mid: string): number | undefined;
  /** A stream has begun, or goes on after a while. */
  streamBegan(now: MonoMs): void;
  /** Something is due at that time. */
  wake(at: MonoMs): void;
}

/**
 * What one transport gets, where the kernel takes it in: finds the streams of unknown packets and gives them to the kernel;
 * hears of gaps and key frames; moves the packets of publications that TypeScript moves.
 */
export class KernelIntake {
  readonly session: KernelSession;
  readonly #demux: RtpDemux;
  readonly #host: IntakeHost;
  readonly #packet = new RtpPacket();
  readonly #payload = new PayloadInspector();

  constructor(session: KernelSession, demux: RtpDemux, host: IntakeHost) {
    this.session = session;
    this.#demux = demux;
    this.#host = host;
  }

  /** A packet whose stream the kernel does not know: when it is found here, the kernel takes it, and all that follow. */
  handleUnknown(bytes: Buffer, now: MonoMs): void {
    const packet = this.#packet;
    const found = packet.parse(bytes) ? this.#demux.find(packet) : undefined;
    if (found === undefined) return;
    const { stream, kind } = found;
    if (stream.kernelId === NO_ID) this.#bind(stream, kind === "primary" ? packet : undefined, now);
    if (kind === "rtx") this.session.bindRtx(packet.ssrc, stream);
    // Copied, since events that follow from it are written where the packet stands.
    if (stream.kernelId !== NO_ID) this.session.inject(Buffer.from(bytes), now);
  }

  /** @param first - Its first packet, from which layers are chosen before the kernel forwards it. */
  #bind(stream: IncomingStream, first: RtpPacket | undefined, now: MonoMs): void {
    const publication = this.#host.publicationOf(stream.mid);
    this.session.bind(stream, publication?.group?.id ?? NO_ID, this.#host.audioLevelId(stream.mid), {
      handle: (event) => this.#handleEvent(stream, event),
    });
    for (const ssrc of this.#demux.repairsOf(stream)) this.session.bindRtx(ssrc, stream);
    if (stream.packets === 0) this.#host.streamBegan(now);
    if (first === undefined) return;
    this.#payload.inspect(stream.codec.name, first);
    // What it says of layers inside the stream decides who moves its packets, this one included.
    stream.layers?.handle(first, this.#payload, this.#host.descriptorId(stream.mid), now);
    if (this.#payload.keyFrame) stream.noteSize(this.#payload.width, this.#payload.height);
    stream.noteArrival(now);
    publication?.layerArrived(now);
  }

  /** Who takes the streams, or how they are read, has changed. */
  regroup(streams: Iterable<IncomingStream>): void {
    for (const stream of streams) {
      if (stream.kernelId === NO_ID) continue;
      const group = this.#host.publicationOf(stream.mid)?.group?.id ?? NO_ID;
      this.session.setStream(stream, group, this.#host.audioLevelId(stream.mid));
    }
  }

  #handleEvent(stream: IncomingStream, event: KernelEvent): void {
    const { value, detail, atMs } = event;
    switch (event.kind) {
      case KERNEL_EVENT.packet:
        this.#deliver(stream, Buffer.from(event.bytes), value, atMs);
        break;
      case KERNEL_EVENT.keyFrame:
        stream.keyFrameAnswered();
        break;
      case KERNEL_EVENT.late:
        stream.nack.handle(value, atMs);
        break;
      case KERNEL_EVENT.resumed:
        this.#host.streamBegan(atMs);
        this.#host.publicationOf(stream.mid)?.layerResumed(atMs);
        break;
      case KERNEL_EVENT.gap:
        stream.nack.advance(value);
        if (stream.nack.handle(value + detail, atMs)) this.#host.wake(stream.nack.deadlineMs ?? atMs);
        break;
      default:
    }
  }

  /** A packet that the kernel took in and TypeScript moves on. */
  #deliver(stream: IncomingStream, bytes: Buffer, sequence: number, now: MonoMs): void {
    const packet = this.#packet;
    if (!packet.parse(bytes)) return;
    const isRtx = packet.ssrc !== stream.ssrc;
    if (isRtx && !unwrapRtx(packet, stream.ssrc, stream.codec.payloadType)) return;
    this.#payload.inspect(stream.codec.name, packet);
    stream.layers?.handle(packet, this.#payload, this.#host.descriptorId(stream.mid), now);
    this.#host.publicationOf(stream.mid)?.deliver(stream, packet, this.#payload, sequence, now);
  }

  /** Lets all streams and the session go. */
  close(): void {
    for (const stream of this.#demux.streams()) this.session.unbind(stream);
    this.session.close();
  }
}

import type { MonoMs } from "@lodeline/base";
import { KERNEL_CODEC, KERNEL_EVENT, NO_ID } from "@lodeline/native";
import type { IncomingStream } from "../incoming-stream.ts";
import type { SentSink } from "../rtp-egress.ts";
import { deriveSessionKeys, isGcm, type SrtpKeys } from "../srtp/srtp-keys.ts";
import type { SrtpRefusals } from "../srtp/srtp-receiver.ts";
import type { EventTarget, KernelEvent, PacketKernel } from "./packet-kernel.ts";

/** What a session tells its plane. Bytes are valid during the call only. */
export interface SessionEvents {
  /** An RTCP compound, plain. */
  onRtcp(bytes: Buffer, now: MonoMs): void;
  /** A plain RTP packet whose stream is not known yet, or of another codec than its stream. */
  onUnknown(bytes: Buffer, now: MonoMs): void;
  /** Authentic packets came on the path with that number. */
  onHeard(path: number, now: MonoMs): void;
  /** A protected packet to be sent, since the session has no UDP path of the kernel's. */
  onSealed(bytes: Buffer): void;
  /** A packet with a transport-wide number arrived. */
  onArrived(transportSequence: number, ssrc: number, sizeBytes: number, now: MonoMs): void;
}

/** Where the packets of a session go: a socket of the kernel and an address. */
export interface KernelPath {
  readonly port: number;
  readonly address: string;
  readonly portNumber: number;
}

/** The SRTP of one transport in the kernel: both directions, RTP and RTCP. */
export class KernelSession {
  readonly id: number;
  readonly kernel: PacketKernel;
  readonly #events: SessionEvents;
  /** Told of what left, and of nothing else: most of all events are for it, and each way to it costs. */
  sink: SentSink | undefined;
  #closed = false;

  constructor(kernel: PacketKernel, id: number, events: SessionEvents) {
    this.kernel = kernel;
    this.id = id;
    this.#events = events;
    kernel.sessions.set(id, this);
  }

  /** For {@link PacketKernel} only. */
  handle(event: KernelEvent): void {
    const { kind, bytes, count, atMs, detail, detail2, value } = event;
    const events = this.#events;
    switch (kind) {
      case KERNEL_EVENT.rtcp:
        return events.onRtcp(bytes, atMs);
      case KERNEL_EVENT.unknown:
        return events.onUnknown(bytes, atMs);
      case KERNEL_EVENT.heard:
        return events.onHeard(detail, atMs);
      case KERNEL_EVENT.sealed:
        return events.onSealed(bytes);
      case KERNEL_EVENT.arrived:
        return events.onArrived(detail, detail2, value, atMs);
      case KERNEL_EVENT.sent:
        return this.sink?.sent(detail, value, atMs, count);
      default:
    }
  }

  /** The extension id of the transport-wide number in what arrives. */
  negotiated(transportSequenceId: number | undefined): void {
    this.kernel.binding.setSession(this.kernel.handle, this.id, transportSequenceId ?? 0);
  }

  /** Where packets go from now on; without a path of the kernel's they come back as `onSealed`. */
  send(path: KernelPath | undefined): void {
    const { binding, handle } = this.kernel;
    binding.setDestination(handle, this.id, path?.port ?? NO_ID, path?.address ?? "", path?.portNumber ?? 0);
  }

  /** RTP or RTCP that came by another way than a routed path; changed. @returns Whether it was authentic. */
  receive(bytes: Uint8Array, now: MonoMs): boolean {
    const authentic = this.kernel.binding.receive(this.kernel.handle, this.id, bytes, now) === 1;
    this.kernel.settle();
    return authentic;
  }

  /** A plain packet whose stream is bound by now. */
  inject(bytes: Uint8Array, now: MonoMs): void {
    this.kernel.binding.inject(this.kernel.handle, this.id, bytes, now);
    this.kernel.settle();
  }

  /** Whether authentic packets of the SSRC have come. */
  knows(ssrc: number): boolean {
    return this.kernel.binding.knows(this.kernel.handle, this.id, ssrc) === 1;
  }

  /** What was refused so far. */
  get refusals(): SrtpRefusals {
    const into = new Float64Array(2);
    this.kernel.binding.refusals(this.kernel.handle, this.id, into);
    return { replayed: into[0] ?? 0, forged: into[1] ?? 0 };
  }

  /**
   * Has the kernel take in the packets of a stream, of which one must have come.
   *
   * @param group - Who it is forwarded by, {@link NO_ID} for nobody.
   * @param target - Told of its events.
   */
  bind(stream: IncomingStream, group: number, audioLevelId: number | undefined, target: EventTarget): void {
    const { binding, handle, streams } = this.kernel;
    const { ssrc, codec, record } = stream;
    const kind = KERNEL_CODEC[codec.name];
    const level = audioLevelId ?? 0;
    const id = binding.bindStream(
      handle,
      this.id,
      record,
      ssrc,
      codec.payloadType,
      kind,
      codec.clockRate,
      level,
      group,
    );
    stream.kernelId = id;
    if (id !== NO_ID) streams.set(id, target);
  }

  /** Lets a stream go: its packets are unknown from now on. */
  unbind(stream: IncomingStream): void {
    if (stream.kernelId === NO_ID) return;
    this.kernel.binding.unbindStream(this.kernel.handle, stream.kernelId);
    this.kernel.streams.delete(stream.kernelId);
    stream.kernelId = NO_ID;
  }

  /** Packets of the SSRC repeat those of the stream. */
  bindRtx(ssrc: number, stream: IncomingStream): void {
    this.kernel.binding.bindRtx(this.kernel.handle, this.id, ssrc, stream.kernelId);
  }

  /** The stream is taken by other publications, or its extension ids changed. */
  setStream(stream: IncomingStream, group: number, audioLevelId: number | undefined): void {
    this.kernel.binding.setStream(this.kernel.handle, stream.kernelId, group, audioLevelId ?? 0);
  }

  /** Protects and sends a packet; copied. @returns Bytes sent. */
  sendRtp(bytes: Uint8Array, payloadOffset: number, transportSequenceAt: number, now: MonoMs): number {
    const { binding, handle } = this.kernel;
    const sent = binding.sendRtp(handle, this.id, bytes, payloadOffset, transportSequenceAt, now);
    this.kernel.settle();
    return sent;
  }

  /** Protects and sends a compound; copied. */
  sendRtcp(compound: Uint8Array, now: MonoMs): void {
    this.kernel.binding.sendRtcp(this.kernel.handle, this.id, compound, now);
    this.kernel.settle();
  }

  /** Forgets keys and sources. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.kernel.sessions.delete(this.id);
    this.kernel.binding.closeSession(this.kernel.handle, this.id);
  }
}

/** The session keys as the kernel takes them; `undefined` for a profile other than GCM. */
export function sessionSecrets(keys: SrtpKeys): { readonly keys: Buffer; readonly salts: Buffer } | undefined {
  const { profile, local, remote } = keys;
  if (!isGcm(profile)) return undefined;
  const derived = [
    deriveSessionKeys(profile, remote, "rtp"),
    deriveSessionKeys(profile, remote, "rtcp"),
    deriveSessionKeys(profile, local, "rtp"),
    deriveSessionKeys(profile, local, "rtcp"),
  ];
  return {
    keys: Buffer.concat(derived.map(({ encryption }) => encryption.export())),
    salts: Buffer.concat(derived.map(({ salt }) => salt)),
  };
}

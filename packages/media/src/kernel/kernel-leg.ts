import type { MonoMs } from "@lodeline/base";
import { ANY_STREAM, NO_ID, NO_RTX } from "@lodeline/native";
import type { IncomingStream } from "../incoming-stream.ts";
import type { SectionCodec } from "../sdp/codecs.ts";
import type { SendSlot } from "../send-slot.ts";
import type { KernelSession } from "./kernel-session.ts";
import type { KernelEvent, PacketKernel } from "./packet-kernel.ts";

/** One forwarder in the kernel: which stream goes out in a slot, and which is to come next. */
export class KernelLeg {
  readonly id: number;
  readonly #kernel: PacketKernel;
  readonly #events: { onBegan(stream: number, turn: number): void };
  /** Counts how often TypeScript has set what is forwarded: a change the kernel told of before that is old. */
  #turn = 0;
  #target = NO_ID;
  #targetTypes = 0;
  #closed = false;

  constructor(
    kernel: PacketKernel,
    group: number,
    session: KernelSession,
    slot: SendSlot,
    events: { onBegan(stream: number, turn: number): void },
  ) {
    this.#kernel = kernel;
    this.#events = events;
    const { record, ssrc, rtxSsrc, clockRate } = slot;
    this.id = kernel.binding.openLeg(kernel.handle, group, session.id, record, ssrc, rtxSsrc ?? 0, clockRate);
    if (this.id !== NO_ID) kernel.legs.set(this.id, this);
    this.renegotiated(slot);
  }

  /** For {@link PacketKernel} only. */
  handle(event: KernelEvent): void {
    if (event.detail2 === this.#turn) this.#events.onBegan(event.detail, event.detail2);
  }

  /** The slot's extension ids may be others. */
  renegotiated(slot: SendSlot): void {
    const { mid, audioLevel, transportSequence } = slot.section.extensions;
    const { binding, handle } = this.#kernel;
    binding.setLeg(handle, this.id, slot.midBytes, mid ?? 0, audioLevel ?? 0, transportSequence ?? 0);
    this.#target = NO_ID;
  }

  /** TypeScript moves the packets to it: the kernel only repeats what it has sent so far. */
  set toScript(value: boolean) {
    this.#kernel.binding.setLegScript(this.#kernel.handle, this.id, value ? 1 : 0);
  }

  /** What is forwarded now, whatever the kernel thought; `undefined` stops. */
  setCurrent(stream: IncomingStream | undefined, codec: SectionCodec | undefined): void {
    const { binding, handle } = this.#kernel;
    const { payloadType = 0, rtxPayloadType = NO_RTX } = codec ?? {};
    const id = codec === undefined ? NO_ID : (stream?.kernelId ?? NO_ID);
    this.#turn++;
    binding.setCurrent(handle, this.id, id, payloadType, rtxPayloadType, this.#turn);
  }

  /**
   * What is to be forwarded from its next key frame on; `undefined`: nothing new.
   *
   * @param stream - `"any"`: whichever has a key frame first.
   */
  setTarget(stream: IncomingStream | "any" | undefined, codec: SectionCodec | undefined): void {
    const asked = stream === "any" ? ANY_STREAM : stream?.kernelId;
    const id = codec === undefined ? NO_ID : (asked ?? NO_ID);
    const { payloadType = 0, rtxPayloadType = NO_RTX } = codec ?? {};
    const types = payloadType * 256 + rtxPayloadType;
    // Asked for anew many times a second, nearly always the same.
    if (id === this.#target && types === this.#targetTypes) return;
    this.#target = id;
    this.#targetTypes = types;
    this.#kernel.binding.setTarget(this.#kernel.handle, this.id, id, payloadType, rtxPayloadType);
  }

  /** Repeats packets by RTX. */
  resend(
    numbers: readonly number[],
    intervalMs: number,
    now: MonoMs,
  ): { readonly sent: number; readonly beyondRepair: boolean } {
    const bytes = Buffer.alloc(2 * numbers.length);
    for (const [at, number] of numbers.entries()) bytes.writeUInt16BE(number, 2 * at);
    const result = this.#kernel.binding.resend(this.#kernel.handle, this.id, bytes, intervalMs, now);
    this.#kernel.settle();
    return { sent: result & 0xffff, beyondRepair: result >= 65_536 };
  }

  /** Forwards nothing any more. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kernel.legs.delete(this.id);
    this.#kernel.binding.closeLeg(this.#kernel.handle, this.id);
  }
}

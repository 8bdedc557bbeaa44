import type { MonoMs } from "@lodeline/base";
import { type LayerSelector, sequenceDistance } from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { KernelLeg } from "./kernel/kernel-leg.ts";
import type { KernelSession } from "./kernel/kernel-session.ts";
import type { PacketConsumer, Publication } from "./publication.ts";
import type { SendSlot } from "./send-slot.ts";

/** What a repair came to. */
export interface Resent {
  readonly sent: number;
  /** One was never sent, or is not kept any more, and no key frame was sent since. */
  readonly beyondRepair: boolean;
}

/** What a {@link ForwarderLeg} needs of its forwarder. */
export interface LegHost extends PacketConsumer {
  readonly publication: Publication;
  readonly slot: SendSlot;
  /** The one layer that is forwarded, whatever is shown. */
  readonly only: string | undefined;
  /** The layer is about to begin though none was chosen: chooses. */
  chooseNow(): void;
  /** Another stream goes out. */
  sourceChanged(stream: IncomingStream): void;
}

/** A forwarder's way in the packet kernel: has the kernel forward what the selector says, while nothing needs each packet. */
export class ForwarderLeg {
  readonly #host: LegHost;
  readonly #selector: LayerSelector;
  #leg: KernelLeg | undefined;
  /** The kernel forwards something. */
  #forwarding = false;
  /** The last number that the kernel sent before TypeScript went on; what is older is in the kernel's own cache. */
  #lastByKernel: number | undefined;

  constructor(host: LegHost, selector: LayerSelector) {
    this.#host = host;
    this.#selector = selector;
  }

  /** Opens it, once both ends are there. */
  open(session: KernelSession | undefined): void {
    const { group } = this.#host.publication;
    if (this.#leg !== undefined || group === undefined || session === undefined) return;
    this.#leg = group.openLeg(session, this.#host.slot, { onBegan: (stream) => this.#began(stream) });
    this.moved();
  }

  /** Whether the kernel moves the packets. */
  get moves(): boolean {
    return this.#leg !== undefined && this.#host.publication.movesByKernel(this.#host);
  }

  /** From now on the kernel moves the packets, or TypeScript does. */
  moved(): void {
    const leg = this.#leg;
    if (leg === undefined) return;
    const { slot } = this.#host;
    if (!this.moves) {
      leg.toScript = true;
      this.#lastByKernel = slot.recentNumber(0);
      return;
    }
    leg.toScript = false;
    slot.forgetSent();
    const current = this.#current;
    this.#forwarding = current !== undefined;
    leg.setCurrent(current, current && slot.codecFor(current));
    this.steer();
  }

  /** The source that is forwarded now. */
  get #current(): IncomingStream | undefined {
    const { slot, publication } = this.#host;
    const { current } = this.#selector;
    if (publication.kind === "audio") return slot.source;
    return current !== undefined && publication.streamOf(current) === slot.source ? slot.source : undefined;
  }

  /** Has the kernel forward what the selector says, from its next key frame on. */
  steer(): void {
    const leg = this.#leg;
    if (leg === undefined || !this.moves) return;
    const { publication, slot } = this.#host;
    const { kind } = publication;
    if (kind === "video" && this.#selector.current === undefined && this.#forwarding) this.stop();
    if (kind === "video" && this.#selector.target === undefined) return this.#awaitResumption(leg);
    const target = publication.streamOf(kind === "audio" ? "" : (this.#selector.target ?? "-"));
    leg.setTarget(target, target && slot.codecFor(target));
  }

  /**
   * A sender that goes on after a pause begins with a key frame. It would be gone before anybody here had chosen the layer
   * again, so the kernel takes it from whichever layer comes first.
   */
  #awaitResumption(leg: KernelLeg): void {
    const { publication, slot, only } = this.#host;
    const streams = this.#selector.reason === "nothing-arrives" ? [...publication.streams.values()] : [];
    const usable = streams.filter(({ rid }) => only === undefined || only === rid);
    const [one] = usable;
    const alike = usable.every(({ codec }) => codec.name === one?.codec.name);
    const any = only === undefined && usable.length > 1 && alike;
    leg.setTarget(any ? "any" : one, one && slot.codecFor(one));
  }

  /** Nothing is forwarded any more, until the target begins. */
  stop(): void {
    this.#forwarding = false;
    this.#leg?.setCurrent(undefined, undefined);
  }

  /** The kernel went over to another stream. */
  #began(kernelId: number): void {
    const { publication } = this.#host;
    const stream = [...publication.streams.values()].find((one) => one.kernelId === kernelId);
    if (stream === undefined) return;
    const isVideo = publication.kind === "video";
    if (isVideo && this.#selector.target === undefined) this.#host.chooseNow();
    this.#forwarding = true;
    this.#host.slot.tookOver(stream);
    this.#host.sourceChanged(stream);
    if (!isVideo) return;
    // Hidden meanwhile: what the kernel began just now nobody wants any more.
    if (this.#selector.target === undefined) this.stop();
    else this.#selector.began(stream.rid);
  }

  /** Repeats what the receiver lost: each number by whoever sent it, from its own cache. */
  resend(numbers: readonly number[], now: MonoMs): Resent {
    const { slot } = this.#host;
    const leg = this.#leg;
    if (leg !== undefined && this.moves) return leg.resend(numbers, slot.resendIntervalMs, now);
    const last = this.#lastByKernel;
    if (leg === undefined || last === undefined) return slot.resend(numbers, now);
    const isOlder = (number: number) => sequenceDistance(number, last) <= 0;
    const here = slot.resend(
      numbers.filter((number) => !isOlder(number)),
      now,
    );
    const there = leg.resend(numbers.filter(isOlder), slot.resendIntervalMs, now);
    return { sent: here.sent + there.sent, beyondRepair: here.beyondRepair || there.beyondRepair };
  }

  /** The slot was negotiated anew: payload types and extension ids may be others. */
  renegotiated(): void {
    this.#leg?.renegotiated(this.#host.slot);
    this.moved();
  }

  /** Forwards nothing any more. Idempotent. */
  close(): void {
    this.#leg?.close();
  }
}

import type { MonoMs, Random } from "@lodeline/base";
import type { Forwarder } from "./forwarder.ts";
import type { KernelSession } from "./kernel/kernel-session.ts";
import type { PacketKernel } from "./kernel/packet-kernel.ts";
import type { OutgoingBuffers } from "./outgoing-buffers.ts";

/** What a {@link MediaPlane} needs of the transport it is part of. */
export interface PlaneOwner {
  readonly id: string;
  /** Round trip to the browser in ms, once known. */
  readonly roundTripMs: number | undefined;
  /** The plane itself, as other planes see it. */
  readonly media: { readonly ntpOffsetMs: number; readonly session: KernelSession | undefined };
  /** The engine's clock. */
  now(): MonoMs;
  /** Something is due at once. */
  wakeNow(): void;
  /** A forwarder on this transport ended. */
  forwarderClosed(forwarder: Forwarder): void;
}

/** What a {@link MediaPlane} needs of the engine. */
export interface PlaneHost {
  readonly random: Random;
  readonly buffers: OutgoingBuffers;
  /** What moves packets in C; `undefined` where TypeScript does. */
  readonly kernel: PacketKernel | undefined;
  readonly bitrates: BitrateBounds;
  /** Calendar ms, for sender reports. */
  wallMs(): number;
  /** Call `tick` no later than at this time. */
  wake(at: MonoMs): void;
}

/** Upper bounds told to browsers that send video; `undefined` leaves it to what the path carries, where that is estimated. */
export interface BitrateBounds {
  readonly simulcastBps: number | undefined;
  readonly singleBps: number | undefined;
}

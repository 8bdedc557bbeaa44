import { NO_ID } from "@lodeline/native";
import type { SendSlot } from "../send-slot.ts";
import { KernelLeg } from "./kernel-leg.ts";
import type { KernelSession } from "./kernel-session.ts";
import type { PacketKernel } from "./packet-kernel.ts";

/** One publication in the kernel: its legs, and whether the kernel or TypeScript moves its packets. */
export class KernelGroup {
  readonly id: number;
  readonly kernel: PacketKernel;
  #toScript = false;
  #closed = false;

  constructor(kernel: PacketKernel) {
    this.kernel = kernel;
    this.id = kernel.binding.openGroup(kernel.handle);
    // Without a place for it, its streams are nobody's: their packets would go nowhere.
    if (this.id === NO_ID) throw new RangeError("the packet kernel has no room for another publication");
  }

  /** Whether packets come to TypeScript one by one, beside being moved to the legs that the kernel moves them to. */
  get toScript(): boolean {
    return this.#toScript;
  }

  set toScript(value: boolean) {
    this.#toScript = value;
    this.kernel.binding.setGroup(this.kernel.handle, this.id, value ? 1 : 0);
  }

  /** The way to one receiver's slot; `undefined` when the kernel has no room for it. */
  openLeg(session: KernelSession, slot: SendSlot, events: { onBegan(stream: number, turn: number): void }) {
    const leg = new KernelLeg(this.kernel, this.id, session, slot, events);
    return leg.id === NO_ID ? undefined : leg;
  }

  /** Its legs are closed by who opened them. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.kernel.binding.closeGroup(this.kernel.handle, this.id);
  }
}

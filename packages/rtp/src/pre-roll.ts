import type { MonoMs } from "@lodeline/base";

/** A packet that is kept. */
export interface KeptPacket {
  /** A copy. */
  readonly bytes: Uint8Array;
  /** Extended sequence number. */
  readonly sequence: number;
  readonly arrivedAtMs: MonoMs;
}

/** So much sound is kept: what a decision takes, and half as much again. */
export const PRE_ROLL_MS = 100;

/** At most so many packets, however short each is. */
const PACKETS = 12;

/** At most so many bytes of each: a sound packet is smaller, and what is not cannot make us keep it. */
const PACKET_BYTES = 1_500;

/**
 * The last packets of a sound that is not forwarded now, to be sent before the next one when it is: else the first
 * syllable would be cut by the time it took to notice it.
 */
export class PreRoll {
  readonly #buffers: Uint8Array[] = [];
  #kept: KeptPacket[] = [];

  /** Keeps a copy of a packet, and lets go what is too old. */
  keep(bytes: Uint8Array, sequence: number, now: MonoMs): void {
    if (bytes.length > PACKET_BYTES) return;
    let dropped = 0;
    while (dropped < this.#kept.length && !this.#isFresh(this.#kept[dropped], now)) dropped++;
    if (this.#kept.length - dropped >= PACKETS) dropped++;
    for (const { bytes: old } of this.#kept.splice(0, dropped)) this.#buffers.push(new Uint8Array(old.buffer));
    const buffer = this.#buffers.pop() ?? new Uint8Array(PACKET_BYTES);
    buffer.set(bytes);
    this.#kept.push({ bytes: buffer.subarray(0, bytes.length), sequence, arrivedAtMs: now });
  }

  /** What is kept and still fresh, by sequence number; it is let go with the next {@link keep} or {@link clear}. */
  packets(now: MonoMs): readonly KeptPacket[] {
    return this.#kept.filter((one) => this.#isFresh(one, now)).sort((a, b) => a.sequence - b.sequence);
  }

  /** Lets everything go: it was sent, or the sound is another. */
  clear(): void {
    for (const { bytes } of this.#kept) this.#buffers.push(new Uint8Array(bytes.buffer));
    this.#kept = [];
  }

  #isFresh(packet: KeptPacket | undefined, now: MonoMs): boolean {
    return packet !== undefined && now - packet.arrivedAtMs < PRE_ROLL_MS;
  }
}

import { LodelineError, type Random } from "@lodeline/base";
import { Forwarder } from "./forwarder.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import type { Publication } from "./publication.ts";
import type { RtpEgress } from "./rtp-egress.ts";
import type { Section, SectionSsrcs } from "./sdp/section.ts";
import { SendSlot } from "./send-slot.ts";

/** The sending sections of one transport, and what is in each. */
export class SlotTable {
  readonly #owner: PlaneOwner;
  readonly #random: Random;
  readonly #egress: RtpEgress;
  readonly #ssrcs = new Map<string, SectionSsrcs>();
  readonly #used = new Set<number>([0]);
  readonly #slots = new Map<string, SendSlot>();
  readonly #slotsBySsrc = new Map<number, SendSlot>();
  readonly #forwarders = new Map<string, Forwarder>();

  constructor(owner: PlaneOwner, random: Random, egress: RtpEgress) {
    this.#owner = owner;
    this.#random = random;
    this.#egress = egress;
  }

  /** A number that no stream of this transport has. */
  newSsrc(): number {
    let ssrc = 0;
    while (this.#used.has(ssrc)) ssrc = this.#random.u32();
    this.#used.add(ssrc);
    return ssrc;
  }

  /** The SSRCs of what is sent in a section: the same for the life of the transport. */
  ssrcsOf(mid: string): SectionSsrcs {
    let ssrcs = this.#ssrcs.get(mid);
    if (ssrcs === undefined) {
      ssrcs = { ssrc: this.newSsrc(), rtxSsrc: this.newSsrc() };
      this.#ssrcs.set(mid, ssrcs);
    }
    return ssrcs;
  }

  /** An offer was answered. A section in which the browser does not receive any more loses its forwarder. */
  negotiated(sections: readonly Section[]): void {
    for (const section of sections) {
      const slot = this.#slots.get(section.mid);
      const forwarder = this.#forwarders.get(section.mid);
      if (section.sendSsrc === undefined) forwarder?.close();
      slot?.renegotiated(section);
      forwarder?.renegotiated();
      if (slot === undefined && section.sendSsrc !== undefined) this.#add(section, section.sendSsrc);
    }
  }

  #add(section: Section, ssrc: number): void {
    const slot = new SendSlot({ section, ssrc, random: this.#random, egress: this.#egress });
    this.#slots.set(section.mid, slot);
    this.#slotsBySsrc.set(ssrc, slot);
  }

  /** Every forwarder on this transport. */
  get forwarders(): Iterable<Forwarder> {
    return this.#forwarders.values();
  }

  /** Whether nothing is forwarded here. */
  get isIdle(): boolean {
    return this.#forwarders.size === 0;
  }

  /** The slot that an SSRC in a receiver's report means. */
  slotOf(ssrc: number): SendSlot | undefined {
    return this.#slotsBySsrc.get(ssrc);
  }

  /** The forwarder that fills a slot now: a browser keeps sending feedback for slots that were emptied. */
  forwarderOf(ssrc: number): Forwarder | undefined {
    const slot = this.#slotsBySsrc.get(ssrc);
    return slot && this.#forwarders.get(slot.mid);
  }

  /**
   * Puts a publication into a slot.
   *
   * @throws LodelineError `media/unknown-section`, `media/no-slot` when the slot is taken, `media/closed`.
   */
  forward(id: string, publication: Publication, mid: string, only?: string): Forwarder {
    if (publication.closed) {
      throw new LodelineError("media/closed", { detail: `the publication ${publication.id} is closed` });
    }
    const slot = this.#slots.get(mid);
    if (slot === undefined || slot.section.sendSsrc === undefined) {
      const detail = `the browser does not receive in section ${mid}`;
      throw new LodelineError("media/unknown-section", { field: mid, detail });
    }
    if (this.#forwarders.has(mid)) {
      throw new LodelineError("media/no-slot", { field: mid, detail: `the slot ${mid} is in use` });
    }
    const forwarder = new Forwarder({ id, publication, transport: this.#owner, slot, only });
    this.#forwarders.set(mid, forwarder);
    forwarder.requestKeyFrame();
    return forwarder;
  }

  /** The forwarder of a slot ended. */
  release(forwarder: Forwarder): void {
    const { mid } = forwarder.slot;
    if (this.#forwarders.get(mid) === forwarder) this.#forwarders.delete(mid);
  }

  /** Ends every forwarder. */
  close(): void {
    for (const forwarder of [...this.#forwarders.values()]) forwarder.close();
    for (const slot of this.#slots.values()) slot.idle();
  }
}

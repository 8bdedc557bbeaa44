import type { MonoMs } from "@lodeline/base";
import { PayloadInspector, PreRoll, RtpPacket, SpeakerSelector } from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { Publication } from "./publication.ts";

/** Why nothing of a publication is forwarded though it arrives: others are louder, or spoke later. */
export type HeldBack = "speaking" | "silent";

interface Member {
  readonly publication: Publication;
  readonly preRoll: PreRoll;
  held: boolean;
  /** The stream that the pre-roll is of; a sender may go on with another. */
  stream: IncomingStream | undefined;
}

/**
 * The microphones of one room, of which only the loudest few are forwarded. Whether a packet is, is decided as it comes;
 * who is let in has its last packets sent first. A microphone whose packets carry no level (RFC 6464) is not weighed and
 * always forwarded.
 */
export class SpeakerGroup {
  readonly #selector = new SpeakerSelector(0);
  readonly #members = new Map<string, Member>();
  readonly #packet = new RtpPacket();
  readonly #payload = new PayloadInspector();
  readonly #onEmpty: () => void;
  #most = 0;

  /** @param onEmpty - Called when the last publication has left. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** How many are forwarded. */
  set most(most: number) {
    if (most === this.#most) return;
    this.#most = most;
    this.#selector.most = most;
    this.#tellAll();
  }

  /** Whether no publication is in it. */
  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Whether there are more than are forwarded: only then their packets have to be looked at. */
  get competes(): boolean {
    return this.#members.size > this.#most;
  }

  /** A publication joins; it is forwarded until its packets say otherwise. */
  add(publication: Publication): void {
    const competed = this.competes;
    this.#members.set(publication.id, { publication, preRoll: new PreRoll(), held: false, stream: undefined });
    if (this.competes !== competed) this.#tellAll();
  }

  /** A publication ends. */
  remove(publication: Publication): void {
    if (this.#members.get(publication.id)?.publication !== publication) return;
    const competed = this.competes;
    this.#members.delete(publication.id);
    this.#selector.forget(publication.id);
    if (this.competes !== competed) this.#tellAll();
    if (this.#members.size === 0) this.#onEmpty();
  }

  /** Weighs a packet. @returns Whether it is held back. */
  holds(publication: Publication, stream: IncomingStream, packet: RtpPacket, sequence: number, now: MonoMs): boolean {
    const member = this.#members.get(publication.id);
    const level = stream.audioLevel;
    if (member === undefined || level === undefined || !this.competes) return false;
    const isNew = member.stream === undefined;
    if (member.stream !== stream) member.preRoll.clear();
    member.stream = stream;
    this.#selector.handle(publication.id, -level.levelDbov, level.voice, now);
    for (const { id, heard } of this.#selector.poll()) {
      const changed = this.#members.get(id);
      if (changed === undefined) continue;
      if (heard) this.#letIn(changed, now);
      else this.#shutOut(changed);
    }
    // The first packet of one that found no place.
    if (isNew && this.#selector.standing(publication.id, now) !== "heard") this.#shutOut(member);
    if (member.held) member.preRoll.keep(packet.bytes.subarray(0, packet.lengthBytes), sequence, now);
    return member.held;
  }

  /** Why nothing of it is forwarded; `undefined` when it is. */
  heldBack(publication: Publication, now: MonoMs): HeldBack | undefined {
    if (this.#members.get(publication.id)?.held !== true) return undefined;
    return this.#selector.standing(publication.id, now) === "speaking" ? "speaking" : "silent";
  }

  /** Whether packets must be looked at one by one has changed. Nobody is held back where nobody competes. */
  #tellAll(): void {
    const { competes } = this;
    for (const member of this.#members.values()) {
      if (!competes) {
        member.held = false;
        member.preRoll.clear();
      }
      member.publication.consumersChanged();
    }
  }

  #letIn(member: Member, now: MonoMs): void {
    member.held = false;
    const { stream, publication, preRoll } = member;
    if (stream === undefined) return;
    for (const { bytes, sequence, arrivedAtMs } of preRoll.packets(now)) {
      // Both were well-formed when they were kept.
      if (!this.#packet.parse(bytes)) continue;
      this.#payload.inspect("opus", this.#packet);
      publication.forward(stream, this.#packet, this.#payload, sequence, arrivedAtMs);
    }
    preRoll.clear();
  }

  #shutOut(member: Member): void {
    member.held = true;
    member.preRoll.clear();
    member.publication.pause();
  }
}

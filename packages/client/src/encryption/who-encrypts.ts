import type { RoomSnapshot, Source } from "@lodeline/protocol";

/**
 * Who encrypts, by the room's word, and by memory: the room's word comes from the server, which must not be able to say
 * that somebody does not any more and to play something of its own as theirs.
 */
export class WhoEncrypts {
  readonly #known = new Set<string>();

  /** Takes the room's word. Who is gone is forgotten: a place is not given twice. */
  update({ participants }: RoomSnapshot): void {
    for (const id of this.#known) if (!participants.some((one) => one.id === id)) this.#known.delete(id);
    for (const { id, media } of participants) {
      if (Object.values(media.sources).some(({ encryption }) => encryption)) this.#known.add(id);
    }
  }

  /** Whether a publication is played as it comes: its owner does not encrypt, and never has. */
  isClear({ participants }: RoomSnapshot, participant: string, source: Source): boolean {
    const owner = participants.find(({ id }) => id === participant);
    return owner !== undefined && !this.#known.has(participant) && owner.media.sources[source].encryption === undefined;
  }
}

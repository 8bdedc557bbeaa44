import type { ClientFrame, ServerFrame, View } from "@lodeline/protocol";
import { type SimulatedPerson, World } from "@lodeline/testkit";

/** Frames and bytes that one participant sent or was sent in a second, on the average, by what they were. */
export interface Traffic {
  /** Receipts up, a second and participant. */
  readonly receipts: number;
  readonly receiptBytes: number;
  /** Ledger messages down. */
  readonly ledgers: number;
  readonly ledgerBytes: number;
  /** Everything, heartbeats and acknowledgements as well. */
  readonly upBytes: number;
  readonly downBytes: number;
}

/** A room of real participants and the real hub in virtual time; text frames are counted as they go on the wire. */
export class RoomTraffic implements Disposable {
  readonly #world: World;
  readonly #people: SimulatedPerson[] = [];
  #tally = { receipts: 0, receiptBytes: 0, ledgers: 0, ledgerBytes: 0, upBytes: 0, downBytes: 0 };

  /**
   * Everybody joins with microphone and camera, and shows everybody, or only the next few.
   *
   * @param views - How many others each shows, with sound and picture; all of them when left out.
   */
  constructor(people: number, views?: number) {
    this.#world = new World({ seed: 1, topology: "sfu" });
    this.#world.network.intercept = (direction, _host, text) => {
      this.#count(direction, text);
      return text;
    };
    for (let index = 0; index < people; index++) {
      const person = this.#world.person(`p${index}`, { slots: Math.min(views ?? people - 1, people - 1) });
      person.setSource("microphone", "live");
      person.setSource("camera", "live");
      person.enter({ room: "bench", topology: "sfu" });
      person.open();
      this.#people.push(person);
      this.#world.clock.advance(50);
    }
    this.#world.clock.advance(5_000);
    if (views !== undefined) for (const index of this.#people.keys()) this.#show(index, views);
    this.#world.clock.advance(10_000);
  }

  /** Rows that are received, summed over all receivers, by the receivers' own word. */
  get received(): number {
    return this.#people.reduce(
      (sum, { participant }) =>
        sum +
        (participant?.ledger.filter((row) => row.to === participant.place?.participant && row.standing === "received")
          .length ?? 0),
      0,
    );
  }

  /** What goes by in a stretch of virtual time, a second and participant. */
  measure(forMs: number): Traffic {
    this.#reset();
    this.#world.clock.advance(forMs);
    return this.#perSecond(forMs);
  }

  /** What one person's mute and unmute cost in all, beyond `steady`: totals, not a second's. */
  change(steady: Traffic): Traffic {
    const [person] = this.#people;
    this.#reset();
    person?.setSource("microphone", "muted");
    this.#world.clock.advance(5_000);
    person?.setSource("microphone", "live");
    this.#world.clock.advance(5_000);
    const all = this.#tally;
    const usual = 10 * this.#people.length;
    const beyond = (name: keyof Traffic) => all[name] - steady[name] * usual;
    return {
      receipts: beyond("receipts"),
      receiptBytes: beyond("receiptBytes"),
      ledgers: beyond("ledgers"),
      ledgerBytes: beyond("ledgerBytes"),
      upBytes: beyond("upBytes"),
      downBytes: beyond("downBytes"),
    };
  }

  [Symbol.dispose](): void {
    this.#world[Symbol.dispose]();
  }

  /** Shows the next `count` people around the table; the rest is scrolled away. */
  #show(index: number, count: number): void {
    const { length } = this.#people;
    const { participant } = this.#people[index] ?? {};
    const shown = new Set(Array.from({ length: count }, (_, step) => `p${(index + 1 + step) % length}`));
    const hidden =
      participant?.room?.participants.filter(
        (one) => one.id !== participant.place?.participant && !shown.has(one.identity),
      ) ?? [];
    const views: View[] = hidden.flatMap(({ id }) =>
      ["microphone", "camera"].map((source) => ({
        publication: `${id}:${source}`,
        width: 0,
        height: 0,
        visible: false,
        priority: 0,
      })),
    );
    participant?.setViews(views);
  }

  #reset(): void {
    this.#tally = { receipts: 0, receiptBytes: 0, ledgers: 0, ledgerBytes: 0, upBytes: 0, downBytes: 0 };
  }

  #perSecond(forMs: number): Traffic {
    const share = 1000 / forMs / this.#people.length;
    const { receipts, receiptBytes, ledgers, ledgerBytes, upBytes, downBytes } = this.#tally;
    return {
      receipts: receipts * share,
      receiptBytes: receiptBytes * share,
      ledgers: ledgers * share,
      ledgerBytes: ledgerBytes * share,
      upBytes: upBytes * share,
      downBytes: downBytes * share,
    };
  }

  #count(direction: "to-server" | "to-client", text: string): void {
    // Every sign is one byte here: names and ids are ASCII.
    const bytes = text.length;
    const tally = this.#tally;
    if (direction === "to-server") tally.upBytes += bytes;
    else tally.downBytes += bytes;
    const frame = JSON.parse(text) as ClientFrame | ServerFrame;
    if (frame.kind !== "data") return;
    if (frame.message.type === "receipt") {
      tally.receipts++;
      tally.receiptBytes += bytes;
    } else if (frame.message.type === "ledger") {
      tally.ledgers++;
      tally.ledgerBytes += bytes;
    }
  }
}

import { RoomTraffic, type Traffic } from "./receipt-traffic.ts";
import { type Bench, median, type Row, row } from "./result.ts";
import { BareRoom, type RoomCpu } from "./room-cpu.ts";

const SIZES = [2, 10, 50] as const;
/** Others that everybody shows in the second kind of room. */
const VIEWS = 4;
const STEADY_MS = 30_000;
const RUNS = 5;

interface Measured extends RoomCpu {
  readonly people: number;
  /** Rows a participant receives. */
  readonly rows: number;
  readonly steady: Traffic;
  readonly change: Traffic;
}

/** What comparing the expected with the received costs: it must grow with what a person subscribes to. */
export const receipts: Bench = {
  name: "receipts",
  about: `rooms of ${SIZES.join(", ")} in virtual time, real participants and the real hub; everybody shows all, or ${VIEWS}`,
  async run(progress) {
    const rows: Row[] = [];
    for (const views of [undefined, VIEWS]) {
      const name = views === undefined ? "all" : `view-${views}`;
      const measured: Measured[] = [];
      for (const people of SIZES) {
        const one = { ...measureTraffic(people, views), ...measureCpu(people, views) };
        measured.push(one);
        progress(sentence(name, one));
      }
      for (const one of measured) rows.push(...rowsOf(name, one, measured));
    }
    return rows;
  },
};

function measureTraffic(people: number, views: number | undefined) {
  using room = new RoomTraffic(people, views);
  const wanted = 2 * Math.min(views ?? people - 1, people - 1);
  const rows = room.received / people;
  if (rows !== wanted) throw new Error(`${people} people: ${rows} rows received each, not ${wanted}`);
  const steady = room.measure(STEADY_MS);
  const change = room.change(steady);
  return { people, rows, steady, change };
}

function measureCpu(people: number, views: number | undefined): RoomCpu {
  const shown = views !== undefined && views < people - 1 ? views : undefined;
  const room = new BareRoom(people, shown);
  const seconds = Math.ceil(5_000 / people);
  const times = Math.ceil(1_000 / people);
  room.steadyUs(seconds);
  room.changeUs(times);
  const steady = Array.from({ length: RUNS }, () => room.steadyUs(seconds) / seconds / people);
  const change = Array.from({ length: RUNS }, () => room.changeUs(times) / times / people);
  return { steadyUs: median(steady), changeUs: median(change) };
}

/**
 * Each figure of a room beside that of the next smaller room, and the bound beside it: the same for each row that a person
 * receives. A ratio above one means that it grows faster than what is subscribed to.
 */
function rowsOf(name: string, one: Measured, all: readonly Measured[]): Row[] {
  const base = all[Math.max(0, all.indexOf(one) - 1)] ?? one;
  const share = one.rows / base.rows;
  const of = (what: string, unit: string, value: (from: Measured) => number, against: string, factor: number) =>
    row(`receipts.${name}.${what}.${one.people}`, value(one), unit, against, factor * value(base));
  const byRows = `that of ${base.people} people, for each row received`;
  const same = `that of ${base.people} people`;
  return [
    of("receipts", "1/s", ({ steady }) => steady.receipts, same, 1),
    of("receipt-bytes", "B/s", ({ steady }) => steady.receiptBytes, byRows, share),
    row(`receipts.${name}.ledger-bytes.${one.people}`, one.steady.ledgerBytes, "B/s", "a steady room says nothing", 1),
    of("up-bytes", "B/s", ({ steady }) => steady.upBytes, byRows, share),
    of("down-bytes", "B/s", ({ steady }) => steady.downBytes, same, 1),
    of(
      "mute.receipts",
      "",
      ({ change }) => change.receipts,
      `that of ${base.people} people, for each who receives it`,
      share,
    ),
    of(
      "mute.ledger-bytes",
      "B",
      ({ change }) => change.ledgerBytes,
      `that of ${base.people} people, for each who receives it`,
      share,
    ),
    of(
      "mute.down-bytes",
      "B",
      ({ change }) => change.downBytes,
      `that of ${base.people} people, for each who is in the room`,
      one.people / base.people,
    ),
    of("room-cpu", "us", ({ steadyUs }) => steadyUs, byRows, share),
    of("mute.room-cpu", "us", ({ changeUs }) => changeUs, byRows, share),
  ];
}

function sentence(name: string, { people, rows, steady, change, steadyUs, changeUs }: Measured): string {
  const [up, down] = [steady.receiptBytes, steady.ledgerBytes].map((bytes) => Math.round(bytes));
  return (
    `${name}, ${people} people, ${rows} rows each: ${steady.receipts.toFixed(2)} receipts/s, ${up} B/s up, ledger ${down} B/s down; ` +
    `a mute and unmute: ${Math.round(change.receipts)} receipts, ${change.ledgers.toFixed(0)} ledger messages of ${Math.round(change.ledgerBytes)} B in all; ` +
    `room ${steadyUs.toFixed(1)} us a second each, ${changeUs.toFixed(1)} us a change each`
  );
}

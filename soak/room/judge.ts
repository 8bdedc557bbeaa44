import type { Standing } from "@lodeline/protocol";
import type { Sample, SampleRow, SoakSource } from "./sample.ts";
import { type Incident, type RowName, type WindowName, windowOf } from "./windows.ts";

/** What the server's ledger said at a second, by `from:source>to` in names. */
export interface ServerWord {
  readonly second: number;
  /** When the answer came, wall ms. */
  readonly takenMs: number;
  readonly rows: ReadonlyMap<string, Standing>;
  /** Names that two places in the room have. */
  readonly ghosts: readonly string[];
}

/** A row and second at which somebody's word and the probe differ. */
export interface Disagreement {
  readonly second: number;
  readonly row: string;
  readonly what: string;
}

/** What a run came to. */
export interface Verdict {
  /** Rows times seconds that were looked at. */
  readonly looked: number;
  /** Of these, outside every window. */
  readonly judged: number;
  /** Of these, with media seen by the probe. */
  readonly flowing: number;
  readonly excluded: Readonly<Partial<Record<WindowName | "no sample", number>>>;
  /** Judged row-seconds in which a word differs from the probe. */
  readonly disagreements: readonly Disagreement[];
  /** Judged whole seconds of the room, and those of them without any disagreement. */
  readonly seconds: number;
  readonly agreeingSeconds: number;
}

/** A second of sound counts as heard from here: five packets that were no concealment. */
const HEARD_MS = 100;
/** Energy of a second of the soak's tone is about 0.02; silence has none. */
const HEARD_ENERGY = 1e-5;
/** A page's timer that was later than this makes its second no evidence. */
export const STALL_MS = 400;

/** Whether the probe saw media in a row's second. */
export function sees(row: SampleRow): boolean {
  if (row.source === "camera") return row.framesDecoded > 0;
  return row.packets > 0 && row.heardMs >= HEARD_MS && row.audioEnergy > HEARD_ENERGY;
}

/** A row's name, as {@link ServerWord} and reports write it. */
export function rowKey({ from, source, to }: RowName): string {
  return `${from}:${source}>${to}`;
}

/** What is wrong with a row in a second; `undefined` when every word agrees with the probe. */
export function differs(
  row: SampleRow,
  server: Standing | "none",
  indexOf: (name: string) => number,
): string | undefined {
  const seen = sees(row);
  const voices = [
    ["tile", row.tile, row.tile === "live"],
    ["row", row.row, row.row === "received"],
    ["server", server, server === "received"],
  ] as const;
  const wrong = voices.filter(([, , says]) => says !== seen).map(([voice, word]) => `${voice} says ${word}`);
  if (seen && row.source === "camera") {
    if (row.framesShown === 0) wrong.push("decoded, but not shown");
    else if (row.shows !== indexOf(row.from)) wrong.push(`shows the picture of ${row.shows ?? "nobody"}`);
  }
  if (wrong.length === 0) return undefined;
  const { packets, framesDecoded, heardMs, audioEnergy, framesShown } = row;
  const evidence =
    row.source === "camera"
      ? `${packets} packets, ${framesDecoded} decoded, ${framesShown} shown`
      : `${packets} packets, ${Math.round(heardMs)} ms, energy ${audioEnergy.toExponential(1)}`;
  return `${wrong.join(", ")}; the probe ${seen ? "sees" : "does not see"} media (${evidence})`;
}

/** The evidence of a whole run. */
export interface Evidence {
  readonly people: readonly string[];
  readonly sources: readonly SoakSource[];
  readonly firstSecond: number;
  readonly lastSecond: number;
  readonly samples: readonly Sample[];
  readonly server: readonly ServerWord[];
  readonly incidents: readonly Incident[];
}

/** Judges every second of every row between the first and the last second. */
export function judge(evidence: Evidence): Verdict {
  const { people, sources } = evidence;
  const samples = new Map(evidence.samples.map((sample) => [`${sample.name} ${sample.second}`, sample]));
  const server = new Map(evidence.server.map((word) => [word.second, word]));
  const incidents = [...evidence.incidents, ...stalls(evidence.samples), ...serverStalls(evidence.server)];
  const excluded: Partial<Record<WindowName | "no sample", number>> = {};
  const disagreements: Disagreement[] = [];
  const counts = { looked: 0, judged: 0, flowing: 0, seconds: 0, agreeingSeconds: 0 };
  const leaveOut = (why: WindowName | "no sample") => {
    excluded[why] = (excluded[why] ?? 0) + 1;
  };
  for (let second = evidence.firstSecond; second <= evidence.lastSecond; second++) {
    const judgedBefore = counts.judged;
    const wrongBefore = disagreements.length;
    const word = server.get(second);
    // Incidents are many and seconds are too: only those near this second are worth asking about.
    const near = incidents.filter((one) => one.beganMs < second * 1000 + 1_000 && one.endedMs > second * 1000 - 12_000);
    for (const to of people) {
      const sample = samples.get(`${to} ${second}`);
      for (const from of people.filter((one) => one !== to)) {
        for (const source of sources) {
          counts.looked++;
          const name = { from, to, source };
          const takenMs = Math.max(second * 1000 + (sample?.lateMs ?? 0), word?.takenMs ?? 0);
          const window = windowOf(near, name, (second - 1) * 1000, takenMs);
          if (window && window !== "lossy") leaveOut(window);
          else if (!sample || !word) leaveOut("no sample");
          else if (window === "lossy" && isShortGap(samples, name, second)) leaveOut("lossy");
          else {
            counts.judged++;
            const row = sample.rows.find((one) => one.from === from && one.source === source) ?? absent(from, source);
            if (sees(row)) counts.flowing++;
            const what = differs(row, word.rows.get(rowKey(name)) ?? "none", (who) => people.indexOf(who));
            if (what !== undefined) disagreements.push({ second, row: rowKey(name), what });
          }
        }
      }
    }
    for (const ghost of word?.ghosts ?? []) {
      const person = { from: ghost, to: ghost, source: "camera" } as const;
      if (!windowOf(near, person, (second - 1) * 1000, word?.takenMs ?? 0))
        disagreements.push({ second, row: ghost, what: "has two places in the room" });
    }
    if (counts.judged === judgedBefore) continue;
    counts.seconds++;
    if (disagreements.length === wrongBefore) counts.agreeingSeconds++;
  }
  return { ...counts, excluded, disagreements };
}

/** Whether the probe saw nothing of a row now, but did a second before or after, and for no more than two seconds in a row. */
function isShortGap(samples: ReadonlyMap<string, Sample>, { from, to, source }: RowName, second: number): boolean {
  const seen = (at: number) =>
    samples.get(`${to} ${at}`)?.rows.some((row) => row.from === from && row.source === source && sees(row)) ?? false;
  if (seen(second)) return false;
  return (seen(second - 1) && (seen(second + 1) || seen(second + 2))) || (seen(second - 2) && seen(second + 1));
}

/** A page that was late proves nothing about what it receives, nor that what it sends should have been there. */
function stalls(samples: readonly Sample[]): Incident[] {
  return samples
    .filter((sample) => sample.lateMs >= STALL_MS)
    .map(({ name, second, lateMs }) => ({
      kind: "stall",
      window: "stall",
      flowsAfter: false,
      rows: { person: name },
      beganMs: (second - 1) * 1000,
      endedMs: second * 1000 + lateMs,
    }));
}

/** A server that answered late stood still for a moment, and with it all that it forwards. */
function serverStalls(words: readonly ServerWord[]): Incident[] {
  return words
    .filter(({ second, takenMs }) => takenMs - second * 1000 >= STALL_MS)
    .map(({ second, takenMs }) => ({
      kind: "stall",
      window: "stall",
      flowsAfter: false,
      rows: {},
      beganMs: (second - 1) * 1000,
      endedMs: takenMs,
    }));
}

function absent(from: string, source: SoakSource): SampleRow {
  return {
    from,
    source,
    row: "none",
    tile: "no tile",
    packets: 0,
    framesDecoded: 0,
    heardMs: 0,
    audioEnergy: 0,
    framesShown: 0,
    firstShownAtMs: undefined,
    shows: undefined,
  };
}

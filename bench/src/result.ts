import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One figure, with what it was measured against in the same run. */
export interface Row {
  /** Stable, `group.what.which`: other programs look for it. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the bound is, in words. */
  readonly against: string;
  /** The bound's value, in the same unit. */
  readonly bound: number;
  /** `value / bound`; 1 where both are nothing, infinite where only the bound is. */
  readonly ratio: number;
}

/** A bench: measures and gives its rows. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Runs only when it is asked for by name: it needs what not every machine has. */
  readonly onlyByName?: boolean;
  run(progress: (text: string) => void): Promise<readonly Row[]>;
}

/** Makes a row; the ratio follows from value and bound. */
export function row(name: string, value: number, unit: string, against: string, bound: number): Row {
  return { name, value, unit, against, bound, ratio: value === bound ? 1 : value / bound };
}

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

/** Writes a bench's rows to `bench/results/<bench>.json`, which is not committed. */
export async function writeResults(bench: string, rows: readonly Row[]): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${bench}.json`), `${JSON.stringify(rows, null, 2)}\n`);
}

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((one) => [
    one.name,
    `${round(one.value)} ${one.unit}`,
    `${round(one.bound)} ${one.unit}`,
    `${one.ratio.toFixed(2)} x`,
    one.against,
  ]);
  const head = ["figure", "measured", "bound", "ratio", "the bound is"];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}

/** A value at fraction `q` (0 .. 1) of the sorted samples, by the nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}

/** The middle of the samples. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

function round(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

import { judge } from "./judge.ts";
import { repairTimes } from "./repair-times.ts";
import type { RoomRecord } from "./run-room.ts";
import { WINDOWS, type WindowName } from "./windows.ts";

/** The share of judged seconds in which every word must agree with the probe. */
const WANTED = 0.999;
/** Of one kind of disagreement, so many lines. */
const SHOWN = 60;

/** Says what a run came to. @returns Whether it is what was promised. */
export function report(record: RoomRecord, seed: number, say: (line: string) => void): boolean {
  const verdict = judge(record);
  const { looked, judged, disagreements } = verdict;
  const rightRows = 1 - disagreements.length / Math.max(1, judged);
  const rightSeconds = verdict.agreeingSeconds / Math.max(1, verdict.seconds);
  say("\nwindow       left out   share  length");
  for (const [name, count] of Object.entries(verdict.excluded).sort(([, a], [, b]) => b - a)) {
    const window = WINDOWS[name as WindowName] as (typeof WINDOWS)[WindowName] | undefined;
    const share = `${((100 * count) / looked).toFixed(2)} %`;
    say(
      `${name.padEnd(10)} ${String(count).padStart(10)} ${share.padStart(7)}  ${window ? `${window.lengthMs / 1000} s: ${window.why}` : "The page or the server gave no word."}`,
    );
  }
  sayIncidents(record, say);
  if (disagreements.length > 0) say(`\n${disagreements.length} disagreements:`);
  for (const { second, row, what } of disagreements.slice(0, SHOWN)) {
    say(`  ${(second - record.firstSecond).toString().padStart(5)} s ${at(second)} ${row}: ${what}`);
  }
  if (disagreements.length > SHOWN) say(`  and ${disagreements.length - SHOWN} more`);
  for (const trouble of record.troubles) say(`trouble: ${trouble}`);
  const seconds = record.lastSecond - record.firstSecond + 1;
  say(`\nseed ${seed}: ${seconds} s, ${record.people.length} people, ${record.incidents.length} incidents`);
  say(
    `machine: ${(100 * record.busyShare).toFixed(0)} % of all processors busy, latest page timer ${Math.round(record.latestMs)} ms`,
  );
  say(
    `row-seconds: ${looked} looked at, ${judged} judged (${percent(judged / looked)}), ${verdict.flowing} of them with media`,
  );
  say(`agreement: ${percent(rightRows)} of row-seconds, ${percent(rightSeconds)} of ${verdict.seconds} whole seconds`);
  return rightRows >= WANTED && judged > 0 && record.troubles.length === 0;
}

function sayIncidents(record: RoomRecord, say: (line: string) => void): void {
  const times = Map.groupBy(repairTimes(record.samples, record.incidents), (one) => one.kind);
  const counts = Map.groupBy(record.incidents, (one) => one.kind);
  if (counts.size === 0) return;
  say("\nincident                    times  media again after it: p50      p95      max  ms");
  const all = [...times.values()].flat();
  for (const [kind, incidents] of [
    ["all", record.incidents] as const,
    ...[...counts].sort(([, a], [, b]) => b.length - a.length),
  ]) {
    const sorted = (kind === "all" ? all : (times.get(kind) ?? [])).map((one) => one.ms).sort((a, b) => a - b);
    const rank = (q: number) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
    const cells = [rank(0.5), rank(0.95), sorted.at(-1)].map((ms) => (ms === undefined ? "-" : String(Math.round(ms))));
    say(`${kind.padEnd(27)} ${String(incidents.length).padStart(5)} ${cells.map((one) => one.padStart(9)).join("")}`);
  }
}

function at(second: number): string {
  return new Date(second * 1000).toISOString().slice(11, 19);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`;
}

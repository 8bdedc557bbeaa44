import { cpus } from "node:os";
import { integer, type Random } from "@lodeline/base";
import type { Evidence } from "./judge.ts";
import { choose, MISCHIEF, RESTART } from "./mischief.ts";
import { SOAK_SOURCES } from "./sample.ts";
import { Stage } from "./stage.ts";

/** What a run is made of. */
export interface RoomRun {
  readonly forMs: number;
  readonly people: number;
  readonly topology: "sfu" | "mesh";
  /** Browser processes that the people are spread over. */
  readonly browsers: number;
  readonly random: Random;
  /** Only mischief whose kind contains this. */
  readonly only: string | undefined;
  /** No mischief at all. */
  readonly calm: boolean;
  say(line: string): void;
}

/** What a run left. */
export interface RoomRecord extends Evidence {
  /** Share of all processor time that was used while it ran, 0 .. 1. */
  readonly busyShare: number;
  /** Pages' late timers: the largest, ms. */
  readonly latestMs: number;
  /** What could not be done, in words. */
  readonly troubles: readonly string[];
  /** The last notes of each page, by name. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

/** Until everybody sees everybody. */
const SETTLE_MS = 8_000;
const PAUSE_MS = { least: 1_000, most: 6_000 } as const;

/** Runs a room for as long as it is told to. Everything it started is gone when it ends. */
export async function runRoom(run: RoomRun): Promise<RoomRecord> {
  await using stage = await Stage.open(run.people, run.topology, run.browsers);
  for (const person of stage.people) await person.join();
  run.say(`${run.people} people are in the room, the server is process ${stage.server.pid}`);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const firstSecond = Math.ceil(Date.now() / 1000) + 1;
  const cpuBefore = cpuTimes();
  const troubles: string[] = [];
  const endsAtMs = Date.now() + run.forMs;
  const faults = await stage.faults();
  const among = [...MISCHIEF, ...(stage.survives ? [RESTART] : [])].filter(
    (one) =>
      (!run.only || one.kind.includes(run.only)) &&
      (one.fault === undefined || faults.has(one.fault)) &&
      (!one.sfu || run.topology === "sfu"),
  );
  if (among.length === 0) throw new Error(`nothing that happens is called ${run.only}`);
  run.say(`what may happen: ${among.map((one) => one.kind).join("; ")}`);
  while (Date.now() < endsAtMs) {
    if (run.calm) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, endsAtMs - Date.now())));
      continue;
    }
    const mischief = choose(run.random, among);
    const atS = ((Date.now() - (endsAtMs - run.forMs)) / 1000).toFixed(1);
    run.say(`${atS.padStart(7)} s  ${mischief.kind}`);
    try {
      await mischief.run(stage, run.random);
    } catch (thrown) {
      troubles.push(`${mischief.kind} at ${atS} s: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      run.say(`  could not: ${troubles.at(-1)}`);
      for (const one of stage.incidents) if (one.endedMs === Number.POSITIVE_INFINITY) one.endedMs = Date.now();
    }
    const pauseMs = PAUSE_MS.least + integer(run.random, PAUSE_MS.most - PAUSE_MS.least);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const lastSecond = Math.floor(Date.now() / 1000) - 1;
  const cpuAfter = cpuTimes();
  const notes = new Map<string, readonly string[]>();
  for (const person of stage.people) {
    notes.set(person.name, await person.notes().catch(() => []));
    troubles.push(...person.errors.map((error) => `${person.name}'s page: ${error}`));
  }
  return {
    people: stage.people.map((one) => one.name),
    sources: SOAK_SOURCES,
    firstSecond,
    lastSecond,
    samples: stage.samples,
    server: stage.words,
    incidents: stage.incidents,
    busyShare: (cpuAfter.busy - cpuBefore.busy) / (cpuAfter.all - cpuBefore.all),
    latestMs: Math.max(0, ...stage.samples.filter((one) => one.second >= firstSecond).map((one) => one.lateMs)),
    troubles,
    notes,
  };
}

function cpuTimes(): { busy: number; all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq;
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}

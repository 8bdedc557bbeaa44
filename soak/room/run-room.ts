import { cpus } from "node:os";
import { integer, type Random, seededRandom } from "@lodeline/base";
import type { Evidence } from "./judge.ts";
import { choose, MISCHIEF, type Mischief, RESTART } from "./mischief.ts";
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
  /** The network is in trouble at the same time as people do something. */
  readonly together: boolean;
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
  const script = { stage, endsAtMs, troubles, say: run.say, beganMs: endsAtMs - run.forMs };
  if (run.calm) await new Promise((resolve) => setTimeout(resolve, run.forMs));
  else if (run.together) {
    const second = seededRandom(integer(run.random, 2 ** 31));
    const network = among.filter((one) => one.part === "network");
    const people = among.filter((one) => one.part !== "network");
    await Promise.all([
      makeTrouble({ ...script, among: network, random: run.random }),
      makeTrouble({ ...script, among: people, random: second }),
    ]);
  } else await makeTrouble({ ...script, among, random: run.random });
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

interface Script {
  readonly stage: Stage;
  readonly among: readonly Mischief[];
  readonly random: Random;
  readonly beganMs: number;
  readonly endsAtMs: number;
  /** What could not be done. */
  readonly troubles: string[];
  say(line: string): void;
}

/** One thing after the other, with pauses, until the time is over. */
async function makeTrouble({ stage, among, random, beganMs, endsAtMs, troubles, say }: Script): Promise<void> {
  while (Date.now() < endsAtMs && among.length > 0) {
    const mischief = choose(random, among);
    const at = `${((Date.now() - beganMs) / 1000).toFixed(1).padStart(7)} s`;
    say(`${at}  ${mischief.kind}`);
    try {
      await mischief.run(stage, random);
    } catch (thrown) {
      troubles.push(`${mischief.kind} at ${at}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      say(`  could not: ${troubles.at(-1)}`);
      for (const one of stage.incidents) if (one.endedMs === Number.POSITIVE_INFINITY) one.endedMs = Date.now();
    }
    const pauseMs = PAUSE_MS.least + integer(random, PAUSE_MS.most - PAUSE_MS.least);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
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

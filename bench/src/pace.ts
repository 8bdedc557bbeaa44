import { setTimeout as pause } from "node:timers/promises";
import type { Sinks } from "./sinks.ts";
import type { Measured } from "./worker-process.ts";

/** Packets leave in a burst every so often, as a browser's pacer sends them. */
const BURST_EVERY_MS = 5;

/** What is under way at the end of a span is waited for. */
const DRAIN_MS = 60;

/** A round in which less than this share of what was to be forwarded was is none: something else had the machine. */
const SOUND = 0.9;
const TRIES = 4;

/** A load on one contestant. */
export interface Load {
  readonly packetsPerSecond: number;
  readonly settleMs: number;
  readonly spanMs: number;
  readonly receivers: number;
}

/** What a contestant did in one round. */
export interface Round {
  /** CPU of its whole process for each packet it sent. */
  readonly micros: number;
  readonly sent: number;
  /** Sequence numbers that did not come in at the receivers. */
  readonly lost: number;
  /** Packets that the receivers' own sockets dropped: the load's loss and not the contestant's. */
  readonly dropped: number;
  /** How often it was tried until it was sound. */
  readonly tries: number;
}

/** One contestant, ready to be measured in rounds. */
export interface Contestant {
  readonly name: string;
  readonly process: Pick<Measured<unknown>, "start" | "stop">;
  /** Name of the count of packets it sent. */
  readonly sentName: string;
  /** Where its packets come in, by their numbers among the sinks. */
  readonly sinks: readonly number[];
  /**
   * Sends as many packets, one after the other without a pause; the first of a key frame where that is wanted.
   *
   * @returns How many the system took.
   */
  burst(packets: number, keyFrame: boolean): number;
}

/** Sends at a rate to one contestant, lets it settle, and measures a span. */
export async function round(contestant: Contestant, load: Load, sinks: Sinks): Promise<Round> {
  const begun = performance.now();
  let sent = 0;
  const pacer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * load.packetsPerSecond;
    const packets = Math.ceil(due - sent);
    if (packets <= 0) return;
    // A receiver begins with a key frame; one that asks for another is not answered by this load.
    contestant.burst(packets, performance.now() - begun < load.settleMs);
    sent += packets;
  }, BURST_EVERY_MS);
  await pause(load.settleMs);
  const before = await reading(contestant);
  const arrivedBefore = arrived(contestant, sinks);
  await contestant.process.start();
  await pause(load.spanMs);
  const after = await reading(contestant);
  clearInterval(pacer);
  await pause(DRAIN_MS);
  const arrivedAfter = arrived(contestant, sinks);
  const out = after.count - before.count;
  return {
    micros: (after.cpuMs * 1000) / out,
    sent: out,
    lost: arrivedAfter.missing - arrivedBefore.missing,
    dropped: arrivedAfter.dropped - arrivedBefore.dropped,
    tries: 1,
  };
}

/** A round in which the contestant got its load: repeated a few times where something else had the machine. */
export async function soundRound(contestant: Contestant, load: Load, sinks: Sinks): Promise<Round> {
  const least = SOUND * load.packetsPerSecond * (load.spanMs / 1000) * load.receivers;
  for (let tries = 1; ; tries++) {
    const done = await round(contestant, load, sinks);
    if (done.sent >= least) return { ...done, tries };
    if (tries === TRIES) {
      throw new Error(
        `${contestant.name} forwarded ${done.sent} packets where ${Math.round(least)} were to be, ${TRIES} times: is the machine busy?`,
      );
    }
  }
}

function arrived({ sinks: places }: Contestant, sinks: Sinks): { readonly missing: number; readonly dropped: number } {
  const counts = places.map((at) => sinks.counts(at));
  return {
    missing: counts.reduce((sum, { expected, received }) => sum + expected - received, 0),
    dropped: counts.reduce((sum, one) => sum + one.dropped, 0),
  };
}

async function reading({ process, sentName }: Contestant): Promise<{ count: number; cpuMs: number }> {
  const { cpuMs, extra } = await process.stop();
  return { cpuMs, count: extra[sentName] ?? 0 };
}

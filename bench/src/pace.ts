import type { Measured } from "./worker-process.ts";

/** Packets leave in a burst every so often, as a browser's pacer sends them. */
const BURST_EVERY_MS = 5;

/** What a contestant did in one round. */
export interface Round {
  /** CPU of its whole process for each packet it sent. */
  readonly micros: number;
  readonly sent: number;
  /** Packets that came in at the receivers. */
  readonly arrived: number;
}

/** One contestant, ready to be measured in rounds. */
export interface Contestant {
  readonly name: string;
  readonly process: Pick<Measured<unknown>, "start" | "stop">;
  /** Name of the count of packets it sent. */
  readonly sentName: string;
  /**
   * Sends as many packets, one after the other without a pause; the first of a key frame where that is wanted.
   *
   * @returns How many the system took.
   */
  burst(packets: number, keyFrame: boolean): number;
}

/** Sends at a rate to one contestant, lets it settle, and measures a span. */
export async function round(
  contestant: Contestant,
  load: { readonly packetsPerSecond: number; readonly settleMs: number; readonly spanMs: number },
  arrived: () => number,
): Promise<Round> {
  const begun = performance.now();
  let sent = 0;
  const pacer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * load.packetsPerSecond;
    const packets = Math.ceil(due - sent);
    if (packets <= 0) return;
    // After the pause since its last round a receiver needs a key frame to go on, and asks for it. Nobody here answers, so
    // each burst of the settling begins with one.
    contestant.burst(packets, performance.now() - begun < load.settleMs);
    sent += packets;
  }, BURST_EVERY_MS);
  await pause(load.settleMs);
  const before = await reading(contestant);
  const arrivedBefore = arrived();
  await contestant.process.start();
  await pause(load.spanMs);
  const after = await reading(contestant);
  const arrivedNow = arrived() - arrivedBefore;
  clearInterval(pacer);
  const out = after.count - before.count;
  return { micros: (after.cpuMs * 1000) / out, sent: out, arrived: arrivedNow };
}

async function reading({ process, sentName }: Contestant): Promise<{ count: number; cpuMs: number }> {
  const { cpuMs, extra } = await process.stop();
  return { cpuMs, count: extra[sentName] ?? 0 };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

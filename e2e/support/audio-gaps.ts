import type { Person } from "./sdk-person.ts";

/** What one page heard of one other person while it was watched. */
export interface AudioGap {
  readonly mid: string;
  /** The longest time in which no audio packet came, ms; precise to about 50 ms. */
  readonly longestMs: number;
  readonly packets: number;
  /** Seconds of sound made up by the jitter buffer. */
  readonly concealedS: number;
}

interface Watched {
  readonly stop: () => AudioGap[];
}

/** Begins to look at what audio a page receives, every 50 ms. */
export async function watchAudio(person: Person): Promise<void> {
  await person.run((lab) => {
    type Line = {
      atMs: number;
      packets: number;
      longestMs: number;
      first: number;
      concealed: number;
      firstConcealed: number;
    };
    const lines = new Map<string, Line>();
    let busy = false;
    const look = async () => {
      if (busy) return;
      busy = true;
      const open = lab.connections.filter((connection) => connection.connectionState !== "closed");
      for (const [index, connection] of open.entries()) {
        for (const entry of (await connection.getStats()).values()) {
          if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
          const key = `${index}:${entry.mid}`;
          const packets = entry.packetsReceived as number;
          const concealed = (entry.concealedSamples as number) ?? 0;
          const atMs = performance.now();
          const line = lines.get(key);
          if (!line) {
            lines.set(key, { atMs, packets, longestMs: 0, first: packets, concealed, firstConcealed: concealed });
            continue;
          }
          line.longestMs = Math.max(line.longestMs, atMs - line.atMs);
          line.concealed = concealed;
          if (packets === line.packets) continue;
          line.atMs = atMs;
          line.packets = packets;
        }
      }
      busy = false;
    };
    const timer = setInterval(() => void look(), 50);
    const watched: Watched = {
      stop: () => {
        clearInterval(timer);
        return [...lines].map(([mid, line]) => ({
          mid,
          longestMs: line.longestMs,
          packets: line.packets - line.first,
          concealedS: (line.concealed - line.firstConcealed) / 48_000,
        }));
      },
    };
    (globalThis as unknown as { watched: Watched }).watched = watched;
    return look();
  });
}

/** Ends the look. @returns One line for each section on which audio came at all. */
export async function audioGaps(person: Person): Promise<AudioGap[]> {
  const lines = await person.run(() => (globalThis as unknown as { watched: Watched }).watched.stop());
  return lines.filter(({ packets }) => packets > 0);
}

/** Waits until each has received so many audio packets more. */
export async function heardAudio(people: readonly Person[], packets: number, withinMs = 30_000): Promise<void> {
  const counts = () => Promise.all(people.map(audioPackets));
  const before = await counts();
  const giveUpAtMs = performance.now() + withinMs;
  for (;;) {
    const now = await counts();
    if (now.every((sum, one) => sum >= (before[one] ?? 0) + packets)) return;
    if (performance.now() > giveUpAtMs) throw new Error(`${packets} audio packets never came: ${before}, then ${now}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function audioPackets(person: Person): Promise<number> {
  return person.run(async (lab) => {
    let sum = 0;
    for (const connection of lab.connections) {
      if (connection.connectionState === "closed") continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "audio") sum += entry.packetsReceived as number;
      }
    }
    return sum;
  });
}

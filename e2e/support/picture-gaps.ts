import type { Person } from "./sdk-person.ts";

/** How one picture came while it was watched. */
export interface PictureGaps {
  readonly pictures: number;
  /** The longest time between two pictures shown, ms. */
  readonly longestMs: number;
  /** When that ended, since the watch began. */
  readonly longestAtMs: number;
  /** The usual time between two. */
  readonly medianMs: number;
  /** What the receiver counted meanwhile: key frames decoded and asked for, packets asked for again. */
  readonly counted: string;
  /** Each change of size, with the time since the watch began and the time since the picture before. */
  readonly sizes: readonly string[];
}

interface Watching {
  readonly pictureGaps?: () => Promise<PictureGaps>;
}

/** Begins to watch the first picture of a page that shows anything: by `requestVideoFrameCallback`, which costs little. */
export async function watchPictures(person: Person): Promise<void> {
  await person.run(async (lab) => {
    const video = [...document.querySelectorAll("video")].find((one) => one.videoWidth > 0);
    if (!video) throw new Error("no video shows anything");
    const began = performance.now();
    const gaps: number[] = [];
    const sizes: string[] = [];
    let lastAt: number | undefined;
    let size = "";
    let longestAtMs = 0;
    let stopped = false;
    const pictured = (at: number) => {
      if (stopped) return;
      const gap = lastAt === undefined ? 0 : at - lastAt;
      if (lastAt !== undefined) gaps.push(gap);
      if (gap >= Math.max(0, ...gaps)) longestAtMs = at - began;
      const now = `${video.videoWidth}x${video.videoHeight}`;
      if (now !== size) sizes.push(`${now} at ${Math.round(at - began)} ms, ${Math.round(gap)} ms after`);
      size = now;
      lastAt = at;
      video.requestVideoFrameCallback(pictured);
    };
    video.requestVideoFrameCallback(pictured);
    const watching = globalThis as { pictureGaps?: () => Promise<PictureGaps> };
    const count = async () => {
      const counts = { keyFramesDecoded: 0, pliCount: 0, nackCount: 0, freezeCount: 0 };
      for (const connection of lab.connections) {
        if (connection.connectionState === "closed") continue;
        for (const entry of (await connection.getStats()).values()) {
          if (entry.type !== "inbound-rtp" || entry.kind !== "video") continue;
          for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += entry[name] ?? 0;
        }
      }
      return counts;
    };
    const before = await count();
    watching.pictureGaps = async () => {
      stopped = true;
      const after = await count();
      const counted = `${after.keyFramesDecoded - before.keyFramesDecoded} key frames, ${after.pliCount - before.pliCount} PLI, ${after.nackCount - before.nackCount} NACK, ${after.freezeCount - before.freezeCount} freezes`;
      const sorted = gaps.toSorted((a, b) => a - b);
      const open = lastAt === undefined ? performance.now() - began : performance.now() - lastAt;
      const longestMs = Math.max(open, sorted.at(-1) ?? 0);
      return {
        pictures: gaps.length,
        longestMs,
        longestAtMs,
        counted,
        medianMs: sorted[sorted.length >> 1] ?? 0,
        sizes,
      };
    };
  });
}

/** Ends the watch. */
export function pictureGaps(person: Person): Promise<PictureGaps> {
  return person.run(() => (globalThis as Watching).pictureGaps?.() ?? Promise.reject(new Error("nothing is watched")));
}

/** What a page has sent of its camera so far, by RID, in bytes, and its own time. */
export interface SentVideo {
  readonly atMs: number;
  readonly bytes: Readonly<Record<string, number>>;
  readonly frames: Readonly<Record<string, number>>;
}

/** Reads what a page has sent of video. */
export function sentVideo(person: Person): Promise<SentVideo> {
  return person.run(async (lab) => {
    const bytes: Record<string, number> = {};
    const frames: Record<string, number> = {};
    for (const connection of lab.connections) {
      if (connection.connectionState === "closed") continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== "outbound-rtp" || entry.kind !== "video") continue;
        const rid = String(entry.rid ?? "");
        bytes[rid] = (bytes[rid] ?? 0) + (entry.bytesSent as number) + ((entry.headerBytesSent as number) ?? 0);
        frames[rid] = (frames[rid] ?? 0) + ((entry.framesEncoded as number) ?? 0);
      }
    }
    return { atMs: performance.now(), bytes, frames };
  });
}

/** The rate of each RID between two readings, kbit/s; those that sent nothing are left out. */
export function ratesBetween(first: SentVideo, last: SentVideo): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const [rid, bytes] of Object.entries(last.bytes)) {
    const kbps = ((bytes - (first.bytes[rid] ?? 0)) * 8) / (last.atMs - first.atMs);
    if (kbps >= 1) rates[rid] = Math.round(kbps);
  }
  return rates;
}

/** Frames a second of the encoding that has most, between two readings. */
export function framesBetween(first: SentVideo, last: SentVideo): number {
  const counts = Object.entries(last.frames).map(([rid, frames]) => frames - (first.frames[rid] ?? 0));
  return Math.round((Math.max(0, ...counts) * 1000) / (last.atMs - first.atMs));
}

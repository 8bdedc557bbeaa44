import type { Person } from "../../e2e/support/sdk-person.ts";

/** How a camera's encoders went on while they were watched. */
export interface EncoderGaps {
  /** The longest time in which no encoding had a new frame, ms, as finely as statistics are read. */
  readonly longestMs: number;
  /** When that ended, since the watch began, ms. */
  readonly longestAtMs: number;
  readonly keyFrames: number;
}

/** Statistics are read this often; Chromium makes new ones every 50 ms. */
const LOOK_MS = 50;

interface Watching {
  readonly encoderGaps?: () => EncoderGaps;
}

/** Begins to watch what a page encodes of its camera. */
export async function watchEncoders(person: Person): Promise<void> {
  await person.page.evaluate((lookMs) => {
    const began = performance.now();
    let lastAtMs = began;
    let longestMs = 0;
    let longestAtMs = 0;
    let frames = -1;
    let keyFrames: { first: number; now: number } | undefined;
    const look = async () => {
      let encoded = 0;
      let keys = 0;
      for (const connection of lab.connections) {
        if (connection.connectionState === "closed") continue;
        for (const entry of (await connection.getStats()).values()) {
          if (entry.type !== "outbound-rtp" || entry.kind !== "video") continue;
          encoded += entry.framesEncoded ?? 0;
          keys += entry.keyFramesEncoded ?? 0;
        }
      }
      const now = performance.now();
      keyFrames = { first: keyFrames?.first ?? keys, now: keys };
      if (encoded === frames) return;
      frames = encoded;
      if (now - lastAtMs > longestMs) {
        longestMs = now - lastAtMs;
        longestAtMs = now - began;
      }
      lastAtMs = now;
    };
    const timer = setInterval(() => void look(), lookMs);
    (globalThis as { encoderGaps?: () => EncoderGaps }).encoderGaps = () => {
      clearInterval(timer);
      return { longestMs, longestAtMs, keyFrames: (keyFrames?.now ?? 0) - (keyFrames?.first ?? 0) };
    };
  }, LOOK_MS);
}

/** Ends the watch. */
export function encoderGaps(person: Person): Promise<EncoderGaps> {
  return person.run(
    () => (globalThis as Watching).encoderGaps?.() ?? Promise.reject(new Error("no encoder is watched")),
  );
}

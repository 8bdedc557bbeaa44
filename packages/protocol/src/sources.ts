import type { Source, TrackKind } from "./primitives.ts";

// Apart from the schemas, so that a client which reads frames without them does not carry them.

/** Every source, in the order in which they are shown. */
export const SOURCES: readonly Source[] = ["microphone", "camera", "screen", "screen-audio"];

/** The kind of media a source gives. */
export function kindOf(source: Source): TrackKind {
  return source === "microphone" || source === "screen-audio" ? "audio" : "video";
}

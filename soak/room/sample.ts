import type { Source, Standing } from "@lodeline/protocol";

/** Sources that the soak's people use. */
export const SOAK_SOURCES = ["microphone", "camera"] as const satisfies readonly Source[];

/** One of {@link SOAK_SOURCES}. */
export type SoakSource = (typeof SOAK_SOURCES)[number];

/** What one page said and what its probe saw of one publication in one second. */
export interface SampleRow {
  /** Name of the sender. */
  readonly from: string;
  readonly source: SoakSource;
  /** The SDK's ledger row; `none` where there is no such row. */
  readonly row: Standing | "none";
  /** The words on the tile. */
  readonly tile: string;
  /** Counters' rise within the second, from the connections' own statistics. */
  readonly packets: number;
  readonly framesDecoded: number;
  /** Samples that were no concealment, as ms of sound. */
  readonly heardMs: number;
  readonly audioEnergy: number;
  /** Frames the `<video>` element presented within the second, and the wall time of the first of them. */
  readonly framesShown: number;
  readonly firstShownAtMs: number | undefined;
  /** Whose picture the element shows, read from its colour; `undefined` when nobody's. */
  readonly shows: number | undefined;
}

/** One second of one page. */
export interface Sample {
  readonly name: string;
  /** Wall clock, whole seconds: the sample is of the second that ended then. */
  readonly second: number;
  /** How much later than that it was taken. */
  readonly lateMs: number;
  readonly link: string;
  readonly media: string;
  readonly self: string | undefined;
  readonly rows: readonly SampleRow[];
}

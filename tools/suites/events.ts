/**
 * What a test process tells the runner, one JSON object a line on its file descriptor 3.
 * A process that hangs or dies has still said everything up to that moment.
 */
export type SuiteEvent =
  | { readonly kind: "loading"; readonly file: string }
  | { readonly kind: "started"; readonly file: string; readonly name: string }
  /** Something the test framework noticed, such as an error thrown after its test had ended. */
  | { readonly kind: "note"; readonly text: string }
  | {
      readonly kind: "ended";
      readonly file: string;
      /** Titles from the outermost `describe` inwards. */
      readonly path: readonly string[];
      readonly outcome: "passed" | "failed" | "skipped";
      readonly durationMs: number;
      /** What went wrong, for people; empty unless failed. */
      readonly error: string;
    };

/** The descriptor on which test processes report. */
export const EVENTS_FD = 3;

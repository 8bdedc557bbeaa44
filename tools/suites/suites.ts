/** One group of test files, and how it is run. */
export interface Suite {
  readonly name: string;
  /** Glob patterns below the repository, `*` within a name and `**` for any folders. */
  readonly files: readonly string[];
  /**
   * `together`: all files in one process, which is what makes hundreds of small files fast.
   * `apart`: one process for each file, one after the other, for tests that own real resources.
   */
  readonly isolation: "together" | "apart";
  /** A process that has not ended after this long is killed and counts as a failure. */
  readonly timeoutMs: number;
  /** Environment variables without which the suite cannot run, as set-up hands them over. */
  readonly needs?: readonly string[];
}

/** Every suite there is, in the order `npm test` runs them. */
export const SUITES: readonly Suite[] = [
  { name: "tools", files: ["tools/test/**/*.test.ts"], isolation: "apart", timeoutMs: 180_000 },
  {
    name: "unit",
    files: ["packages/*/test/**/*.test.ts", "soak/test/**/*.test.ts"],
    isolation: "together",
    timeoutMs: 300_000,
  },
  { name: "scenarios", files: ["scenarios/**/*.test.ts"], isolation: "apart", timeoutMs: 300_000 },
  {
    name: "e2e",
    files: ["e2e/**/*.test.ts"],
    isolation: "apart",
    timeoutMs: 900_000,
    needs: ["CHROMIUM_PATH", "FIREFOX_PATH"],
  },
];

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
  /**
   * Of files `apart`, those that may run while another of them does, two at a time: they mostly wait, and judge nothing that
   * a busy machine changes. They come first, in this order; the others have the machine to themselves. Default none.
   */
  readonly beside?: "all" | readonly string[];
  /** Over how many processes at a time files `together` are dealt. Default 1. */
  readonly processes?: number;
  /** A process that has not ended after this long is killed and counts as a failure. */
  readonly timeoutMs: number;
  /** Environment variables without which the suite cannot run, as set-up hands them over. */
  readonly needs?: readonly string[];
}

/**
 * Two people in Chromium at the most, or no browser: seen to leave half of two cores free, with deadlines of seconds. What
 * measures a picture, a path or a worker, and what has Firefox in it, is not here. The longest first.
 */
const LIGHT = [
  "sdk-leaks",
  "sdk-page-life",
  "sdk-steps",
  "sdk-ghost",
  "page-faults",
  "page-calls",
  "page-moderation",
  "server-ghost-media",
  "sdk-soak-calls",
  "sdk-devices",
  "sdk-endings",
  "control-apart",
  "chaos-link",
  "server-process",
  "page-restart",
  "page",
  "sdk-room",
  "chaos-process",
  "chaos-devices",
  "server-restart-messages",
  "browsers",
  "server-leaks",
  "page-screenshots",
  "server-bad-input",
  "sdk-readme",
  "media-client",
  "media-dtls-openssl",
];

/** Every suite there is, in the order `npm test` runs them. */
export const SUITES: readonly Suite[] = [
  { name: "tools", files: ["tools/test/**/*.test.ts"], isolation: "apart", beside: "all", timeoutMs: 180_000 },
  {
    name: "unit",
    files: ["packages/*/test/**/*.test.ts", "soak/test/**/*.test.ts"],
    isolation: "together",
    processes: 2,
    timeoutMs: 300_000,
  },
  {
    name: "scenarios",
    files: ["scenarios/**/*.test.ts"],
    isolation: "apart",
    // The schedules take every core themselves.
    beside: ["calls", "ghost-media", "moderation", "mutations", "reload", "restart", "returns"].map(
      (name) => `scenarios/${name}.test.ts`,
    ),
    timeoutMs: 300_000,
  },
  {
    name: "e2e",
    files: ["e2e/**/*.test.ts"],
    isolation: "apart",
    beside: LIGHT.map((name) => `e2e/${name}.test.ts`),
    timeoutMs: 900_000,
    needs: ["CHROMIUM_PATH", "FIREFOX_PATH"],
  },
];

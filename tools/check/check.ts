/** One thing a check found wrong. */
export interface Finding {
  /** Path relative to the checkout, with `:line` where known. Absent for findings about the whole. */
  readonly at?: string;
  readonly message: string;
}

/** One rule of the house that a program can verify. It passes when it finds nothing. */
export interface Check {
  readonly name: string;
  /** What holds when it passes, in one sentence. */
  readonly promise: string;
  /**
   * @param root - The tree to look at; tests hand in planted ones.
   * @returns What is wrong, in the order found. A check that could not look must say so as a finding,
   *   never return an empty list.
   */
  readonly run: (root: string) => Promise<readonly Finding[]> | readonly Finding[];
}

/** Writes findings as lines of text. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings.map(({ at, message }) => (at === undefined ? message : `${at}: ${message}`)).join("\n");
}

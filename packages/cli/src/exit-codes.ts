/** What `lodeline` gives back to the shell. */
export const EXIT = {
  /** Done, or ended by one Ctrl+C with everything closed. */
  ok: 0,
  /** Failed, or did not end in time and was forced to. */
  failed: 1,
  /** Wrong usage or configuration: the same command line will fail again. */
  usage: 2,
  /** Ended at once by a second Ctrl+C (128 + SIGINT). */
  interrupted: 130,
  /** Ended at once by a second SIGTERM (128 + SIGTERM). */
  terminated: 143,
} as const;

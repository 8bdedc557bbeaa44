import type { LogFields, Logger } from "@lodeline/base";
import { type DestinationStream, pino } from "pino";

/** From which level on lines are written. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace" | "silent";

/** How a {@link createLogger} writes. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel | undefined;
  /** Default: standard error, so that what a command prints stays apart from what it logs. */
  readonly destination?: DestinationStream | undefined;
}

/**
 * Structured logs, one JSON object a line: `{"level":"info","at":"2026-…","event":"room opened","roomId":"den"}`.
 * The process id and the host name are left out: whoever collects logs knows where from.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const log = pino(
    {
      level: options.level ?? "info",
      base: null,
      messageKey: "event",
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
  const write = (level: Exclude<LogLevel, "silent">) => (event: string, fields?: LogFields) => {
    if (fields) log[level](fields, event);
    else log[level](event);
  };
  return {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: write("debug"),
    trace: write("trace"),
  };
}

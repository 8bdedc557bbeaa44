/** Fields of a log line: plain values only; addresses and secrets go through `redact` first. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Where edges log. Pure code does not log: it returns effects.
 * Levels: `error` we gave up and someone is affected; `warn` abnormal, and we cope; `info` one line per lifecycle
 * change; `debug` messages and decisions; `trace` per packet, off unless asked for.
 */
export interface Logger {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  trace(event: string, fields?: LogFields): void;
}

const ignore = () => {};

/** A logger that drops everything: the default of every package that takes one. */
export const silentLogger: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore, trace: ignore };

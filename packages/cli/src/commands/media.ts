import { createLogger, createMediaProcess } from "@lodeline/server";
import { readOptions, textOption } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { loadMediaKeys } from "../keys.ts";
import { watchSignals } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { logLevelOption, mediaHere } from "./server-options.ts";

const OPTIONS = {
  listen: { type: "string" },
  "key-file": { type: "string" },
  workers: { type: "string" },
  "room-per-worker": { type: "string" },
  "media-address": { type: "string", multiple: true },
  "media-ports": { type: "string" },
  "log-level": { type: "string" },
} as const;

const DEFAULT_LISTEN = "127.0.0.1:7881";
/** How long everything on it may take to close after the first signal. */
const CLOSE_TIMEOUT_MS = 3_000;

/** `lodeline media`: carries the media of a server that runs elsewhere, until a signal ends it. */
export async function mediaCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(args, OPTIONS);
  const logLevel = logLevelOption(values) ?? "info";
  const media = await createMediaProcess({
    listen: textOption(values, "listen") ?? DEFAULT_LISTEN,
    keys: await loadMediaKeys(values, "key-file", terminal.environment),
    media: mediaHere(values),
    logger: createLogger({ level: logLevel }),
  });
  terminal.out(`Lodeline media listens at ${media.address}.`);
  const { first, signals } = awaitSignal();
  await first;
  const watchdog = setTimeout(() => {
    terminal.err(`Forced to end after ${CLOSE_TIMEOUT_MS / 1000} s. Still hanging: the media engine.`);
    process.exit(EXIT.failed);
  }, CLOSE_TIMEOUT_MS);
  await media.close();
  clearTimeout(watchdog);
  signals[Symbol.dispose]();
  return EXIT.ok;
}

/** Listens for signals: the first one settles `first`, a later one ends the process at once. */
function awaitSignal(): { readonly first: Promise<void>; readonly signals: Disposable } {
  let asked: (() => void) | undefined;
  const first = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const signals = watchSignals({
    first: () => asked?.(),
    second: (signal) => process.exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated),
  });
  return { first, signals };
}

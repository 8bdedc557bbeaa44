/** What is done about the signals that end a program. */
export interface SignalHandlers {
  /** The first SIGINT, SIGTERM or SIGHUP: end in order. {@link KEEP_SIGNAL}: end so that the next process can go on. */
  first(signal: NodeJS.Signals): void;
  /** Any later one: end at once. */
  second(signal: NodeJS.Signals): void;
}

/** Ends a server that keeps its rooms, for the next one to go on with them. */
export const KEEP_SIGNAL = "SIGUSR2";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", KEEP_SIGNAL] as const;
/**
 * A key press can arrive twice: from the terminal, which tells the whole process group, and from whatever started this
 * program and passes the signal on. Two within this time are one.
 */
const SAME_PRESS_MS = 300;

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * Listens for signals until disposed of.
 *
 * @param source - Default: this process.
 * @param nowMs - Monotonic; default: the process's own clock.
 */
export function watchSignals(
  handlers: SignalHandlers,
  source: SignalSource = process,
  nowMs: () => number = () => performance.now(),
): Disposable {
  let firstAt: number | undefined;
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      if (firstAt === undefined) {
        firstAt = nowMs();
        handlers.first(signal);
      } else if (nowMs() - firstAt >= SAME_PRESS_MS) {
        handlers.second(signal);
      }
    };
    source.on(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { signal, listener } of listeners) source.off(signal, listener);
    },
  };
}

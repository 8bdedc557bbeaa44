import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Who started us; known from the first moment, since it may end between two of our children. */
const PARENT = process.ppid;

const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Runs a program in the foreground, passes signals on, and keeps its exit code.
 *
 * In a terminal Ctrl+C reaches the whole process group, so the child has its SIGINT already and is
 * not sent a second one, which a server would take for "stop at once". Without a terminal (CI, a
 * supervisor) only this process is told, and it tells the child.
 *
 * @param {string} command - Program to run, path or name.
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options] - `env` is added to this process's own.
 * @returns {Promise<number>} The child's exit code; 128 + n when signal n ended it.
 */
export function runChild(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: "inherit",
    });
    const terminal = process.stdin.isTTY === true;
    const handlers = SIGNALS.map((signal) => {
      const handler = () => {
        if (!(terminal && signal === "SIGINT")) child.kill(signal);
      };
      process.on(signal, handler);
      return () => process.off(signal, handler);
    });
    const unwatch = whenNpmIsGone(() => child.kill("SIGTERM"));
    const settle = (/** @type {number} */ code) => {
      for (const release of [...handlers, unwatch]) release();
      resolve(code);
    };
    child.once("error", (error) => {
      console.error(`Cannot run ${command}: ${error.message}`);
      settle(127);
    });
    child.once("exit", (code, signal) => {
      settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * A killed npm, or the shell between it and us, tells nobody; what it started must not live on unseen.
 *
 * @param {() => void} act - Called once when the npm that started us has ended. Never without npm, where somebody may
 *   have left the terminal on purpose.
 * @returns {() => void} Stops watching.
 */
function whenNpmIsGone(act) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const watch = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(watch);
    act();
  }, 500);
  watch.unref();
  return () => clearInterval(watch);
}

/**
 * Runs a program quietly and collects what it says.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<{ code: number, output: string }>} `output` is stdout and stderr in the order they came.
 */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve) => {
    /** @type {Buffer[]} */
    const pieces = [];
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (piece) => pieces.push(piece));
    child.stderr.on("data", (piece) => pieces.push(piece));
    const stop = () => child.kill("SIGTERM");
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    const settle = (/** @type {number} */ code, /** @type {string} */ extra) => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve({ code, output: Buffer.concat(pieces).toString("utf8") + extra });
    };
    child.once("error", (error) => settle(127, error.message));
    child.once("close", (code, signal) => settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal]), ""));
  });
}

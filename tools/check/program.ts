import { spawn } from "node:child_process";
import { join } from "node:path";
import { root as home } from "../root.ts";

/** What a program said. */
export interface ProgramResult {
  readonly code: number;
  /** Standard output and error together, without colours. */
  readonly output: string;
}

/**
 * Runs one of the development tools of this repository by its own file, on the Node that runs us.
 *
 * @param script - Path below `node_modules` of the checkout this file lies in.
 * @param cwd - Where it runs; may be another tree.
 */
export function runTool(script: string, args: readonly string[], cwd: string): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(home, "node_modules", script), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const add = (piece: Buffer): void => {
      output += piece.toString("utf8");
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.once("error", (error) => resolve({ code: 127, output: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 1, output: output.trim() }));
  });
}

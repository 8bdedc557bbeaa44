import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KERNEL_FLAGS, sources } from "../setup/kernel.mjs";

/** The end of everything a sanitizer finds, with where. */
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/**
 * The core of the packet kernel by itself, compiled now with the address and the undefined-behaviour sanitizer. It takes
 * AES from the system's libcrypto, since there is no Node in it.
 *
 * @returns The program, or why there is none.
 */
export function sanitizedKernel(root: string): { readonly program: string } | { readonly why: string } {
  const program = join(mkdtempSync(join(tmpdir(), "lodeline-kernel-")), "kernel");
  const files = sources(root, ["", "harness"]);
  const args = ["-g", "-O1", ...SANITIZERS, ...KERNEL_FLAGS, ...files, "-l:libcrypto.so.3", "-lm", "-o", program];
  const { status, stderr, error } = spawnSync("cc", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? { program } : { why: (stderr ?? String(error)).trim().split("\n")[0] ?? "cc failed" };
}

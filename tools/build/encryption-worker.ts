import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { ProgramResult } from "../check/program.ts";

const CLIENT = "packages/client";
const SCRIPT = `${CLIENT}/dist/encryption-worker.js`;
const TEXT = `${CLIENT}/dist/encryption-worker-code.js`;

/** What the worker's code is made of, and the two files that it is made into. */
export const ENCRYPTION_WORKER = {
  inputs: ["base", "rtp", "sframe"]
    .map((name) => `packages/${name}/src/**/*.ts`)
    .concat(`${CLIENT}/src/encryption/**/*.ts`),
  outputs: [SCRIPT, TEXT],
} as const;

/**
 * Bundles the worker that encrypts frames: as a script, for pages that serve it themselves, and as a module with its text,
 * which the SDK starts it from, so that an application has no file to set up.
 */
export async function buildEncryptionWorker(root: string): Promise<ProgramResult> {
  try {
    const bundle = await build({
      entryPoints: [join(root, CLIENT, "src/encryption/worker.ts")],
      bundle: true,
      minify: true,
      format: "iife",
      target: "es2022",
      conditions: ["@lodeline/source"],
      legalComments: "none",
      write: false,
      logLevel: "silent",
    });
    const code = bundle.outputFiles[0]?.text ?? "";
    await mkdir(join(root, CLIENT, "dist"), { recursive: true });
    await writeFile(join(root, SCRIPT), code);
    await writeFile(join(root, TEXT), `export const workerCode = ${JSON.stringify(code)};\n`);
    return { code: 0, output: "" };
  } catch (error) {
    return { code: 1, output: String(error) };
  }
}

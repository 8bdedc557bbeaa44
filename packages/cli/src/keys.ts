import { readFile } from "node:fs/promises";
import { LodelineError } from "@lodeline/base";
import { parseSigningKeys, type SigningKey } from "@lodeline/server";

const HOW_TO = "Make one with `lodeline key`, keep it in a file for --key-file or in LODELINE_KEY.";

/**
 * The signing keys: from the file, else from LODELINE_KEY.
 *
 * @throws LodelineError `config/no-key` that says how to make one; `config/invalid` for a file that cannot be read or a
 * key that is unfit.
 */
export async function loadKeys(
  keyFile: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<readonly SigningKey[]> {
  const fromEnvironment = environment.LODELINE_KEY;
  if (keyFile !== undefined) return parseSigningKeys(await readKeyFile(keyFile), keyFile);
  if (fromEnvironment) return parseSigningKeys(fromEnvironment, "LODELINE_KEY");
  throw new LodelineError("config/no-key", { detail: `A signing key is needed. ${HOW_TO}` });
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LodelineError("config/invalid", { field: "key-file", detail: `${path} cannot be read: ${code}.`, cause });
  }
}

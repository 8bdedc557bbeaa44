import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LodelineError } from "@lodeline/base";
import { formatSigningKey, parseSigningKeys, type SigningKey } from "@lodeline/server";

/**
 * The signing key of a data folder, made when there is none: tokens of an earlier run stay good. Only its owner may read
 * it.
 *
 * @throws LodelineError `storage/unwritable` when it can be neither read nor written; `config/invalid` when it is unfit.
 */
export async function keptKey(folder: string, make: () => SigningKey): Promise<SigningKey> {
  const path = join(folder, "signing-key");
  try {
    const [key] = parseSigningKeys(await readFile(path, "utf8"), path);
    if (key) return key;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw unusable(path, cause);
  }
  const key = make();
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, `${formatSigningKey(key)}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw unusable(path, cause);
  }
  return key;
}

function unusable(path: string, cause: unknown): LodelineError {
  if (cause instanceof LodelineError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new LodelineError("storage/unwritable", { cause, detail: `${path} cannot be used: ${code}.` });
}

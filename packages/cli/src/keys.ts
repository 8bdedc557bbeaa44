import { readFile } from "node:fs/promises";
import { LodelineError } from "@lodeline/base";
import { parseSigningKeys, type SigningKey } from "@lodeline/server";
import { type OptionValues, textOption } from "./arguments.ts";

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

/**
 * The keys that a server and its media process share: from the file that an option names, else from LODELINE_MEDIA_KEY. A
 * server uses the first, a media process takes any.
 *
 * @throws LodelineError as {@link loadKeys}.
 */
export async function loadMediaKeys(
  values: OptionValues,
  option: "key-file" | "media-key-file",
  environment: NodeJS.ProcessEnv,
): Promise<readonly SigningKey[]> {
  const keyFile = textOption(values, option);
  if (keyFile !== undefined) return parseSigningKeys(await readKeyFile(keyFile, option), keyFile);
  const { LODELINE_MEDIA_KEY: kept } = environment;
  if (kept) return parseSigningKeys(kept, "LODELINE_MEDIA_KEY");
  const howTo = `Make one with \`lodeline key\`, for --${option} or LODELINE_MEDIA_KEY.`;
  throw new LodelineError("config/no-key", { detail: `A key that server and media process share is needed. ${howTo}` });
}

async function readKeyFile(path: string, option = "key-file"): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LodelineError("config/invalid", { field: option, detail: `${path} cannot be read: ${code}.`, cause });
  }
}

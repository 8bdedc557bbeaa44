import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The built page that lies beside this command, or `undefined` where none was built. */
export function pageDirectory(): string | undefined {
  // From `src/` and from `dist/` alike.
  const directory = fileURLToPath(new URL("../../web/dist", import.meta.url));
  return existsSync(directory) ? directory : undefined;
}

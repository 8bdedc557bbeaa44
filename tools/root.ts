import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this file lies in, an absolute path without a slash at the end. */
export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** `npm run build`: builds what is stale and says what could not be built. */
import { buildStale } from "./build.ts";

const failures = await buildStale();
for (const failure of failures) console.error(failure);
process.exitCode = failures.length === 0 ? 0 : 1;
